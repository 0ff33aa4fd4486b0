"""The kernel of progressive scans, against its twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.codecs.huffman import N_TABLES, best_table, reading
from fastdeid.kernels.jpeg_progressive import read_progressive
from fastdeid.kernels.jpeg_scans import SLACK
from tests.kernels import naive_progressive as naive
from tests.kernels.naive_jpeg import Block, Scan, Unit, codes_of
from tests.kernels.test_jpeg import ACROSS, N_MCUS, ROWS, UNITS, places, standing

# Short codes for what is common: ends of bands, runs, small coefficients, and bits of old ones.
_COMMON = {0: 60, 16: 20, 32: 10, 1: 60, 2: 30, 17: 20, 33: 10, 240: 4, 3: 4, 50: 2}
TABLE = best_table([_COMMON.get(symbol, 0) for symbol in range(256)])
TABLES = {0: best_table([3] * 12), 1: best_table([9, *[1] * 11]), 4: TABLE}

BLOCKS = st.lists(
    st.lists(st.sampled_from([0, 0, 0, 0, 4, -4, 8]), min_size=64, max_size=64),
    min_size=N_MCUS * len(UNITS),
    max_size=N_MCUS * len(UNITS),
)
DATA = st.lists(st.binary(min_size=2, max_size=60), min_size=1, max_size=4)


def both(
    parts: list[bytes], band: tuple[int, int, int, int], blocks: list[Block], *, dc: bool
) -> tuple[object, object]:
    """Return what kernel and twin make of data; None for damaged ones."""
    units = UNITS if dc else [Unit(0, 0, 4)]
    rows = ROWS if dc else np.array([[0, 4, 1, 1, 0, 0, 0, 0, 4]], np.int64)
    n_mcus = N_MCUS if dc else 12
    across = ACROSS if dc else 4
    interval = -(-n_mcus // len(parts))
    parts = parts[: -(-n_mcus // interval)]
    tables = [codes_of(*TABLES[n]) if n in TABLES else {} for n in range(N_TABLES)]
    before = blocks if dc else blocks[:12]
    expected = naive.read_progressive(parts, Scan(n_mcus, interval, units, tables), band, before)
    stored = standing(blocks) if dc else np.array(before, np.int16)
    plain = np.frombuffer(b"".join(parts) + bytes(SLACK), np.uint8)
    ends = np.cumsum([len(part) for part in parts])
    pieces = np.array([(0, 0), *zip(ends - [len(part) for part in parts], ends, strict=True)])
    n_read = read_progressive(
        *(plain, pieces, len(parts), n_mcus, interval, rows, across, np.array(band, np.int64)),
        *(*reading(TABLES), np.zeros(5, np.int64), stored),
    )
    found = stored[places()].tolist() if dc else stored.tolist()
    return (found if n_read == n_mcus else None), expected


@settings(deadline=None)
@given(DATA, BLOCKS, st.integers(0, 2), st.booleans())
def test_first_coefficients_are_those_of_the_twin(
    parts: list[bytes], blocks: list[Block], low: int, again: bool
) -> None:
    found, expected = both(parts, (0, 0, int(again) * (low + 1), low), blocks, dc=True)
    assert found == expected


@settings(deadline=None)
@given(
    *(DATA, BLOCKS, st.integers(0, 2), st.booleans()),
    st.tuples(st.integers(1, 63), st.integers(0, 40)),
)
def test_bands_are_those_of_the_twin(
    parts: list[bytes], blocks: list[Block], low: int, again: bool, places: tuple[int, int]
) -> None:
    first, more = places
    if not again:  # nothing has been told of them
        blocks = [[block[0], *[0] * 63] for block in blocks]
    band = (first, min(first + more, 63), int(again) * (low + 1), low)
    found, expected = both(parts, band, blocks, dc=False)
    assert found == expected
