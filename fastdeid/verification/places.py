"""What every byte of a file is: found by a walk of its own over PS3.10 and PS3.5.

No byte is left out: what the walk does not understand is text, and a fault of the file.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.profiles.tables import read_dictionary
from fastdeid.verification.codestreams import MIXED, SAMPLES, TEXT, code_stream

__all__ = ["MIXED", "SAMPLES", "TEXT", "Content", "Place", "read_places"]

Bytes = npt.NDArray[np.uint8]

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG: Final = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VRS: Final = frozenset(
    """
    AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US
    UT UV
    """.split()
)
_NUMBERS: Final = frozenset("AT FD FL OD OF OL OV OW SL SS SV UL US UV".split())
_PIXELS: Final = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_DEPTH: Final = 64
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_IMPLICIT: Final = "1.2.840.10008.1.2"
_EXPLICIT: Final = "1.2.840.10008.1.2.1"
_BIG: Final = "1.2.840.10008.1.2.2"
_STANDARD: Final = "1.2.840.10008."
_META_END: Final = 132
_MOST_INFLATED: Final = 1 << 31


class Place(NamedTuple):
    """Bytes of one kind. tag: the element's, 0 for none. path: tags of the sequences around it.

    kind: TEXT; SAMPLES, numbers in which chance meets needles; MIXED, bytes that may hold text.
    """

    start: int
    end: int
    tag: int
    vr: str
    kind: str
    path: tuple[int, ...] = ()


class Fault(Exception):  # noqa: N818 - never leaves this file
    """The file is damaged at this byte."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


class Content(NamedTuple):
    """The bytes that were walked over, and what they are.

    data: the file; of a deflated one, the inflated data set. fault: byte at which it is damaged, -1
    for none. transfer_syntax: of the file meta.
    """

    data: Bytes
    places: list[Place]
    fault: int
    transfer_syntax: str


def read_places(data: Bytes, *, is_output: bool = True) -> list[Content]:
    """Return what the bytes of a file are; a deflated data set is a second content.

    data: shape (n,). Damage is no error: what stands behind it is text. is_output: a file without
    preamble is damaged; an input may begin with its data set.
    """
    walk = _Walk(data, explicit=True, big_endian=False)
    has_preamble = data[128:_META_END].tobytes() == b"DICM"
    if not has_preamble and is_output:
        return [Content(data, [Place(0, len(data), 0, "", TEXT)], 0, "")]
    walk.add(0, 128 * has_preamble, 0, "", TEXT)
    walk.until_group(_META_END * has_preamble, 0x0002)
    start = walk.at
    syntax = _transfer_syntax(data, walk.places)
    if not syntax and not is_output:
        syntax = _guessed(data[start : start + 6].tobytes())
    if syntax == _DEFLATED:
        walk.add(start, len(data), 0, "", MIXED)
        inner = _inflated(data[start:].tobytes())
        if inner is None:
            return [Content(data, walk.places, start, syntax)]
        inflated, used = inner
        if len(data) - start - used > 1:
            walk.add(start + used, len(data), 0, "", TEXT)
        second = _Walk(inflated, explicit=True, big_endian=False)
        second.whole(0)
        return [
            Content(data, walk.places, walk.fault, syntax),
            Content(inflated, second.places, second.fault, syntax),
        ]
    # A maker's own transfer syntax may be implicit VR, too.
    looks_explicit = data[start + 4 : start + 6].tobytes().decode("latin-1") in _VRS
    walk.explicit = syntax != _IMPLICIT and (syntax.startswith(_STANDARD) or looks_explicit)
    walk.big_endian = syntax == _BIG
    walk.whole(start)
    return [Content(data, walk.places, walk.fault, syntax)]


def _transfer_syntax(data: Bytes, places: list[Place]) -> str:
    for place in places:
        if place.tag == 0x00020010:
            raw = data[place.start : place.end].tobytes()
            return raw.strip(b"\0 ").decode("ascii", "replace")
    return ""


def _guessed(head: bytes) -> str:
    """Return the transfer syntax of a data set without file meta."""
    if head[4:6].decode("latin-1") not in _VRS:
        return _IMPLICIT
    return _EXPLICIT if head[1:2] == b"\0" else _BIG


def _inflated(raw: bytes) -> tuple[Bytes, int] | None:
    """Return a deflated data set and the bytes that it takes, None when it is damaged."""
    unpacker = zlib.decompressobj(wbits=-15)
    try:
        content = unpacker.decompress(raw, _MOST_INFLATED)
    except zlib.error:
        return None
    if not unpacker.eof:
        return None
    return np.frombuffer(content, np.uint8), len(raw) - len(unpacker.unused_data)


class _Walk:
    """One pass over the elements of a data set."""

    def __init__(self, data: Bytes, *, explicit: bool, big_endian: bool) -> None:
        self._data = data
        self._raw = data.data
        self.explicit = explicit
        self.big_endian = big_endian
        self.places: list[Place] = []
        self.at = 0
        self.fault = -1

    def add(self, start: int, end: int, tag: int, vr: str, kind: str) -> None:
        """Keep one place outside of all sequences."""
        if end > start:
            self.places.append(Place(start, end, tag, vr, kind))

    def until_group(self, start: int, group: int) -> None:
        """Walk over the elements of one group, explicit VR little endian."""
        self.at = start
        while self.at + 8 <= len(self._data):
            if int.from_bytes(self._raw[self.at : self.at + 2], "little") != group:
                return
            try:
                self._element((), len(self._data))
            except Fault as fault:
                self.fault = fault.at
                return

    def whole(self, start: int) -> None:
        """Walk to the end; what stands behind the last whole element is text."""
        self.at = start
        end = len(self._data)
        last = start
        try:
            while self.at < end:
                last = self.at
                self._element((), end)
        except Fault as fault:
            self.fault = fault.at
            self.add(last, end, 0, "", TEXT)

    def items(self, length: int) -> None:
        """Walk over items of a sequence that begin with the first byte."""
        self._items((), length, length)

    # Elements

    def _element(self, path: tuple[int, ...], end: int) -> int:
        """Walk over one element and return its tag."""
        tag, vr, length = self._header(end)
        start = self.at
        if vr == "SQ" or (vr == "UN" and length == _UNDEFINED):
            explicit, big = self.explicit, self.big_endian
            if vr == "UN":  # PS3.5 section 6.2.2
                self.explicit = self.big_endian = False
            self._items((*path, tag), length, end)
            self.explicit, self.big_endian = explicit, big
        elif length == _UNDEFINED:
            self._fragments(tag, path, end)
        else:
            if start + length > end:
                raise Fault(start)
            self.at = start + length
            if length:
                self.places.append(Place(start, self.at, tag, vr, _kind(tag, vr), path))
        return tag

    def _header(self, end: int) -> tuple[int, str, int]:
        at, order = self.at, ">" if self.big_endian else "<"
        if at + 8 > end:
            raise Fault(at)
        group, number, length = struct.unpack_from(f"{order}HHI", self._raw, at)
        tag = group << 16 | number
        self.at = at + 8
        if group == 0xFFFE:
            return tag, "", length
        if not self.explicit:
            return tag, "SQ" if length == _UNDEFINED and tag not in _PIXELS else _vr(tag), length
        vr = bytes(self._raw[at + 4 : at + 6]).decode("latin-1")
        if vr not in _VRS:
            raise Fault(at + 4)
        if vr not in _LONG:
            return tag, vr, struct.unpack_from(f"{order}H", self._raw, at + 6)[0]
        if at + 12 > end:
            raise Fault(at)
        self.at = at + 12
        return tag, vr, struct.unpack_from(f"{order}I", self._raw, at + 8)[0]

    def _items(self, path: tuple[int, ...], length: int, end: int) -> None:
        if len(path) > _DEPTH:
            raise Fault(self.at)
        last = end if length == _UNDEFINED else self.at + length
        if last > end:
            raise Fault(self.at)
        while self.at < last:
            tag, _, size = self._header(last)
            if tag == _SEQUENCE_END and length == _UNDEFINED:
                return
            if tag != _ITEM:
                raise Fault(self.at)
            after = last if size == _UNDEFINED else self.at + size
            if after > last:
                raise Fault(self.at)
            while self.at < after:
                if size == _UNDEFINED and self._is_item_end(last):
                    break
                self._element(path, after)
        if length == _UNDEFINED:
            raise Fault(self.at)

    def _is_item_end(self, end: int) -> bool:
        at = self.at
        tag, _, _ = self._header(end)
        if tag == _ITEM_END:
            return True
        self.at = at
        return False

    def _fragments(self, tag: int, path: tuple[int, ...], end: int) -> None:
        """Walk over encapsulated pixel data, PS3.5 section A.4."""
        order = "<"
        while True:
            if self.at + 8 > end:
                raise Fault(self.at)
            group, number, length = struct.unpack_from(f"{order}HHI", self._raw, self.at)
            self.at += 8
            if group << 16 | number == _SEQUENCE_END:
                return
            start, after = self.at, self.at + length
            if group << 16 | number != _ITEM or after > end:
                raise Fault(self.at - 8)
            for first, last, kind in code_stream(self._data, start, after):
                self.places.append(Place(first, last, tag, "OB", kind, path))
            self.at = after


def _vr(tag: int) -> str:
    """Return the VR of an element in implicit VR."""
    if tag & 0xFFFF == 0 and tag >> 16:
        return "UL"
    if tag >> 24 in {0x50, 0x60}:
        tag &= 0xFF00FFFF
    attribute = read_dictionary().find(tag)
    if attribute is None or (tag >> 16) % 2:
        return "UN"
    names = attribute.vr.split(" or ")
    return "OW" if "OW" in names else names[0]


def _kind(tag: int, vr: str) -> str:
    if tag in _PIXELS or vr in _NUMBERS:
        return SAMPLES
    return MIXED if vr == "OB" else TEXT


def read_data_set(
    items: bytes, *, explicit: bool, big_endian: bool
) -> list[tuple[tuple[int, ...], int, bytes]]:
    """Return path, tag and value of every element in some items of a sequence."""
    walk = _Walk(np.frombuffer(items, np.uint8), explicit=explicit, big_endian=big_endian)
    walk.items(len(items))
    return [(place.path, place.tag, items[place.start : place.end]) for place in walk.places]
