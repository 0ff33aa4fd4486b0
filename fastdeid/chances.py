"""What the leak check finds and leaves alone: retained by name, or like an original by chance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Final

from fastdeid.mentions import says_identifier
from fastdeid.private_rows import creator_name
from fastdeid.profiles.private_tables import SOURCES, read_private_table
from fastdeid.spelled_dates import says_day

# Digits of numbers that texts hold by chance: parameters, and years of dates.
LONGEST_DOUBTFUL: Final = 5

_NAME_SEPARATORS: Final = re.compile(rb"[\s^=,.\\]+")
_CSA: Final = "SIEMENS CSA HEADER"
_CREATORS: Final = range(0x10, 0x100)


def is_creator(tag: int) -> bool:
    """Tell whether an element is a private creator by its tag, PS3.5 section 7.8.1."""
    return bool(tag >> 16 & 1) and tag & 0xFFFF in _CREATORS


@cache
def _creators() -> frozenset[str]:
    rows = (row for source in SOURCES for row in read_private_table(source).rows)
    return frozenset({_CSA, *(creator_name(row.creator) for row in rows)})


def is_known_creator(raw: bytes) -> bool:
    """Tell whether a value is a private creator of a table: fixed, whoever is called so."""
    return creator_name(raw.decode("latin_1")) in _creators()


def is_whole_name(value: bytes, names: Collection[bytes]) -> bool:
    """Tell whether a value holds two parts of one name: one alone names a place, or a device.

    names: as they stand in the file.
    """
    folded = value.lower()
    for name in names:
        parts = {part for part in _NAME_SEPARATORS.split(name.lower()) if len(part) > 1}
        if len(parts) > 1 and sum(part in folded for part in parts) > 1:
            return True
    return False


@lru_cache(maxsize=4096)
def says_number(value: bytes, number: str) -> bool:
    """Tell whether a text holds a short identifier, and not a parameter that looks alike: b1000."""
    return says_identifier(value.decode("latin_1"), number)


@lru_cache(maxsize=4096)
def says_one_of(value: bytes, days: frozenset[dt.date]) -> bool:
    """Tell whether a text says one of some days."""
    return says_day(value.decode("latin_1"), days)
