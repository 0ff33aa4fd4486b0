"""Open-addressing hash tables from tags to rows, as the decide kernel reads them.

A key's first slot is its product with an odd constant, shifted to the table's size; a full slot
sends the search to the next one. Tables are at most half full: a search ends after a slot or two.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

EMPTY_TAG: Final = 0xFFFFFFFF
EMPTY_KEY: Final = 0xFFFFFFFFFFFFFFFF
_TAG_FACTOR: Final = 0x9E3779B1
_KEY_FACTOR: Final = 0x9E3779B97F4A7C15
_FNV_START: Final = 0xCBF29CE484222325
_FNV_FACTOR: Final = 0x100000001B3


def tag_slot(tag: int, bits: int) -> int:
    """Return the first slot of `tag` in a table of 2**bits slots."""
    return ((tag * _TAG_FACTOR) & 0xFFFFFFFF) >> (32 - bits)


def key_slot(key: int, bits: int) -> int:
    """Return the first slot of a 64-bit (context << 32 | tag) in a table of 2**bits slots."""
    return ((key * _KEY_FACTOR) & 0xFFFFFFFFFFFFFFFF) >> (64 - bits)


def _place(homes: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Return a slot for each first slot in `homes`: itself, or the next free one after it.

    In every round the free slots go to the first that ask for them, and the others move on by one.
    """
    slots = homes.copy()
    free = np.ones(size, np.bool_)
    owners = np.zeros(size, np.intp)
    waiting = np.arange(len(homes))
    while len(waiting):
        owners[slots[waiting[::-1]]] = waiting[::-1]
        placed = free[slots[waiting]] & (owners[slots[waiting]] == waiting)
        free[slots[waiting[placed]]] = False
        waiting = waiting[~placed]
        slots[waiting] = (slots[waiting] + 1) % size
    return slots


def _bits_for(count: int) -> int:
    return max(1, (2 * count - 1).bit_length())


def place_tags(
    tags: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]:
    """Return (keys, slots): the key array, shape (2**bits,), and the slot of each of `tags`."""
    bits = _bits_for(len(tags))
    homes = (tags.astype(np.uint64) * np.uint64(_TAG_FACTOR)) & np.uint64(0xFFFFFFFF)
    slots = _place((homes >> np.uint64(32 - bits)).astype(np.intp), 1 << bits)
    keys = np.full(1 << bits, EMPTY_TAG, np.uint32)
    keys[slots] = tags
    return keys, slots


def place_keys(
    rows: Mapping[int, tuple[int, int, int]],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Return (keys, values): arrays of shape (2**bits,) and (2**bits, 3) that hold `rows`."""
    bits = _bits_for(len(rows))
    names = np.array(list(rows), np.uint64)
    homes = (names * np.uint64(_KEY_FACTOR)) >> np.uint64(64 - bits)
    slots = _place(homes.astype(np.intp), 1 << bits)
    keys = np.full(1 << bits, EMPTY_KEY, np.uint64)
    keys[slots] = names
    values = np.zeros((1 << bits, 3), np.int32)
    values[slots] = np.array(list(rows.values()), np.int32).reshape(-1, 3)
    return keys, values


@functools.lru_cache(4)
def place_uids(uids: frozenset[bytes]) -> npt.NDArray[np.uint64]:
    """Return the table of the 64-bit FNV-1a hashes of UIDs, which `map_uids` takes.

    It is made once for a registry, and shared.
    """
    texts = list(uids)
    lengths = np.array([len(text) for text in texts], np.intp)
    longest = int(lengths.max(initial=0))
    padded = b"".join([text.ljust(longest, b"\0") for text in texts])
    columns = np.frombuffer(padded, np.uint8).reshape(len(texts), longest).T.astype(np.uint64)
    names = np.full(len(texts), _FNV_START, np.uint64)
    for place, column in enumerate(columns):
        names = np.where(lengths > place, (names ^ column) * np.uint64(_FNV_FACTOR), names)
    names = np.unique(names)
    bits = _bits_for(len(names))
    homes = (names * np.uint64(_KEY_FACTOR)) >> np.uint64(64 - bits)
    keys = np.full(1 << bits, EMPTY_KEY, np.uint64)
    keys[_place(homes.astype(np.intp), 1 << bits)] = names
    return keys


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
