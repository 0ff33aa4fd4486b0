"""What became of each element of a file: its data set and that of the output, side by side."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from fastdeid.dicom.reader import Reader
from fastdeid.kernels.elements import BULK, END, FLAGS, LENGTH, N_COLUMNS, SEQUENCE, TAG, VALUE, VR
from fastdeid.tags import VR_NAMES

KEPT, REMOVED, EMPTIED, REPLACED, INSERTED = "kept", "removed", "emptied", "replaced", "inserted"

_CHUNK: Final = 1 << 20


class Element(NamedTuple):
    """A data element. value: as it stands in the file, a digest where it was not loaded.

    items: of a sequence, else None. is_loaded: `value` is the value. length: in bytes. row: in the
    element table.
    """

    tag: int
    vr: str
    value: bytes
    items: list[list[Element]] | None
    is_loaded: bool
    length: int
    row: int


class Change(NamedTuple):
    """What became of one element. path: tags of the sequences that it stands in.

    before, after: None where there is no such element.
    """

    path: tuple[int, ...]
    what: str
    before: Element | None
    after: Element | None

    @property
    def element(self) -> Element:
        """The element, as it was where it was there before."""
        element = self.before or self.after
        if element is None:
            raise ValueError("a change of nothing")
        return element


def read_elements(reader: Reader, fd: int, size: int) -> list[Element]:
    """Return the data set of an open file of `size` bytes. Raises the reader's DicomError."""
    reader.read(fd, size)
    return _elements(reader, fd, 0, reader.n_rows)


def _elements(reader: Reader, fd: int, first: int, last: int) -> list[Element]:
    found = []
    cells = reader.cells
    row = first
    while row < last:
        at = row * N_COLUMNS
        tag, vr, end = cells[at + TAG], VR_NAMES[cells[at + VR]], cells[at + END]
        if cells[at + FLAGS] & SEQUENCE:
            items = []
            item = row + 1
            while item < end:
                items.append(_elements(reader, fd, item + 1, cells[item * N_COLUMNS + END]))
                item = cells[item * N_COLUMNS + END]
            found.append(Element(tag, vr, b"", items, is_loaded=True, length=len(items), row=row))
        else:
            is_bulk = bool(cells[at + FLAGS] & BULK)
            start, length = cells[at + VALUE], cells[at + LENGTH]
            value = _value(reader, fd, start, length, is_bulk=is_bulk)
            found.append(
                Element(tag, vr, value, None, is_loaded=not is_bulk, length=length, row=row)
            )
        row = end
    return found


def _value(reader: Reader, fd: int, start: int, length: int, *, is_bulk: bool) -> bytes:
    if not is_bulk:
        return reader.view[start : start + length].tobytes()
    state = hashlib.blake2b()
    if reader.inflated is not None:
        state.update(reader.inflated[start : start + length])
        return state.digest()
    for at in range(start, start + length, _CHUNK):
        state.update(os.pread(fd, min(_CHUNK, start + length - at), at))
    return state.digest()


# Tells whether the items of a sequence are gone through, by path and tag: it is not replaced.
IsWalked = Callable[[tuple[int, ...], int], bool]


def compare(
    before: Sequence[Element],
    after: Sequence[Element],
    is_walked: IsWalked,
    path: tuple[int, ...] = (),
) -> Iterator[Change]:
    """Yield what became of each element, in the order of their tags, and of what sequences hold."""
    new = {element.tag: element for element in after}
    old = {element.tag for element in before}
    changes = [Change(path, "", element, new.get(element.tag)) for element in before]
    changes += [Change(path, INSERTED, None, one) for one in after if one.tag not in old]
    for change in sorted(changes, key=lambda change: change.element.tag):
        one, other = change.before, change.after
        if one is None or other is None:
            yield change._replace(what=change.what or REMOVED)
        elif one.items and other.items and is_walked(path, one.tag):
            yield change._replace(what=KEPT)
            yield from _compare_items(one, other, is_walked, (*path, one.tag))
        else:
            yield change._replace(what=_outcome(one, other))


def _outcome(before: Element, after: Element) -> str:
    if _is_same(before, after):
        return KEPT
    return REPLACED if after.length else EMPTIED


def _is_same(one: Element, other: Element) -> bool:
    if one.items is None or other.items is None:
        return one.items is other.items and (one.tag, one.value) == (other.tag, other.value)
    return len(one.items) == len(other.items) and all(
        len(left) == len(right) and all(map(_is_same, left, right))
        for left, right in zip(one.items, other.items, strict=True)
    )


def _compare_items(
    before: Element, after: Element, is_walked: IsWalked, path: tuple[int, ...]
) -> Iterator[Change]:
    left = list(after.items or ())
    items = before.items or ()
    for number, item in enumerate(items):
        surplus = len(items) - number - len(left)
        if left and (surplus <= 0 or _is_of(left[0], item)):
            yield from compare(item, left.pop(0), is_walked, path)
        else:
            yield from (Change(path, REMOVED, element, None) for element in item)


def _is_of(new: Sequence[Element], old: Sequence[Element]) -> bool:
    """Tell whether an item can be what is left of another."""
    values = {element.tag: element.value for element in old}
    if not all(element.tag in values for element in new):
        return False
    return any(element.value == values[element.tag] for element in new if element.value)
