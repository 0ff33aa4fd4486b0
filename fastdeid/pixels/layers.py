"""Maps in flat buffers, and layers of a net that make one from another."""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.kernels import convolutions as kernel

Floats = npt.NDArray[np.float32]

# So many sums of each output are made at once; they stay in the second cache.
_AT_ONCE: Final = 4096
# Buffers of so many sizes are kept: those of three scales, and a few more.
_MOST_SIZES: Final = 4
_NONE: Final = np.zeros(0, np.float32)


class Maps(NamedTuple):
    """Maps of (planes, rows, columns) with a border of zeros around each, flat, and some more.

    is_split: each plane is four, of even and odd rows, in these of even and odd columns, as layers
    of stride 2 take them; rows, columns are even then.
    """

    flat: Floats
    planes: int
    rows: int
    columns: int
    border: int
    is_split: bool = False

    @property
    def pitch(self) -> int:
        """Return how far it is from one row to the next."""
        wide = self.columns + 2 * self.border
        return wide // 2 if self.is_split else wide

    @property
    def part(self) -> int:
        """Return how far it is from one plane, or of a split plane from one part, to the next."""
        high = self.rows + 2 * self.border
        return (high // 2 if self.is_split else high) * self.pitch

    @property
    def plane(self) -> int:
        """Return how far it is from one plane to the next."""
        return self.part * 4 if self.is_split else self.part

    @property
    def first(self) -> int:
        """Return where the first sample of a plane that is not split stands."""
        return self.border * self.pitch + self.border

    def inner(self) -> Floats:
        """Return the maps without their border, (planes, rows, columns), of some that are whole."""
        whole = self.flat[: self.planes * self.plane].reshape(self.planes, -1, self.pitch)
        return whole[:, self.border :, self.border :][:, : self.rows, : self.columns]


class Room:
    """Buffers for maps, by name and size; what was taken so before is overwritten."""

    def __init__(self) -> None:
        self._maps: dict[tuple[object, ...], Maps] = {}

    def take(
        self,
        name: str,
        planes: int,
        rows: int,
        columns: int,
        border: int,
        *,
        is_split: bool = False,
    ) -> Maps:
        """Return maps whose border is 0; all the rest is to be written."""
        key = (name, planes, rows, columns)
        maps = self._maps.pop(key, None)
        if maps is None:
            mine = [other for other in self._maps if other[0] == name]
            if len(mine) >= _MOST_SIZES:
                del self._maps[mine[0]]
            maps = Maps(_NONE, planes, rows, columns, border, is_split)
            flat = np.zeros(maps.planes * maps.plane + kernel.STRIP, np.float32)
            maps = maps._replace(flat=flat)
        self._maps[key] = maps
        return maps


class _Scratch(threading.local):
    """What one thread adds up in, kept from call to call."""

    def __init__(self) -> None:
        self._sums = _NONE

    def sums(self, outputs: int, places: int) -> Floats:
        """Return room for so many sums of each output."""
        if self._sums.size < outputs * places:
            self._sums = np.empty(outputs * places, np.float32)
        return self._sums[: outputs * places].reshape(outputs, places)


_SCRATCH: Final = _Scratch()


class Layer:
    """A convolution: weights, shape (outputs, inputs, side, side), stride 1 or 2, dilation.

    outputs: rounded up to what the kernel makes at once; the rest is 0.
    """

    def __init__(
        self, weights: Floats, bias: Floats, *, stride: int = 1, dilation: int = 1
    ) -> None:
        outputs, self._inputs, self._side, _ = weights.shape
        self.outputs = -(-outputs // kernel.OUTPUTS) * kernel.OUTPUTS
        self._stride, self._dilation = stride, dilation
        padded = np.zeros((self.outputs, weights[0].size), np.float32)
        padded[:outputs] = weights.reshape(outputs, -1)
        fours = padded.reshape(-1, kernel.OUTPUTS, weights[0].size)
        self._weights = np.ascontiguousarray(fours.transpose(0, 2, 1))
        self._bias = np.zeros(self.outputs, np.float32)
        self._bias[:outputs] = bias
        self._steps = self._steps_of_taps()

    def _steps_of_taps(self) -> npt.NDArray[np.int64]:
        """Return how many planes, parts, rows and columns each tap stands from a place."""
        side = self._side
        plane, row, column = np.indices((self._inputs, side, side)).reshape(3, -1)
        part = np.zeros_like(row)
        if self._stride == 2:
            part = row % 2 * 2 + column % 2
            row, column = row // 2, column // 2
        else:
            row, column = ((at - side // 2) * self._dilation for at in (row, column))
        return np.stack([plane, part, row, column], 1)

    def _offsets(self, source: Maps) -> npt.NDArray[np.int64]:
        """Return how far the taps stand from a place."""
        sizes = np.array([source.plane, source.part, source.pitch, 1])
        offsets: npt.NDArray[np.int64] = self._steps @ sizes
        if self._stride == 1:
            offsets += source.first
        return offsets

    def make(
        self, source: Maps, target: Maps, seed: Maps | None = None, *, rectified: bool = True
    ) -> Maps:
        """Make the target from the source, and return it; seed: of the same or of half the size."""
        geometry = np.zeros(kernel.N_GEOMETRY, np.int64)
        block = min(max(1, _AT_ONCE // source.pitch), target.rows)
        geometry[: kernel.SEED] = target.rows, target.columns, source.pitch, block
        if seed is not None:
            halved = seed.rows < target.rows
            geometry[kernel.SEED : kernel.TARGET_PLANE] = seed.first, seed.plane, seed.pitch, halved
        placed = (target.plane, target.pitch, target.border, target.is_split, rectified)
        geometry[kernel.TARGET_PLANE :] = placed
        kernel.convolve(
            source.flat,
            self._offsets(source),
            self._weights,
            self._bias,
            _NONE if seed is None else seed.flat,
            geometry,
            _SCRATCH.sums(self.outputs, block * source.pitch + kernel.STRIP),
            target.flat,
        )
        return target
