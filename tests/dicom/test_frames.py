"""Frames of Pixel Data: native, in fragments, with offset tables, PS3.5 annex A.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from fastdeid.dicom.frames import (
    DELIMITER,
    Range,
    find_fragments,
    frames_of,
    item,
    native_frames,
    offset_tables,
)
from fastdeid.errors import DicomError

JPEG = b"\xff\xd8\xff\xe0"


def found(data: bytes, n_frames: int, extended: tuple[int, ...] = ()) -> list[bytes]:
    """Return the bytes of each frame, found behind 7 bytes of something else."""
    source = b"before!" + data

    def read(offset: int, length: int) -> bytes:
        return source[offset : offset + length]

    fragments = find_fragments(read, 7, len(source))
    assert fragments.end == len(source)
    frames = frames_of(fragments, n_frames, read, extended)
    return [b"".join(read(*one) for one in ranges) for ranges in frames]


def items(*values: bytes) -> bytes:
    return b"".join(map(item, values)) + DELIMITER


def test_the_bytes_of_two_fragments() -> None:
    data = bytes.fromhex("feff00e0 00000000 feff00e0 02000000 aabb feff00e0 02000000 ccdd")
    assert found(data + DELIMITER, 2) == [b"\xaa\xbb", b"\xcc\xdd"]
    assert found(data + DELIMITER, 1) == [b"\xaa\xbb\xcc\xdd"]


def test_the_basic_offset_table_groups_fragments() -> None:
    table = (0).to_bytes(4, "little") + (20).to_bytes(4, "little")
    assert found(items(table, b"ab", b"cd", b"ef"), 2) == [b"abcd", b"ef"]


def test_the_extended_offset_table_stands_before_the_basic_one() -> None:
    assert found(items(b"", b"ab", b"cd", b"ef"), 2, extended=(0, 10)) == [b"ab", b"cdef"]


def test_without_a_table_coded_images_are_told_by_their_first_bytes() -> None:
    data = items(b"", JPEG + b"12", b"34", JPEG + b"56", b"7\0")
    assert found(data, 2) == [JPEG + b"1234", JPEG + b"567\0"]


def test_wrapped_jpeg_2000_begins_with_a_signature_box() -> None:
    box = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
    assert found(items(b"", box, b"34", box), 2) == [box + b"34", box]


@pytest.mark.parametrize(
    ("data", "n_frames", "reason"),
    [
        (items(b"", b"ab", b"cd", b"ef"), 2, "frame_count"),
        (items(b""), 1, "frame_count"),
        (items(bytes(4), b"ab", b"cd"), 2, "bad_offset_table"),
        (items(bytes(8), b"ab", b"cd"), 2, "bad_offset_table"),
        (items((2).to_bytes(4, "little"), b"ab"), 1, "bad_offset_table"),
        (items(b"ab", b"cd"), 1, "bad_offset_table"),
        (DELIMITER, 1, "bad_offset_table"),
        (items(b"", b"ab")[:-9], 1, "truncated"),
        (items(b"", b"ab")[:-8], 1, "truncated"),
        (item(b"") + b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 1, "bad_item"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(data: bytes, n_frames: int, reason: str) -> None:
    with pytest.raises(DicomError, match=reason):
        found(data, n_frames)


def test_native_frames_stand_one_behind_the_other() -> None:
    assert list(native_frames(Range(100, 10), 3, 3)) == [
        Range(100, 3),
        Range(103, 3),
        Range(106, 3),
    ]


@pytest.mark.parametrize(("length", "frame", "n"), [(8, 3, 3), (11, 3, 3), (6, 0, 1), (6, 6, 0)])
def test_native_frames_that_do_not_fit_are_refused(length: int, frame: int, n: int) -> None:
    with pytest.raises(DicomError):
        list(native_frames(Range(0, length), frame, n))


FRAMES = st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=5)


@given(FRAMES, st.integers(1, 3))
def test_frames_written_by_pydicom_are_found(frames: list[bytes], per_frame: int) -> None:
    data = encapsulate(
        frames, fragments_per_frame=min(per_frame, *((len(one) + 1) // 2 for one in frames))
    )
    padded = [frame + bytes(len(frame) % 2) for frame in frames]
    assert found(data + DELIMITER, len(frames)) == padded


@given(FRAMES)
def test_rebuilt_tables_are_those_of_pydicom(frames: list[bytes]) -> None:
    tables = offset_tables(map(len, frames))
    data = item(tables.basic) + b"".join(map(item, frames))
    assert data == encapsulate(frames)
    _, extended, lengths = encapsulate_extended(frames)
    assert (tables.extended, tables.lengths) == (extended, lengths)
    assert list(generate_frames(data, number_of_frames=len(frames)))


@given(FRAMES)
def test_frames_are_found_by_the_extended_table_of_pydicom(frames: list[bytes]) -> None:
    data, extended, _ = encapsulate_extended(frames)
    offsets = tuple(
        int.from_bytes(extended[at : at + 8], "little") for at in range(0, len(extended), 8)
    )
    padded = [frame + bytes(len(frame) % 2) for frame in frames]
    assert found(data + DELIMITER, len(frames), offsets) == padded


def test_a_fragment_of_odd_length_is_read_as_it_stands() -> None:
    """Items have an even length (A.4); some writers forget it."""
    odd = b"\xfe\xff\x00\xe0\x03\x00\x00\x00abc"
    assert found(item(b"") + odd + item(b"de") + DELIMITER, 2) == [b"abc", b"de"]


def test_offsets_beyond_32_bits_leave_the_basic_table_empty() -> None:
    tables = offset_tables([1 << 31] * 3)
    assert tables.basic == b""
    assert len(tables.extended) == 24
