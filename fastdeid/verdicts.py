"""Verdicts: what became of one input file."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of one input file. Only `OK` and `REVIEW` have an output of their own.

    REVIEW: what was masked should be looked at, because it may not have been text.
    """

    OK = "ok"
    REVIEW = "review"
    QUARANTINED = "quarantined"
    NOT_DICOM = "not_dicom"
    UNREADABLE = "unreadable"
    DICOMDIR = "dicomdir"
    DUPLICATE = "duplicate"
    COLLISION = "collision"


WITH_OUTPUT = frozenset({Verdict.OK, Verdict.REVIEW})
