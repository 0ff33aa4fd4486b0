"""PP-OCR, with the models that the package RapidOCR brings along, run by ONNX Runtime.

Nothing is downloaded. The detector is DB (a likelihood of text per sample), the recogniser CTC (a
letter or none for each slice of a strip).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.pixels.masks import Box
from fastdeid.pixels.ocr_engine import Reading

View = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# `rapidocr` from 3, and what it was called before.
_PACKAGES: Final = ("rapidocr", "rapidocr_onnxruntime")
# As both packages have it by default: sides are multiples of 32, the lesser one at least 736.
_STEP: Final = 32
_LEAST_SIDE: Final = 736
_LARGEST_SIDE: Final = 2016
# Small crops are not enlarged more: their letters would be larger than any that were trained.
_MOST_ZOOM: Final = 4.0
_LIKELY: Final = 0.3
_LEAST_MEAN: Final = 0.5
_UNCLIP: Final = 1.6
_LEAST_BOX: Final = 3
# Strips are 48 samples high, and at least 320 wide.
_HIGH: Final = 48
_WIDE: Final = 320
_LONGEST: Final = 4096


class Models(NamedTuple):
    """Files of the detector and of the recogniser."""

    detector: Path
    recogniser: Path


def find_models() -> Models | None:
    """Return the models that are installed, None for none; nothing is imported."""
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            models = Path(folder) / "models"
            detectors, recognisers = (
                sorted(models.glob(f"*_{kind}_*.onnx")) for kind in ("det", "rec")
            )
            if detectors and recognisers:
                return Models(detectors[0], recognisers[0])
    return None


def open_engine() -> RapidEngine | None:
    """Return the engine; None when the models, or what runs them, are not installed."""
    models = find_models()
    return None if models is None else RapidEngine(models)


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Processes own the cores. Level 3: warnings of the library would go to stderr.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _planes(view: View) -> Floats:
    """Return what both nets take: thrice the grey from -1 to 1, shape (1, 3, rows, columns)."""
    grey = view.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(np.broadcast_to(grey, (1, 3, *grey.shape)))


class RapidEngine:
    """Finds and reads lines with the models of RapidOCR."""

    name = "rapidocr"

    def __init__(self, models: Models) -> None:
        self._detector = _session(models.detector)
        self._recogniser = _session(models.recogniser)
        letters = self._recogniser.get_modelmeta().custom_metadata_map["character"].split("\n")
        # The first class is none, the one behind the letters a space.
        self._letters = ["", *letters, " "]

    def find(self, view: View) -> list[Box]:
        """Return the boxes of the lines of text in a view, shape (rows, columns)."""
        rows, columns = view.shape
        zoom = min(max(_LEAST_SIDE / min(rows, columns), 1.0), _MOST_ZOOM)
        zoom = min(zoom, _LARGEST_SIDE / max(rows, columns))
        sides = [max(round(side * zoom / _STEP), 1) * _STEP for side in (columns, rows)]
        resized: Any = cv2.resize(view, (sides[0], sides[1]))
        likelihood = self._run(self._detector, _planes(resized))[0, 0]
        return _boxes(likelihood, rows, columns)

    def read(self, strip: View) -> Reading:
        """Read a strip with one line of text that runs to the right, shape (rows, columns)."""
        rows, columns = strip.shape
        width = min(max(round(columns * _HIGH / rows), 1), _LONGEST)
        how = cv2.INTER_CUBIC if rows < _HIGH else cv2.INTER_AREA
        resized: Any = cv2.resize(strip, (width, _HIGH), interpolation=how)
        planes = np.zeros((1, 3, _HIGH, max(width, _WIDE)), np.float32)
        planes[..., :width] = _planes(resized)
        found = self._run(self._recogniser, planes)[0]
        classes = found.argmax(1)
        changes = np.flatnonzero(np.diff(classes, prepend=-1))
        ends = np.append(changes[1:], len(classes))
        # Slices of one class are one letter, none between two of the same kind parts them.
        is_letter = classes[changes] > 0
        first, last = changes[is_letter], ends[is_letter]
        letters = [self._letters[number] for number in classes[first].tolist()]
        text = "".join(letters)
        if not text.strip():
            return Reading("", 0.0, np.zeros(0))
        confidence = float(np.mean([found[at, classes[at]] for at in first.tolist()]))
        shown = np.array([letter != " " for letter in letters])
        slice_width = planes.shape[3] / len(classes) * columns / width
        places = ((first + last) / 2 * slice_width)[shown]
        return Reading(text, confidence, places)

    @staticmethod
    def _run(session: Any, planes: Floats) -> Floats:
        found: Floats = session.run(None, {session.get_inputs()[0].name: planes})[0]
        return found


def _boxes(likelihood: Floats, rows: int, columns: int) -> list[Box]:
    """Return the boxes of a likelihood map, in samples of the view, from top to bottom."""
    likely = (likelihood > _LIKELY).astype(np.uint8)
    likely = np.asarray(cv2.dilate(likely, np.ones((2, 2), np.uint8)))
    count, labels, found, _ = cv2.connectedComponentsWithStats(likely)
    down, across = rows / likelihood.shape[0], columns / likelihood.shape[1]
    boxes = []
    for number in range(1, count):
        left, top, width, height = (int(one) for one in found[number][:4])
        part = np.s_[top : top + height, left : left + width]
        mean = float(likelihood[part][labels[part] == number].mean())
        if mean < _LEAST_MEAN or min(width, height) < _LEAST_BOX:
            continue
        # The net marks the heart of a line; its rim is as wide as area by circumference.
        rim = _UNCLIP * width * height / (2 * (width + height))
        boxes.append(
            Box(
                max(int((top - rim) * down), 0),
                max(int((left - rim) * across), 0),
                min(round((top + height + rim) * down + 0.5), rows),
                min(round((left + width + rim) * across + 0.5), columns),
            )
        )
    return sorted(boxes)
