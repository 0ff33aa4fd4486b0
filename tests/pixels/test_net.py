"""The net that comes with fastdeid: small, described, and run as its weights say."""

from __future__ import annotations

import hashlib
from importlib import resources

import numpy as np

from fastdeid.pixels.net import CELL, likelihood_of_text, planes_of

FOLDER = resources.files("fastdeid.pixels")


def test_the_net_is_small_and_its_card_is_of_these_weights() -> None:
    coded = FOLDER.joinpath("text.onnx").read_bytes()
    card = FOLDER.joinpath("text.md").read_text(encoding="utf-8")
    assert len(coded) < 200_000
    assert hashlib.sha256(coded).hexdigest() in card


def test_a_view_is_answered_cell_by_cell() -> None:
    view = np.random.default_rng(1).integers(0, 256, (50, 70)).astype(np.uint8)
    planes = planes_of(view)
    assert planes.shape == (2, 52, 72)
    likelihood = likelihood_of_text(planes)
    assert likelihood.shape == (52 // CELL, 72 // CELL)
    assert ((likelihood >= 0) & (likelihood <= 1)).all()


def test_the_second_plane_is_what_differs_from_the_surroundings() -> None:
    view = np.zeros((60, 60), np.uint8)
    view[30, 30] = 255
    grey, detail = planes_of(view)
    assert grey[30, 30] == 255 / 128 - 1
    mean = 255 / 625
    spread = np.sqrt(255 * 255 / 625 - mean * mean)
    assert np.isclose(detail[30, 30], (255 - mean) / (spread + 6), rtol=1e-4)
    assert not detail[:15, :15].any()


def test_an_answer_does_not_change_with_later_questions() -> None:
    planes = planes_of(np.zeros((64, 64), np.uint8))
    first = likelihood_of_text(planes)
    kept = first.copy()
    likelihood_of_text(planes + np.float32(0.7))
    assert np.array_equal(first, kept)
