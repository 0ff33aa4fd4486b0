"""Attributes that a profile puts into every output, such as those of a trial (C.7.1.3)."""

from __future__ import annotations

import string
from typing import Final, NamedTuple

from fastdeid.errors import ProfileError
from fastdeid.overrides import check_decidable, find_attribute, parse_path

# Characters of a value, PS3.5 table 6.2-1; a pseudonym of a patient has 16.
_LONGEST: Final = {"CS": 16, "LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UC": 10240, "UT": 10240}
PATIENT: Final = "{patient}"
_PSEUDONYM: Final = "0" * 16
_CODE_STRING: Final = frozenset(string.ascii_uppercase + string.digits + "_ ")


class Insertion(NamedTuple):
    """An attribute of the data set itself, its VR, its ASCII value, and why it is there."""

    tag: int
    vr: str
    value: str
    reason: str

    def for_patient(self, pseudonym: str) -> str:
        """Return the value for a patient: {patient} is the pseudonym."""
        return self.value.replace(PATIENT, pseudonym)


def parse_insertion(attribute: str, value: str, reason: str) -> Insertion:
    """Return what a profile inserts; raise ProfileError when it would not be valid DICOM."""
    path = parse_path(attribute)
    if len(path) > 1:
        raise ProfileError(f"{attribute!r} is inside a sequence")
    check_decidable(path, attribute)
    vr = find_attribute(path[0]).vr
    if vr not in _LONGEST:
        raise ProfileError(f"an attribute of VR {vr} cannot be inserted")
    insertion = Insertion(path[0], vr, value, reason)
    longest = insertion.for_patient(_PSEUDONYM)
    if not longest.isascii() or not longest.isprintable():
        raise ProfileError("the value is not printable ASCII")
    if len(longest) > _LONGEST[vr] or (vr == "CS" and set(longest) - _CODE_STRING):
        raise ProfileError(f"the value is not valid for VR {vr}")
    return insertion
