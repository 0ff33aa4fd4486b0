"""A data set written again from its rows, in plain Python: the oracle of the assemble kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.builders import BIG, EXPLICIT, ITEM_DELIMITATION, LONG_VRS, SEQUENCE_DELIMITATION
from tests.builders import tag_bytes as bytes_of
from tests.kernels.naive_scan import Row

KEEP, REMOVE, EMPTY, REPLACE = range(4)
MOST: Final = {2: 0xFFFF, 4: 0xFFFFFFFE}


class TooLongError(Exception):
    """A value does not fit into its length field."""


def assemble_data_set(
    data: bytes,
    rows: Sequence[Row],
    operations: Sequence[int],
    values: Mapping[int, bytes],
    inserts: Sequence[tuple[int, bytes]],
) -> bytes:
    """Return the data set that `operations` ask for; raises TooLongError.

    values: new values of replaced rows. inserts: (tag, whole element), ascending; each stands
    before the first element of a higher tag.
    """
    children: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        children.setdefault(row.parent, []).append(number)

    def write(number: int) -> bytes:
        row, operation = rows[number], operations[number]
        if operation == REMOVE:
            return b""
        if operation != KEEP:
            return frame(data, row, values.get(number, b"") if operation == REPLACE else b"")
        if not (row.sequence or row.item):
            return data[row.header : row.value + row.length]
        return frame(data, row, b"".join(write(child) for child in children.get(number, [])))

    parts = []
    waiting = list(inserts)
    for number in children.get(-1, []):
        while waiting and waiting[0][0] < rows[number].tag:
            parts.append(waiting.pop(0)[1])
        parts.append(write(number))
    return b"".join([*parts, *(element for _, element in waiting)])


def frame(data: bytes, row: Row, content: bytes) -> bytes:
    """Return header, content and, for items of undefined length, delimiter (PS3.5 section 7.5)."""
    size = 4 if row.implicit or row.item or row.vr in LONG_VRS else 2
    head = data[row.header : row.value]
    if row.undefined:
        coding = BIG if row.big and row.vr != "UN" else EXPLICIT
        end = ITEM_DELIMITATION if row.item else SEQUENCE_DELIMITATION
        return head + content + bytes_of(end, coding) + bytes(4)
    if len(content) > MOST[size]:
        raise TooLongError
    return head[:-size] + len(content).to_bytes(size, "big" if row.big else "little") + content


def find_standing(rows: Sequence[Row], operations: Sequence[int], tag: int) -> list[int]:
    """Return the numbers of the rows of `tag` that stand with a value, below kept rows only."""
    standing = []
    for number, row in enumerate(rows):
        above, parent = [], row.parent
        while parent >= 0:
            above.append(operations[parent])
            parent = rows[parent].parent
        if row.tag == tag and operations[number] in {KEEP, REPLACE} and not any(above):
            standing.append(number)
    return standing
