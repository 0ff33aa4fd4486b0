"""What was resolved before: replaced values and needles by (kind, context, raw value), in arrays for kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.kernels import rules as kernel

_FIRST_ENTRIES: Final = 4096
_FIRST_BYTES: Final = 1 << 18
_FIRST_NEEDLES: Final = 4096
# Values that never repeat (instance UIDs) fill the memo; at this many bytes or entries it starts anew.
MOST_BYTES: Final = 32 << 20
MOST_ENTRIES: Final = 1 << 18


class Memo:
    """The hash table that `decide_actions` probes, and what it points to.

    slots: shape (n_slots,), entry numbers, -1 free. entries: shape (n, N_ENTRY_COLUMNS). arena: shape
    (n,), bytes of keys, results and needles. needles: shape (n, 3), start, length, boundary.
    results: the replacing value of each entry.
    """

    def __init__(self) -> None:
        self.entries = np.zeros((_FIRST_ENTRIES, kernel.N_ENTRY_COLUMNS), np.int64)
        self.arena = np.zeros(_FIRST_BYTES, np.uint8)
        self.needles = np.zeros((_FIRST_NEEDLES, 3), np.int64)
        self.active = np.zeros(_FIRST_NEEDLES, np.int64)
        self.links = np.zeros(_FIRST_NEEDLES, np.int32)
        self.stamp = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything; only between two files."""
        self.slots = np.full(4 * len(self.entries), -1, np.int32)
        self.results: list[bytes] = []
        self._used = 0
        self._n_needles = 0

    def next_file(self) -> int:
        """Return a stamp that no file had before, after making room when the memo is too large."""
        if self._used > MOST_BYTES or len(self.results) > MOST_ENTRIES:
            self.clear()
        self.stamp += 1
        return self.stamp

    def add(
        self,
        code: int,
        kind: int,
        context: int,
        raw: bytes,
        result: bytes,
        needles: Iterable[tuple[bytes, int]],
    ) -> int:
        """Remember a resolved value under the hash `code` of the decide kernel; return its entry.

        A negative code gives an entry that no later value finds.
        """
        entry = len(self.results)
        if entry == len(self.entries):
            self._grow_entries()
        key = self._store(raw)
        start = self._store(result)
        first = self._n_needles
        for value, boundary in needles:
            self._add_needle(value, boundary)
        self.entries[entry] = (
            *(code, kind, context, key, len(raw), start, len(result)),
            *(first, self._n_needles - first, 0),
        )
        self.results.append(result)
        if code >= 0:
            self._place(entry, code)
        return entry

    def activate(self, entry: int, n_active: int) -> int:
        """Put the needles of a new entry on this file's list, as the kernel does for known ones."""
        self.entries[entry, kernel.STAMP] = self.stamp
        first = int(self.entries[entry, kernel.FIRST_NEEDLE])
        count = int(self.entries[entry, kernel.N_NEEDLES])
        self.active[n_active : n_active + count] = range(first, first + count)
        return n_active + count

    def _store(self, data: bytes) -> int:
        start = self._used
        end = start + len(data)
        if end > len(self.arena):
            self.arena = np.concatenate([self.arena, np.zeros(max(len(self.arena), len(data)), np.uint8)])
        self.arena[start:end] = np.frombuffer(data, np.uint8)
        self._used = end
        return start

    def _add_needle(self, value: bytes, boundary: int) -> None:
        number = self._n_needles
        if number == len(self.needles):
            self.needles = np.concatenate([self.needles, np.zeros_like(self.needles)])
            self.active = np.concatenate([self.active, np.zeros_like(self.active)])
            self.links = np.concatenate([self.links, np.zeros_like(self.links)])
        self.needles[number] = (self._store(value), len(value), boundary)
        self._n_needles = number + 1

    def _grow_entries(self) -> None:
        self.entries = np.concatenate([self.entries, np.zeros_like(self.entries)])
        self.slots = np.full(4 * len(self.entries), -1, np.int32)
        for entry in range(len(self.results)):
            code = int(self.entries[entry, kernel.HASH])
            if code >= 0:
                self._place(entry, code)

    def _place(self, entry: int, code: int) -> None:
        slots = self.slots
        mask = len(slots) - 1
        slot = code & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry
