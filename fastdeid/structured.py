"""Structured content under the Clean Structured Content Option, PS3.15 E.3.4.

Content items are those of PS3.3 C.17.3 and of the macros of section 10.2: the items of Content
Sequence, Acquisition Context, Specimen Preparation, Waveform Annotation, and all others that have a
concept name. Each is treated by concept name and Value Type, see `fastdeid.concepts`; an attribute
that does not belong to the item's Value Type is treated as that of an unknown concept.

An age above 89 years goes even where an option retains ages: 45 CFR 164.514(b)(2) counts it among
the identifiers.

An item that the table removes goes as a whole, with two exceptions, in which its value is replaced:
where others stay below it, and where a relationship by reference (0040,DB73) counts the items. Of a
sequence that would lose all its items, none goes: empty, it would not be valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Final

import msgspec
import numpy as np

from fastdeid.actions import OLDEST
from fastdeid.codes import Operation
from fastdeid.concepts import CLEAN, KEEP, MAP, REMOVE, Concept, Concepts
from fastdeid.dicom.element_table import ElementTable
from fastdeid.kernels.elements import (
    END,
    FLAGS,
    IS_ITEM,
    LENGTH,
    LONG,
    N_COLUMNS,
    OPERATION,
    PARENT,
    SEQUENCE,
    TAG,
    VALUE,
)

# A file with none of these needs no call of `find`: sequences of content, and Concept Name.
MARKED: Final = (0x00400555, 0x00400560, 0x0040A730, 0x0040B020, 0x0040A043)

_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104
_CODE_VALUES: Final = (_CODE_VALUE, 0x00080119, 0x00080120)
_VALUE_TYPE: Final = 0x0040A040
_CONCEPT_NAME: Final = 0x0040A043
_CONCEPT_CODE: Final = 0x0040A168
_MEASURED_VALUE: Final = 0x0040A300
_NUMERIC_VALUE: Final = 0x0040A30A
_BY_REFERENCE: Final = 0x0040DB73
# Acquisition Context, Specimen Preparation Step Content Item, Content, Waveform Annotation.
_CONTENT: Final = (0x00400555, 0x00400612, 0x0040A730, 0x0040B020)
# The attributes that hold values, and the Value Type that each one tells of.
_TYPE_OF: Final = {
    0x0040A120: "DATETIME",
    0x0040A121: "DATE",
    0x0040A122: "TIME",
    0x0040A123: "PNAME",
    0x0040A124: "UIDREF",
    0x0040A160: "TEXT",
    0x00700006: "TEXT",
    _CONCEPT_CODE: "CODE",
    _MEASURED_VALUE: "NUM",
    _NUMERIC_VALUE: "NUM",
    0x00081199: "COMPOSITE",
}
_SAME_TYPE: Final = {"NUMERIC": "NUM", "IMAGE": "COMPOSITE", "WAVEFORM": "COMPOSITE"}
_UNITS: Final = 0x004008EA
# An age in a NUM item, and its units in years (UCUM).
_AGE: Final = re.compile(r"\bage\b", re.IGNORECASE)
_YEARS: Final = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25, "h": 1 / 8766}
_SUBJECT_NAME: Final = ("DCM", "121029", "")
_NO_CONCEPT: Final = ("", "", "")
_DATES: Final = frozenset(("DATE", "DATETIME", "TIME"))
_MOST_CODES: Final = 1 << 14

Change = tuple[int, Operation, str]


class _Item(msgspec.Struct):
    """A content item: its row, what is asked of it, and what it consists of.

    values: rows of the attributes that hold values. sequences: the items of each sequence of
    content items in it. goes: it may be removed with all that stands below it.
    """

    row: int
    concept: Concept
    value_type: str
    action: str
    values: list[int]
    sequences: list[list[_Item]]
    goes: bool = False


class StructuredContent:
    """Finds what happens to content items.

    options: the options of Table E.1-1 that are on.
    """

    def __init__(self, options: Collection[str]) -> None:
        self._concepts = Concepts(options)
        self._known: dict[tuple[bytes, bytes, bytes], Concept] = {}

    def find(self, loaded: ElementTable, rows: slice) -> list[Change]:
        """Return (row, operation, replacement) for the content items of the file `rows`, by row.

        The table's OPERATION has been decided: items that are removed already stay so. Rows that
        are not named stay as decided. replacement: as in `kinds.Kind`, "" unless REPLACE; "clean"
        and "shift" as the options do it to one value.
        """
        return sorted(_Walk(loaded, rows, self._concepts, self._known).changes())


class _Walk:
    """One file. Positions in `cells` are rows times N_COLUMNS plus a column."""

    def __init__(
        self,
        loaded: ElementTable,
        rows: slice,
        concepts: Concepts,
        known: dict[tuple[bytes, bytes, bytes], Concept],
    ) -> None:
        self._cells = loaded.cells
        self._view = loaded.view
        self._concepts = concepts
        self._known = known
        tags = loaded.table[rows, TAG]
        self._names = (np.flatnonzero(tags == _CONCEPT_NAME) + rows.start).tolist()
        found = [np.flatnonzero(tags == tag) for tag in _CONTENT]
        self._sequences = (np.concatenate(found) + rows.start).tolist()
        self._schemes = (np.flatnonzero(tags == _CODING_SCHEME) + rows.start).tolist()
        self._meanings = (np.flatnonzero(tags == _CODE_MEANING) + rows.start).tolist()
        self._items: dict[int, _Item] = {}
        self._counted = bool((tags == _BY_REFERENCE).any())
        self._changes: dict[int, tuple[Operation, str]] = {}

    def changes(self) -> Iterator[Change]:
        """Yield the changes in no order."""
        for items in self._trees():
            self._treat(items, blank=False)
        self._clean_meanings()
        for row, (operation, replace) in self._changes.items():
            yield row, operation, replace

    # Reading

    def _trees(self) -> list[list[_Item]]:
        """Return the content items that no other holds, those of one sequence together."""
        cells = self._cells
        found = {row: self._children(row) for row in self._sequences}
        for name in self._names:
            parent = cells[name * N_COLUMNS + PARENT]
            if parent >= 0:
                sequence = cells[parent * N_COLUMNS + PARENT]
                if sequence not in found:
                    found[sequence] = self._children(sequence)
        items = self._items
        trees: list[list[_Item]] = []
        # Outer sequences first: their rows are smaller.
        for sequence in sorted(found):
            rows = [row for row in found[sequence] if self._is_kept(row)]
            made = [self._read(row) for row in rows]
            items.update(zip(rows, made, strict=True))
            holder = items.get(cells[sequence * N_COLUMNS + PARENT])
            (trees if holder is None else holder.sequences).append(made)
        for item in reversed(items.values()):
            below = all(one.goes for sequence in item.sequences for one in sequence)
            item.goes = item.action == REMOVE and (below or item.value_type == "CONTAINER")
        return trees

    def _children(self, row: int) -> list[int]:
        cells = self._cells
        end = cells[row * N_COLUMNS + END]
        rows = []
        row += 1
        while row < end:
            rows.append(row)
            row = cells[row * N_COLUMNS + END]
        return rows

    def _is_kept(self, row: int) -> bool:
        at = row * N_COLUMNS
        return bool(self._cells[at + FLAGS] & IS_ITEM) and self._cells[at + OPERATION] == 0

    def _raw(self, row: int) -> bytes:
        at = row * N_COLUMNS
        if self._cells[at + FLAGS] & (LONG | SEQUENCE):
            return b""
        start = self._cells[at + VALUE]
        return self._view[start : start + self._cells[at + LENGTH]].tobytes()

    def _read(self, row: int) -> _Item:
        cells = self._cells
        concept, value_type = _NO_CONCEPT, ""
        values = []
        for child in self._children(row):
            at = child * N_COLUMNS
            tag = cells[at + TAG]
            if tag == _VALUE_TYPE:
                value_type = _text(self._raw(child)).upper()
            elif tag == _CONCEPT_NAME:
                concept = self._concept(child)
            if tag in _TYPE_OF:
                values.append(child)
        value_type = _SAME_TYPE.get(value_type, value_type)
        if not value_type and values:
            value_type = _TYPE_OF[cells[values[0] * N_COLUMNS + TAG]]
        action = self._concepts.action(concept, value_type)
        if value_type == "NUM" and _AGE.search(concept[2]) and self._years(row) > OLDEST:
            action = REMOVE
        return _Item(row, concept, value_type, action, values, [])

    def _concept(self, row: int) -> Concept:
        """Return the first code of a code sequence."""
        items = self._children(row)
        raw = {_CODING_SCHEME: b"", _CODE_VALUE: b"", _CODE_MEANING: b""}
        for child in self._children(items[0]) if items else []:
            tag = self._cells[child * N_COLUMNS + TAG]
            raw[_CODE_VALUE if tag in _CODE_VALUES else tag] = self._raw(child)
        key = (raw[_CODING_SCHEME], raw[_CODE_VALUE], raw[_CODE_MEANING])
        concept = self._known.get(key)
        if concept is None:
            if len(self._known) >= _MOST_CODES:
                self._known.clear()
            concept = self._known[key] = (_text(key[0]), _text(key[1]), _text(key[2]))
        return concept

    def _years(self, item: int) -> float:
        """Return the number in an item, taken as an age in its unit; what is no number is too high.

        Without a unit that is known it counts as years.
        """
        cells = self._cells
        number, years = b"", 1.0
        unit_until = -1
        for row in range(item + 1, cells[item * N_COLUMNS + END]):
            tag = cells[row * N_COLUMNS + TAG]
            if tag == _NUMERIC_VALUE:
                number = self._raw(row)
            elif tag == _UNITS:
                unit_until = cells[row * N_COLUMNS + END]
            elif tag == _CODE_VALUE and row < unit_until:
                years = _YEARS.get(_text(self._raw(row)), 1.0)
            elif tag == 0x0040A730:
                break
        try:
            return float(number.strip(b" \0") or b"0") * years
        except ValueError:
            return math.inf

    # Treating

    def _treat(self, items: list[_Item], *, blank: bool) -> None:
        """Treat the items of one sequence. blank: none of their values may stay."""
        all_go = all(item.goes for item in items)
        for item in items:
            if item.goes and not (all_go or self._counted):
                self._remove(item.row, self._cells[item.row * N_COLUMNS + END])
                continue
            for row in item.values:
                self._treat_value(item, row, blank=blank)
            hidden = blank or (item.action == REMOVE and item.value_type == "CONTAINER")
            for sequence in item.sequences:
                self._treat(sequence, blank=hidden)

    def _treat_value(self, item: _Item, row: int, *, blank: bool) -> None:
        tag = self._cells[row * N_COLUMNS + TAG]
        value_type = _TYPE_OF[tag]
        action = item.action
        if item.value_type != value_type:
            action = self._concepts.action(item.concept, value_type)
        if blank and action != MAP:
            action = REMOVE
        if action == KEEP:
            if value_type in _DATES or value_type in {"TEXT", "UIDREF"}:
                self._change(row, Operation.KEEP)
        elif tag in {_MEASURED_VALUE, _CONCEPT_CODE}:
            self._hide(row, tag)
        elif value_type == "UIDREF":
            self._change(row, Operation.REPLACE, "map_uid")
        elif value_type != "COMPOSITE":
            self._change(row, Operation.REPLACE, _replacement(item, value_type, action))

    def _hide(self, row: int, tag: int) -> None:
        """Empty a measured value, Type 2; put a dummy for a code, Type 1 (PS3.3 C.18.1, C.18.2)."""
        self._remove(row + 1, self._cells[row * N_COLUMNS + END])
        if tag == _CONCEPT_CODE:
            self._change(row, Operation.REPLACE, "items")
        else:
            self._change(row, Operation.EMPTY)

    def _remove(self, first: int, end: int) -> None:
        for row in range(first, end):
            self._changes[row] = (Operation.REMOVE, "")

    def _clean_meanings(self) -> None:
        """Clean Code Meaning in the codes of content items that are not of a standard scheme."""
        cells = self._cells
        standard: set[int] = set()
        known: dict[bytes, bool] = {}
        for row in self._schemes:
            raw = self._raw(row)
            if raw not in known:
                known[raw] = self._concepts.is_standard(_text(raw))
            if known[raw]:
                standard.add(cells[row * N_COLUMNS + PARENT])
        for row in self._meanings:
            code = cells[row * N_COLUMNS + PARENT]
            if code not in standard and self._is_inside(code):
                self._change(row, Operation.REPLACE, "clean")

    def _is_inside(self, row: int) -> bool:
        """Tell whether a row stands in a content item."""
        while row >= 0 and row not in self._items:
            row = self._cells[row * N_COLUMNS + PARENT]
        return row >= 0

    def _change(self, row: int, operation: Operation, replace: str = "") -> None:
        # What an outer item has removed stays removed.
        self._changes.setdefault(row, (operation, replace))


def _replacement(item: _Item, value_type: str, action: str) -> str:
    if action == CLEAN:
        return "shift" if value_type in _DATES else "clean"
    if value_type == "PNAME" and item.concept[:2] == _SUBJECT_NAME[:2]:
        return "patient_name"
    return "dummy"


def _text(raw: bytes) -> str:
    """Return a code string or code, which are ASCII; other bytes match nothing."""
    return raw.decode("latin_1").strip(" \0")
