"""How far a run looks into pixel data."""

from __future__ import annotations

from enum import StrEnum

from fastdeid.errors import UsageError


class PixelMode(StrEnum):
    """What a run does with pixel data, as far as the profile's `[pixels]` allows it.

    EXAMINE: region rules, and a search for text in every frame. REGIONS: region rules alone, frames
    are not looked at. OFF: pixel data is copied as it is.
    """

    EXAMINE = "examine"
    REGIONS = "regions"
    OFF = "off"


def check_mode(name: str) -> PixelMode:
    """Return the mode of a name; raises UsageError when there is none."""
    try:
        return PixelMode(name)
    except ValueError:
        raise UsageError(f"pixels is {', '.join(PixelMode)}") from None
