"""What a profile does to the attributes of PS3.15 Table E.1-1, in the words of the table."""

from __future__ import annotations

from typing import Final

from fastdeid.policy import tag_of
from fastdeid.profiles.tables import PRIVATE_PATTERN, read_table
from fastdeid.rules import Profile

_NO_SOP_CLASS: Final = ""


def attribute_rows(profile: Profile) -> list[tuple[str, str, str]]:
    """Return (tag as printed, name, action code) of every row but that of private attributes.

    The code is that for instances which meet none of the profile's conditions.
    """
    rules = profile.rules(_NO_SOP_CLASS)
    return [
        (row.pattern, row.name, rules.choose(tag_of(row.pattern)).code)
        for row in read_table().rows
        if row.pattern != PRIVATE_PATTERN and row.vr
    ]
