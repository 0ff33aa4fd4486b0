"""Action codes of PS3.15 Table E.1-1a: compound codes by attribute Type, C by VR."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from fastdeid.errors import ProfileError


class Operation(IntEnum):
    """What happens to one data element; the numbers are those of the decide kernel."""

    KEEP = 0
    REMOVE = 1
    EMPTY = 2
    REPLACE = 3


# Order of the columns below. "3" also stands for an attribute that the known IOD does not have:
# there it is a Standard Extended attribute, which is Type 3. "?": an unknown IOD or sequence.
TYPES: Final = ("1", "1C", "2", "2C", "3", "?")

# "X unless Z or D is required to maintain IOD conformance". Where a code offers nothing for a Type,
# the next stronger action of the same code is taken, and for an unknown Type the one that is valid
# for every Type. Z may be a dummy value (Table E.1-1a), so an attribute of Type 1 gets one. X alone
# gives way only to unconditional Types: an instance without them is invalid, and a dummy or nothing
# tells as little as a missing element. X/Z/U* keeps references of Type 2, too: without them the
# Common Instance Reference Module lists what the instance does not refer to (PS3.3 C.12.2).
_CHOICES: Final = {
    "X": "DXZXXX",
    "D": "DDDDDD",
    "Z": "DDZZZZ",
    "U": "UUUUUU",
    "K": "KKKKKK",
    "C": "CCCCCC",
    "Z/D": "DDZZZD",
    "X/Z": "DDZZXZ",
    "X/D": "DDDDXD",
    "X/Z/D": "DDZZXD",
    "X/Z/U*": "UUUUXU",
}


# Action C, "replace with values of similar meaning known not to contain identifying information",
# by VR. Times stay under a shift by whole days, but what is no time does not.
_CLEAN_METHODS: Final = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"), "clean"),
    **dict.fromkeys(("DA", "DT", "TM"), "shift"),
    "AS": "cap_age",
    "SQ": "items",
    "UI": "map_uid",
}
TIMEZONE_OFFSET_FROM_UTC: Final = 0x00080201


def clean_method(tag: int, vr: str) -> str:
    """Return how action C is carried out: "" where it cannot be, "items" by what items hold."""
    return "shift" if tag == TIMEZONE_OFFSET_FROM_UTC else _CLEAN_METHODS.get(vr, "")


def is_code(code: str) -> bool:
    """Tell whether `code` is one of Table E.1-1a."""
    return code in _CHOICES


def choose_action(code: str, attribute_type: str) -> str:
    """Return the single action letter (X, Z, D, U, K or C) of `code` for an attribute of a Type.

    attribute_type: one of TYPES. Raises ProfileError for a code that Table E.1-1a does not define.
    """
    try:
        return _CHOICES[code][TYPES.index(attribute_type)]
    except KeyError:
        raise ProfileError(f"no action code {code!r} in Table E.1-1a") from None


def depends_on_type(code: str) -> bool:
    """Tell whether attributes of different Types get different actions."""
    return len(set(_CHOICES[code])) > 1


def is_compound(code: str) -> bool:
    """Tell whether `code` is one of the compound codes, X/Z and the like."""
    return "/" in code
