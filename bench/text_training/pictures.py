"""Clean pictures and phantoms as 8-bit views, in two splits that share no picture."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[Any]

HELD_OUT: Final = frozenset("01 20 25 26 27 28 29 30 31".split())


class Picture(NamedTuple):
    """A clean picture: modality, stored values (rows, columns) or (rows, columns, 3)."""

    name: str
    modality: str
    samples: npt.NDArray[Any]
    inverted: bool


def load_pictures(folder: Path, *, held_out: bool) -> list[Picture]:
    """Read the pictures of one split from the folder that holds index.csv."""
    with (folder / "index.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    pictures = []
    for row in rows:
        if (row["file"][:2] in HELD_OUT) != held_out:
            continue
        samples = cv2.imread(str(folder / row["file"]), cv2.IMREAD_UNCHANGED)
        if samples is None:
            raise FileNotFoundError(row["file"])
        inverted = row["photometric"] == "MONOCHROME1"
        pictures.append(Picture(row["file"], row["modality"], samples, inverted))
    return pictures


def view_of(picture: Picture, low: float = 0.5, high: float = 99.5) -> View:
    """Return the 8-bit luminance that a viewer shows with a window of two percentiles."""
    samples = picture.samples.astype(np.float32)
    if samples.ndim == 3:
        samples = 0.5 * cv2.cvtColor(samples, cv2.COLOR_BGR2GRAY) + 0.5 * samples.max(2)
    else:
        first, last = np.percentile(samples, [low, high])
        samples = (samples - first) * (255 / max(float(last - first), 1.0))
    view = np.clip(samples, 0, 255).astype(np.uint8)
    return 255 - view if picture.inverted else view


def _noise(rng: np.random.Generator, size: int) -> View:
    """Noise of one or two grain sizes, as in scanners, or speckle as in ultrasound."""
    field = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 3)):
        grain = math.exp(rng.uniform(0, math.log(size / 8)))
        small = max(4, round(size / grain))
        noise = rng.standard_normal((small, small), np.float32)
        field += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        other = cv2.resize(rng.standard_normal((size // 2, size // 2), np.float32), (size, size))
        field = np.hypot(field, other) * 1.5 - 1
    middle, spread = rng.uniform(0, 200), rng.uniform(1, 60)
    return np.clip(field * spread + middle, 0, 255).astype(np.uint8)


def _ramp(rng: np.random.Generator, size: int) -> View:
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    angle = rng.uniform(0, 2 * math.pi)
    field = across * math.cos(angle) + down * math.sin(angle)
    if rng.random() < 0.3:
        field = np.floor(field * rng.integers(2, 9)) / 4
    view = np.clip(field * rng.uniform(0, 127) + rng.uniform(0, 255), 0, 255)
    return view.astype(np.uint8)


def _vessels(rng: np.random.Generator, view: View) -> View:
    size = view.shape[0]
    layer = view.copy()
    for _ in range(rng.integers(1, 25)):
        steps = rng.integers(3, 40)
        turns = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.standard_normal(steps) * 0.5)
        stride = rng.uniform(2, 14)
        moves = stride * np.stack([np.cos(turns), np.sin(turns)], 1)
        points = rng.uniform(0, size, 2) + np.cumsum(moves, 0)
        grey = int(rng.integers(0, 256))
        line = [np.round(points).astype(np.int32)]
        cv2.polylines(layer, line, False, grey, int(rng.integers(1, 9)), cv2.LINE_AA)
    if rng.random() < 0.8:
        layer = cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.4, 2.5)))
    return layer


def _blobs(rng: np.random.Generator, view: View) -> View:
    size = view.shape[0]
    layer = view.copy()
    for _ in range(rng.integers(1, 60)):
        centre = tuple(int(place) for place in rng.integers(0, size, 2))
        axes = tuple(int(math.exp(rng.uniform(0, 3.4))) for _ in range(2))
        turn, grey = float(rng.uniform(0, 180)), int(rng.integers(0, 256))
        cv2.ellipse(layer, centre, axes, turn, 0, 360, grey, -1, cv2.LINE_AA)
    if rng.random() < 0.7:
        layer = cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.4, 3)))
    return layer


def phantom(rng: np.random.Generator, size: int) -> View:
    """Return a synthetic picture without text, (size, size): noise, ramps, vessels, blobs, flat."""
    kind = rng.random()
    if kind < 0.3:
        view = _noise(rng, size)
    elif kind < 0.5:
        view = _ramp(rng, size)
    else:
        view = np.full((size, size), rng.integers(0, 256) if rng.random() < 0.5 else 0, np.uint8)
    if rng.random() < 0.4:
        view = _vessels(rng, view)
    if rng.random() < 0.35:
        view = _blobs(rng, view)
    if rng.random() < 0.4:
        grain = rng.standard_normal((size, size), np.float32) * rng.uniform(1, 12)
        view = np.clip(view + grain, 0, 255).astype(np.uint8)
    return view


def _thresholded(rng: np.random.Generator, size: int) -> View:
    """Return a few flat levels with ragged borders, as in maps, masks and label images."""
    field = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 4)):
        small = max(4, round(size / math.exp(rng.uniform(0.3, 3.2))))
        noise = rng.standard_normal((small, small), np.float32)
        field += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    cuts = np.sort(rng.uniform(-1.5, 2.5, int(rng.integers(1, 4))))
    levels = rng.integers(0, 256, len(cuts) + 1)
    view = levels[np.digitize(field, cuts)].astype(np.uint8)
    return cv2.blur(view, (2, 2)) if rng.random() < 0.3 else view


def _patterned(rng: np.random.Generator, size: int) -> View:
    """Return gratings, checks and bars, as on test charts."""
    down, across = np.mgrid[:size, :size]
    view = np.full((size, size), rng.integers(0, 256), np.uint8)
    for _ in range(rng.integers(1, 6)):
        high, wide = (int(math.exp(rng.uniform(2, math.log(size)))) for _ in range(2))
        top, left = (int(place) for place in rng.integers(-8, size, 2))
        part = np.s_[max(top, 0) : max(top, 0) + high, max(left, 0) : max(left, 0) + wide]
        period, kind = rng.uniform(2, 24), rng.random()
        wave = across[part] if kind < 0.4 else down[part] if kind < 0.6 else None
        if wave is None:
            step = max(1, int(period / 2))
            waves = ((across[part] // step) + (down[part] // step)) % 2
        else:
            waves = (wave % period) < period / 2
        first, second = rng.integers(0, 256, 2)
        view[part] = np.where(waves, first, second)
    return view


def texture(rng: np.random.Generator, size: int) -> View:
    """Return a synthetic picture full of edges and without text, (size, size)."""
    kind = rng.random()
    if kind < 0.45:
        view = _thresholded(rng, size)
    elif kind < 0.75:
        view = _patterned(rng, size)
    else:
        view = _blobs(rng, _vessels(rng, _noise(rng, size)))
    return pixel_noise(rng, view) if rng.random() < 0.4 else view


def pixel_noise(rng: np.random.Generator, view: View) -> View:
    """Return the view with noise of its own for each pixel."""
    grain = rng.standard_normal(view.shape, np.float32) * math.exp(rng.uniform(0.7, 4.5))
    return np.clip(view + grain, 0, 255).astype(np.uint8)


def faint(rng: np.random.Generator, view: View) -> View:
    """Return the view with what it shows, and its noise, in a few grey levels."""
    middle = float(np.median(view))
    share = math.exp(rng.uniform(math.log(0.008), math.log(0.2)))
    levels = middle + share * (np.arange(256) - middle) + rng.uniform(-0.5, 0.5)
    return cv2.LUT(np.ascontiguousarray(view), np.clip(np.round(levels), 0, 255).astype(np.uint8))
