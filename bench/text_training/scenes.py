"""Burn lines of text into a view, in the styles of scanners, printers and viewers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bench.text_training import contents, fonts

View = npt.NDArray[Any]
_Write = Callable[[np.random.Generator], str]

STYLES: Final = (
    *("white", "white", "white", "grey", "black", "outlined", "boxed", "colour"),
    *("blended", "lc20", "lc20", "lc10", "lc10", "lc5"),
)


class Split(NamedTuple):
    """Faces and words of one split; the share of blocks in other scripts than Latin."""

    faces: tuple[fonts.Face, ...]
    words: contents.Words
    foreign: float = 0.0


TRAINING: Final = Split(fonts.TRAINING, contents.TRAINING, 0.1)
HELD_OUT: Final = Split(fonts.HELD_OUT, contents.HELD_OUT)


class Line(NamedTuple):
    """A burnt-in line: box of its ink (end exclusive), which pixels it covers, what it is like.

    contrast: of the ink with its ground; grain: by how much neighbours of the ground differ.
    """

    top: int
    left: int
    bottom: int
    right: int
    ink: npt.NDArray[Any]
    style: str
    person: bool
    upright: bool
    capital: float
    contrast: float
    grain: float


def _fill(patch: View, ink: View, style: str, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Return the patch with the ink burnt in, as float32."""
    ground = patch.astype(np.float32)
    cover = ink.astype(np.float32) / 255
    if style.startswith("lc"):
        return ground + cover * (2.55 * float(style[2:]))
    level = {"white": rng.uniform(235, 255), "black": rng.uniform(0, 25), "blended": 255.0}.get(
        style, rng.uniform(120, 210)
    )
    if style == "outlined":
        around = cv2.dilate(ink, np.ones((3, 3), np.uint8)).astype(np.float32) / 255
        ground, level = ground * (1 - around), rng.uniform(230, 255)
    elif style == "boxed":
        dark = rng.random() < 0.3
        ground = np.full_like(ground, rng.uniform(0, 60) if dark else rng.uniform(200, 255))
        level = rng.uniform(220, 255) if dark else rng.uniform(0, 30)
    elif style == "blended":
        cover = cover * 0.6
    return ground * (1 - cover) + cover * level


def _contrast(before: View, after: View, ink: npt.NDArray[Any]) -> float:
    """Median difference of the ink from the ground beside it, in grey levels."""
    if not ink.any():
        return 0.0
    ground = after[~ink] if (~ink).any() else before.ravel()
    return float(abs(np.median(after[ink].astype(np.float32)) - np.median(ground)))


def _grain(after: View, ink: npt.NDArray[Any]) -> float:
    """Spread of the noise beside the ink, in grey levels, from the steps between neighbours."""
    apart = ~(ink[:, 1:] | ink[:, :-1])
    steps = np.abs(np.diff(after.astype(np.float32), axis=1))[apart]
    return float(1.05 * np.median(steps)) if steps.size else 0.0


def _burn(
    view: View, at: tuple[int, int], ink: View, style: str, rng: np.random.Generator
) -> tuple[npt.NDArray[Any], float, float]:
    """Burn one line into the view at (top, left); the ink inside, its contrast, the grain."""
    margin = int(rng.integers(1, 4))
    top, left = max(at[0] - margin, 0), max(at[1] - margin, 0)
    bottom = min(at[0] + ink.shape[0] + margin, view.shape[0])
    right = min(at[1] + ink.shape[1] + margin, view.shape[1])
    padded = np.zeros((bottom - top, right - left), np.uint8)
    row, column = at[0] - top, at[1] - left
    inside = ink[: padded.shape[0] - row, : padded.shape[1] - column]
    padded[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    patch = view[top:bottom, left:right]
    before = patch.copy()
    patch[:] = np.clip(_fill(patch, padded, style, rng), 0, 255).astype(np.uint8)
    contrast = _contrast(before, patch, padded > 127)
    return inside > 127, contrast, _grain(patch, padded > 127)


def _place(
    view: View, size: tuple[int, int], rng: np.random.Generator, *, corners: float
) -> tuple[int, int]:
    rows, columns = view.shape[0] - size[0], view.shape[1] - size[1]
    if rng.random() < corners:
        near = int(rng.integers(0, 12))
        top = near if rng.random() < 0.5 else rows - near
        left = near if rng.random() < 0.5 else columns - near
        return min(max(top, 0), max(rows, 0)), min(max(left, 0), max(columns, 0))
    return int(rng.integers(0, max(rows, 1))), int(rng.integers(0, max(columns, 1)))


def _part(ink: View, longest: int, rng: np.random.Generator) -> View:
    """Return as much of a line as is not too long, from anywhere."""
    start = int(rng.integers(0, max(ink.shape[1] - longest, 0) + 1))
    return np.ascontiguousarray(ink[:, start : start + longest])


def _writing(split: Split, rng: np.random.Generator) -> tuple[fonts.Face, _Write]:
    """Return a block's face, and what writes its lines about people."""
    faces = split.faces
    write: _Write = functools.partial(contents.person_line, words=split.words)
    if split.foreign and rng.random() < split.foreign:
        faces, write = (
            (fonts.CYRILLIC_AND_GREEK, contents.cyrillic_or_greek_line)
            if rng.random() < 0.6
            else (fonts.EAST_ASIAN, contents.east_asian_line)
        )
    return faces[int(rng.integers(len(faces)))], write


def burn_block(
    view: View,
    split: Split,
    rng: np.random.Generator,
    *,
    capitals: tuple[float, float],
    most_lines: int,
    corners: float,
    cut: bool = False,
    heavy: float = 0.0,
) -> list[Line]:
    """Burn a block of one to `most_lines` lines into the view, in place, and return the lines.

    cut: of a line that is too long for the view a part is burnt in; otherwise it is left out.
    heavy: the share of lines with thicker strokes.
    """
    face, write = _writing(split, rng)
    capital = float(np.exp(rng.uniform(np.log(capitals[0]), np.log(capitals[1]))))
    style = STYLES[int(rng.integers(len(STYLES)))]
    inks, persons = [], []
    for _ in range(rng.integers(1, most_lines + 1)):
        person = bool(rng.random() < 0.6)
        text = write(rng) if person else contents.setting_line(rng)
        ink = fonts.draw_line(face, text, capital, rng, heavy=heavy)
        if cut:
            ink = _part(ink, view.shape[1] - 5, rng)
        if ink.shape[1] + 4 < view.shape[1] and ink.shape[0] + 4 < view.shape[0]:
            inks.append(ink)
            persons.append(person)
    upright = bool(rng.random() < 0.08 and len(inks) < 3)
    if upright:
        inks = [np.ascontiguousarray(np.rot90(ink)) for ink in inks]
    gap = round(capital * rng.uniform(0.4, 1.0))
    axis = 1 if upright else 0
    extent = sum(ink.shape[axis] + gap for ink in inks)
    across = max((ink.shape[1 - axis] for ink in inks), default=1)
    size = (across, extent) if upright else (extent, across)
    place = list(_place(view, size, rng, corners=corners))
    to_right = place[1] > view.shape[1] // 2 and rng.random() < 0.6
    lines = []
    for ink, person in zip(inks, persons, strict=True):
        top, left = place
        if to_right and not upright:
            left += across - ink.shape[1]
        if top + ink.shape[0] > view.shape[0] or left + ink.shape[1] > view.shape[1]:
            break
        drawn, *seen = _burn(view, (top, left), ink, style, rng)
        bottom, right = top + drawn.shape[0], left + drawn.shape[1]
        box = (top, left, bottom, right)
        lines.append(Line(*box, drawn, style, person, upright, capital, *seen))
        place[axis] += ink.shape[axis] + gap
    return lines
