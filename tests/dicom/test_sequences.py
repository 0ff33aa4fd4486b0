"""Sequences and items, PS3.5 section 7.5, and UN that holds them, section 6.2.2."""

from __future__ import annotations

import itertools
import struct

import pytest

from tests.builders import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    UNDEFINED,
    Encoding,
    element,
    header,
    item,
    part10,
    sequence,
    tag_bytes,
)
from tests.dicom.reading import Tree, read, reason, refusal

IMAGES = 0x00081140  # Referenced Image Sequence
INSTANCE = 0x00081155  # Referenced SOP Instance UID
PRIVATE = 0x00291010
NAME = 0x00100010

DEFINED_BYTES = bytes([
    0x08, 0x00, 0x40, 0x11, *b"SQ", 0x00, 0x00,  # (0008,1140) Referenced Image Sequence
    0x16, 0x00, 0x00, 0x00,                      # 22 bytes
    0xFE, 0xFF, 0x00, 0xE0,                      # (FFFE,E000) Item
    0x0E, 0x00, 0x00, 0x00,                      # 14 bytes
    0x08, 0x00, 0x55, 0x11, *b"UI", 0x06, 0x00,  # (0008,1155) Referenced SOP Instance UID
    *b"1.2.3", 0x00,
])  # fmt: skip
UNDEFINED_BYTES = bytes([
    0x08, 0x00, 0x40, 0x11, *b"SQ", 0x00, 0x00,
    0xFF, 0xFF, 0xFF, 0xFF,                          # undefined length
    0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF,  # Item, undefined length
    0x08, 0x00, 0x55, 0x11, *b"UI", 0x06, 0x00,
    *b"1.2.3", 0x00,
    0xFE, 0xFF, 0x0D, 0xE0, 0x00, 0x00, 0x00, 0x00,  # (FFFE,E00D) Item Delimitation Item
    0xFE, 0xFF, 0xDD, 0xE0, 0x00, 0x00, 0x00, 0x00,  # (FFFE,E0DD) Sequence Delimitation Item
])  # fmt: skip
ONE_IMAGE: Tree = [(IMAGES, "SQ", [[(INSTANCE, "UI", b"1.2.3\0")]])]
UN_BYTES = bytes([
    0x29, 0x00, 0x10, 0x10, *b"UN", 0x00, 0x00,      # (0029,1010) private, VR unknown
    0xFF, 0xFF, 0xFF, 0xFF,
    0xFE, 0xFF, 0x00, 0xE0, 0x0C, 0x00, 0x00, 0x00,  # Item
    0x10, 0x00, 0x10, 0x00, 0x04, 0x00, 0x00, 0x00,  # (0010,0010), implicit VR: no VR here
    *b"A^B ",
    0xFE, 0xFF, 0xDD, 0xE0, 0x00, 0x00, 0x00, 0x00,
])  # fmt: skip
# In a big endian file only the header of the element is big endian.
BIG_UN_BYTES = bytes([0x00, 0x29, 0x10, 0x10, *UN_BYTES[4:]])

each_encoding = pytest.mark.parametrize(
    "encoding", [EXPLICIT, IMPLICIT, BIG], ids=["explicit", "implicit", "big endian"]
)


@pytest.mark.parametrize("data", [DEFINED_BYTES, UNDEFINED_BYTES], ids=["defined", "undefined"])
def test_items_are_the_same_with_defined_and_undefined_lengths(data: bytes) -> None:
    assert read(part10(data)).tree == ONE_IMAGE


@each_encoding
@pytest.mark.parametrize("styles", [*itertools.product([False, True], repeat=4)])
def test_defined_and_undefined_lengths_mix_at_will(
    encoding: Encoding, styles: tuple[bool, bool, bool, bool]
) -> None:
    uid = element(INSTANCE, "UI", b"1.2\0", encoding)
    inner = sequence(
        IMAGES, [item(uid, encoding, undefined=styles[0])], encoding, undefined=styles[1]
    )
    items = [item(inner + uid, encoding, undefined=styles[2]), item(b"", encoding)]
    data = sequence(IMAGES, items, encoding, undefined=styles[3])
    leaf = (INSTANCE, "UI", b"1.2\0")
    assert read(part10(data + element(NAME, "PN", b"A ", encoding), encoding)).tree == [
        (IMAGES, "SQ", [[(IMAGES, "SQ", [[leaf]]), leaf], []]),
        (NAME, "PN", b"A "),
    ]


@pytest.mark.parametrize(
    ("data", "encoding"), [(UN_BYTES, EXPLICIT), (BIG_UN_BYTES, BIG)], ids=["little", "big"]
)
def test_un_of_undefined_length_is_a_sequence_in_implicit_vr_little_endian(
    data: bytes, encoding: Encoding
) -> None:
    tree = read(part10(data, encoding)).tree
    assert tree == [(PRIVATE, "UN", [[(NAME, "PN", b"A^B ")]])]


def test_an_unknown_attribute_of_undefined_length_is_a_sequence_in_implicit_vr_too() -> None:
    name = element(NAME, "", b"A^B ", IMPLICIT)
    for tag in (PRIVATE, 0x00289999):
        data = sequence(tag, [item(name, IMPLICIT)], IMPLICIT, undefined=True)
        assert read(part10(data, IMPLICIT)).tree == [(tag, "UN", [[(NAME, "PN", b"A^B ")]])]


@pytest.mark.parametrize("encoding", [EXPLICIT, BIG], ids=["little", "big"])
def test_un_of_defined_length_is_a_sequence_if_dictionary_and_bytes_agree(
    encoding: Encoding,
) -> None:
    items = item(element(NAME, "", b"A^B ", IMPLICIT), IMPLICIT)
    for tag in (IMAGES, PRIVATE):  # no dictionary knows a private one
        known = element(tag, "UN", items, encoding)
        assert read(part10(known, encoding)).tree == [(tag, "UN", [[(NAME, "PN", b"A^B ")]])]
    cut = items[:-2]
    for tag, value in ((IMAGES, b"not items"), (PRIVATE, cut), (NAME, items), (IMAGES, b"")):
        data = element(tag, "UN", value, encoding)
        assert read(part10(data, encoding)).tree == [(tag, "UN", value)]


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("padding", [0, 100_000, 1_000_000])
def test_a_private_sequence_may_hold_explicit_items_in_an_implicit_data_set(
    undefined: bool, padding: int
) -> None:
    inner = element(0x00291011, "LO", b"A name") + sequence(
        0x00291012, [item(element(NAME, "PN", b"A^B "))], undefined=True
    )
    items = [item(inner, undefined=undefined)]
    data = sequence(PRIVATE, items, IMPLICIT, undefined=True)
    # A large file leaves room for what "LO\6\0" is as a length: 413516 bytes.
    after = element(0x7FE00010, "OW", bytes(padding), IMPLICIT)
    if undefined and padding == 1_000_000:
        assert reason(part10(data + after, IMPLICIT))
        return
    tree = read(part10(data + after, IMPLICIT)).tree
    inside = [(0x00291011, "LO", b"A name"), (0x00291012, "SQ", [[(NAME, "PN", b"A^B ")]])]
    assert tree[0] == (PRIVATE, "UN", [inside])


def nested(levels: int, encoding: Encoding, *, undefined: bool) -> bytes:
    """Return sequences in sequences, the innermost item empty."""
    data = b""
    for _ in range(levels):
        items = [item(data, encoding, undefined=undefined)]
        data = sequence(IMAGES, items, encoding, undefined=undefined)
    return data


@each_encoding
@pytest.mark.parametrize("undefined", [False, True])
def test_63_sequences_and_items_may_be_open_at_once(encoding: Encoding, undefined: bool) -> None:
    # 31 sequences with their items are 62; one more sequence is 63; its item would be the 64th.
    deepest = sequence(IMAGES, [], encoding)
    for _ in range(31):
        deepest = sequence(IMAGES, [item(deepest, encoding, undefined=undefined)], encoding)
    assert reason(part10(deepest, encoding)) == ""
    assert reason(part10(nested(31, encoding, undefined=undefined), encoding)) == ""
    error = refusal(part10(nested(32, encoding, undefined=undefined), encoding))
    assert error is not None
    assert (error.reason, error.tag) == ("nested_too_deep", IMAGES)


def test_a_million_open_sequences_are_refused_without_harm() -> None:
    start = header(IMAGES, "SQ", UNDEFINED) + tag_bytes(0xFFFEE000) + b"\xff\xff\xff\xff"
    assert reason(part10(start * 1_000_000)) == "nested_too_deep"


@each_encoding
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (0xFFFEE00D, "bad_item"),  # an item delimiter where an item belongs
        (NAME, "bad_item"),  # an element where an item belongs
        (0xFFFEE0DD, "bad_item"),  # a sequence delimiter in a sequence of defined length
    ],
)
def test_a_sequence_holds_nothing_but_items(
    encoding: Encoding, content: int, expected: str
) -> None:
    data = sequence(IMAGES, [tag_bytes(content, encoding) + bytes(4)], encoding)
    assert reason(part10(data + element(NAME, "PN", b"A ", encoding), encoding)) == expected


@each_encoding
@pytest.mark.parametrize("tag", [0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD])
def test_delimiters_do_not_stand_alone(encoding: Encoding, tag: int) -> None:
    stray = tag_bytes(tag, encoding) + bytes(4)
    name = element(NAME, "PN", b"A ", encoding)
    assert reason(part10(name + stray + name, encoding)) == "bad_item"
    in_item = sequence(IMAGES, [item(name + stray, encoding)], encoding)
    assert reason(part10(in_item, encoding)) == "bad_item"


@each_encoding
def test_an_item_ends_where_its_sequence_ends_at_the_latest(encoding: Encoding) -> None:
    name = element(NAME, "PN", b"A ", encoding)
    short = sequence(IMAGES, [item(name, encoding)[:-2]], encoding)
    assert reason(part10(short + name, encoding)) == "length_beyond_item"
    # Its last element may even end with the file: it is the item that ends too early.
    item_only = tag_bytes(0xFFFEE000, encoding) + struct.pack(encoding.order + "I", len(name) - 2)
    at_end = sequence(IMAGES, [item_only + name], encoding)
    assert reason(part10(at_end, encoding)) == "length_beyond_item"
    open_item = item(name, encoding, undefined=True)[:-8]
    assert reason(part10(sequence(IMAGES, [open_item], encoding) + name, encoding)) in {
        "length_beyond_item",
        "bad_item",
    }


@each_encoding
def test_a_sequence_without_its_delimiter_is_cut_off(encoding: Encoding) -> None:
    whole = sequence(IMAGES, [item(b"", encoding, undefined=True)], encoding, undefined=True)
    assert reason(part10(whole, encoding)) == ""
    assert reason(part10(whole[:-8], encoding)) == "truncated"
    assert reason(part10(whole[:-16], encoding)) == "truncated"
