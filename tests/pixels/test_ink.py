"""A line of text is lighter or darker than its ground."""

from __future__ import annotations

import numpy as np
import pytest

from fastdeid.pixels.ink import ink_of
from fastdeid.pixels.text_lines import TextLine
from tests.pixels import drawing

NAME = "DOE, JANE 1950-02-03"


@pytest.mark.parametrize("ground", ["ramp", "noise", "anatomy"])
@pytest.mark.parametrize(("level", "expected"), [(255, 1), (0, -1)])
def test_white_letters_are_light_and_black_ones_dark(
    ground: str, level: int, expected: int
) -> None:
    view = drawing.phantom(ground)
    view[60:200] = view[60:200] // 2 + 60
    ink = drawing.ink_of(view.shape, NAME, (10, 140))
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    box = (int(rows[0]) - 4, int(columns[0]) - 4, int(rows[-1]) + 5, int(columns[-1]) + 5)
    assert ink_of(drawing.burn(view, ink, level), TextLine(*box, 0.9)) == expected


@pytest.mark.parametrize(("level", "expected"), [(250, 1), (5, -1)])
def test_letters_of_a_hundred_samples_have_an_ink(level: int, expected: int) -> None:
    view = np.full((512, 900), 128, np.uint8)
    ink = drawing.ink_of(view.shape, "DOE", (40, 300), scale=5)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    assert ink_of(drawing.burn(view, ink, level), TextLine(*box, 0.9)) == expected


def test_a_flat_place_has_no_ink() -> None:
    assert ink_of(np.full((64, 64), 90, np.uint8), TextLine(10, 10, 30, 50, 0.9)) == 0


def test_a_line_in_the_corner_of_a_tiny_view_is_looked_at() -> None:
    assert ink_of(np.full((3, 3), 90, np.uint8), TextLine(0, 0, 3, 3, 0.9)) == 0
