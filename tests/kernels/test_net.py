"""The kernels that run the net for text against their plain twins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.kernels import convolutions, surroundings
from fastdeid.pixels.layers import Layer, Room
from tests.kernels import naive

Array = npt.NDArray[Any]
SEEDS = st.integers(0, 2**32 - 1)
HALVES = st.integers(1, 9)
# Halves of rows with and without whole vectors.
LONG_HALVES = st.integers(1, 40)


def filled(view: Array) -> Array:
    rows, columns = view.shape
    planes = np.zeros((2, 2, 2, rows // 2 + 2, columns // 2 + 2), np.float32)
    sums = np.empty((2, columns), np.int32)
    totals = np.empty((2, columns + surroundings.SIDE), np.int32)
    lines = np.empty((2, columns), np.float32)
    surroundings.fill_planes(view, sums, totals, lines, planes.reshape(-1))
    return planes


@given(SEEDS, HALVES, HALVES)
def test_a_view_is_told_from_its_surroundings(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    view = rng.integers(0, 256, (2 * rows, 2 * columns)).astype(np.uint8)
    assert np.allclose(filled(view), naive.fill_planes(view), atol=2e-3)


@pytest.mark.jit
def test_the_surroundings_of_a_long_white_row_are_white() -> None:
    view = np.full((30, 3000), 255, np.uint8)
    assert np.abs(filled(view)[1]).max() < 1e-2


def made(geometry: dict[int, int], target: Array, *given_maps: Array) -> Array:
    """Run the kernel; given_maps: source, offsets, weights, bias, seed."""
    table = np.zeros(convolutions.N_GEOMETRY, np.int64)
    for column, value in geometry.items():
        table[column] = value
    most = table[convolutions.BLOCK] * table[convolutions.PITCH]
    source, offsets, weights, bias, seed = given_maps
    # What stood in the sums before does not matter; what memory happens to hold may warn of itself.
    sums = np.full((len(bias), most + convolutions.STRIP), 7, np.float32)
    fours = weights.reshape(-1, convolutions.OUTPUTS, len(offsets)).transpose(0, 2, 1)
    source = np.concatenate([source, np.full(convolutions.STRIP, np.nan, np.float32)])
    maps = (source, offsets, np.ascontiguousarray(fours), bias, seed)
    convolutions.convolve(*maps, table, sums, target)
    return target


@given(SEEDS, HALVES, LONG_HALVES, st.integers(1, 3), st.sampled_from([None, 0, 1]))
def test_maps_are_made_of_bias_seed_and_taps(
    seed: int, rows: int, half: int, block: int, shift: int | None
) -> None:
    rng = np.random.default_rng(seed)
    is_rectified = bool(seed % 2)
    columns, pitch, outputs, taps = 2 * half, 2 * half + 3, 8, 5
    if shift == 1:
        rows = 2 * rows
    source = rng.standard_normal((rows + 2) * pitch).astype(np.float32)
    offsets = rng.integers(0, 2 * pitch + 3, taps)
    offsets = np.minimum(offsets, source.size - (rows - 1) * pitch - columns)
    weights = rng.standard_normal((outputs, taps)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    size = (outputs, rows >> (shift or 0), columns >> (shift or 0))
    begun = None if shift is None else rng.standard_normal(size).astype(np.float32)
    geometry = {
        convolutions.ROWS: rows,
        convolutions.COLUMNS: columns,
        convolutions.PITCH: pitch,
        convolutions.BLOCK: block,
        convolutions.SEED_PLANE: size[1] * size[2],
        convolutions.SEED_PITCH: size[2],
        convolutions.SEED_SHIFT: shift or 0,
        convolutions.IS_RECTIFIED: is_rectified,
    }
    expected = naive.convolve(source, (offsets, weights), bias, begun, (rows, columns, pitch))
    expected = np.maximum(expected, convolutions.LEAK * expected) if is_rectified else expected
    flat_seed = np.zeros(0, np.float32) if begun is None else begun.reshape(-1)
    given_maps = (source, offsets, weights, bias, flat_seed)

    bordered = np.pad(expected, [(0, 0), (1, 1), (1, 1)])
    geometry |= {convolutions.BORDER: 1, convolutions.TARGET_PITCH: columns + 2}
    geometry[convolutions.TARGET_PLANE] = (rows + 2) * (columns + 2)
    target = made(geometry, np.zeros(bordered.size, np.float32), *given_maps)
    assert np.allclose(target.reshape(bordered.shape), bordered, atol=1e-4)

    if rows % 2 == 0:
        parts = [[bordered[:, row::2, column::2] for column in (0, 1)] for row in (0, 1)]
        split = np.moveaxis(np.array(parts), 2, 0)
        geometry |= {convolutions.IS_SPLIT: 1, convolutions.TARGET_PITCH: columns // 2 + 1}
        target = made(geometry, np.zeros(split.size, np.float32), *given_maps)
        assert np.allclose(target.reshape(split.shape), split, atol=1e-4)


@pytest.mark.jit
@pytest.mark.parametrize("features", ["+avx2,+fma", "+sse2"])
def test_older_processors_make_the_same_maps(features: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    layer = Layer(rng.standard_normal((8, 3, 3, 3)).astype(np.float32), np.zeros(8, np.float32))
    room = Room()
    source, target = room.take("a", 3, 21, 34, 1), room.take("b", 8, 21, 34, 1)
    source.inner()[:] = rng.standard_normal((3, 21, 34))
    here = layer.make(source, target).inner()
    script = (
        "import sys, numpy as np\n"
        "from fastdeid.pixels.layers import Layer, Room\n"
        "rng, room = np.random.default_rng(3), Room()\n"
        "weights = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)\n"
        "layer = Layer(weights, np.zeros(8, np.float32))\n"
        "source, target = room.take('a', 3, 21, 34, 1), room.take('b', 8, 21, 34, 1)\n"
        "source.inner()[:] = rng.standard_normal((3, 21, 34))\n"
        "np.save(sys.argv[1], layer.make(source, target).inner())\n"
    )
    made_there = tmp_path / "maps.npy"
    told = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    environment = os.environ | told | {"NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script, str(made_there)], env=environment, check=True)
    assert np.allclose(np.load(made_there), here, atol=1e-4)
