"""More phantoms: tissue, cells, heads, spines, ultrasound, streaks; pictures bent and mixed."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[Any]
Field = npt.NDArray[Any]


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from a logarithmic scale."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _shown(field: Field, rng: np.random.Generator) -> View:
    """Return a field of mean 0 and spread 1 in some window."""
    middle, spread = rng.uniform(10, 200), _between(rng, 4, 80)
    return np.clip(field * spread + middle, 0, 255).astype(np.uint8)


def _fractal(rng: np.random.Generator, size: int) -> Field:
    """Return noise whose power falls with the frequency, mean 0 and spread 1."""
    down = np.fft.fftfreq(size)[:, None] * _between(rng, 0.5, 2)
    across = np.fft.rfftfreq(size)[None]
    distance = np.hypot(down, across) + 0.5 / size
    shape = (size, size // 2 + 1)
    waves = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    spectrum = waves * distance ** -rng.uniform(0.4, 2.4)
    spectrum[distance > _between(rng, 0.08, 0.7)] = 0
    field = np.fft.irfft2(spectrum, (size, size)).astype(np.float32)
    return (field - field.mean()) / (field.std() + 1e-6)


def tissue(rng: np.random.Generator, size: int) -> View:
    """Return fractal noise, as it is, or folded: ridges as of bone and vessels."""
    field = _fractal(rng, size)
    kind = rng.random()
    if kind < 0.35:
        field = 0.8 - 2 * np.abs(field)
    elif kind < 0.5:
        field = np.maximum(field, 0) ** 2 - 1
    return _shown(field, rng)


def cells(rng: np.random.Generator, size: int) -> View:
    """Return areas around random points, with borders: cells under a microscope, mosaics."""
    seeds = np.ones((size, size), np.uint8)
    places = rng.integers(0, size, (int(_between(rng, 10, 900)), 2))
    seeds[places[:, 0], places[:, 1]] = 0
    distance, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    middle, spread = rng.uniform(30, 220), _between(rng, 2, 60)
    levels = rng.normal(middle, spread, labels.max() + 1)
    view = levels[labels].astype(np.float32)
    if rng.random() < 0.6:
        view += distance * rng.uniform(-6, 6)
    edges = cv2.morphologyEx(labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((2, 2))) > 0
    if rng.random() < 0.6:
        view[edges] = rng.uniform(0, 255)
    if rng.random() < 0.7:
        view = cv2.GaussianBlur(view, (0, 0), _between(rng, 0.4, 2))
    return np.clip(view, 0, 255).astype(np.uint8)


def head(rng: np.random.Generator, size: int) -> View:
    """Return nested ellipses, one a bright shell, filled with tissue: a slice of a body."""
    view = np.full((size, size), rng.uniform(0, 12), np.float32)
    inner = tissue(rng, size).astype(np.float32)
    centre = rng.uniform(0.35, 0.65, 2) * size
    axes = rng.uniform(0.25, 0.6, 2) * size
    turn = float(rng.uniform(0, 180))
    shell = _between(rng, 1, 14)
    for share, level in ((1.0, rng.uniform(60, 140)), (0.93, rng.uniform(160, 255))):
        _ellipse(view, centre, axes * share, turn, float(level))
    mask = np.zeros((size, size), np.uint8)
    _ellipse(mask, centre, axes * 0.93 - shell, turn, 255)
    view[mask > 0] = inner[mask > 0] * rng.uniform(0.2, 1) + rng.uniform(0, 80)
    for _ in range(rng.integers(0, 14)):
        where = centre + rng.uniform(-0.7, 0.7, 2) * axes
        size_of = np.maximum(axes * _between(rng, 0.02, 0.3), 1)
        _ellipse(view, where, size_of * rng.uniform(0.4, 1, 2), turn, float(rng.uniform(0, 255)))
    view = cv2.GaussianBlur(view, (0, 0), _between(rng, 0.4, 1.5))
    grain = rng.standard_normal((2, size, size), np.float32) * _between(rng, 0.5, 14)
    return np.clip(np.hypot(view + grain[0], grain[1]), 0, 255).astype(np.uint8)


def _ellipse(view: View, centre: Field, axes: Field, turn: float, level: float) -> None:
    middle = (round(float(centre[1])), round(float(centre[0])))
    sides = (max(1, round(float(axes[1]))), max(1, round(float(axes[0]))))
    cv2.ellipse(view, middle, sides, turn, 0, 360, level, -1)


def sector(rng: np.random.Generator, size: int) -> View:
    """Return speckle in a fan, black beside it: ultrasound."""
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    apex = (-rng.uniform(0, 0.3) * size, rng.uniform(0.3, 0.7) * size)
    depth = np.hypot(rows - apex[0], columns - apex[1])
    angle = np.arctan2(columns - apex[1], rows - apex[0])
    field = _fractal(rng, size)
    polar = cv2.remap(
        field,
        (angle * size / 2 + size / 2).astype(np.float32) % (size - 1),
        (depth * rng.uniform(0.8, 2)).astype(np.float32) % (size - 1),
        cv2.INTER_LINEAR,
    )
    grain = rng.standard_normal((2, size, size), np.float32)
    blur = _between(rng, 0.5, 2)
    speckle = np.hypot(*(cv2.GaussianBlur(part, (0, 0), blur) * blur * 2 for part in grain))
    view = (60 + 50 * polar) * speckle * rng.uniform(0.5, 1.5)
    opening = rng.uniform(0.3, 0.9)
    reach = rng.uniform(0.5, 1.3) * size
    outside = (np.abs(angle) > opening) | (depth > reach) | (depth < rng.uniform(0.05, 0.3) * size)
    view[outside] = 0
    return np.clip(view, 0, 255).astype(np.uint8)


def spine(rng: np.random.Generator, size: int) -> View:
    """Return a row of vertebrae with discs between them, mostly upright, some with ribs."""
    view = (head if rng.random() < 0.5 else tissue)(rng, size).astype(np.float32)
    wide = _between(rng, 0.05, 0.26) * size
    high, gap = wide * rng.uniform(0.45, 1.1), rng.uniform(0.1, 0.4)
    middle, bow, phase = (
        rng.uniform(0.1, 0.9) * size,
        rng.uniform(0, 0.12) * size,
        rng.uniform(0, 6),
    )
    bone, disc, rim = rng.uniform(30, 220, 3)
    waist, has_ribs, has_rim = rng.uniform(0, 0.2), rng.random() < 0.3, rng.random() < 0.6
    upper = [(-1, -1), (0, -0.9), (1, -1), (1 - waist, 0)]
    shape = np.array(upper + [(-across, -down) for across, down in upper])
    first, last = sorted(rng.uniform(-0.3, 1.3, 2) * size)
    for place in np.arange(first, last, high):
        at = np.array([middle + bow * math.sin(phase + 3 * place / size), place])
        if has_ribs:
            sides = (round(wide * 2.2), round(high * rng.uniform(0.3, 0.9)))
            centre = (round(float(at[0])), round(float(at[1])))
            cv2.ellipse(view, centre, sides, 0, 180, 360, float(bone), max(1, round(wide / 9)))
        half = np.array([wide, high * (1 - gap)]) / 2 * rng.uniform(0.92, 1.08, 2)
        corners = np.round(at + shape * half + rng.normal(0, 0.03 * wide, shape.shape)).astype(int)
        below = np.round(at + np.array([0, high / 2])).astype(int).tolist()
        thick = (max(1, round(0.45 * wide)), max(1, round(high * gap / 2.4)))
        cv2.ellipse(view, below, thick, 0, 0, 360, float(disc), -1)
        cv2.fillPoly(view, [corners.astype(np.int32)], float(bone + rng.normal(0, 8)))
        if has_rim:
            cv2.polylines(view, [corners.astype(np.int32)], True, float(rim), 1, cv2.LINE_AA)
    view = cv2.GaussianBlur(view, (0, 0), _between(rng, 0.5, 2))
    view += rng.standard_normal(view.shape, np.float32) * _between(rng, 0.5, 12)
    view = np.clip(view, 0, 255)
    return np.ascontiguousarray(view.T if rng.random() < 0.3 else view).astype(np.uint8)


def streaked(rng: np.random.Generator, view: View) -> View:
    """Return the view with rays from bright points, as metal throws in CT."""
    size = view.shape[0]
    layer = np.zeros(view.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        column, row = (int(place) for place in rng.integers(0, size, 2))
        for _ in range(rng.integers(3, 30)):
            turn, level = rng.uniform(0, 2 * math.pi), float(rng.normal(0, 40))
            end = (
                round(column + 2 * size * math.cos(turn)),
                round(row + 2 * size * math.sin(turn)),
            )
            cv2.line(layer, (column, row), end, level, int(rng.integers(1, 3)), cv2.LINE_AA)
        cv2.circle(layer, (column, row), int(rng.integers(1, 9)), 255.0, -1)
    return np.clip(view + layer, 0, 255).astype(np.uint8)


def drawn(rng: np.random.Generator, size: int) -> View:
    """Return one of these phantoms, (size, size)."""
    kinds = (tissue, cells, head, sector, spine)
    kind = kinds[int(rng.choice(5, p=(0.25, 0.1, 0.2, 0.15, 0.3)))]
    view = kind(rng, size)
    return streaked(rng, view) if rng.random() < 0.1 else view


def bent(rng: np.random.Generator, view: View) -> View:
    """Return the view bent by a smooth field of displacements."""
    size = view.shape[0]
    coarse = rng.normal(0, _between(rng, 1, 12), (2, 5, 5)).astype(np.float32)
    moved = [cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in coarse]
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    return cv2.remap(
        view, columns + moved[0], rows + moved[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def mixed(rng: np.random.Generator, one: View, other: View) -> View:
    """Return two views laid over each other: their mean, the brighter, or a product."""
    kind, share = rng.random(), float(rng.uniform(0.25, 0.75))
    if kind < 0.5:
        return cv2.addWeighted(one, share, other, 1 - share, 0)
    if kind < 0.75:
        return np.maximum(one, cv2.convertScaleAbs(other, alpha=share))
    return cv2.multiply(one, other, scale=1 / 160)
