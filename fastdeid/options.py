"""The options of PS3.15 Annex E: names, columns of Table E.1-1 and codes of PS3.16 CID 7050."""

from __future__ import annotations

from functools import cache
from typing import Final

from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import Row, read_methods, read_table

Code = tuple[str, str, str]

# Options without a column: they are about pixel data. The code of the first is claimed for each
# instance every frame of which was examined, whether the profile names the option or not.
CLEAN_PIXEL_DATA: Final = "clean_pixel_data"
CLEAN_VISUAL_FEATURES: Final = "clean_recognizable_visual_features"
PIXEL_OPTIONS: Final = (CLEAN_PIXEL_DATA, CLEAN_VISUAL_FEATURES)
BASIC: Final = "basic"

RETAIN_UIDS: Final = "retain_uids"
RETAIN_SAFE_PRIVATE: Final = "retain_safe_private"
RETAIN_FULL_DATES: Final = "retain_longitudinal_full_dates"
RETAIN_MODIFIED_DATES: Final = "retain_longitudinal_modified_dates"
CLEAN_STRUCTURED_CONTENT: Final = "clean_structured_content"
CLEAN_DESCRIPTORS: Final = "clean_descriptors"
CLEAN_GRAPHICS: Final = "clean_graphics"

# (0028,0303): what the date options leave of the longitudinal temporal information.
_TEMPORAL: Final = {RETAIN_FULL_DATES: "UNMODIFIED", RETAIN_MODIFIED_DATES: "MODIFIED"}


@cache
def read_option_codes() -> dict[str, Code]:
    """Return name -> (value, scheme, meaning) of CID 7050, "basic" first, in the order of values.

    The name of an option is that of its column: "Retain UIDs Option" is retain_uids.
    """
    return {_name(code[2]): code for code in read_methods()}


def _name(meaning: str) -> str:
    if meaning.startswith("Basic"):
        return BASIC
    words = meaning.removesuffix(" Option").replace("Temporal Information ", "")
    return words.lower().replace(" ", "_")


def option_names() -> tuple[str, ...]:
    """Return the name of every option."""
    return tuple(name for name in read_option_codes() if name != BASIC)


def with_clean_pixel_data(claims: tuple[Code, ...]) -> tuple[Code, ...]:
    """Return the codes claimed and that of Clean Pixel Data, in the order of their values."""
    return tuple(sorted({*claims, read_option_codes()[CLEAN_PIXEL_DATA]}))


def check_option(name: str) -> None:
    """Raise ProfileError for a name that is no option."""
    if name not in option_names():
        raise ProfileError(f"no option {name!r} in Table E.1-1")


def check_options(options: tuple[str, ...]) -> None:
    """Raise ProfileError for options that PS3.15 E.3 does not allow together."""
    if RETAIN_FULL_DATES in options and RETAIN_MODIFIED_DATES in options:
        raise ProfileError(f"{RETAIN_FULL_DATES} and {RETAIN_MODIFIED_DATES} exclude each other")


def choose_option(row: Row, options: tuple[str, ...]) -> tuple[str, str]:
    """Return (code, option) for a row of Table E.1-1: ("K" or "C", its option), or ("", "").

    K of a chosen option beats C: what one option allows to be retained needs no cleaning.
    """
    columns = read_table().columns
    chosen = {row.codes[columns.index(name)]: name for name in options if name in columns}
    for code in ("K", "C"):
        if code in chosen:
            return code, chosen[code]
    return "", ""


def temporal_information(options: tuple[str, ...]) -> str:
    """Return the value of (0028,0303) Longitudinal Temporal Information Modified."""
    return next((word for name, word in _TEMPORAL.items() if name in options), "REMOVED")
