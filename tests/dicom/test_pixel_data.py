"""Pixel data, PS3.5 section A.4, and what stands behind it."""

from __future__ import annotations

import pytest

from tests.builders import BIG, EXPLICIT, IMPLICIT, Encoding, element, fragments, item, part10
from tests.builders import sequence as sequence_of
from tests.dicom.reading import read, reason

PIXEL_DATA = 0x7FE00010
ICON = 0x00880200

ENCAPSULATED = bytes([
    0xE0, 0x7F, 0x10, 0x00, *b"OB", 0x00, 0x00,      # (7FE0,0010) Pixel Data
    0xFF, 0xFF, 0xFF, 0xFF,                          # undefined length
    0xFE, 0xFF, 0x00, 0xE0, 0x00, 0x00, 0x00, 0x00,  # Basic Offset Table, empty
    0xFE, 0xFF, 0x00, 0xE0, 0x04, 0x00, 0x00, 0x00,  # first fragment
    0xFF, 0xD8, 0xFF, 0xD9,
    0xFE, 0xFF, 0xDD, 0xE0, 0x00, 0x00, 0x00, 0x00,  # Sequence Delimitation Item
])  # fmt: skip

each_encoding = pytest.mark.parametrize(
    "encoding", [EXPLICIT, IMPLICIT, BIG], ids=["explicit", "implicit", "big endian"]
)


def test_fragments_are_one_value_up_to_their_delimiter() -> None:
    found = read(part10(ENCAPSULATED))
    assert found.tree == [(PIXEL_DATA, "OB", ENCAPSULATED[12:])]
    assert found.trailing_length == 0


def test_a_delimiter_inside_a_fragment_is_not_the_end() -> None:
    data = fragments(PIXEL_DATA, [b"\xfe\xff\xdd\xe0\0\0\0\0", b""], bytes(4))
    assert read(part10(data)).tree == [(PIXEL_DATA, "OB", data[12:])]


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 70_000])
def test_fragments_may_have_any_size(size: int) -> None:
    data = fragments(PIXEL_DATA, [bytes(size)] * 3)
    assert read(part10(data)).tree == [(PIXEL_DATA, "OB", data[12:])]


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 12, 13])
def test_fragments_without_an_end_are_truncated(cut: int) -> None:
    assert reason(part10(ENCAPSULATED[:-cut])) == "truncated"


def test_something_else_among_fragments_is_refused() -> None:
    stray = element(0x00100010, "PN", b"A^B ")
    assert reason(part10(ENCAPSULATED[:-8] + stray + ENCAPSULATED[-8:])) == "bad_item"


@pytest.mark.parametrize("undefined", [False, True])
def test_the_pixel_data_of_an_icon_may_be_encapsulated_too(undefined: bool) -> None:
    icon = sequence_of(ICON, [item(ENCAPSULATED, undefined=undefined)], undefined=undefined)
    found = read(part10(icon + ENCAPSULATED))
    pixels = (PIXEL_DATA, "OB", ENCAPSULATED[12:])
    assert found.tree == [(ICON, "SQ", [[pixels]]), pixels]


def test_fragments_do_not_reach_beyond_their_item() -> None:
    icon = sequence_of(ICON, [item(ENCAPSULATED)])
    short = icon[:8] + (len(icon) - 20).to_bytes(4, "little") + icon[12:16]
    short += (len(ENCAPSULATED) - 8).to_bytes(4, "little") + icon[20:]
    assert reason(part10(short + ENCAPSULATED)) == "length_beyond_item"


@each_encoding
def test_elements_after_the_pixel_data_are_read(encoding: Encoding) -> None:
    pixels = element(PIXEL_DATA, "OW", bytes(4), encoding)
    private = element(0x7FE10010, "LO", b"ACME", encoding)
    signature = sequence_of(0xFFFAFFFA, [item(private, encoding)], encoding, undefined=True)
    padding = element(0xFFFCFFFC, "OB", bytes(6), encoding)
    found = read(part10(pixels + private + signature + padding, encoding))
    assert [element[0] for element in found.tree] == [
        *(PIXEL_DATA, 0x7FE10010, 0xFFFAFFFA, 0xFFFCFFFC)
    ]
    assert found.trailing_length == 0


@each_encoding
@pytest.mark.parametrize(
    "trailing",
    [
        bytes(1),
        bytes(7),
        bytes(8),
        bytes(4096),
        b"garbage, garbage",
        part10(element(0x00080005, "CS", b"ISO_IR 100")),
    ],
    ids=["1 zero", "7 zeros", "8 zeros", "block", "garbage", "another file"],
)
def test_bytes_behind_the_pixel_data_are_no_part_of_the_data_set(
    encoding: Encoding, trailing: bytes
) -> None:
    data = element(PIXEL_DATA, "OW", bytes(4), encoding)
    found = read(part10(data + trailing, encoding))
    assert [one[0] for one in found.tree] == [PIXEL_DATA]
    assert found.trailing_length == len(trailing)


def test_bytes_behind_that_look_like_a_further_element_are_refused() -> None:
    # In explicit VR it takes a VR to look like one; in implicit VR any high tag does.
    pixels = element(PIXEL_DATA, "OW", bytes(4))
    assert read(part10(pixels + b"\xff" * 100)).trailing_length == 100
    pixels = element(PIXEL_DATA, "OW", bytes(4), IMPLICIT)
    assert reason(part10(pixels + b"\xff" * 100, IMPLICIT)) == "bad_item"
    assert reason(part10(pixels + b"\xee" * 100, IMPLICIT)) == "truncated"


@each_encoding
def test_elements_before_the_pixel_data_that_stand_behind_it_are_dropped(
    encoding: Encoding,
) -> None:
    pixels = element(PIXEL_DATA, "OW", bytes(4), encoding)
    second = element(0x00080005, "CS", b"ISO_IR 100", encoding) + pixels
    assert read(part10(pixels + second, encoding)).trailing_length == len(second)


@each_encoding
def test_zeros_end_a_data_set_only_if_nothing_follows_them(encoding: Encoding) -> None:
    name = element(0x00100010, "PN", b"A^B ", encoding)
    for zeros in (1, 7, 8, 100, 5000, 200_000):
        assert read(part10(name + bytes(zeros), encoding)).trailing_length == zeros
    for zeros in (8, 100, 5000, 200_000):
        assert reason(part10(name + bytes(zeros) + name, encoding)) == "hole_in_data_set"


@each_encoding
@pytest.mark.parametrize("n_bytes", range(1, 8))
def test_the_first_bytes_of_an_element_are_no_padding(encoding: Encoding, n_bytes: int) -> None:
    name = element(0x00100010, "PN", b"A^B ", encoding)
    cut = element(0x00200010, "SH", b"1 ", encoding)[:n_bytes]
    if not any(cut):
        # Big endian group 0020 starts with a zero: one byte of it cannot be told from padding.
        assert encoding is BIG
        assert n_bytes == 1
        return
    assert reason(part10(name + cut, encoding)) == "truncated"
