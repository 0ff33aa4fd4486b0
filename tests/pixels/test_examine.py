"""Every frame of an instance is examined, and what all frames share is found in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fastdeid.pixels import examine
from fastdeid.pixels.examine import Examination, FrameMask, examine_frames
from fastdeid.pixels.judgement import Judgement
from fastdeid.pixels.masks import Box
from fastdeid.pixels.text_lines import TextLine
from tests.pixels.drawing import burn, ink_of, phantom

Frames = Sequence[npt.NDArray[Any]]
NAME = ink_of((256, 256), "DOE, JANE 1950-02-03", (10, 40))
MARK = np.s_[:8, :8]


def examined(frames: Frames, **given: Any) -> Examination:
    return examine_frames(frames.__getitem__, len(frames), **given)


def share(examination: Examination, frame: int, ink: npt.NDArray[np.uint8]) -> float:
    mask = np.zeros(ink.shape, np.bool_)
    for one in examination.masks_of(frame):
        mask[one.box.top : one.box.bottom, one.box.left : one.box.right] = True
    return float(mask[ink > 127].mean())


def moving(n_frames: int, *, dtype: Any = np.uint8) -> list[npt.NDArray[Any]]:
    """Return frames whose anatomy moves, in a few hundred levels when they have 16 bits."""
    still = phantom("anatomy").astype(dtype)
    gain = 1 if dtype is np.uint8 else 12
    return [np.roll(still, 5 * number, 1) * gain for number in range(n_frames)]


def test_frames_without_text_are_clean() -> None:
    assert examined(moving(3)) == Examination(Judgement.CLEAN, (), {})


def test_text_of_a_single_frame_is_masked() -> None:
    found = examined([burn(phantom("ramp"), NAME, 255)])
    assert found.judgement is Judgement.MASKED
    assert share(found, 0, NAME) >= 0.9


def test_text_that_stays_over_moving_anatomy_is_masked_in_every_frame() -> None:
    found = examined([burn(frame, NAME, 250) for frame in moving(4)])
    assert [share(found, number, NAME) >= 0.9 for number in range(4)] == [True] * 4


def test_text_of_the_third_frame_alone_is_masked_there() -> None:
    frames = [phantom("ramp") for _ in range(5)]
    frames[2] = burn(frames[2], NAME, 255)
    found = examined(frames)
    assert share(found, 2, NAME) >= 0.9
    assert [len(found.masks_of(number)) for number in (0, 1, 3)] == [0, 0, 0]


def test_text_that_changes_from_frame_to_frame_is_masked_where_it_stands() -> None:
    inks = [ink_of((256, 256), f"DOE^JANE {1234567 * n}", (10, 60 * n)) for n in (1, 2, 3)]
    found = examined([burn(phantom("black"), ink, 255) for ink in inks])
    assert [share(found, number, ink) >= 0.9 for number, ink in enumerate(inks)] == [True] * 3


def test_text_that_stays_for_a_while_is_masked_as_long() -> None:
    """It ends in the middle of frames that are looked at together, and is in their first ones."""
    ink = np.ascontiguousarray(NAME[16:64])
    frames = [np.ascontiguousarray(frame[16:64]) for frame in moving(22)]
    found = examined([burn(one, ink, 250) if n < 19 else one for n, one in enumerate(frames)])
    assert [n for n in range(19) if share(found, n, ink) < 0.9] == []


def test_text_that_comes_late_over_frames_that_stay_the_same_is_masked() -> None:
    ink, still = np.ascontiguousarray(NAME[16:64]), phantom("ramp")[16:64]
    found = examined([burn(still, ink, 255) if n > 16 else still for n in range(18)])
    assert share(found, 17, ink) >= 0.9
    assert [n for n in range(17) if found.masks_of(n)] == []


def test_a_second_line_in_one_frame_is_masked_beside_one_that_all_have() -> None:
    second = ink_of((256, 256), "ID 7654321", (10, 200))
    frames = [burn(frame, NAME, 250) for frame in moving(5)]
    frames[3] = burn(frames[3], second, 250)
    found = examined(frames)
    assert share(found, 3, second) >= 0.9
    assert [share(found, number, NAME) >= 0.9 for number in range(5)] == [True] * 5


def test_signed_samples_of_16_bits_are_examined() -> None:
    frames = [frame - 1000 for frame in moving(3, dtype=np.int16)]
    found = examined([burn(frame, NAME, 3000) for frame in frames])
    assert all(share(found, number, NAME) >= 0.9 for number in range(3))


def test_blue_text_on_a_colour_frame_is_masked() -> None:
    frame = np.repeat(phantom("black")[..., None], 3, 2)
    frame[..., 2] = burn(frame[..., 2], NAME, 255)
    assert share(examined([frame]), 0, NAME) >= 0.9


def test_what_a_rule_masks_is_masked_in_every_frame() -> None:
    banner = FrameMask(Box(0, 0, 20, 256), "banner", 1.0)
    found = examined(moving(2), rules=[banner])
    assert found == Examination(Judgement.MASKED, (banner,), {})


def test_text_all_over_a_frame_is_too_much() -> None:
    page = phantom("black")
    for row in range(20, 256, 16):
        page = burn(page, ink_of(page.shape, "DOE, JANE, 1950-02-03, ID 12", (2, row)), 255)
    assert examined([page]).judgement is Judgement.TOO_MUCH


def test_frames_of_odd_size_that_change_are_examined() -> None:
    frames = [burn(phantom("ramp", 131), NAME[:131, :131], 255), phantom("ramp", 131)]
    found = examined([frames[1][:, :129], frames[0][:, :129], frames[1][:, :129]])
    assert share(found, 1, np.ascontiguousarray(NAME[:131, :129])) >= 0.9


def test_frames_are_read_in_order_and_one_at_a_time() -> None:
    frames, read = moving(5), []

    def one(number: int) -> npt.NDArray[Any]:
        read.append(number)
        return frames[number]

    examine_frames(one, 5)
    assert read == [0, 2, 4, 0, 1, 2, 3, 4]


def sees_marked_frames(line: TextLine) -> Any:
    """Return a detector that finds a line, but only in views with a bright corner."""
    return lambda view, *_: [line] if view[MARK].min() > 240 else []


@pytest.mark.parametrize("n_frames", [4, 40])
def test_strokes_that_every_frame_has_are_masked_in_all_though_found_in_one(
    monkeypatch: pytest.MonkeyPatch, n_frames: int
) -> None:
    rows, columns = (np.flatnonzero(NAME.any(axis)) for axis in (1, 0))
    box = (int(rows[0]) - 2, int(columns[0]) - 2, int(rows[-1]) + 3, int(columns[-1]) + 3)
    monkeypatch.setattr(examine, "find_text", sees_marked_frames(TextLine(*box, 0.9)))
    frames = [burn(frame, NAME, 250) for frame in moving(n_frames)]
    frames[2][MARK] = 255
    found = examined(frames)
    assert [share(found, number, NAME) for number in range(n_frames)] == [1.0] * n_frames


def test_strokes_that_move_are_masked_only_where_they_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, columns = (np.flatnonzero(NAME.any(axis)) for axis in (1, 0))
    box = (int(rows[0]) - 2, int(columns[0]) - 2, int(rows[-1]) + 3, int(columns[-1]) + 3)
    monkeypatch.setattr(examine, "find_text", sees_marked_frames(TextLine(*box, 0.9)))
    still = burn(phantom("anatomy"), NAME, 250)
    frames = [np.roll(still, 9 * number, 0) for number in range(4)]
    frames[0][MARK] = 255
    found = examined(frames)
    assert [len(found.masks_of(number)) for number in range(4)] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("scores", "judgement"),
    [
        ([0.95], Judgement.MASKED),
        ([0.84, 0.95], Judgement.MASKED),
        ([0.81, 0.95], Judgement.REVIEW),
        ([0.84, 0.87], Judgement.REVIEW),
    ],
)
def test_lines_that_may_be_no_text_go_to_review(
    monkeypatch: pytest.MonkeyPatch, scores: list[float], judgement: Judgement
) -> None:
    lines = [TextLine(40 * n, 10, 40 * n + 12, 90, score) for n, score in enumerate(scores)]
    monkeypatch.setattr(examine, "find_text", lambda view, *_: lines)
    assert examined([phantom("ramp")]).judgement is judgement
