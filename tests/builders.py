"""Data sets and files as bytes, every byte under the test's control (PS3.5, PS3.10 section 7).

Two levels. `element`, `sequence`, `item`, `fragments` return bytes at once, for tests that are
read against the standard. `Element`, `Sequence` and `encode` describe a data set once and encode it
in any of the four encodings; `tests.strategies` draws such descriptions.

Nothing is padded, sorted or corrected here: a test may write an odd length or a wrong order.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_DELIMITATION: Final = 0xFFFEE00D
SEQUENCE_DELIMITATION: Final = 0xFFFEE0DD

# PS3.5 section 7.1.2: these VRs have two reserved bytes and a 32-bit length in explicit VR.
LONG_VRS: Final = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
# Bytes of one number, for the byte order of binary values (PS3.5 section 7.3).
UNIT: Final = {
    **dict.fromkeys(["AT", "OW", "SS", "US"], 2),
    **dict.fromkeys(["FL", "OF", "OL", "SL", "UL"], 4),
    **dict.fromkeys(["FD", "OD", "OV", "SV", "UV"], 8),
}
# The same VRs in the letters of `struct`.
NUMBER_CODES: Final = dict(zip("US SS UL SL FL FD UV SV".split(), "HhIifdQq", strict=True))

CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"


class Encoding(NamedTuple):
    """How a data set is written: VRs in the stream or not, byte order, deflated or not."""

    explicit: bool
    big_endian: bool
    deflated: bool
    transfer_syntax: str

    @property
    def order(self) -> str:
        """Byte order character of `struct`."""
        return ">" if self.big_endian else "<"


EXPLICIT: Final = Encoding(True, False, False, EXPLICIT_LITTLE)
IMPLICIT: Final = Encoding(False, False, False, IMPLICIT_LITTLE)
BIG: Final = Encoding(True, True, False, EXPLICIT_BIG)
DEFLATED: Final = Encoding(True, False, True, DEFLATED_LITTLE)
ENCODINGS: Final = (EXPLICIT, IMPLICIT, BIG, DEFLATED)


def tag_bytes(tag: int, encoding: Encoding = EXPLICIT) -> bytes:
    """Return group and element number of `tag` (0xGGGGEEEE) in the byte order of `encoding`."""
    return struct.pack(encoding.order + "HH", tag >> 16, tag & 0xFFFF)


def header(tag: int, vr: str, length: int, encoding: Encoding = EXPLICIT) -> bytes:
    """Return an element header with any 32-bit `length` (PS3.5 section 7.1.2 and 7.1.3).

    A short VR with a length above 65535 cannot be written and raises struct.error.
    """
    start = tag_bytes(tag, encoding)
    if not encoding.explicit:
        return start + struct.pack(encoding.order + "I", length)
    if vr in LONG_VRS:
        return start + vr.encode() + struct.pack(encoding.order + "2xI", length)
    return start + vr.encode() + struct.pack(encoding.order + "H", length)


def element(tag: int, vr: str, value: bytes, encoding: Encoding = EXPLICIT) -> bytes:
    """Return one element; `value` is written as it is, in whatever byte order it has."""
    return header(tag, vr, len(value), encoding) + value


def text(tag: int, vr: str, value: str, encoding: Encoding = EXPLICIT) -> bytes:
    """Return one element of ASCII text, padded to even length (NUL for UI, else space)."""
    raw = value.encode("ascii")
    return element(tag, vr, raw + (b"\0" if vr == "UI" else b" ") * (len(raw) % 2), encoding)


def number(tag: int, vr: str, *values: float, encoding: Encoding = EXPLICIT) -> bytes:
    """Return one element of binary numbers in the byte order of `encoding`."""
    layout = f"{encoding.order}{len(values)}{NUMBER_CODES[vr]}"
    return element(tag, vr, struct.pack(layout, *values), encoding)


def item(content: bytes, encoding: Encoding = EXPLICIT, *, undefined: bool = False) -> bytes:
    """Return one item (PS3.5 section 7.5), with a delimitation item when `undefined`."""
    start = tag_bytes(ITEM, encoding)
    if undefined:
        end = tag_bytes(ITEM_DELIMITATION, encoding) + bytes(4)
        return start + struct.pack(encoding.order + "I", UNDEFINED) + content + end
    return start + struct.pack(encoding.order + "I", len(content)) + content


def sequence(
    tag: int,
    items: Iterable[bytes],
    encoding: Encoding = EXPLICIT,
    *,
    undefined: bool = False,
    vr: str = "SQ",
) -> bytes:
    """Return a sequence of `items`, each the bytes of `item` (PS3.5 section 7.5).

    With vr "UN" and `undefined`, the items must be implicit VR little endian (PS3.5 section 6.2.2).
    """
    content = b"".join(items)
    if undefined:
        end = tag_bytes(SEQUENCE_DELIMITATION, encoding) + bytes(4)
        return header(tag, vr, UNDEFINED, encoding) + content + end
    return header(tag, vr, len(content), encoding) + content


def fragments(tag: int, parts: Iterable[bytes], offset_table: bytes = b"") -> bytes:
    """Return encapsulated pixel data (PS3.5 section A.4), explicit VR little endian."""
    items = b"".join(item(part) for part in (offset_table, *parts))
    return header(tag, "OB", UNDEFINED) + items + tag_bytes(SEQUENCE_DELIMITATION) + bytes(4)


def file_meta(
    transfer_syntax: str = EXPLICIT_LITTLE,
    sop_class: str = CT_IMAGE_STORAGE,
    sop_instance: str = "1.2.3.4",
    extra: bytes = b"",
) -> bytes:
    """Return file meta information with a right group length (PS3.10 section 7.1).

    extra: elements of group 0002 that stand behind (0002,0012).
    """
    content = (
        element(0x00020001, "OB", b"\0\1")
        + text(0x00020002, "UI", sop_class)
        + text(0x00020003, "UI", sop_instance)
        + text(0x00020010, "UI", transfer_syntax)
        + text(0x00020012, "UI", "1.2.3.4.5")
        + extra
    )
    return number(0x00020000, "UL", len(content)) + content


def part10(
    data_set: bytes,
    encoding: Encoding = EXPLICIT,
    *,
    meta: bytes | None = None,
    preamble: bytes = bytes(128),
    trailing: bytes = b"",
) -> bytes:
    """Return a file: preamble, DICM, file meta, data set (PS3.10 section 7).

    data_set: already in `encoding`; deflated here when the encoding says so. meta: replaces the
    default file meta. trailing: bytes behind the data set, never deflated.
    """
    if meta is None:
        meta = file_meta(encoding.transfer_syntax)
    if encoding.deflated:
        data_set = deflate(data_set)
    return preamble + b"DICM" + meta + data_set + trailing


def deflate(data: bytes) -> bytes:
    """Return `data` as a raw RFC 1951 stream of even length (PS3.5 section A.5)."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data) + packer.flush()
    return packed + bytes(len(packed) % 2)


def inflate(data: bytes) -> bytes:
    """Return the content of a raw RFC 1951 stream; padding behind it is ignored."""
    return zlib.decompressobj(wbits=-15).decompress(data)


@dataclass(frozen=True)
class Element:
    """One element in any encoding. value: little endian; swapped for big endian by its VR."""

    tag: int
    vr: str
    value: bytes


@dataclass(frozen=True)
class Sequence:
    """One sequence in any encoding, with the length style of itself and of each item.

    items: pairs of (content, undefined). vr: "SQ", or "UN" with `undefined` for items that are
    implicit VR little endian whatever the data set is (PS3.5 section 6.2.2).
    """

    tag: int
    items: tuple[tuple[tuple[Node, ...], bool], ...]
    undefined: bool = False
    vr: str = "SQ"


Node = Element | Sequence


def encode(nodes: Iterable[Node], encoding: Encoding = EXPLICIT) -> bytes:
    """Return the data set in `encoding`, in the order given; not deflated (`part10` does that)."""
    return b"".join(encode_node(node, encoding) for node in nodes)


def encode_node(node: Node, encoding: Encoding) -> bytes:
    """Return the bytes of one element or sequence."""
    if isinstance(node, Element):
        return element(node.tag, node.vr, swap(node.value, node.vr, encoding), encoding)
    inner = IMPLICIT if node.vr == "UN" else encoding
    items = b"".join(
        item(encode(nodes, inner), inner, undefined=undefined) for nodes, undefined in node.items
    )
    if node.undefined:
        items += tag_bytes(SEQUENCE_DELIMITATION, inner) + bytes(4)
    return header(node.tag, node.vr, UNDEFINED if node.undefined else len(items), encoding) + items


def swap(value: bytes, vr: str, encoding: Encoding) -> bytes:
    """Return a little endian `value` in the byte order of `encoding` (PS3.5 section 7.3)."""
    unit = UNIT.get(vr, 1)
    if not encoding.big_endian or unit == 1:
        return value
    return b"".join(value[at : at + unit][::-1] for at in range(0, len(value), unit))
