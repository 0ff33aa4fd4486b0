"""What was resolved before: new values and needles by (kind, context, raw value), for kernels."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.dicom.loaded import cells_of
from fastdeid.kernels import rules as kernel
from fastdeid.kernels import search, uids
from fastdeid.kernels.elements import ENTRY

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
# Results that no later value finds and that are longer than this (Siemens CSA headers) stand
# between the others and are not in their way: memory bounds them, not the cache.
PASSING_LENGTH: Final = 4096
MOST_PASSING: Final = 16 << 20


class Memo:
    """The hash table that `decide_actions` probes, and what it points to.

    slots: shape (n_slots,), entry numbers, -1 free. entries: shape (n, N_ENTRY_COLUMNS). arena:
    shape (n,), bytes of keys, results and needles. generation: how often the memo has started anew.
    used: shape (3,), how many entries, bytes and needles there are. needles: shape (n, 3), start,
    length, boundary. heads, links: workspaces of the search. The memory views on the arrays are
    there because an item is written through them in a third of the time.
    """

    def __init__(self) -> None:
        self._stamp = 0
        self.generation = 0
        self.used = np.zeros(3, np.int64)
        self._used_cells = cells_of(self.used)
        self._allocate(_FIRST_ENTRIES, _FIRST_BYTES, _FIRST_NEEDLES)
        self._forget()

    def make_room(self) -> None:
        """Start anew when the memo is too large. Entries stay what they are until the next call."""
        used = self._used_cells
        remembered = used[uids.N_BYTES] - self._passing
        if (
            remembered > MOST_BYTES
            or self._passing > MOST_PASSING
            or used[uids.N_ENTRIES] > MOST_ENTRIES
        ):
            self._forget()

    def next_stamps(self, n_files: int) -> int:
        """Return the first of `n_files` stamps that no file had before."""
        first = self._stamp + 1
        self._stamp += n_files
        return first

    def result(self, entry: int) -> bytes:
        """Return the new value that an entry holds."""
        at = _WIDTH * entry
        start = self._entry_cells[at + kernel.RESULT]
        return bytes(self._bytes[start : start + self._entry_cells[at + kernel.RESULT_LENGTH]])

    def key(self, entry: int) -> bytes:
        """Return the original value of an entry."""
        at = _WIDTH * entry
        start = self._entry_cells[at + kernel.KEY]
        return bytes(self._bytes[start : start + self._entry_cells[at + kernel.KEY_LENGTH]])

    def needles_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the numbers of the needles that some rows of an element table bring up."""
        found = np.unique(rows[:, ENTRY])
        spans = self.entries[found[found >= 0]][:, [kernel.FIRST_NEEDLE, kernel.N_NEEDLES]].tolist()
        numbers = [np.arange(first, first + n) for first, n in spans if n]
        return np.concatenate([np.zeros(0, np.int64), *numbers])

    def reserve(self, n_entries: int, n_bytes: int) -> None:
        """Make room for more entries, with one needle each, of so many bytes in all."""
        used = self._used_cells
        while used[uids.N_ENTRIES] + n_entries > len(self.entries):
            self._grow(entries=2 * len(self.entries))
        if used[uids.N_BYTES] + n_bytes > len(self.arena):
            self._grow(n_bytes=2 * (used[uids.N_BYTES] + n_bytes))
        while used[uids.N_NEEDLES] + n_entries > len(self.needles):
            self._grow(needles=2 * len(self.needles))

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
        used = self._used_cells
        entry, start, first = used[uids.N_ENTRIES], used[uids.N_BYTES], used[uids.N_NEEDLES]
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
        used[uids.N_ENTRIES], used[uids.N_BYTES] = entry + 1, end
        used[uids.N_NEEDLES] = first + len(needles)
        if code >= 0:
            self._place(entry, code)
        elif len(result) > PASSING_LENGTH:
            self._passing += len(stored)
        return entry

    def _forget(self) -> None:
        self.generation += 1
        self.slots[:] = -1
        self.used[:] = 0
        self._passing = 0

    def _grow(self, entries: int = 0, n_bytes: int = 0, needles: int = 0) -> None:
        # The number of entries stays a power of two: the kernel masks hashes with that of slots.
        old = self.entries, self.arena, self.needles
        self._allocate(
            max(entries, len(self.entries)),
            max(n_bytes, len(self.arena)),
            max(needles, len(self.needles)),
        )
        self.entries[: len(old[0])] = old[0]
        self.arena[: len(old[1])] = old[1]
        self.needles[: len(old[2])] = old[2]
        codes = self.entries[: self._used_cells[uids.N_ENTRIES], kernel.HASH].tolist()
        for entry, code in enumerate(codes):
            if code >= 0:
                self._place(entry, code)

    def _allocate(self, entries: int, n_bytes: int, needles: int) -> None:
        self.entries = np.zeros((entries, _WIDTH), np.int64)
        self.arena = np.zeros(n_bytes, np.uint8)
        self.needles = np.zeros((needles, 3), np.int64)
        self.links = np.zeros(needles, np.int32)
        self.heads = np.zeros(search.N_HEADS, np.int32)
        self.slots = np.full(_SLOTS_PER_ENTRY * entries, -1, np.int32)
        self._entry_cells = cells_of(self.entries)
        self._entry_bytes = self.entries.data.cast("B")
        self._needle_bytes = self.needles.data.cast("B")
        self._slot_cells: memoryview[int] = self.slots.data.cast("B").cast("i")
        self._bytes = self.arena.data

    def _place(self, entry: int, code: int) -> None:
        slots = self._slot_cells
        mask = len(slots) - 1
        slot = code & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry
