"""A data set parser in plain Python, written from PS3.5 section 7: the oracle of the scan kernel.

It holds the whole file in memory and descends by recursion. Offsets are those of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fastdeid.tags import VR_NAMES
from tests.builders import ITEM, ITEM_DELIMITATION, LONG_VRS, SEQUENCE_DELIMITATION, UNDEFINED

PIXEL_DATA: Final = 0x7FE00010
FRAGMENT_VRS: Final = frozenset("OB OD OF OL OV OW".split())
# Sequences and items that may be open at the same time.
MOST_OPEN: Final = 63
# Bytes of a private value in UN that is looked into.
MOST_TRIED: Final = 1 << 20


@dataclass
class Row:
    """One data element or item. vr: "" for an item. parent, end: numbers of rows.

    length: of the value; of the content where it is undefined, without the delimiter (with it for
    fragments). end_offset: behind everything that belongs to the row.
    """

    tag: int
    vr: str
    header: int
    value: int
    parent: int
    depth: int
    undefined: bool = False
    implicit: bool = False
    big: bool = False
    sequence: bool = False
    item: bool = False
    fragments: bool = False
    length: int = 0
    end: int = 0
    end_offset: int = 0


class RefusedError(Exception):
    """The bytes are not a data set."""

    def __init__(self, reason: str, tag: int, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tag = tag
        self.offset = offset


@dataclass
class Scan:
    """What a parser has found: rows in file order, and where the data set ends."""

    rows: list[Row] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True)
class _Coding:
    explicit: bool
    big: bool


@dataclass(frozen=True)
class _Header:
    tag: int
    vr: str
    length: int
    size: int


def scan_elements(
    data: bytes, start: int, dictionary: Mapping[int, str], *, explicit: bool, big: bool
) -> Scan:
    """Return the rows of the data set that starts at `start`; raise RefusedError for none.

    dictionary: VR of the attributes of PS3.6. `Scan.end` is before the end of `data` where bytes
    stand behind the data set.
    """
    return _Parser(data, dictionary).parse(start, _Coding(explicit, big))


class _Parser:
    def __init__(self, data: bytes, dictionary: Mapping[int, str]) -> None:
        self.data = data
        self.dictionary = dictionary
        self.scan = Scan()
        self.n_tried = 0

    def parse(self, start: int, coding: _Coding) -> Scan:
        at = start
        last = 0
        rows = self.scan.rows
        while at < len(self.data):
            if at + 8 > len(self.data):
                if not rows:
                    raise RefusedError("truncated", 0, at)
                break
            head = self.header(at, coding)
            if rows and self.stands_behind(head, last):
                break
            last = head.tag
            at = self.element(at, head, coding, len(self.data), parent=-1, depth=0)
        self.scan.end = at
        return self.scan

    def stands_behind(self, head: _Header, last: int) -> bool:
        """Zeros, or after the pixel data what is no element or does not ascend."""
        if head.tag == 0:
            return True
        return last >= PIXEL_DATA and (head.vr == "?" or head.tag <= last)

    # Numbers and headers, PS3.5 section 7.1

    def number(self, at: int, size: int, coding: _Coding) -> int:
        return int.from_bytes(self.data[at : at + size], "big" if coding.big else "little")

    def header(self, at: int, coding: _Coding) -> _Header:
        """Return the header at `at`; its VR is "?" when there is no such VR."""
        tag = self.number(at, 2, coding) << 16 | self.number(at + 2, 2, coding)
        if not coding.explicit or tag >> 16 == 0xFFFE:
            return _Header(tag, self.implicit_vr(tag), self.number(at + 4, 4, coding), 8)
        vr = self.data[at + 4 : at + 6].decode("latin-1")
        if vr not in VR_NAMES:
            return _Header(tag, "?", 0, 8)
        if vr not in LONG_VRS:
            return _Header(tag, vr, self.number(at + 6, 2, coding), 8)
        if at + 12 > len(self.data):
            raise RefusedError("truncated", tag, at)
        return _Header(tag, vr, self.number(at + 8, 4, coding), 12)

    def implicit_vr(self, tag: int) -> str:
        group, number = divmod(tag, 0x10000)
        if group % 2:
            return "LO" if 0x10 <= number <= 0xFF else "UN"
        if number == 0:
            return "UL"
        if group >> 8 in {0x50, 0x60}:
            tag &= 0xFF00FFFF
        return self.dictionary.get(tag, "UN")

    # Elements

    def element(
        self, at: int, head: _Header, coding: _Coding, limit: int, *, parent: int, depth: int
    ) -> int:
        """Add the rows of one element; return where it ends."""
        if head.vr == "?":
            raise RefusedError("unknown_vr", head.tag, at)
        if head.tag >> 16 == 0xFFFE:
            raise RefusedError("bad_item", head.tag, at)
        value = at + head.size
        if head.length != UNDEFINED:
            self.check_end(value + head.length, limit, head.tag, at)
        row = Row(head.tag, head.vr, at, value, parent, depth)
        row.implicit, row.big = not coding.explicit, coding.big
        row.undefined = head.length == UNDEFINED
        if self.is_sequence(head, value, coding):
            return self.sequence(row, head, coding, limit)
        if self.may_be_sequence(head, value):
            end = self.try_sequence(row, head, coding, limit)
            if end is not None:
                return end
        if row.undefined:
            if head.tag != PIXEL_DATA or row.implicit or head.vr not in FRAGMENT_VRS:
                raise RefusedError("undefined_length", head.tag, at)
            return self.fragments(row)
        row.length = head.length
        self.add(row)
        return self.close(row, value + head.length)

    def is_sequence(self, head: _Header, value: int, coding: _Coding) -> bool:
        """SQ; UN of undefined length; UN that the dictionary and its first item say to be one."""
        if head.vr != "UN" or head.length == UNDEFINED:
            return head.vr in {"SQ", "UN"} and (head.vr == "SQ" or head.length == UNDEFINED)
        is_item = self.data[value : value + 4] == b"\xfe\xff\x00\xe0"
        known = self.implicit_vr(head.tag) == "SQ"
        return coding.explicit and head.length >= 8 and known and is_item

    def may_be_sequence(self, head: _Header, value: int) -> bool:
        """Private UN that begins as an item, and is not too long to be looked into."""
        is_private_un = head.vr == "UN" and bool(head.tag >> 16 & 1)
        is_item = self.data[value : value + 4] == b"\xfe\xff\x00\xe0"
        return is_private_un and is_item and 8 <= head.length <= MOST_TRIED

    def try_sequence(self, row: Row, head: _Header, coding: _Coding, limit: int) -> int | None:
        """Add a sequence and return where it ends; None, with nothing added, when it is none."""
        n_rows = len(self.scan.rows)
        self.n_tried += 1
        try:
            return self.sequence(row, head, coding, limit)
        except RefusedError:
            del self.scan.rows[n_rows:]
            row.sequence = False
            return None
        finally:
            self.n_tried -= 1

    def sequence(self, row: Row, head: _Header, coding: _Coding, limit: int) -> int:
        """Add a sequence and its items, PS3.5 section 7.5; the items of UN are implicit, 6.2.2."""
        row.sequence = True
        number = self.add(row)
        self.check_depth(row.depth, head.tag, row.value)
        if head.vr == "UN":
            coding = _Coding(explicit=False, big=False)
        end = limit if row.undefined else row.value + head.length
        at = row.value
        while row.undefined or at != end:
            self.check_room(at, end)
            tag = self.number(at, 2, coding) << 16 | self.number(at + 2, 2, coding)
            if tag == SEQUENCE_DELIMITATION and row.undefined:
                row.length = at - row.value
                return self.close(row, at + 8)
            if tag != ITEM:
                raise RefusedError("bad_item", row.tag, at)
            at = self.item(at, row, number, coding, end)
        row.length = head.length
        return self.close(row, at)

    def item(self, at: int, sequence: Row, parent: int, coding: _Coding, limit: int) -> int:
        """Add an item and its elements; return where it ends."""
        length = self.number(at + 4, 4, coding)
        row = Row(ITEM, "", at, at + 8, parent, sequence.depth + 1, item=True, big=coding.big)
        row.undefined = length == UNDEFINED
        if not row.undefined:
            self.check_end(row.value + length, limit, sequence.tag, at)
            limit = row.value + length
        inner = self.item_coding(row, length, sequence.tag, coding, limit)
        number = self.add(row)
        self.check_depth(row.depth, sequence.tag, row.value)
        at = row.value
        while row.undefined or at != limit:
            self.check_room(at, limit)
            head = self.header(at, inner)
            if head.tag == ITEM_DELIMITATION and row.undefined:
                row.length = at - row.value
                return self.close(row, at + 8)
            at = self.element(at, head, inner, limit, parent=number, depth=row.depth + 1)
        row.length = length
        return self.close(row, at)

    def item_coding(self, row: Row, length: int, tag: int, coding: _Coding, limit: int) -> _Coding:
        """Tell explicit VR in a private item by its first element, which no item could hold."""
        if coding.explicit or not tag >> 16 & 1 or length < 8:
            return coding
        first = row.value
        if first + 8 > len(self.data):
            raise RefusedError("truncated", tag, row.header)
        vr = self.data[first + 4 : first + 6].decode("latin-1")
        too_long = first + 8 + self.number(first + 4, 4, coding) > limit
        return _Coding(True, coding.big) if vr in VR_NAMES and vr and too_long else coding

    def fragments(self, row: Row) -> int:
        """Add encapsulated pixel data, PS3.5 section A.4; its length takes the delimiter in."""
        if self.n_tried:
            raise RefusedError("fragments in bytes", row.tag, row.header)
        row.fragments = True
        self.add(row)
        coding = _Coding(explicit=True, big=False)
        at = row.value
        while True:
            if at + 8 > len(self.data):
                raise RefusedError("truncated", row.tag, at)
            tag = self.number(at, 2, coding) << 16 | self.number(at + 2, 2, coding)
            length = self.number(at + 4, 4, coding)
            if tag == SEQUENCE_DELIMITATION and length == 0:
                row.length = at + 8 - row.value
                return self.close(row, at + 8)
            if tag != ITEM or length == UNDEFINED:
                raise RefusedError("bad_item", row.tag, at)
            if at + 8 + length > len(self.data):
                raise RefusedError("truncated", row.tag, at)
            at += 8 + length

    # Rows and limits

    def add(self, row: Row) -> int:
        self.scan.rows.append(row)
        return len(self.scan.rows) - 1

    def close(self, row: Row, at: int) -> int:
        row.end = len(self.scan.rows)
        row.end_offset = at
        return at

    def check_end(self, end: int, limit: int, tag: int, at: int) -> None:
        """Refuse what ends behind the item or sequence that holds it, or behind the file."""
        if end > limit:
            beyond = "truncated" if end > len(self.data) else "length_beyond_item"
            raise RefusedError(beyond, tag, at)

    def check_room(self, at: int, limit: int) -> None:
        self.check_end(at + 8, limit, 0, at)

    def check_depth(self, depth: int, tag: int, at: int) -> None:
        if depth + 1 > MOST_OPEN:
            raise RefusedError("nested_too_deep", tag, at)


def skip_fragments(data: bytes, start: int) -> int | None:
    """Return the length of fragments with their delimiter (PS3.5 A.4), None when damaged."""
    at = start
    while True:
        head, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 > len(data):
            return None
        if data[at : at + 8] == b"\xfe\xff\xdd\xe0\0\0\0\0":
            return at + 8 - start
        if head != b"\xfe\xff\x00\xe0" or length == UNDEFINED:
            return None
        at += 8 + length
        if at > len(data):
            return None
