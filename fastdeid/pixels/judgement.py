"""What an examination of pixels comes to."""

from __future__ import annotations

from enum import StrEnum


class Judgement(StrEnum):
    """What an examination comes to."""

    CLEAN = "clean"
    MASKED = "masked"
    REVIEW = "review"
    TOO_MUCH = "too_much"
