"""The net that comes with fastdeid: small, described, and run as its weights say."""

from __future__ import annotations

import hashlib
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fastdeid.pixels.net import CELL, GATE_CELL, look_at, planes_of, whole_cells
from fastdeid.pixels.weights import read_weights
from tests.pixels.drawing import burn, ink_of, phantom

FOLDER = resources.files("fastdeid.pixels")
CODED = FOLDER.joinpath("text.onnx").read_bytes()


def written(rows: int = 120, columns: int = 184) -> npt.NDArray[np.uint8]:
    """Return a view with text whose sides are whole cells."""
    ink = ink_of((256, 256), "DOE, JANE", (20, 60))
    return np.ascontiguousarray(burn(phantom("anatomy"), ink, 255)[:rows, :columns])


def test_the_net_is_small_and_its_card_is_of_these_weights() -> None:
    card = FOLDER.joinpath("text.md").read_text(encoding="utf-8")
    assert len(CODED) < 200_000
    assert hashlib.sha256(CODED).hexdigest() in card


def test_the_weights_are_read_from_the_file() -> None:
    weights = read_weights(CODED)
    assert weights["stem.0.weight"].shape == (12, 2, 5, 5)
    n_weights = sum(one.size for name, one in weights.items() if name != "twice")
    assert n_weights == 75_934


def _field(number: int, value: bytes | int) -> bytes:
    """Return a field of a message of Protocol Buffers, shorter than 128 bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


@pytest.mark.parametrize(("kind", "values"), [(1, b"\0\0\xc0\x3f"), (10, b"\0\x3e")])
def test_weights_are_of_four_bytes_or_two(kind: int, values: bytes) -> None:
    tensor = _field(1, 1) + _field(2, kind) + _field(8, b"one") + _field(9, values)
    weights = read_weights(_field(7, _field(5, tensor)))
    assert weights["one"].dtype == np.float32
    assert weights["one"].tolist() == [1.5]


def test_a_view_is_made_larger_to_whole_cells_by_its_last_row_and_column() -> None:
    view = np.arange(50 * 70, dtype=np.uint8).reshape(50, 70)
    whole = whole_cells(view)
    assert whole.shape == (56, 72)
    assert (whole[50:, :70] == view[-1]).all()
    assert (whole[:50, 71] == view[:, -1]).all()


def test_a_view_is_answered_cell_by_cell() -> None:
    look = look_at(written())
    assert look.gate.shape == (120 // GATE_CELL, 184 // GATE_CELL)
    likelihood = look.text(0, 0, *look.gate.shape)
    assert likelihood.shape == (120 // CELL, 184 // CELL)
    for cells in (look.gate, likelihood):
        assert ((cells >= 0) & (cells <= 1)).all()


@pytest.mark.jit
def test_the_answer_is_that_of_opencv_with_the_same_file() -> None:
    view = written()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(CODED, np.uint8))
    net.setInput(planes_of(view)[None])
    gate, text = (one[0, 0] for one in net.forward(["gate", "text"]))
    look = look_at(view)
    assert np.allclose(look.gate, gate, atol=1e-3)
    assert np.allclose(look.text(0, 0, *look.gate.shape), text, atol=1e-3)


def test_a_piece_is_answered_as_in_the_whole() -> None:
    look = look_at(written())
    whole = look.text(0, 0, *look.gate.shape).copy()
    for top, left, bottom, right in [(0, 0, 4, 5), (3, 7, 12, 23), (10, 1, 15, 2)]:
        piece = look.text(top, left, bottom, right)
        inside = whole[2 * top : 2 * bottom, 2 * left : 2 * right]
        assert np.allclose(piece, inside, atol=1e-5)


def test_a_look_at_another_view_of_the_same_size_begins_anew() -> None:
    first = look_at(written()).text(0, 0, 15, 23).copy()
    look_at(255 - written()).text(0, 0, 15, 23)
    assert np.array_equal(look_at(written()).text(0, 0, 15, 23), first)


def test_the_second_plane_is_what_differs_from_the_surroundings() -> None:
    view = np.zeros((64, 64), np.uint8)
    view[30, 30] = 255
    grey, detail = planes_of(view)
    assert grey[30, 30] == 255 / 128 - 1
    mean = 255 / 625
    spread = np.sqrt(255 * 255 / 625 - mean * mean)
    assert np.isclose(detail[30, 30], (255 - mean) / (spread + 6), rtol=1e-4)
    assert not detail[:15, :15].any()
