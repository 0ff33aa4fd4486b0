"""8-bit views: windows of percentiles, and colours that luminance would not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastdeid.pixels.views import colour_view, grey_view, window_of


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_a_window_leaves_out_half_a_percent_on_either_side(dtype: Any) -> None:
    samples = np.full((100, 10), 50, dtype)
    samples.reshape(-1)[:4] = 0
    samples.reshape(-1)[-400:] = 90
    assert window_of(samples) == (50.0, 90.0)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint32, np.float32])
def test_other_samples_are_shown_as_well(dtype: Any) -> None:
    view = grey_view(np.linspace(-0, 100, 400).reshape(20, 20).astype(dtype))
    assert view.dtype == np.uint8
    assert (int(view.min()), int(view.max())) == (0, 255)
    assert (np.diff(view.reshape(-1).astype(int)) >= 0).all()


def test_a_flat_frame_has_a_window_of_one_level() -> None:
    assert window_of(np.full((4, 4), -7, np.int16)) == (-7.0, -6.0)
    assert not grey_view(np.full((4, 4), 9, np.uint16)).any()


def test_a_given_window_is_used() -> None:
    view = grey_view(np.array([[0, 50, 100, 200]], np.uint16), (50.0, 100.0))
    assert view.tolist() == [[0, 0, 255, 255]]


def test_saturated_blue_is_bright() -> None:
    frame = np.zeros((1, 2, 3), np.uint8)
    frame[0, 1] = (0, 0, 255)
    assert colour_view(frame)[0, 0] == 0
    assert colour_view(frame)[0, 1] > 130
