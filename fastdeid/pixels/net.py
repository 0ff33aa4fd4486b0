"""The net that says where text is likely: run by ONNX Runtime where installed, else by OpenCV."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[np.uint8]
Likelihood = npt.NDArray[np.float32]

# The net answers for cells of 4 x 4 samples.
CELL: Final = 4
_SURROUNDINGS: Final = (25, 25)
_LEAST_SPREAD: Final = 6.0


@functools.cache
def _runner() -> Callable[[npt.NDArray[np.float32]], Likelihood]:
    """Load the net once per process; it maps (n, 2, rows, columns) to (n, 1, rows/4, columns/4)."""
    coded = resources.files("fastdeid.pixels").joinpath("text.onnx").read_bytes()
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(coded, options, providers=["CPUExecutionProvider"])
        return lambda planes: session.run(None, {"view": planes})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(coded, np.uint8))

    def run(planes: npt.NDArray[np.float32]) -> Likelihood:
        net.setInput(planes)
        return np.array(net.forward())  # a copy: OpenCV reuses its buffer

    return run


def planes_of(view: View) -> npt.NDArray[np.float32]:
    """Return what the net sees of a view, shape (2, rows, columns), both rounded up to cells.

    First the grey, then what differs from the mean of 25 x 25 samples, in units of their spread.
    """
    rows, columns = (-(-size // CELL) * CELL for size in view.shape)
    if (rows, columns) != view.shape:
        below, beside = rows - view.shape[0], columns - view.shape[1]
        view = cv2.copyMakeBorder(view, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    grey = view.astype(np.float32)
    mean = cv2.boxFilter(view, cv2.CV_32F, _SURROUNDINGS)
    squares = cv2.sqrBoxFilter(view, cv2.CV_32F, _SURROUNDINGS)
    spread = cv2.sqrt(cv2.max(squares - mean * mean, 0.0))
    planes = np.empty((2, rows, columns), np.float32)
    cv2.multiply(grey, 1 / 128, planes[0])
    planes[0] -= 1
    cv2.divide(grey - mean, spread + np.float32(_LEAST_SPREAD), planes[1])
    return planes


def likelihood_of_text(planes: npt.NDArray[np.float32]) -> Likelihood:
    """Return the likelihood of text per cell of planes, shape (rows / 4, columns / 4)."""
    found: Any = _runner()(np.ascontiguousarray(planes)[None])
    cells: Likelihood = found[0, 0]
    return cells
