"""RLE segments, PS3.5 annex G.3."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.kernels.packbits import pack_runs, unpack_runs
from tests.kernels import naive

SOURCES = st.lists(st.sampled_from(b"aab"), min_size=1, max_size=400).map(bytes)


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(bytearray(data), np.uint8)


def packed(source: bytes, columns: int, first: int = 0, step: int = 1) -> bytes:
    room = np.zeros(2 * len(source) + 8, np.uint8)
    length = pack_runs(array(source), first, step, columns, room)
    assert length >= 0
    return room[:length].tobytes()


def unpacked(coded: bytes, size: int, first: int = 0, step: int = 1) -> tuple[int, bytes]:
    decoded = np.zeros(size, np.uint8)
    return int(unpack_runs(array(coded), decoded, first, step)), decoded.tobytes()


def test_the_bytes_of_a_segment() -> None:
    assert packed(b"aaaaabccxyzz", 4) == b"\xfda\x03abcc\x03xyzz"


def test_a_segment_of_bytes_that_a_reader_can_check() -> None:
    coded = b"\xfe\x07\x80\x01\x08\x09"  # three times 7, nothing, 8 and 9
    assert unpacked(coded, 5) == (5, b"\x07\x07\x07\x08\x09")


def test_every_second_byte_is_decoded_beside_another_segment() -> None:
    assert unpacked(b"\xfe\x07", 6, first=1, step=2) == (3, b"\0\x07\0\x07\0\x07")


def test_a_run_beyond_the_segment_is_refused() -> None:
    assert unpacked(b"\x05abc", 6)[0] == -1
    assert unpacked(b"\xfe", 6)[0] == -1


def test_a_run_beyond_the_frame_is_cut() -> None:
    assert unpacked(b"\x81a", 5) == (5, b"aaaaa")


@given(SOURCES, st.integers(1, 128))
def test_segments_are_those_of_the_twin(source: bytes, columns: int) -> None:
    assert packed(source, columns) == naive.pack_runs(source, columns)


@given(SOURCES, st.integers(1, 400))
def test_what_is_packed_is_unpacked_row_by_row(source: bytes, columns: int) -> None:
    coded = packed(source, columns)
    assert naive.unpack_runs(coded) == source
    assert unpacked(coded, len(source)) == (len(source), source)
    rows = -(-len(source) // columns)
    assert len(coded) <= rows * (columns + -(-columns // 128))


@given(SOURCES, st.integers(1, 3))
def test_a_segment_of_every_third_byte(source: bytes, columns: int) -> None:
    spread = bytes(byte for one in source for byte in (0, one, 0))
    assert packed(spread, columns, first=1, step=3) == naive.pack_runs(source, columns)


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_as_by_the_twin_or_refused(coded: bytes) -> None:
    expected = naive.unpack_runs(coded)
    size = len(expected) if expected is not None else 8000
    n_decoded, decoded = unpacked(coded, size)
    assert (decoded[:n_decoded] if n_decoded >= 0 else None) == expected


def test_a_buffer_that_is_too_short_is_refused() -> None:
    assert pack_runs(array(b"abcdef"), 0, 1, 6, np.zeros(3, np.uint8)) == -1
