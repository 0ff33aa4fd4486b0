"""Which options this version carries out: a profile that asks for more does not run."""

from __future__ import annotations

from typing import Final

from fastdeid.errors import ProfileError
from fastdeid.options import option_names
from fastdeid.settings import MASK, MEASUREMENTS, Settings

# Options whose every rule is carried out. Those about pixel data are accepted and never claimed.
AVAILABLE: Final = frozenset(option_names())


def require_available(settings: Settings) -> None:
    """Raise ProfileError for a profile that asks for what this version cannot do yet."""
    for option in settings.options:
        if option not in AVAILABLE:
            raise ProfileError(f"option {option!r} is not available in this version")


def require_reader(settings: Settings) -> None:
    """Raise ProfileError for a profile that keeps lines of text where nothing can read them."""
    wanted = settings.pixels
    if wanted.text == MASK and wanted.keep == MEASUREMENTS:
        from fastdeid.pixels import ocr

        if not ocr.is_installed():
            raise ProfileError(f"keep = {MEASUREMENTS!r} needs an OCR engine: {ocr.HINT}")
