"""What was resolved before: new values and needles by (kind, context, raw value), for kernels."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

import numpy as np

from fastdeid.dicom.reader import cells_of
from fastdeid.kernels import rules as kernel

_FIRST_ENTRIES: Final = 8192
_FIRST_BYTES: Final = 4 << 20
_FIRST_NEEDLES: Final = 16384
_SLOTS_PER_ENTRY: Final = 4
_WIDTH: Final = kernel.N_ENTRY_COLUMNS
_ENTRY_SIZE: Final = 8 * _WIDTH
_PACK_ENTRY: Final = Struct(f"={_WIDTH}q").pack_into
_NEEDLE_SIZE: Final = 8 * 3
_PACK_NEEDLE: Final = Struct("=3q").pack_into
# Values that never repeat (instance UIDs) fill the memo. At this many bytes or entries it starts
# anew, before it outgrows the processor's cache; what does repeat is soon resolved again.
MOST_BYTES: Final = 3 << 20
MOST_ENTRIES: Final = 6000


class Memo:
    """The hash table that `decide_actions` probes, and what it points to.

    slots: shape (n_slots,), entry numbers, -1 free. entries: shape (n, N_ENTRY_COLUMNS). arena:
    shape (n,), bytes of keys, results and needles. needles: shape (n, 3), start, length,
    boundary. results: the replacing value of each entry. The memory views on the arrays are there
    because an item is written through them in a third of the time.
    """

    def __init__(self) -> None:
        self.stamp = 0
        self.n_entries = 0
        self._used = 0
        self._n_needles = 0
        self.results: list[bytes] = []
        self._allocate(_FIRST_ENTRIES, _FIRST_BYTES, _FIRST_NEEDLES)
        self._forget()

    def next_file(self) -> int:
        """Return a stamp that no file had before, after making room when the memo is too large."""
        if self._used > MOST_BYTES or self.n_entries > MOST_ENTRIES:
            self._forget()
        self.stamp += 1
        return self.stamp

    def add(
        self,
        code: int,
        kind: int,
        context: int,
        raw: bytes,
        *,
        result: bytes,
        needles: Sequence[tuple[bytes, int]] = (),
    ) -> int:
        """Remember a resolved value under the hash `code` of the decide kernel; return its entry.

        A negative code gives an entry that no later value finds.
        """
        entry, first, start = self.n_entries, self._n_needles, self._used
        stored = raw + result
        for value, _ in needles:
            stored += value
        end = start + len(stored)
        if entry == len(self.entries):
            self._grow(entries=2 * entry)
        if end > len(self.arena):
            self._grow(n_bytes=2 * end)
        while first + len(needles) > len(self.needles):
            self._grow(needles=2 * len(self.needles))
        self._bytes[start:end] = stored
        at = start + len(raw) + len(result)
        for number, (value, boundary) in enumerate(needles, first):
            _PACK_NEEDLE(self._needle_bytes, _NEEDLE_SIZE * number, at, len(value), boundary)
            at += len(value)
        result_at = start + len(raw)
        row = (code, kind, context, start, len(raw), result_at, len(result))
        _PACK_ENTRY(self._entry_bytes, _ENTRY_SIZE * entry, *row, first, len(needles), 0)
        self._n_needles = first + len(needles)
        self._used = end
        self.n_entries = entry + 1
        self.results.append(result)
        if code >= 0:
            self._place(entry, code)
        return entry

    def activate(self, entry: int, n_active: int) -> int:
        """Put the needles of a new entry on this file's list, as the kernel does for known ones."""
        cells = self._entry_cells
        at = _WIDTH * entry
        cells[at + kernel.STAMP] = self.stamp
        first = cells[at + kernel.FIRST_NEEDLE]
        active = self._active_cells
        for needle in range(first, first + cells[at + kernel.N_NEEDLES]):
            active[n_active] = needle
            n_active += 1
        return n_active

    def _forget(self) -> None:
        self.slots[:] = -1
        self.results = []
        self.n_entries = 0
        self._used = 0
        self._n_needles = 0

    def _grow(self, entries: int = 0, n_bytes: int = 0, needles: int = 0) -> None:
        # The number of entries stays a power of two: the kernel masks hashes with that of slots.
        old = self.entries, self.arena, self.needles, self.active
        self._allocate(
            max(entries, len(self.entries)),
            max(n_bytes, len(self.arena)),
            max(needles, len(self.needles)),
        )
        self.entries[: len(old[0])] = old[0]
        self.arena[: len(old[1])] = old[1]
        self.needles[: len(old[2])] = old[2]
        self.active[: len(old[3])] = old[3]
        codes = self.entries[: len(self.results), kernel.HASH].tolist()
        for entry, code in enumerate(codes):
            if code >= 0:
                self._place(entry, code)

    def _allocate(self, entries: int, n_bytes: int, needles: int) -> None:
        self.entries = np.zeros((entries, _WIDTH), np.int64)
        self.arena = np.zeros(n_bytes, np.uint8)
        self.needles = np.zeros((needles, 3), np.int64)
        self.active = np.zeros(needles, np.int64)
        self.links = np.zeros(needles, np.int32)
        self.slots = np.full(_SLOTS_PER_ENTRY * entries, -1, np.int32)
        self._entry_cells = cells_of(self.entries)
        self._entry_bytes = self.entries.data.cast("B")
        self._needle_bytes = self.needles.data.cast("B")
        self._active_cells = cells_of(self.active)
        self._slot_cells: memoryview[int] = self.slots.data.cast("B").cast("i")
        self._bytes = self.arena.data

    def _place(self, entry: int, code: int) -> None:
        slots = self._slot_cells
        mask = len(slots) - 1
        slot = code & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry
