"""Open-addressing hash tables from tags to rows, as the decide kernel reads them.

A key's first slot is its product with an odd constant, shifted to the table's size; a full slot
sends the search to the next one. Tables are at most half full: a search ends after a slot or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

EMPTY_TAG: Final = 0xFFFFFFFF
EMPTY_KEY: Final = 0xFFFFFFFFFFFFFFFF
_TAG_FACTOR: Final = 0x9E3779B1
_KEY_FACTOR: Final = 0x9E3779B97F4A7C15


def tag_slot(tag: int, bits: int) -> int:
    """Return the first slot of `tag` in a table of 2**bits slots."""
    return ((tag * _TAG_FACTOR) & 0xFFFFFFFF) >> (32 - bits)


def key_slot(key: int, bits: int) -> int:
    """Return the first slot of a 64-bit (context << 32 | tag) in a table of 2**bits slots."""
    return ((key * _KEY_FACTOR) & 0xFFFFFFFFFFFFFFFF) >> (64 - bits)


def _bits_for(count: int) -> int:
    return max(1, (2 * count - 1).bit_length())


def place_tags(tags: Sequence[int]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]:
    """Return (keys, slots): the key array, shape (2**bits,), and the slot of each of `tags`."""
    bits = _bits_for(len(tags))
    mask = (1 << bits) - 1
    shift = 32 - bits
    table = [EMPTY_TAG] * (mask + 1)
    slots = []
    for tag in tags:
        slot = ((tag * _TAG_FACTOR) & 0xFFFFFFFF) >> shift
        while table[slot] != EMPTY_TAG:
            slot = (slot + 1) & mask
        table[slot] = tag
        slots.append(slot)
    return np.array(table, np.uint32), np.array(slots, np.intp)


def place_keys(
    rows: Mapping[int, tuple[int, int, int]],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Return (keys, values): arrays of shape (2**bits,) and (2**bits, 3) that hold `rows`."""
    bits = _bits_for(len(rows))
    mask = (1 << bits) - 1
    keys = np.full(mask + 1, EMPTY_KEY, np.uint64)
    values = np.zeros((mask + 1, 3), np.int32)
    used: set[int] = set()
    for key, row in rows.items():
        slot = key_slot(key, bits)
        while slot in used:
            slot = (slot + 1) & mask
        used.add(slot)
        keys[slot] = key
        values[slot] = row
    return keys, values


def find_tag(keys: npt.NDArray[np.uint32], tag: int) -> int:
    """Return the slot of `tag`, or -1."""
    mask = len(keys) - 1
    slot = tag_slot(tag, mask.bit_length())
    while keys[slot] != EMPTY_TAG:
        if keys[slot] == tag:
            return slot
        slot = (slot + 1) & mask
    return -1


def find_key(keys: npt.NDArray[np.uint64], key: int) -> int:
    """Return the slot of a (context << 32 | tag), or -1."""
    mask = len(keys) - 1
    slot = key_slot(key, mask.bit_length())
    while keys[slot] != EMPTY_KEY:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1
