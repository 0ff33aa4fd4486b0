"""Verdicts: what became of one input file."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of one input file. Only `OK` has an output of its own."""

    OK = "ok"
    QUARANTINED = "quarantined"
    NOT_DICOM = "not_dicom"
    UNREADABLE = "unreadable"
    DICOMDIR = "dicomdir"
    DUPLICATE = "duplicate"
    COLLISION = "collision"
