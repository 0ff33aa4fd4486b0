"""What was masked, as manifests tell it."""

from __future__ import annotations

import msgspec


class MaskedBox(msgspec.Struct, frozen=True):
    """A box that was filled in some frames in a row. first_frame, last_frame: from 1."""

    first_frame: int
    last_frame: int
    top: int
    left: int
    bottom: int
    right: int
    reason: str
    score: float
