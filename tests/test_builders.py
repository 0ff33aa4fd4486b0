"""The builders themselves: bytes against the standard, and pydicom as a second reader."""

from __future__ import annotations

import io
import struct
import warnings

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    BIG,
    DEFLATED,
    ENCODINGS,
    EXPLICIT,
    IMPLICIT,
    Element,
    Encoding,
    Node,
    Sequence,
    element,
    encode,
    fragments,
    inflate,
    item,
    part10,
    sequence,
)
from tests.strategies import data_sets, instances


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (EXPLICIT, b"\x10\0\x10\0PN\4\0A^B "),
        (IMPLICIT, b"\x10\0\x10\0\4\0\0\0A^B "),
        (BIG, b"\0\x10\0\x10PN\0\4A^B "),
    ],
)
def test_a_short_element_is_as_in_ps3_5_section_7_1(encoding: Encoding, expected: bytes) -> None:
    assert element(0x00100010, "PN", b"A^B ", encoding) == expected


def test_a_sequence_of_undefined_length_ends_with_its_delimiter() -> None:
    assert sequence(0x00081140, [item(b"", undefined=True)], undefined=True) == (
        b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff"  # (0008,1140) SQ, undefined length
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff"  # item, undefined length
        b"\xfe\xff\x0d\xe0\0\0\0\0"  # item delimitation
        b"\xfe\xff\xdd\xe0\0\0\0\0"  # sequence delimitation
    )


def test_encapsulated_pixel_data_starts_with_its_offset_table() -> None:
    assert fragments(0x7FE00010, [b"\xff\xd8\xff\xd9"]) == (
        b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"
        b"\xfe\xff\x00\xe0\0\0\0\0"  # empty basic offset table
        b"\xfe\xff\x00\xe0\4\0\0\0\xff\xd8\xff\xd9"
        b"\xfe\xff\xdd\xe0\0\0\0\0"
    )


def test_numbers_are_swapped_and_text_is_not_in_big_endian() -> None:
    nodes: list[Node] = [Element(0x00280010, "US", b"\1\2"), Element(0x00280011, "OB", b"\1\2")]
    assert encode(nodes, BIG) == b"\0\x28\0\x10US\0\2\2\1" + b"\0\x28\0\x11OB\0\0\0\0\0\2\1\2"


def test_items_of_an_unknown_sequence_are_implicit_little_endian() -> None:
    inner = Element(0x00100010, "PN", b"A^")
    node = Sequence(0x00291010, (((inner,), False),), undefined=True, vr="UN")
    assert encode([node], BIG) == (
        b"\0\x29\x10\x10UN\0\0\xff\xff\xff\xff"
        b"\xfe\xff\x00\xe0\x0a\0\0\0\x10\0\x10\0\2\0\0\0A^"
        b"\xfe\xff\xdd\xe0\0\0\0\0"
    )


def test_a_deflated_file_holds_the_data_set_as_a_raw_stream() -> None:
    data_set = element(0x00100010, "PN", b"A^B ")
    whole = part10(data_set, DEFLATED)
    length = struct.unpack_from("<I", whole, 140)[0]
    assert inflate(whole[144 + length :]) == data_set


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
@settings(max_examples=20)
@given(data=st.data())
def test_pydicom_reads_every_tag_of_a_drawn_data_set(
    encoding: Encoding, data: st.DataObject
) -> None:
    nodes = data.draw(data_sets(max_depth=2, unknown=not encoding.big_endian))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = pydicom.dcmread(io.BytesIO(part10(encode(nodes, encoding), encoding)))
    assert [int(tag) for tag in read.keys()] == [node.tag for node in nodes]  # noqa: SIM118


@given(nodes=instances())
def test_a_drawn_instance_has_its_identifiers(nodes: tuple[Node, ...]) -> None:
    assert {0x00080016, 0x00080018, 0x0020000D, 0x0020000E} <= {node.tag for node in nodes}
