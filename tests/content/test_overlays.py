"""Overlays in unused bits of Pixel Data (PS3.3-2004 C.9.2) do not outlive their attributes."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid import overlays
from fastdeid.dicom.reader import Reader
from fastdeid.digests import digest_chunks
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import LENGTH, OPERATION, TAG, VALUE
from fastdeid.overlays import ClearedRange, Clearing, clear_chunks, clear_loaded, find_clearing
from fastdeid.storage import TargetTree
from tests import builders as b
from tests.content.finding import read_bytes, rows_of
from tests.runs import ct_image

REMOVE, REPLACE = 1, 3


def us(tag: int, value: int, encoding: b.Encoding) -> bytes:
    return b.number(tag, "US", value, encoding=encoding)


def image(
    samples: list[int],
    *,
    allocated: int = 16,
    stored: int = 12,
    high: int = 11,
    signed: int = 0,
    positions: tuple[int, ...] = (12,),
    encoding: b.Encoding = b.EXPLICIT,
    more: bytes = b"",
) -> bytes:
    """Return a file with planes at these bits, from group 6000 on."""
    planes = []
    for number, position in enumerate(positions):
        group = (0x6000 + 2 * number) << 16
        planes += [us(group | 0x0010, 1, encoding), us(group | 0x0011, len(samples), encoding)]
        planes += [us(group | 0x0100, 16, encoding), us(group | 0x0102, position, encoding)]
    cells = [sample.to_bytes(allocated // 8, "little") for sample in samples]
    pixels = b"".join(cell[::-1] if encoding.big_endian else cell for cell in cells)
    data_set = ct_image(
        us(0x00280100, allocated, encoding),
        us(0x00280101, stored, encoding),
        us(0x00280102, high, encoding),
        us(0x00280103, signed, encoding),
        *planes,
        *([more] if more else []),
        b.element(0x7FE00010, "OW", pixels, encoding),
        encoding=encoding,
    )
    return b.part10(data_set, encoding)


def decide(reader: Reader, kept: tuple[int, ...] = ()) -> None:
    """Remove the overlay groups but those `kept`, as a profile would."""
    for row in range(reader.n_rows):
        group = int(reader.table[row, TAG]) >> 16
        if group >> 8 == 0x60 and group not in kept:
            reader.table[row, OPERATION] = REMOVE


def found(data: bytes, kept: tuple[int, ...] = ()) -> tuple[Reader, Clearing | None]:
    reader = read_bytes(data)
    decide(reader, kept)
    return reader, find_clearing(reader, rows_of(reader))


def cleared(data: bytes, kept: tuple[int, ...] = ()) -> list[int]:
    """Return the samples after clearing, as unsigned numbers in the byte order of the file."""
    reader, clearing = found(data, kept)
    assert clearing is not None
    cells = reader.table[clearing.row]
    pixels = reader.header[int(cells[3]) : int(cells[3] + cells[4])].copy()
    clearing.clear(pixels)
    big = cells[7] & 128
    dtype = np.dtype(f"{'>' if big else '<'}u{clearing.bits_allocated // 8}")
    return [int(sample) for sample in np.frombuffer(pixels.tobytes(), dtype)]


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG])
def test_a_plane_above_the_samples_is_cleared(encoding: b.Encoding) -> None:
    data = image([0x1FFF, 0xF123, 0x0456], encoding=encoding)
    assert cleared(data) == [0x0FFF, 0x0123, 0x0456]


def test_a_plane_below_the_samples_is_cleared() -> None:
    data = image([0x123F, 0x4560], high=15, positions=(0,))
    assert cleared(data) == [0x1230, 0x4560]


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.BIG])
def test_samples_with_a_sign_are_extended(encoding: b.Encoding) -> None:
    """-1 in 12 bits reads -1 in 16 bits, with or without a reader that masks the unused bits."""
    data = image([0x0FFF, 0x1FFF, 0xF801, 0x1001], signed=1, encoding=encoding)
    assert cleared(data) == [0xFFFF, 0xFFFF, 0xF801, 0x0001]


def test_eight_bit_cells_are_cleared() -> None:
    data = image([0x8F, 0x75], allocated=8, stored=7, high=6, positions=(7,))
    assert cleared(data) == [0x0F, 0x75]


def test_a_plane_that_stays_keeps_its_bit() -> None:
    data = image([0xF123, 0x3456], positions=(12, 13))
    assert cleared(data, kept=(0x6002,)) == [0x2123, 0x2456]


def test_a_plane_stays_when_its_description_is_cleaned() -> None:
    more = b.text(0x60000022, "LO", "drawn by Jane Doe")
    reader = read_bytes(image([0xF123], more=more))
    tags = reader.table[: reader.n_rows, TAG]
    reader.table[: reader.n_rows, OPERATION][tags == 0x60000022] = REPLACE
    assert find_clearing(reader, rows_of(reader)) is None


def test_nothing_is_cleared_without_a_removed_plane() -> None:
    assert found(image([0xF123], positions=()))[1] is None
    assert found(image([0xF123]), kept=(0x6000,))[1] is None


def test_planes_with_data_of_their_own_leave_the_pixels_alone() -> None:
    plane = b.element(0x60003000, "OW", b"\1\0")
    assert found(image([0xF123], positions=(0,), more=plane))[1] is None


def test_samples_that_fill_their_cells_leave_no_room() -> None:
    assert found(image([0xF123], stored=16, high=15, positions=(0,)))[1] is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (image([1], positions=(5,)), "overlay_in_stored_bits"),
        (image([1], stored=12, high=10), "overlay_bits_not_understood"),
        (image([1], stored=0, high=0), "overlay_bits_not_understood"),
        (image([1, 2, 3], allocated=24, stored=12), "overlay_bits_not_understood"),
    ],
)
def test_what_is_not_understood_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DicomError) as caught:
        found(data)
    assert caught.value.reason == reason


def test_compressed_pixel_data_is_refused() -> None:
    native = image([1])
    at = native.index(b.tag_bytes(0x7FE00010) + b"OW")
    head = native[:at].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    with pytest.raises(DicomError) as caught:
        found(head + b.fragments(0x7FE00010, [b"\1\2"]))
    assert caught.value.reason == "overlay_in_compressed_pixel_data"


@given(
    pixels=st.binary(min_size=2, max_size=80).map(lambda raw: raw[: len(raw) // 4 * 4] or bytes(4)),
    before=st.integers(0, 9),
    bits=st.sampled_from([8, 16, 32]),
)
def test_a_range_of_a_file_is_cleared_in_pieces(pixels: bytes, before: int, bits: int) -> None:
    clearing = Clearing(0, bits, keep=0x7F, sign=0x40, fill=0x80)
    whole = np.frombuffer(bytearray(pixels), np.uint8)
    clearing.clear(whole)
    fd = os.memfd_create("test")
    size = overlays._CHUNK
    try:
        overlays._CHUNK = 8  # type: ignore[misc]
        os.write(fd, bytes(before) + pixels + b"more")
        cleared_range = ClearedRange(clearing, before, len(pixels))
        pieces = [bytes(piece) for piece in cleared_range.pieces(fd)]
    finally:
        overlays._CHUNK = size  # type: ignore[misc]
        os.close(fd)
    assert b"".join(pieces) == whole.tobytes()


def test_bytes_at_an_odd_address_are_cleared() -> None:
    held = np.zeros(5, np.uint8)
    held[1:] = [0xFF, 0xFF, 0x01, 0xF0]
    Clearing(0, 16, keep=0x0FFF, sign=0, fill=0).clear(held[1:])
    assert held.tolist() == [0, 0xFF, 0x0F, 0x01, 0x00]


def test_a_file_that_shrinks_is_noticed() -> None:
    fd = os.memfd_create("test")
    try:
        os.write(fd, bytes(6))
        with pytest.raises(DicomError):
            list(ClearedRange(Clearing(0, 16, keep=0x0FFF, sign=0, fill=0), 0, 8).pieces(fd))
    finally:
        os.close(fd)


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.BIG, b.DEFLATED])
def test_pixel_data_that_is_loaded_is_cleared_where_it_is(encoding: b.Encoding) -> None:
    reader, clearing = found(image([0x1FFF, 0xF123], encoding=encoding))
    assert clearing is not None
    clear_loaded(reader, reader.header, clearing)
    start = int(reader.table[clearing.row, VALUE])
    samples = reader.view[start : start + 4].tobytes()
    assert samples == struct.pack(encoding.order + "2H", 0x0FFF, 0x0123)
    assert clear_chunks(reader, clearing, [b"header", samples]) == [b"header", samples]


def test_pixel_data_that_is_not_loaded_is_cleared_while_it_is_written(tmp_path: Path) -> None:
    n_samples = 60_000  # more than a reader loads
    data = image([0x1FFF, 0xF123] * (n_samples // 2))
    reader, clearing = found(data)
    assert clearing is not None
    cells = reader.table[clearing.row]
    place = (int(cells[VALUE]), int(cells[LENGTH]))
    before = bytes(reader.header)
    clear_loaded(reader, reader.header, clearing)
    assert bytes(reader.header) == before
    chunks = clear_chunks(reader, clearing, [data[: place[0]], place])
    source = tmp_path / "source"
    source.write_bytes(data)
    tree = TargetTree(tmp_path / "target")
    with source.open("rb") as file:
        assert tree.publish("a/b.dcm", chunks, file.fileno()) == "new"
    tree.close()
    written = (tmp_path / "target" / "a" / "b.dcm").read_bytes()
    assert written[: place[0]] == data[: place[0]]
    assert written[place[0] :] == (b"\xff\x0f\x23\x01" * (n_samples // 2))
    assert len(chunks[1]) == len(data) - place[0]
    with source.open("rb") as file:
        assert digest_chunks(chunks, file.fileno()) == digest_chunks([written], -1)
