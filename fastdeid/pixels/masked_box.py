"""What was masked, as manifests tell it."""

from __future__ import annotations

from typing import Final

import msgspec

# How the reason begins of a box in an overlay plane; its group follows.
IN_OVERLAY: Final = "text_in_overlay_60"
# The reason of a box in an image that an item holds.
IN_ICON: Final = "text_in_icon"
ELSEWHERE: Final = (IN_OVERLAY, IN_ICON)


class MaskedBox(msgspec.Struct, frozen=True):
    """A box that was filled in some frames in a row. first_frame, last_frame: from 1.

    Of an overlay with data of its own, or an icon, the frames and the samples are those of it.
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
    def is_elsewhere(self) -> bool:
        """Whether the box is one of an overlay plane or an icon, and not of the Pixel Data."""
        return self.reason.startswith(ELSEWHERE)
