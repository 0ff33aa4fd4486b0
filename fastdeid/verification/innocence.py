"""Hits in elements that look like originals and are none, or are retained by name.

A run leaves them for the same reasons, see `chances`: the judgement on one value is shared, what is
searched for and found is not.
"""

from __future__ import annotations

from typing import Final

from fastdeid.chances import (
    CODE_VALUES,
    CODED,
    CODING_SCHEME,
    LONGEST_DOUBTFUL,
    is_ambiguous,
    is_clinical,
    is_creator,
    is_known_creator,
    says_number,
)
from fastdeid.profiles.tables import read_schemes
from fastdeid.verification.originals import NAME, PATIENT
from fastdeid.verification.places import TEXT, Content, Place
from fastdeid.verification.searching import Hit

_PADDING: Final = b" \0"
# Longer values are no labels.
_LONGEST: Final = 1 << 16


def is_innocent(content: Content, hit: Hit, *, retained: bool, cleaned: bool) -> bool:
    """Tell whether a hit in an element says nothing about the patient.

    retained: an option or a rule of the profile retains the element by name. cleaned: the profile
    cleans texts, and leaves in them what is also a clinical word.
    """
    place, needle = hit.place, hit.needle
    if not place.tag or place.kind != TEXT or place.end - place.start > _LONGEST:
        return False
    value = content.data[place.start : place.end].tobytes().strip(_PADDING)
    if is_creator(place.tag):
        return is_known_creator(value)
    if place.tag in CODED and _has_standard_scheme(content, place):
        return place.tag in CODE_VALUES or is_clinical(value)
    single = needle.kind == NAME and needle.value.isalpha()
    if needle.value.isdigit() and len(needle.value) <= LONGEST_DOUBTFUL:
        return not says_number(value, needle.value.decode("ascii").lstrip("0"))
    if single and cleaned and is_ambiguous(needle.value):
        return True
    if retained or place.tag == CODING_SCHEME:
        return single or needle.kind not in {NAME, PATIENT}
    return False


def _has_standard_scheme(content: Content, place: Place) -> bool:
    """Tell whether the Coding Scheme Designator beside an attribute of a code is a standard one."""
    schemes = [one for one in content.places if one.tag == CODING_SCHEME and one.path == place.path]
    behind = [one for one in schemes if one.start > place.start]
    before = [one for one in schemes if one.start < place.start]
    beside = behind[:1] if place.tag < CODING_SCHEME else before[-1:]
    return any(
        content.data[one.start : one.end].tobytes().strip(_PADDING).decode("latin_1")
        in read_schemes()
        for one in beside
    )
