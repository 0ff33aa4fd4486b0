"""What was masked, as manifests tell it."""

from __future__ import annotations

from typing import Final

import msgspec

# How the reason begins of a box in an overlay plane; its group follows.
IN_OVERLAY: Final = "text_in_overlay_60"


class MaskedBox(msgspec.Struct, frozen=True):
    """A box that was filled in some frames in a row. first_frame, last_frame: from 1.

    Of an overlay with data of its own the frames and the samples are those of the overlay.
    """

    first_frame: int
    last_frame: int
    top: int
    left: int
    bottom: int
    right: int
    reason: str
    score: float

    @property
    def is_in_overlay(self) -> bool:
        """Whether the box is one of an overlay plane, and not of Pixel Data."""
        return self.reason.startswith(IN_OVERLAY)
