"""The kernels of lossless JPEG scans, against their twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.codecs.huffman import N_TABLES, best_table, reading, writing
from fastdeid.kernels import jpeg_lossless as kernel
from fastdeid.kernels.jpeg_scans import SLACK, find_scan_data
from tests.kernels import naive_lossless as naive
from tests.kernels.naive_jpeg import codes_of
from tests.kernels.naive_jpeg import find_scan_data as twin_data
from tests.kernels.naive_lossless import Lossless, Picture

TABLES = {0: best_table([1] * 17), 2: best_table([3, 9, 9, *[1] * 14])}
CODES = [codes_of(*TABLES[n]) if n in TABLES else {} for n in range(N_TABLES)]


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Picture, Lossless]:
    rows, columns, n_planes = draw(st.tuples(*[st.integers(1, 6)] * 2, st.integers(1, 3)))
    sample = st.one_of(st.integers(500, 520), st.integers(0, 65535))
    line = st.lists(sample, min_size=columns, max_size=columns)
    plane = st.lists(line, min_size=rows, max_size=rows)
    picture = draw(st.lists(plane, min_size=n_planes, max_size=n_planes))
    planes = list(range(n_planes))
    tables = [draw(st.sampled_from([0, 2])) for _ in planes]
    scan = Lossless(
        *(draw(st.integers(1, rows)), planes, tables, draw(st.integers(1, 7)), 2048, CODES)
    )
    return picture, scan


def numbers(values: Any) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def read(coded: bytes, shape: tuple[int, int, int], scan: Lossless) -> npt.NDArray[Any] | None:
    plain = np.zeros(len(coded) + SLACK, np.uint8)
    pieces = np.zeros((12, 2), np.int64)
    source = np.frombuffer(coded, np.uint8)
    end = find_scan_data(source, 0, plain, pieces, np.zeros(12, np.uint8))
    n_pieces = int(pieces[0, 0])
    if end < 0 or n_pieces != -(-shape[1] // scan.n_lines):
        return None
    samples = np.zeros(shape, np.uint16)
    n_rows = kernel.read_samples(
        *(plain, pieces, n_pieces, scan.n_lines, numbers(scan.planes), numbers(scan.tables)),
        *(scan.predictor, scan.middle, *reading(TABLES), samples),
    )
    return samples if n_rows == shape[1] else None


@given(pictures())
def test_samples_are_written_and_counted_as_by_the_twin(drawn: tuple[Picture, Lossless]) -> None:
    picture, scan = drawn
    samples = np.array(picture, np.uint16)
    arguments = (samples, scan.n_lines, numbers(scan.planes), numbers(scan.tables))
    counts = np.zeros((N_TABLES, 256), np.int64)
    kernel.count_sample_symbols(*arguments, scan.predictor, scan.middle, counts)
    counted = {(table, symbol): counts[table, symbol] for table, symbol in np.argwhere(counts)}
    assert counted == naive.count_sample_symbols(picture, scan)
    coded = np.zeros(10_000, np.uint8)
    length = kernel.write_samples(*arguments, scan.predictor, scan.middle, *writing(TABLES), coded)
    assert coded[:length].tobytes() == naive.write_samples(picture, scan)


@given(pictures())
def test_what_the_twin_writes_is_read(drawn: tuple[Picture, Lossless]) -> None:
    picture, scan = drawn
    samples = np.array(picture, np.uint16)
    decoded = read(naive.write_samples(picture, scan) + b"\xff\xd9", samples.shape, scan)
    assert decoded is not None
    np.testing.assert_array_equal(decoded, samples)


@given(pictures(), st.data())
def test_damaged_data_are_read_as_by_the_twin_or_refused(
    drawn: tuple[Picture, Lossless], data: st.DataObject
) -> None:
    picture, scan = drawn
    shape = np.array(picture).shape
    coded = bytearray(naive.write_samples(picture, scan))
    for at in data.draw(st.lists(st.integers(0, len(coded) - 1), max_size=3)):
        coded[at] ^= 1 << data.draw(st.integers(0, 7))
    cut = bytes(coded[: data.draw(st.integers(0, len(coded)))]) + b"\xff\xd9"
    parts = twin_data(cut)
    assert parts is not None
    expected = None
    if len(parts[0]) == -(-shape[1] // scan.n_lines):
        expected = naive.read_samples(parts[0], shape, scan)
    decoded = read(cut, shape, scan)
    assert (decoded is None) == (expected is None)
    if decoded is not None:
        np.testing.assert_array_equal(decoded, np.array(expected))
