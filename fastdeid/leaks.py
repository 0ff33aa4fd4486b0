"""The leak check: a file's own identifying values must not stand in any element that is kept."""

from __future__ import annotations

import os
import re
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.dicom.loaded import Loaded
from fastdeid.kernels import search
from fastdeid.kernels.elements import (
    BULK,
    ENTRY,
    FLAGS,
    FRAGMENTS,
    LENGTH,
    OPERATION,
    SEQUENCE,
    VALUE,
    VR,
)
from fastdeid.kinds import Kinds
from fastdeid.memo import Memo
from fastdeid.needles import is_defined_term
from fastdeid.tags import VR_NAMES

_NEVER: Final = 1 << 30
_CHUNK: Final = 1 << 20
# Longer than any needle: names, identifiers and UIDs are at most 64 characters, phrases 1024 bytes.
_OVERLAP: Final = 1 << 11

# Bytes that a needle must have to count, where chance meets short ones: digits in numbers, any
# bytes in binary values. UN may be text whose VR was lost. A kept UID is in the PS3.6 registry.
_LEAST_BY_VR: Final = {
    **dict.fromkeys(("DS", "IS"), 6),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW"), 6),
    **dict.fromkeys(("AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), 8),
    "AS": _NEVER,
    "UI": _NEVER,
}
# Text in which the standard defines words, and a word in it: no byte beside it may be half of a
# character of two.
_WORDED: Final = frozenset(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"))
_WORD: Final = re.compile(rb"(?<![\x80-\xffA-Za-z])[A-Za-z]{5,}(?![\x80-\xffA-Za-z])")


class LeakCheck:
    """Finds elements that are kept, or texts that were cleaned, with needles of their own file."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._checked = np.zeros(0, np.uint8)
        self._least = np.array([_LEAST_BY_VR.get(vr, 3) for vr in VR_NAMES], np.int64)
        self._least.setflags(write=False)
        self._hits = np.zeros((0, 2), np.int64)

    def find_rows(
        self,
        loaded: Loaded,
        numbers: npt.NDArray[np.int64],
        memo: Memo,
        pixels: npt.NDArray[np.int64],
    ) -> list[tuple[int, int]]:
        """Return file and row of the loaded values that hold a needle.

        numbers: shape (n,), which of the files that are loaded. pixels: shape (n_files,), row of
        the pixel data of each file, whose samples are not searched, or -1.
        """
        if len(self._hits) < len(loaded.table):
            self._hits = np.zeros((len(loaded.table), 2), np.int64)
        if len(self._checked) < len(self._kinds.rows):
            self._checked = np.array([kind.deferred for kind in self._kinds.rows], np.uint8)
            self._checked.setflags(write=False)
        n = search.find_rows_with_needles(
            *(loaded.header, loaded.table, loaded.files, numbers, pixels, self._least),
            self._checked,
            *(memo.arena, memo.entries, memo.needles, memo.heads, memo.links),
            *(memo.next_stamps(len(numbers)), self._hits),
        )
        if not n:
            return []
        hits = [(number, row) for number, row in self._hits[:n].tolist()]
        return [hit for hit in hits if not self._is_chance(loaded, *hit, memo)]

    def _is_chance(self, loaded: Loaded, number: int, row: int, memo: Memo) -> bool:
        """Tell whether names stand only inside words of the standard: Prima in PRIMARY."""
        if loaded.table[row, OPERATION] != 0:
            return self._is_inside_words(loaded, number, row, memo)
        value = loaded.value(row)
        vr = int(loaded.table[row, VR])
        if VR_NAMES[vr] not in _WORDED or b"\x1b" in value or not value:
            return False
        rest = _WORD.sub(_without_term, value)
        if rest == value:
            return False
        active = memo.needles_of(loaded.table[loaded.rows(number)])
        inside = memo.needles[active, search.BOUNDARY] == search.ANYWHERE
        return (
            self._find(value, vr, memo, active[~inside]) < 0
            and self._find(rest, vr, memo, active[inside]) < 0
        )

    def _is_inside_words(self, loaded: Loaded, number: int, row: int, memo: Memo) -> bool:
        """Tell whether names stand in a cleaned text only inside other words: Maria in mamaria.

        Who cleaned the text knew names that run into other words, and what is written together.
        """
        value = memo.result(int(loaded.table[row, ENTRY]))
        active = memo.needles_of(loaded.table[loaded.rows(number)])
        boundaries = memo.needles[active, search.BOUNDARY].copy()
        memo.needles[active, search.BOUNDARY] = np.where(
            boundaries == search.ANYWHERE, search.NO_LETTERS, boundaries
        )
        found = self._find(value, int(loaded.table[row, VR]), memo, active)
        memo.needles[active, search.BOUNDARY] = boundaries
        return found < 0

    def _find(self, value: bytes, vr: int, memo: Memo, active: npt.NDArray[np.int64]) -> int:
        """Return a needle that stands in a value, -1 for none."""
        text = np.frombuffer(bytearray(value), np.uint8)
        found = search.find_needle(
            *(text, 0, len(text), int(self._least[vr])),
            *(memo.arena, memo.needles, active, len(active), memo.heads, memo.links),
        )
        return int(found)

    def find_bulk_rows(
        self, loaded: Loaded, number: int, memo: Memo, pixels: int, fd: int
    ) -> list[int]:
        """Return the kept rows whose value was not loaded and holds a needle; reads them in pieces.

        fd: the file `number`. Raises the OSError of a failed read.
        """
        table = loaded.table[loaded.rows(number)]
        first = loaded.rows(number).start
        flags = table[:, FLAGS]
        is_bulk = (flags & BULK != 0) & (flags & (FRAGMENTS | SEQUENCE) == 0)
        rows: list[int] = np.flatnonzero(is_bulk & (table[:, OPERATION] == 0)).tolist()
        active = memo.needles_of(table)
        return [
            first + row
            for row in rows
            if first + row != pixels and self._holds_needle(fd, table[row], memo, active)
        ]

    def _holds_needle(
        self,
        fd: int,
        row: npt.NDArray[np.int64],
        memo: Memo,
        active: npt.NDArray[np.int64],
    ) -> bool:
        at = int(row[VALUE])
        end = at + int(row[LENGTH])
        while at < end:
            chunk = os.pread(fd, min(_CHUNK + _OVERLAP, end - at), at)
            if self._find(chunk, int(row[VR]), memo, active) >= 0:
                return True
            at += _CHUNK
        return False


def _without_term(word: re.Match[bytes]) -> bytes:
    return b" " * len(word[0]) if is_defined_term(word[0].decode("ascii")) else word[0]
