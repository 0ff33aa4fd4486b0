"""The kernels of DCT scans, against their twins."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.codecs.huffman import N_TABLES, best_table, reading, writing
from fastdeid.codecs.jpeg_dct import ZIGZAG
from fastdeid.kernels import jpeg_scans as scans
from fastdeid.kernels.jpeg_samples import show_blocks
from fastdeid.kernels.jpeg_writing import count_block_symbols, write_blocks
from tests.kernels import naive_jpeg as naive
from tests.kernels.naive_jpeg import Block, Scan, Unit, codes_of

# An MCU of two luminance blocks side by side and one of chrominance: 4:2:2 (A.2.3).
UNITS = [Unit(0, 0, 4), Unit(0, 0, 4), Unit(1, 1, 5)]
ACROSS, DOWN = 2, 3
N_MCUS = ACROSS * DOWN
ROWS = np.array([
    [0, 4, 2, 1, 0, 0, 0, 0, 4],
    [0, 4, 2, 1, 1, 0, 0, 0, 4],
    [12, 2, 1, 1, 0, 0, 1, 1, 5],
], np.int64)  # fmt: skip
# Every size of a coefficient, every run: no symbol is without a code.
ALL = best_table([3 if symbol % 16 else 1 for symbol in range(256)])
TABLES = {0: best_table([1] * 16), 1: best_table([9, *[1] * 15]), 4: ALL, 5: ALL}

VALUES = st.one_of(st.just(0), st.integers(-3, 3), st.integers(-2047, 2047))


@st.composite
def frames(draw: st.DrawFn) -> list[Block]:
    """Return blocks in the order of the scan: mostly short ones."""
    blocks = []
    for _ in range(N_MCUS * len(UNITS)):
        ends = draw(st.sampled_from([1, 1, 2, 5, 64]))
        block = draw(st.lists(VALUES, min_size=ends, max_size=ends))
        blocks.append(block + [0] * (64 - ends))
    return blocks


def places() -> list[int]:
    """Return the number of each block of the scan: rows of the picture, component by component."""
    found = []
    for mcu in range(N_MCUS):
        x, y = mcu % ACROSS, mcu // ACROSS
        found += [y * 4 + 2 * x, y * 4 + 2 * x + 1, 12 + y * 2 + x]
    return found


def standing(blocks: list[Block]) -> npt.NDArray[np.int16]:
    stored = np.zeros((len(blocks), 64), np.int16)
    stored[places()] = blocks
    return stored


def scan_of(interval: int) -> Scan:
    tables = [codes_of(*TABLES[n]) if n in TABLES else {} for n in range(N_TABLES)]
    return Scan(N_MCUS, interval, UNITS, tables)


def source(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def found(coded: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], int]:
    plain = np.zeros(len(coded) + scans.SLACK, np.uint8)
    pieces = np.zeros((12, 2), np.int64)
    end = scans.find_scan_data(source(coded), 0, plain, pieces, np.zeros(12, np.uint8))
    return plain, pieces, int(end)


def read(coded: bytes, interval: int) -> npt.NDArray[Any] | None:
    plain, pieces, end = found(coded)
    n_pieces = int(pieces[0, 0])
    if end < 0 or n_pieces != -(-N_MCUS // interval):
        return None
    blocks = np.zeros((N_MCUS * len(UNITS), 64), np.int16)
    n_read = scans.read_blocks(
        *(plain, pieces, n_pieces, N_MCUS, interval, ROWS, ACROSS),
        *(*reading(TABLES), np.zeros(4, np.int64), blocks),
    )
    return blocks if n_read == N_MCUS else None


@given(st.lists(st.sampled_from([0, 1, 0xD0, 0xD7, 0xD9, 0xFF, 0xFF]), max_size=40).map(bytes))
def test_data_of_a_scan_are_those_of_the_twin(coded: bytes) -> None:
    plain, pieces, end = found(coded)
    expected = naive.find_scan_data(coded)
    if end < 0:
        assert expected is None or len(expected[0]) > 10
        return
    parts = [plain[begin:stop].tobytes() for begin, stop in pieces[1 : pieces[0, 0] + 1].tolist()]
    assert (parts, end) == expected


@given(frames(), st.integers(1, N_MCUS))
def test_blocks_are_written_and_counted_as_by_the_twin(blocks: list[Block], interval: int) -> None:
    counts = np.zeros((N_TABLES, 256), np.int64)
    before = np.zeros(4, np.int64)
    count_block_symbols(standing(blocks), N_MCUS, interval, ROWS, ACROSS, before, counts)
    kernel = {(table, symbol): counts[table, symbol] for table, symbol in np.argwhere(counts)}
    assert kernel == naive.count_block_symbols(blocks, scan_of(interval))
    coded = np.zeros(100_000, np.uint8)
    length = write_blocks(
        *(standing(blocks), N_MCUS, interval, ROWS, ACROSS, *writing(TABLES), before, coded)
    )
    expected = naive.write_blocks(blocks, scan_of(interval))
    assert coded[:length].tobytes() == expected
    n_bits = int((counts * (writing(TABLES).sizes + np.arange(256) % 16)).sum())
    assert length <= n_bits // 4 + 16 + 4 * -(-N_MCUS // interval)


@given(frames(), st.integers(1, N_MCUS))
def test_what_the_twin_writes_is_read(blocks: list[Block], interval: int) -> None:
    coded = naive.write_blocks(blocks, scan_of(interval)) + b"\xff\xd9"
    decoded = read(coded, interval)
    assert decoded is not None
    np.testing.assert_array_equal(decoded, standing(blocks))


@given(frames(), st.integers(1, N_MCUS), st.data())
def test_damaged_data_are_read_as_by_the_twin_or_refused(
    blocks: list[Block], interval: int, data: st.DataObject
) -> None:
    coded = bytearray(naive.write_blocks(blocks, scan_of(interval)))
    for at in data.draw(st.lists(st.integers(0, len(coded) - 1), max_size=3)):
        coded[at] ^= 1 << data.draw(st.integers(0, 7))
    cut = bytes(coded[: data.draw(st.integers(0, len(coded)))]) + b"\xff\xd9"
    decoded = read(cut, interval)
    parts = naive.find_scan_data(cut)
    assert parts is not None
    expected = None
    if len(parts[0]) == -(-N_MCUS // interval):
        expected = naive.read_blocks(parts[0], scan_of(interval))
    if decoded is None or expected is None:
        # Only a DC coefficient beyond 16 bits is refused by the kernel alone.
        assert decoded is None
        assert expected is None or max(abs(block[0]) for block in expected) > 32767
        return
    np.testing.assert_array_equal(decoded, standing(expected))


@given(
    st.lists(st.integers(-60, 60), min_size=1, max_size=64),
    st.lists(st.integers(1, 40), min_size=64, max_size=64),
    st.sampled_from([8, 12]),
)
def test_samples_are_those_of_the_twin(block: Block, quantiser: list[int], precision: int) -> None:
    whole = block + [0] * (64 - len(block))
    samples = np.empty((8, 8), np.uint8 if precision == 8 else np.uint16)
    show_blocks(
        *(np.array([whole], np.int16), 0, 1, np.array(quantiser, np.float32), ZIGZAG, precision),
        *(np.empty(64, np.float32), samples),
    )
    expected = naive.show_blocks(whole, quantiser, precision)
    assert np.abs(samples - expected).max() <= 0.51


@given(st.lists(st.integers(0, 100_000), min_size=256, max_size=256), st.integers(0, 255))
def test_best_tables_have_a_code_for_what_occurs(counts: list[int], keep: int) -> None:
    some = [count * (symbol % 7 == 0) + (symbol == keep) for symbol, count in enumerate(counts)]
    table = best_table(some)
    codes = codes_of(*table)
    assert sorted(codes.values()) == [symbol for symbol, count in enumerate(some) if count]
    assert max(map(len, codes)) <= 16
    assert all("0" in code for code in codes)
    ordered = sorted(codes)
    assert not any(b.startswith(a) for a, b in pairwise(ordered))


def test_rare_symbols_get_codes_of_16_bits_at_most() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    table = best_table(fibonacci)
    assert sum(table.lengths) == 40
    assert len(table.lengths) == 16


def test_a_best_table_is_as_short_as_can_be() -> None:
    # K.2: 8, 4, 2 and 1 of 15 symbols, and the code of all ones that nobody has.
    codes = codes_of(*best_table([8, 4, 2, 1]))
    assert {symbol: len(code) for code, symbol in codes.items()} == {0: 1, 1: 2, 2: 3, 3: 4}
    assert Counter(map(len, codes)) == Counter([1, 2, 3, 4])
