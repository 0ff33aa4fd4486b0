"""The leak check: a file's own identifying values must not stand in any element that is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.chances import (
    CODE_VALUES,
    CODED,
    CODING_SCHEME,
    LONGEST_DOUBTFUL,
    has_standard_scheme,
    is_ambiguous,
    is_clinical,
    is_creator,
    is_known_creator,
    is_whole_name,
    says_number,
    says_one_of,
)
from fastdeid.dates import days_of
from fastdeid.dicom.element_table import path_of
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
    TAG,
    VALUE,
    VR,
)
from fastdeid.kernels.rules import KIND
from fastdeid.kinds import Kinds
from fastdeid.memo import Memo
from fastdeid.needles import is_defined_term
from fastdeid.rules import Rules
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
_NUMBER: Final = re.compile(rb"\d{4,5}")
_PARTS: Final = re.compile(rb"[\\^\s\0]+")
_PATIENT: Final = ("patient",)
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

    def without_retained(
        self,
        loaded: Loaded,
        hits: Sequence[tuple[int, int]],
        rules: Mapping[int, Rules],
        memo: Memo,
    ) -> list[tuple[int, int]]:
        """Return hits without values that an option or the profile retains by name.

        The name of an institution, a device or a day may be that of something which is removed
        elsewhere; only the patient's IDs, and whole names, must not stand there. The same holds for
        codes of the standard's schemes, whose meanings nobody types.

        rules: of each file.
        """
        return [hit for hit in hits if not self._is_retained(loaded, *hit, rules, memo)]

    def _is_retained(
        self, loaded: Loaded, number: int, row: int, rules: Mapping[int, Rules], memo: Memo
    ) -> bool:
        cells = loaded.table[row]
        own = rules[number]
        context = own.context_of(path_of(loaded, row))
        if cells[OPERATION] != 0:
            return False
        value = loaded.value(row)
        tag = int(cells[TAG])
        if tag in CODED:
            return has_standard_scheme(loaded, row) and (tag in CODE_VALUES or is_clinical(value))
        if not own.retains(tag, context) and tag != CODING_SCHEME:
            return False
        table = loaded.table[loaded.rows(number)]
        needles = memo.needles_of(table[self._learnt(table, memo, _PATIENT)])
        if self._find(value, int(cells[VR]), memo, needles) >= 0:
            return False
        names = self._originals(table, memo, ("name",))
        return bool(value) and not is_whole_name(value, names)

    def _learnt(
        self, table: npt.NDArray[np.int64], memo: Memo, harvests: Iterable[str]
    ) -> npt.NDArray[np.int64]:
        """Return the rows of a file whose values are harvested as one of some kinds."""
        rows = np.flatnonzero(table[:, ENTRY] >= 0)
        wanted = [kind.harvest in harvests for kind in self._kinds.rows]
        found: npt.NDArray[np.int64] = rows[
            np.array(wanted, np.bool_)[memo.entries[table[rows, ENTRY], KIND]]
        ]
        return found

    def _originals(
        self, table: npt.NDArray[np.int64], memo: Memo, harvests: Iterable[str]
    ) -> list[bytes]:
        """Return the original values of a file that are harvested as one of some kinds."""
        entries = np.unique(table[self._learnt(table, memo, harvests), ENTRY])
        return [memo.key(entry) for entry in entries.tolist()]

    def _is_chance(self, loaded: Loaded, number: int, row: int, memo: Memo) -> bool:
        """Tell whether a hit is none: Prima in PRIMARY, the number 1000 in b1000, a year alone."""
        table = loaded.table[loaded.rows(number)]
        vr = int(loaded.table[row, VR])
        active = memo.needles_of(table)
        if loaded.table[row, OPERATION] != 0:
            value = memo.result(int(loaded.table[row, ENTRY]))
            return self._is_left_by_cleaner(value, vr, memo, active)
        value = loaded.value(row)
        if is_creator(int(loaded.table[row, TAG])) and is_known_creator(value):
            return True
        if not value:
            return False
        doubtful = self._doubtful(memo, active)
        if doubtful.any():
            if self._says_one(value, table, memo, active[doubtful]):
                return False
            active = active[~doubtful]
            if self._find(value, vr, memo, active) < 0:
                return True
        if VR_NAMES[vr] not in _WORDED or b"\x1b" in value:
            return False
        rest = _WORD.sub(_without_term, value)
        inside = memo.needles[active, search.BOUNDARY] == search.ANYWHERE
        return rest != value and (
            self._find(value, vr, memo, active[~inside]) < 0
            and self._find(rest, vr, memo, active[inside]) < 0
        )

    @staticmethod
    def _doubtful(memo: Memo, active: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which needles are short numbers, which texts hold by chance."""
        short: npt.NDArray[np.bool_] = memo.needles[active, search.LENGTH] <= LONGEST_DOUBTFUL
        for place in np.flatnonzero(short).tolist():
            start, length, _ = memo.needles[active[place]].tolist()
            short[place] = bytes(memo.arena[start : start + length]).isdigit()
        return short

    def _says_one(
        self,
        value: bytes,
        table: npt.NDArray[np.int64],
        memo: Memo,
        doubtful: npt.NDArray[np.int64],
    ) -> bool:
        """Tell whether a text says one of some short numbers, or a day of one of the years."""
        numbers = set()
        for start, length, _ in memo.needles[doubtful].tolist():
            numbers.add(bytes(memo.arena[start : start + length]))
        if numbers.isdisjoint(_NUMBER.findall(value)):
            return False
        raw = self._originals(table, memo, ("date",))
        days = frozenset(day for one in raw for day in days_of(one))
        if says_one_of(value, days):
            return True
        known = self._originals(table, memo, ("patient", "identifier", "name"))
        numbers = {number.lstrip(b"0") for number in numbers}
        numbers &= {part.lstrip(b"0") for one in known for part in _PARTS.split(one)}
        return any(says_number(value, number.decode("ascii")) for number in numbers)

    def _is_left_by_cleaner(
        self, value: bytes, vr: int, memo: Memo, active: npt.NDArray[np.int64]
    ) -> bool:
        """Tell whether names stand in a cleaned text only inside other words: Maria in mamaria.

        Who cleaned the text knew names that run into other words, and what is written together;
        which short numbers are parameters, and which names are clinical words.
        """
        active = active[~self._doubtful(memo, active)]
        spans = memo.needles[active, : search.BOUNDARY].tolist()
        words = [is_ambiguous(bytes(memo.arena[at : at + length])) for at, length in spans]
        active = active[~np.array(words, np.bool_)]
        boundaries = memo.needles[active, search.BOUNDARY].copy()
        memo.needles[active, search.BOUNDARY] = np.where(
            boundaries == search.ANYWHERE, search.NO_LETTERS, boundaries
        )
        found = self._find(value, vr, memo, active)
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
