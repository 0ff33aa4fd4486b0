"""The kernels for pixels against their plain twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.kernels import boxes as box_kernels
from fastdeid.kernels import components, histograms, projections
from tests.kernels import naive

Array = npt.NDArray[Any]
SIDES = st.integers(1, 12)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, *shape: int, dtype: Any = np.uint8, levels: int = 256) -> Array:
    """Return random samples; few levels make runs, and steps that meet."""
    return np.random.default_rng(seed).integers(0, levels, shape).astype(dtype)


def found_components(mask: Array, grey: Array, n_runs: int = 200) -> tuple[int, Array]:
    runs = np.empty((n_runs, components.N_RUN_COLUMNS), np.int32)
    table = np.empty((200, components.N_COLUMNS), np.int64)
    return int(components.find_components(mask, grey, runs, table)), table


@given(SEEDS, SIDES, SIDES, st.integers(2, 5))
def test_components_are_those_of_a_flood_fill(seed: int, rows: int, columns: int, n: int) -> None:
    mask = (drawn(seed, rows, columns, levels=n) == 0).astype(np.uint8)
    grey = drawn(seed + 1, rows, columns)
    n_found, table = found_components(mask, grey)
    assert [tuple(row) for row in table[:n_found].tolist()] == naive.find_components(mask, grey)


def test_a_spiral_is_one_component() -> None:
    mask = np.ones((9, 9), np.uint8)
    mask[1, 1:9] = mask[1:8, 7] = mask[7, 1:8] = mask[3:8, 1] = mask[3, 1:6] = mask[3:6, 5] = 0
    n_found, table = found_components(mask, mask)
    assert n_found == 1
    assert table[0, components.AREA] == mask.sum()


def test_components_that_do_not_fit_are_refused() -> None:
    mask = np.array([[1, 0, 1, 0, 1]], np.uint8)
    assert found_components(mask, mask, n_runs=2)[0] == -1


TYPES = st.sampled_from([np.uint8, np.uint16, np.int16])


@given(SEEDS, TYPES, st.integers(1, 60), st.integers(1, 5))
def test_levels_are_counted(seed: int, dtype: Any, size: int, step: int) -> None:
    samples = drawn(seed, size, dtype=dtype, levels=70000)
    least = -32768 if dtype is np.int16 else 0
    counts = np.zeros(histograms.N_LEVELS, np.int64)
    histograms.count_levels(samples, step, least, counts)
    counted = {int(level) + least: int(counts[level]) for level in np.flatnonzero(counts)}
    assert counted == naive.count_levels(samples, step)


@given(SEEDS, TYPES, st.floats(-300, 300, width=32), st.floats(0, 3, width=32))
def test_a_window_is_shown_in_8_bits(seed: int, dtype: Any, low: float, gain: float) -> None:
    samples = drawn(seed, 40, dtype=dtype, levels=500)
    view = np.empty(40, np.uint8)
    histograms.show_window(samples, np.float32(low), np.float32(gain), view)
    expected = naive.show_window(samples, low, gain)
    # Compiled code may fuse the product and the sum, which moves a value that lies on the half.
    assert np.abs(view.astype(int) - expected).max() <= 1


@given(SEEDS, TYPES, st.integers(1, 5))
def test_projections_are_the_extremes_of_the_frames(seed: int, dtype: Any, n_frames: int) -> None:
    frames = drawn(seed, n_frames, 30, dtype=dtype, levels=70000)
    least, largest = frames[0].copy(), frames[0].copy()
    for frame in frames[1:]:
        projections.extend_projections(frame, least, largest)
    expected = naive.extend_projections(list(frames))
    assert np.array_equal(least, expected[0])
    assert np.array_equal(largest, expected[1])


@given(SEEDS, SIDES, SIDES, st.integers(1, 5), st.integers(0, 255))
def test_tiles_that_change_are_flagged(
    seed: int, rows: int, columns: int, side: int, tolerance: int
) -> None:
    view, reference = drawn(seed, rows, columns), drawn(seed + 1, rows, columns)
    flags = np.empty((-(-rows // side), -(-columns // side)), np.uint8)
    n_changed = projections.find_changed_tiles(view, reference, side, tolerance, flags)
    expected = naive.find_changed_tiles(view, reference, side, tolerance)
    assert flags.astype(bool).tolist() == expected
    assert n_changed == sum(map(sum, expected))


@given(
    SEEDS,
    st.sampled_from([np.uint8, np.uint16, np.uint32]),
    st.lists(st.tuples(*[st.integers(0, 9)] * 4), max_size=4),
)
def test_boxes_are_filled_and_nothing_else(
    seed: int, dtype: Any, corners: list[tuple[int, ...]]
) -> None:
    frames = drawn(seed, 2, 2, 9, 9, 3, dtype=dtype, levels=2**31)
    fill = drawn(seed + 1, 2, 3, dtype=dtype, levels=2**31)
    expected = naive.fill_boxes(frames, corners, fill)
    box_kernels.fill_boxes(frames, np.array(corners, np.int32).reshape(-1, 4), fill)
    assert np.array_equal(frames, expected)


@given(SEEDS, SIDES, SIDES, st.integers(1, 5), st.integers(1, 256))
def test_tiles_of_many_levels_are_flagged(
    seed: int, rows: int, columns: int, side: int, least: int
) -> None:
    view = drawn(seed, rows, columns)
    flags = np.empty((-(-rows // side), -(-columns // side)), np.uint8)
    n_varied = projections.find_varied_tiles(view, side, least, flags)
    expected = naive.find_varied_tiles(view, side, least)
    assert flags.astype(bool).tolist() == expected
    assert n_varied == sum(map(sum, expected))
