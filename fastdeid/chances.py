"""What the leak check finds and leaves alone: retained by name, or like an original by chance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Final

from fastdeid.dicom.loaded import Loaded
from fastdeid.kernels.elements import END, N_COLUMNS, PARENT, TAG
from fastdeid.mentions import says_identifier
from fastdeid.private_rows import creator_name
from fastdeid.profiles.private_tables import SOURCES, read_private_table
from fastdeid.profiles.tables import read_schemes
from fastdeid.spelled_dates import says_day
from fastdeid.vocabulary import read_vocabulary

# Digits of numbers that texts hold by chance: parameters, and years of dates.
LONGEST_DOUBTFUL: Final = 5

# Attributes of the Code Sequence Macro, PS3.3 section 8.8.
CODING_SCHEME: Final = 0x00080102
CODE_VALUES: Final = (0x00080100, 0x00080119, 0x00080120)
CODED: Final = (*CODE_VALUES, 0x00080104)

_NAME_SEPARATORS: Final = re.compile(rb"[\s^=,.\\]+")
_CSA: Final = "SIEMENS CSA HEADER"
_WORD: Final = re.compile(rb"[A-Za-z]{2,}")
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


def has_standard_scheme(loaded: Loaded, row: int) -> bool:
    """Tell whether an attribute of a code belongs to one of the standard's coding schemes."""
    cells = loaded.cells
    item = cells[row * N_COLUMNS + PARENT]
    if item < 0:
        return False
    for beside in range(item + 1, cells[item * N_COLUMNS + END]):
        at = beside * N_COLUMNS
        if cells[at + TAG] == CODING_SCHEME and cells[at + PARENT] == item:
            return loaded.value(beside).decode("latin_1").strip(" \0") in read_schemes()
    return False


@lru_cache(maxsize=4096)
def is_clinical(value: bytes) -> bool:
    """Tell whether all words of a value are those of the standard's code meanings."""
    words = [word.decode("ascii").lower() for word in _WORD.findall(value)]
    vocabulary = read_vocabulary()
    return value.isascii() and all(
        vocabulary.knows(word) or vocabulary.is_ambiguous(word) for word in words
    )


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
def is_ambiguous(needle: bytes) -> bool:
    """Tell whether a name is also a clinical word, which the cleaning of texts may leave."""
    return needle.isalpha() and read_vocabulary().is_ambiguous(needle.decode("latin_1").lower())


@lru_cache(maxsize=4096)
def says_number(value: bytes, number: str) -> bool:
    """Tell whether a text holds a short identifier, and not a parameter that looks alike: b1000."""
    return says_identifier(value.decode("latin_1"), number)


@lru_cache(maxsize=4096)
def says_one_of(value: bytes, days: frozenset[dt.date]) -> bool:
    """Tell whether a text says one of some days."""
    return says_day(value.decode("latin_1"), days)
