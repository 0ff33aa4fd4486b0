"""Burnt-in text is found in a view, and a view without text is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.pixels import text
from fastdeid.pixels.likelihood import TILE
from fastdeid.pixels.text import find_text
from fastdeid.pixels.text_lines import TextLine, merged
from tests.pixels.drawing import CLEAN, FACES, burn, ink_of, phantom

NAME = "DOE, JANE 1950-02-03"


def covered(shape: tuple[int, ...], lines: Iterable[TextLine]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    for line in lines:
        mask[line.top : line.bottom, line.left : line.right] = True
    return mask


def shares(view: npt.NDArray[np.uint8], ink: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Return which share of the strokes is covered, and which share of the view beside them."""
    mask = covered(view.shape, find_text(view))
    rows, columns = (np.flatnonzero((ink > 0).any(axis)) for axis in (1, 0))
    beside = np.ones(view.shape, np.bool_)
    beside[rows[0] - 9 : rows[-1] + 10, columns[0] - 9 : columns[-1] + 10] = False
    return float(mask[ink > 127].mean()), float((mask & beside).mean())


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("ground", "level"),
    [("black", 255), ("ramp", 255), ("ramp", 0), ("noise", 250), ("anatomy", 255)],
)
def test_a_name_is_covered_and_little_else(face: str, ground: str, level: int) -> None:
    view = phantom(ground)
    ink = ink_of(view.shape, NAME, (10, 40), face=face, scale=1.0 if face == "plain" else 0.5)
    strokes, beside = shares(burn(view, ink, level), ink)
    assert strokes >= 0.9
    assert beside <= 0.01


@pytest.mark.parametrize("face", FACES)
def test_a_name_in_a_larger_view_is_covered_and_little_else(face: str) -> None:
    view = phantom("anatomy", 512)
    ink = ink_of(view.shape, NAME, (20, 60), face=face, scale=1.0 if face == "plain" else 0.5)
    strokes, beside = shares(burn(view, ink, 255), ink)
    assert strokes >= 0.9
    assert beside <= 0.01


@pytest.mark.parametrize("shape", [(96, 160), (101, 131)])
@pytest.mark.parametrize("scale", [0.25, 0.3, 0.4])
def test_small_letters_in_a_small_view_are_covered_and_the_rows_beside_stay(
    shape: tuple[int, int], scale: float
) -> None:
    ink = ink_of(shape, "DOE, JANE", (12, 40), scale=scale)
    rows = np.flatnonzero((ink > 0).any(1))
    mask = covered(shape, find_text(burn(np.full(shape, 30, np.uint8), ink, 230)))
    assert mask[ink > 127].mean() >= 0.9
    assert not mask[: rows[0] - 4].any()
    assert not mask[rows[-1] + 5 :].any()


@pytest.mark.parametrize(("mean", "is_text"), [(0.6, False), (0.85, True), (0.4, True)])
def test_a_place_with_seeds_whose_likely_cells_are_doubtful_is_texture(
    monkeypatch: pytest.MonkeyPatch, mean: float, is_text: bool
) -> None:
    likelihood = np.zeros((128, 128), np.float32)
    likelihood[40:44, 20:60] = mean
    likelihood[41, 30:34] = 0.99
    monkeypatch.setattr(text, "likelihood_map", lambda view, where: likelihood)
    lines = find_text(np.zeros((512, 512), np.uint8))
    assert bool(lines) == is_text


def test_what_is_found_at_one_scale_is_not_found_again_at_a_coarser_one() -> None:
    view = phantom("black", 512)
    lines = [ink_of(view.shape, NAME, (40, 100 + 24 * row)) for row in range(4)]
    for ink in lines:
        view = burn(view, ink, 255)
    found = find_text(view)
    assert covered(view.shape, found)[sum(lines) > 127].mean() >= 0.95
    rows, columns = (np.flatnonzero((view > 0).any(axis)) for axis in (1, 0))
    assert min(line.top for line in found) >= rows[0] - 10
    assert max(line.bottom for line in found) <= rows[-1] + 11
    assert max(line.right for line in found) <= columns[-1] + 17


def test_upright_text_is_covered() -> None:
    ink = np.ascontiguousarray(np.rot90(ink_of((256, 256), NAME, (30, 40))))
    assert shares(burn(phantom("ramp"), ink, 255), ink)[0] >= 0.9


def test_large_letters_are_found_in_a_smaller_copy() -> None:
    ink = ink_of((512, 512), "DOE JANE", (20, 200), scale=2.6)
    assert shares(burn(phantom("ramp", 512), ink, 255), ink)[0] >= 0.9


def test_dark_text_in_a_bright_box_is_covered() -> None:
    view = phantom("anatomy")
    view[100:124, 20:230] = 240
    ink = ink_of(view.shape, NAME, (24, 118))
    assert shares(burn(view, ink, 0), ink)[0] >= 0.9


@pytest.mark.parametrize("ground", CLEAN)
def test_a_view_without_text_is_left_alone(ground: str) -> None:
    assert find_text(phantom(ground)) == []


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (48, 48), (49, 131)])
def test_small_and_odd_views_are_examined(shape: tuple[int, int]) -> None:
    assert find_text(np.zeros(shape, np.uint8)) == []


def test_text_at_the_edge_of_a_view_of_odd_size_is_covered() -> None:
    view = np.zeros((131, 203), np.uint8)
    ink = ink_of(view.shape, "ID 7654321", (90, 128))
    mask = covered(view.shape, find_text(burn(view, ink, 255)))
    assert mask[ink > 127].mean() >= 0.9


def test_a_frame_that_is_no_more_than_a_banner_is_examined() -> None:
    view = np.full((26, 400), 30, np.uint8)
    ink = ink_of(view.shape, NAME, (8, 19))
    mask = covered(view.shape, find_text(burn(view, ink, 255)))
    assert mask[ink > 127].mean() >= 0.9


def test_one_box_holds_all_strokes_of_a_line() -> None:
    ink = ink_of((256, 256), NAME, (10, 40))
    found = find_text(burn(phantom("black"), ink, 255))
    assert 1.0 in [covered(ink.shape, [line])[ink > 127].mean() for line in found]


def test_boxes_of_one_place_are_joined_and_those_of_two_lines_are_not() -> None:
    one = TextLine(10, 10, 24, 120, 0.8)
    inside = TextLine(12, 40, 22, 90, 0.9)
    beside = TextLine(10, 100, 24, 150, 0.7)
    below = TextLine(40, 10, 54, 120, 0.6)
    assert merged([one, inside, beside, below]) == [TextLine(10, 10, 24, 150, 0.9), below]


def test_a_hundred_boxes_in_a_slanting_row_do_not_become_the_box_around_all() -> None:
    steps = [TextLine(5 * n, 8 * n, 5 * n + 14, 8 * n + 60, 0.9) for n in range(100)]
    joined = merged(steps)
    before, after = (covered((520, 860), lines) for lines in (steps, joined))
    assert (before <= after).all()
    assert after.sum() <= 1.04 * before.sum()


@given(
    st.lists(
        st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 30)] * 2, st.floats(0, 1)),
        max_size=12,
    )
)
def test_joined_boxes_cover_all_that_they_stand_for(drawn: list[tuple[Any, ...]]) -> None:
    lines = [TextLine(top, left, top + a, left + b, score) for top, left, a, b, score in drawn]
    joined = merged(lines)
    before, after = (covered((80, 80), some) for some in (lines, joined))
    assert (before <= after).all()
    assert len(joined) <= len(lines)
    assert {line.score for line in joined} <= {line.score for line in lines}
    assert max((line.score for line in joined), default=0) == max(
        (line.score for line in lines), default=0
    )


def test_only_the_tiles_asked_for_are_looked_at() -> None:
    first, second = (ink_of((256, 256), NAME, (20, row)) for row in (40, 200))
    view = burn(burn(phantom("black"), first, 255), second, 255)
    where = np.zeros((256 // TILE, 256 // TILE), np.bool_)
    where[:6] = True
    mask = covered(view.shape, find_text(view, where=where))
    assert mask[first > 127].mean() >= 0.9
    assert not mask[second > 127].any()
