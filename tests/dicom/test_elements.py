"""Data elements as PS3.5 section 7.1 lays them out, in the three encodings."""

from __future__ import annotations

import struct

import pytest

from fastdeid.dicom.encodings import vr_codes
from fastdeid.tags import VR_NAMES
from tests.builders import BIG, ENCODINGS, EXPLICIT, IMPLICIT, LONG_VRS, Encoding, element, part10
from tests.dicom.reading import read, reason

PATIENT_NAME = 0x00100010

EXPLICIT_NAME = bytes([
    0x10, 0x00, 0x10, 0x00,  # (0010,0010) Patient's Name
    *b"PN", 0x04, 0x00,      # VR, 16-bit length
    *b"A^B ",                # value
])  # fmt: skip
IMPLICIT_NAME = bytes([
    0x10, 0x00, 0x10, 0x00,  # (0010,0010)
    0x04, 0x00, 0x00, 0x00,  # 32-bit length
    *b"A^B ",
])  # fmt: skip
BIG_NAME = bytes([
    0x00, 0x10, 0x00, 0x10,  # (0010,0010), high bytes first
    *b"PN", 0x00, 0x04,
    *b"A^B ",
])  # fmt: skip
EXPLICIT_COMMENT = bytes([
    0x20, 0x00, 0x00, 0x40,  # (0020,4000) Image Comments
    *b"UT", 0x00, 0x00,      # VR with a 32-bit length, two reserved bytes
    0x02, 0x00, 0x00, 0x00,
    *b"ok",
])  # fmt: skip
BIG_COMMENT = bytes([
    0x00, 0x20, 0x40, 0x00,
    *b"UT", 0x00, 0x00,
    0x00, 0x00, 0x00, 0x02,
    *b"ok",
])  # fmt: skip
IMPLICIT_COMMENT = bytes([
    0x20, 0x00, 0x00, 0x40,
    0x02, 0x00, 0x00, 0x00,
    *b"ok",
])  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "data", "comment_vr"),
    [
        (EXPLICIT, EXPLICIT_NAME + EXPLICIT_COMMENT, "UT"),
        (BIG, BIG_NAME + BIG_COMMENT, "UT"),
        (IMPLICIT, IMPLICIT_NAME + IMPLICIT_COMMENT, "LT"),  # the VR of PS3.6
    ],
)
def test_tag_vr_and_value_are_where_the_encoding_puts_them(
    encoding: Encoding, data: bytes, comment_vr: str
) -> None:
    found = read(part10(data, encoding))
    assert found.tree == [(PATIENT_NAME, "PN", b"A^B "), (0x00204000, comment_vr, b"ok")]
    assert found.transfer_syntax == encoding.transfer_syntax


@pytest.mark.parametrize("encoding", [EXPLICIT, BIG], ids=["little", "big"])
@pytest.mark.parametrize("vr", VR_NAMES[1:])
def test_every_vr_has_its_own_length_field(vr: str, encoding: Encoding) -> None:
    order = encoding.order
    length = struct.pack(order + "2xI", 0) if vr in LONG_VRS else struct.pack(order + "H", 0)
    data = struct.pack(order + "HH", 0x0018, 0x9999) + vr.encode() + length
    value: bytes | list[object] = [] if vr == "SQ" else b""
    assert read(part10(data, encoding)).tree == [(0x00189999, vr, value)]


def test_two_bytes_are_a_vr_only_if_ps3_5_knows_them() -> None:
    codes = vr_codes()
    known = {bytes(divmod(code, 256)).decode() for code in codes.nonzero()[0].tolist()}
    assert known == set(VR_NAMES[1:])
    assert len(known) == 34


@pytest.mark.parametrize("vr", [b"??", b"\0\0", b"pn", b"P ", b"ZZ", b"\xff\xff"])
def test_an_unknown_vr_is_no_data_set(vr: bytes) -> None:
    data = EXPLICIT_NAME + b"\x20\x00\x00\x40" + vr + b"\x02\x00ok"
    assert reason(part10(data)) == "unknown_vr"


@pytest.mark.parametrize("length", [1, 3, 65533])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_odd_lengths_are_read_as_they_stand(length: int, encoding: Encoding) -> None:
    value = b"x" * length
    data = element(0x00104000, "LT", value, encoding) + element(0x00200010, "SH", b"1 ", encoding)
    tree = read(part10(data, encoding)).tree
    assert tree == [(0x00104000, "LT", value), (0x00200010, "SH", b"1 ")]


def test_in_implicit_vr_the_dictionary_tells_the_vr() -> None:
    tags = {
        0x00080000: "UL",  # group length
        0x00080018: "UI",
        0x00090010: "LO",  # private creator
        0x00091001: "UN",  # private
        0x00280010: "US",
        0x00289999: "UN",  # not in PS3.6
        0x60020010: "US",  # (60xx,0010) Overlay Rows
        0x60023000: "OW",  # (60xx,3000) Overlay Data
        0x7FE00010: "OW",
    }
    data = b"".join(element(tag, "", b"\1\0", IMPLICIT) for tag in tags)
    assert read(part10(data, IMPLICIT)).tree == [(tag, vr, b"\1\0") for tag, vr in tags.items()]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_tags_may_stand_in_any_order_and_twice(encoding: Encoding) -> None:
    parts = [(0x00100020, b"2 "), (0x00100010, b"A "), (0x00100020, b"3 ")]
    data = b"".join(element(tag, "LO", value, encoding) for tag, value in parts)
    tree = read(part10(data, encoding)).tree
    assert [(tag, value) for tag, _, value in tree] == parts


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_a_data_set_needs_an_element(encoding: Encoding) -> None:
    assert reason(part10(b"", encoding)) == "empty_data_set"
