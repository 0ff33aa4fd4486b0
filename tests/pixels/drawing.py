"""Views with text and without, drawn for tests."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[np.uint8]

FACES: Final = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
    "plain": cv2.FONT_HERSHEY_PLAIN,
}


def phantom(kind: str, size: int = 256) -> View:
    """Return a picture without text."""
    rng = np.random.default_rng(5)
    down, across = np.mgrid[:size, :size] / size
    if kind == "black":
        return np.zeros((size, size), np.uint8)
    if kind == "ramp":
        ramp: View = (80 + 100 * across).astype(np.uint8)
        return ramp
    if kind == "noise":
        grainy: View = np.clip(90 + rng.normal(0, 8, (size, size)), 0, 255).astype(np.uint8)
        return grainy
    if kind == "anatomy":
        body = 140.0 * (((down - 0.5) ** 2 + (across - 0.5) ** 2) < 0.16)
        spots = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), 6)
        view = cv2.GaussianBlur(np.clip(body + 300 * spots * (body > 0), 0, 255), (0, 0), 1)
        rounded: View = np.asarray(view).astype(np.uint8)
        return rounded
    view = phantom("black", size)
    if kind == "ruler":
        cv2.line(view, (20, 20), (20, size - 20), 255, 1)
        for row in range(20, size - 20, 12):
            cv2.line(view, (20, row), (28, row), 255, 1)
    elif kind == "grid":
        view[::32] = view[:, ::32] = 160
    elif kind == "outline":
        cv2.circle(view, (size // 2, size // 2), size // 3, 255, 2, cv2.LINE_AA)
        cv2.line(view, (10, 10), (size - 10, size // 2), 200, 1, cv2.LINE_AA)
    return view


CLEAN: Final = ("black", "ramp", "noise", "anatomy", "ruler", "grid", "outline")


def ink_of(
    shape: tuple[int, ...],
    text: str,
    at: tuple[int, int],
    *,
    face: str = "simplex",
    scale: float = 0.5,
) -> View:
    """Return how much of each sample a line of text covers, 0 to 255; at: left end of its base."""
    ink = np.zeros(shape[:2], np.uint8)
    thickness = 1 if scale < 1 else 2
    cv2.putText(ink, text, at, FACES[face], scale, 255, thickness, cv2.LINE_AA)
    return ink


def burn(view: npt.NDArray[Any], ink: View, level: float) -> npt.NDArray[Any]:
    """Return the picture with ink of a level, in the picture's own samples."""
    cover = (ink / 255.0).reshape(*ink.shape, *[1] * (view.ndim - 2))
    return (view * (1 - cover) + cover * level).astype(view.dtype)
