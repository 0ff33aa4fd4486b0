"""The net that says where text is likely: a stem, a gate that stops early, and a body.

Run by kernels/convolutions.py; where kernels are interpreted, by OpenCV.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources
from typing import Any, Final, Protocol

import cv2
import numba
import numpy as np
import numpy.typing as npt

from fastdeid.kernels import surroundings as kernel
from fastdeid.pixels.layers import Layer, Maps, Room
from fastdeid.pixels.weights import read_weights

View = npt.NDArray[np.uint8]
Likelihood = npt.NDArray[np.float32]

# The net answers for cells of 4 x 4 samples, its gate for 8 x 8.
CELL: Final = 4
GATE_CELL: Final = 8
# How many cells of the gate to each side the body sees.
SEES: Final = 9
_DILATIONS: Final = {"body.1": 2, "body.4": 2}
_N_BODY: Final = 6


def _coded() -> bytes:
    return resources.files("fastdeid.pixels").joinpath("text.onnx").read_bytes()


def whole_cells(view: View) -> View:
    """Return the view with its last row and column repeated up to whole cells of the gate."""
    below, beside = (-size % GATE_CELL for size in view.shape)
    if not (below or beside):
        return view
    whole: View = cv2.copyMakeBorder(view, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return whole


def planes_of(view: View) -> npt.NDArray[np.float32]:
    """Return what the net sees of a view of whole cells, shape (2, rows, columns).

    First the grey, then what differs from the mean of 25 x 25 samples, in units of their spread.
    """
    side = (kernel.SIDE, kernel.SIDE)
    grey = view.astype(np.float32)
    mean = cv2.boxFilter(view, cv2.CV_32F, side)
    squares = cv2.sqrBoxFilter(view, cv2.CV_32F, side)
    spread = cv2.sqrt(cv2.max(squares - mean * mean, 0.0))
    planes = np.empty((2, *view.shape), np.float32)
    cv2.multiply(grey, 1 / 128, planes[0])
    planes[0] -= 1
    cv2.divide(grey - mean, spread + np.float32(kernel.LEAST_SPREAD), planes[1])
    return planes


def _likelihood(logits: npt.NDArray[np.float32]) -> Likelihood:
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)


class Look(Protocol):
    """What the net says of one view, until it is asked about the next.

    gate: how likely text is at all, per 8 x 8 samples.
    """

    gate: Likelihood

    def text(self, top: int, left: int, bottom: int, right: int) -> Likelihood:
        """Return the likelihood per 4 x 4 samples of a rectangle, given in cells of the gate."""


class _Compiled:
    """One view, looked at with the layers; the body only where it is asked about."""

    def __init__(self, layers: dict[str, Layer], room: Room, view: View) -> None:
        self._layers, self._room = layers, room
        rows, columns = view.shape
        planes = room.take("planes", 2, rows, columns, kernel.BORDER, is_split=True)
        sums, totals = np.empty((2, columns), np.int32), np.empty((2, columns + 25), np.int32)
        kernel.fill_planes(view, sums, totals, np.empty((2, columns), np.float32), planes.flat)
        first = self._made("stem.0", planes, "first", 2, 1, is_split=True)
        self._fine = self._made("stem.1", first, "fine", 2, 1, is_split=True)
        self._coarse = self._made("stem.2", self._fine, "coarse", 2, 2)
        passed = self._made("gate.0", self._coarse, "passed", 1, 0)
        logits = self._made("gate.1", passed, "logits", 1, 0, rectified=False)
        self.gate = _likelihood(logits.inner()[0])

    def _made(
        self,
        layer: str,
        source: Maps,
        name: str,
        stride: int,
        border: int,
        *,
        is_split: bool = False,
        seed: Maps | None = None,
        rectified: bool = True,
    ) -> Maps:
        made = self._layers[layer]
        rows, columns = source.rows // stride, source.columns // stride
        target = self._room.take(name, made.outputs, rows, columns, border, is_split=is_split)
        return made.make(source, target, seed, rectified=rectified)

    def text(self, top: int, left: int, bottom: int, right: int) -> Likelihood:
        """Return the likelihood per 4 x 4 samples of a rectangle, given in cells of the gate."""
        above, before = max(top - SEES, 0), max(left - SEES, 0)
        below = min(bottom + SEES, self._coarse.rows)
        behind = min(right + SEES, self._coarse.columns)
        high, wide = below - above, behind - before
        coarse = self._room.take("body.a", self._coarse.planes, high, wide, 2)
        coarse.inner()[:] = self._coarse.inner()[:, above:below, before:behind]
        for number in range(_N_BODY):
            name = "body.a" if number % 2 else "body.b"
            coarse = self._made(f"body.{number}", coarse, name, 1, 2, seed=coarse)
        wider = self._made("wide", coarse, "wider", 1, 0, rectified=False)
        fine = self._room.take("piece", self._fine.planes, 2 * high, 2 * wide, 1)
        self._copy_fine(fine, above, before)
        fine = self._made("detail.0", fine, "strokes", 1, 0, seed=fine)
        target = self._room.take("hidden", self._layers["fine"].outputs, 2 * high, 2 * wide, 1)
        hidden = self._layers["fine"].make(fine, target, wider)
        logits = self._made("head.1", hidden, "answer", 1, 0, rectified=False).inner()[0]
        rows = slice(2 * (top - above), 2 * (bottom - above))
        return _likelihood(logits[rows, 2 * (left - before) : 2 * (right - before)])

    def _copy_fine(self, piece: Maps, above: int, before: int) -> None:
        """Copy a piece of the fine maps, in cells of the gate, from their parts."""
        fine = self._fine
        parts = fine.flat[: fine.planes * fine.plane].reshape(fine.planes, 2, 2, -1, fine.pitch)
        inner = piece.inner()
        # A place stands a row and a column further on than in the view: even ones at odd parts.
        for row in range(2):
            for column in range(2):
                down, across = above + row, before + column
                part = parts[:, 1 - row, 1 - column, down:, across:]
                high, wide = piece.rows // 2, piece.columns // 2
                inner[:, row::2, column::2] = part[:, :high, :wide]


class _Interpreted:
    """One view, looked at as a whole with OpenCV."""

    def __init__(self, net: Any, view: View) -> None:
        net.setInput(planes_of(view)[None])
        gate, text = net.forward(["gate", "text"])
        self.gate: Likelihood = np.array(gate[0, 0])
        self._text: Likelihood = np.array(text[0, 0])

    def text(self, top: int, left: int, bottom: int, right: int) -> Likelihood:
        """Return the likelihood per 4 x 4 samples of a rectangle, given in cells of the gate."""
        return self._text[2 * top : 2 * bottom, 2 * left : 2 * right]


@functools.cache
def _opencv_net() -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(_coded(), np.uint8))


@functools.cache
def _layers() -> dict[str, Layer]:
    """Load the layers once per process."""
    weights = read_weights(_coded())
    layers = {}
    for name in (key.removesuffix(".weight") for key in weights if key.endswith(".weight")):
        stride, dilation = 1 + name.startswith("stem"), _DILATIONS.get(name, 1)
        one, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        layers[name] = Layer(one, bias, stride=stride, dilation=dilation)
    # The head sees the fine maps and, twice as large, the coarse ones: these are made small.
    head, bias = weights["head.0.weight"], weights["head.0.bias"]
    n_fine = head.shape[1] - weights["body.0.weight"].shape[0]
    layers["fine"] = Layer(head[:, :n_fine], bias)
    layers["wide"] = Layer(head[:, n_fine:], np.zeros_like(bias))
    return layers


class _Rooms(threading.local):
    """Buffers of one thread."""

    def __init__(self) -> None:
        self.room = Room()


_ROOMS: Final = _Rooms()


def look_at(view: View) -> Look:
    """Run stem and gate on a view of whole cells of the gate (`whole_cells`).

    The answer holds until the same thread looks at another view.
    """
    if numba.config.DISABLE_JIT:
        return _Interpreted(_opencv_net(), view)
    return _Compiled(_layers(), _ROOMS.room, view)
