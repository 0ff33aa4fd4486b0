"""Files: preamble, file meta information (PS3.10 section 7), and data sets that come without."""

from __future__ import annotations

import zlib
from typing import Final

import pytest

from fastdeid.dicom import inflate as inflating
from fastdeid.dicom.encodings import DEFLATED as DEFLATED_SYNTAXES
from fastdeid.dicom.encodings import ENCODING_OF, EXPLICIT_LITTLE
from tests.builders import (
    BIG,
    DEFLATED,
    DEFLATED_LITTLE,
    ENCODINGS,
    EXPLICIT,
    IMPLICIT,
    Encoding,
    deflate,
    element,
    file_meta,
    number,
    part10,
    text,
)
from tests.dicom.reading import Tree, new_reader, read, reason, refusal

CLASS: Final = 0x00080016
NAME: Final = 0x00100010
TREE: Final[Tree] = [(CLASS, "UI", b"1.2\0"), (NAME, "PN", b"A^B ")]

META_BYTES: Final = bytes([
    0x02, 0x00, 0x00, 0x00, *b"UL", 0x04, 0x00,  # (0002,0000) group length: 28 bytes follow
    0x1C, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x10, 0x00, *b"UI", 0x14, 0x00,  # (0002,0010) Transfer Syntax UID
    *b"1.2.840.10008.1.2.1", 0x00,               # Explicit VR Little Endian
])  # fmt: skip

each_plain = pytest.mark.parametrize(
    "encoding", [EXPLICIT, IMPLICIT, BIG], ids=["explicit", "implicit", "big endian"]
)


def data_set(encoding: Encoding = EXPLICIT) -> bytes:
    return element(CLASS, "UI", b"1.2\0", encoding) + element(NAME, "PN", b"A^B ", encoding)


def meta_without_syntax() -> bytes:
    content = text(0x00020002, "UI", "1.2") + text(0x00020003, "UI", "1.2.3")
    return number(0x00020000, "UL", len(content)) + content


def test_a_part_10_file_is_preamble_prefix_meta_and_data_set() -> None:
    found = read(bytes(128) + b"DICM" + META_BYTES + data_set())
    assert (found.tree, found.transfer_syntax) == (TREE, "1.2.840.10008.1.2.1")


@pytest.mark.parametrize("preamble", [b"", bytes(128), b"II*\0" + bytes(124), b"\xff" * 128])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_the_preamble_may_hold_anything_and_may_be_absent(
    preamble: bytes, encoding: Encoding
) -> None:
    found = read(part10(data_set(encoding), encoding, preamble=preamble))
    assert (found.tree, found.transfer_syntax) == (TREE, encoding.transfer_syntax)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_file_meta_may_stand_at_the_start_of_the_file(encoding: Encoding) -> None:
    data = data_set(encoding)
    whole = file_meta(encoding.transfer_syntax) + (deflate(data) if encoding.deflated else data)
    assert read(whole).tree == TREE
    assert read(META_BYTES + data_set()).tree == TREE


@each_plain
@pytest.mark.parametrize("trailing", [b"", bytes(2), bytes(100)])
def test_a_bare_data_set_is_read_in_the_encoding_that_fits_it(
    encoding: Encoding, trailing: bytes
) -> None:
    found = read(data_set(encoding) + trailing)
    assert (found.tree, found.transfer_syntax) == (TREE, encoding.transfer_syntax)
    assert found.trailing_length == len(trailing)


@each_plain
def test_a_missing_transfer_syntax_is_found_in_the_same_way(encoding: Encoding) -> None:
    for meta in (meta_without_syntax(), file_meta(transfer_syntax="")):
        found = read(part10(data_set(encoding), meta=meta))
        assert (found.tree, found.transfer_syntax) == (TREE, encoding.transfer_syntax)


@each_plain
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 9, 13])
def test_a_bare_data_set_must_fit_wholly(encoding: Encoding, cut: int) -> None:
    for whole in (data_set(encoding), part10(data_set(encoding), meta=meta_without_syntax())):
        assert reason(whole[:-cut]) not in {"", "not_dicom"}


def test_the_error_of_a_bare_data_set_is_that_of_the_first_encoding() -> None:
    error = refusal(data_set()[:-1])
    assert error is not None
    assert (error.reason, error.tag, error.offset) == ("truncated", NAME, 12)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        bytes(1000),
        b"%PDF-1.7\n" + bytes(200),
        b"PK\3\4" + bytes(2000),
        b"\x89PNG\r\n\x1a\n" + bytes(300),
        b"\xff\xd8\xff\xe0" + bytes(300),
        b"Patient: Doe, Jane\n" * 50,
        b'{"00100010": {"vr": "PN"}}',
        b"\x1f\x8b\x08\0" + bytes(range(256)),
        bytes(range(256)) * 4,
    ],
    ids="empty newline zeros pdf zip png jpeg text json gzip bytes".split(),
)
def test_other_files_are_not_dicom(data: bytes) -> None:
    assert reason(data) == "not_dicom"


@pytest.mark.parametrize("uid", ["1.2.3.4", "1.2.840.10008.1.2.999", "x", "1.2.840.10008.1.2.1 1"])
def test_an_unknown_transfer_syntax_is_refused(uid: str) -> None:
    error = refusal(part10(data_set(), meta=file_meta(uid)))
    assert error is not None
    assert (error.reason, error.tag) == ("unsupported_transfer_syntax", 0x00020010)


@pytest.mark.parametrize("pad", [b"", b"\0", b" ", b"\0\0"])
def test_the_padding_of_a_transfer_syntax_does_not_count(pad: bytes) -> None:
    meta = element(0x00020010, "UI", IMPLICIT.transfer_syntax.encode() + pad)
    assert read(part10(data_set(IMPLICIT), meta=meta)).transfer_syntax == IMPLICIT.transfer_syntax


def test_every_encapsulated_syntax_is_explicit_little_endian() -> None:
    explicit = {uid for uid, encoding in ENCODING_OF.items() if encoding == EXPLICIT_LITTLE}
    assert explicit == set(ENCODING_OF) - {IMPLICIT.transfer_syntax, BIG.transfer_syntax}
    assert {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"} <= explicit


@pytest.mark.parametrize("length", [0, 1, 10, 27, 29, 0xFFFFFFFF])
def test_a_wrong_group_length_does_no_harm(length: int) -> None:
    meta = number(0x00020000, "UL", length) + META_BYTES[12:]
    assert read(part10(data_set(), meta=meta)).tree == TREE


def test_private_information_in_the_file_meta_is_walked_over() -> None:
    extra = text(0x00020016, "AE", "SCANNER") + element(0x00020102, "OB", bytes(200_000))
    assert read(part10(data_set(), meta=file_meta(extra=extra))).tree == TREE


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (META_BYTES[:-1], "truncated"),
        (META_BYTES + element(0x00020102, "OB", b"12")[:-1], "file_meta_truncated"),
        (META_BYTES + b"\2\0\2\1??\0\0", "file_meta_unknown_vr"),
    ],
    ids=["value", "private", "VR"],
)
def test_damaged_file_meta_is_refused(meta: bytes, expected: str) -> None:
    found = reason(bytes(128) + b"DICM" + meta)
    assert found.endswith(expected)


@pytest.mark.parametrize("size", [0, 1, 130, 131, 132])
def test_a_file_that_ends_in_or_behind_the_prefix_is_no_data_set(size: int) -> None:
    assert reason((bytes(128) + b"DICM")[:size])


# Deflated data sets, PS3.5 section A.5


def deflated(packed: bytes) -> bytes:
    return bytes(128) + b"DICM" + file_meta(DEFLATED_LITTLE) + packed


def test_a_deflated_data_set_is_inflated_first() -> None:
    found = read(part10(data_set(), DEFLATED))
    assert (found.tree, found.transfer_syntax) == (TREE, DEFLATED_LITTLE)
    assert DEFLATED_LITTLE in DEFLATED_SYNTAXES


@pytest.mark.parametrize("trailing", [b"", b"\0", bytes(100), b"anything"])
def test_bytes_behind_the_deflated_stream_are_dropped(trailing: bytes) -> None:
    assert read(part10(data_set(), DEFLATED, trailing=trailing)).tree == TREE


def test_every_prefix_of_a_deflated_stream_is_truncated() -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data_set()) + packer.flush()
    assert reason(deflated(packed)) == ""
    for size in range(1, len(packed)):
        assert reason(deflated(packed[:size])) == "truncated", size


@pytest.mark.parametrize("packed", [b"\xff" * 40, b"\x07" * 40, zlib.compress(bytes(100))])
def test_what_does_not_inflate_is_refused(packed: bytes) -> None:
    assert reason(deflated(packed)) == "deflate_damaged"


def test_a_deflated_data_set_that_is_cut_off_inside_is_truncated() -> None:
    assert reason(part10(data_set()[:-1], DEFLATED)) == "truncated"


def test_inflating_stops_at_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflating, "LEAST", 1 << 20)
    monkeypatch.setattr(inflating, "MOST", 2 << 20)
    pixels = element(0x7FE00010, "OW", bytes(900_000))
    assert reason(part10(data_set() + pixels, DEFLATED)) == ""
    # 32:1 is what a small file may become, beyond LEAST.
    assert reason(part10(data_set() + pixels * 2, DEFLATED)) == "deflate_budget"
    noise = bytes(pack_noise(70_000))
    honest = element(0x00420011, "OB", noise) + element(0x7FE00010, "OW", bytes(1_500_000))
    assert reason(part10(data_set() + honest, DEFLATED)) == ""
    too_much = element(0x00420011, "OB", noise) + element(0x7FE00010, "OW", bytes(2_200_000))
    assert reason(part10(data_set() + too_much, DEFLATED)) == "deflate_budget"


def pack_noise(size: int) -> list[int]:
    """Return numbers below 256 that do not deflate (a linear congruential generator)."""
    state, noise = 1, []
    for _ in range(size):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        noise.append(state >> 56)
    return noise


def test_a_bomb_costs_no_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflating, "LEAST", 1 << 20)
    packer = zlib.compressobj(wbits=-15)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(64)]) + packer.flush()
    reader = new_reader()
    error = refusal(deflated(bomb), reader)
    assert error is not None
    assert error.reason == "deflate_budget"
    assert len(reader.header) < 1 << 20
