"""`keep = "measurements"`: what OCR reads as a measurement stays, all other text goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastdeid.identity import Identity
from fastdeid.pixels import ocr
from fastdeid.pixels.examine import TEXT, FrameMask, Masks, examination_of
from fastdeid.pixels.judgement import Judgement
from fastdeid.pixels.keeping import Keeper
from fastdeid.pixels.masks import Box
from fastdeid.rules import Profile, load_profile
from tests.pixels.drawing import View, burn, ink_of
from tests.pixels.files import attributes, codes_of, read, treat, written

pytestmark = pytest.mark.skipif(not ocr.is_installed(), reason="nothing that reads is installed")
SHAPE = (224, 320)
NAME, SETTING = Box(12, 4, 44, 200), Box(92, 4, 124, 150)
NOBODY = Identity(())
REFUSED = """
import importlib.util, os, sys
importlib.util.find_spec = lambda name: None
os.environ["PATH"] = ""
from fastdeid.errors import ProfileError
from fastdeid.pixel_jobs import PixelJobs
from fastdeid.pixels.modes import PixelMode
from fastdeid.rules import load_profile
settings = load_profile(sys.argv[1]).settings
PixelJobs(settings, PixelMode.REGIONS, None)
try:
    PixelJobs(settings, PixelMode.EXAMINE, None)
except ProfileError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def keeper() -> Keeper:
    return Keeper(ocr.Reader())


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    path = tmp_path / "ours.toml"
    path.write_text(
        'name = "ours"\nversion = "1"\npurpose = "test"\nextends = "basic"\n'
        '[pixels]\nkeep = "measurements"\n'
    )
    return load_profile(str(path))


def shown(setting: str = "LEFT 25 mm") -> View:
    """Return a view with a name above and a setting below."""
    view = np.full(SHAPE, 40, np.uint8)
    view = burn(view, ink_of(SHAPE, "DOE, JANE", (10, 36), scale=0.9), 240)
    return burn(view, ink_of(SHAPE, setting, (10, 116), scale=0.9), 240)


def masks(*boxes: Box) -> Masks:
    return tuple(FrameMask(box, TEXT, 0.9) for box in boxes)


def masked(found: Masks) -> View:
    """Return which samples are masked."""
    view = np.zeros(SHAPE, np.uint8)
    for mask in found:
        view[mask.box.top : mask.box.bottom, mask.box.left : mask.box.right] = 1
    return view


def test_the_setting_stays_and_the_name_goes(keeper: Keeper) -> None:
    found = examination_of(masks(NAME, SETTING), {}, SHAPE)
    after = keeper.without_kept(found, lambda _: shown(), 1, NOBODY).found
    assert after.every_frame == masks(NAME)
    assert after.judgement is Judgement.MASKED


def test_one_box_over_both_is_cut(keeper: Keeper) -> None:
    found = examination_of(masks(Box(12, 4, 124, 200)), {}, SHAPE)
    after = masked(keeper.without_kept(found, lambda _: shown(), 1, NOBODY).found.every_frame)
    ink = shown() > 140
    assert after[:60][ink[:60]].mean() > 0.95
    assert after[80:][ink[80:]].mean() < 0.05


def test_a_setting_that_the_headers_know_goes(keeper: Keeper) -> None:
    found = examination_of(masks(SETTING), {}, SHAPE)
    known = Identity([("name", "Left^Ann")])
    after, decided = keeper.without_kept(found, lambda _: shown(), 1, known)
    assert after == found
    assert [one.why_not for one in decided] == ["resembles what the headers know"]


def test_all_that_is_kept_leaves_a_clean_picture(keeper: Keeper) -> None:
    found = examination_of((), {0: masks(SETTING)}, SHAPE)
    after = keeper.without_kept(found, lambda _: shown(), 1, NOBODY).found
    assert (after.judgement, after.single_frames) == (Judgement.CLEAN, {})


def test_boxes_of_rules_are_not_read(keeper: Keeper) -> None:
    rule = (FrameMask(SETTING, "banner of a scanner", 1.0),)
    found = examination_of(rule, {}, SHAPE)
    assert keeper.without_kept(found, lambda _: shown(), 1, NOBODY) == (found, ())


def test_text_of_every_frame_stays_only_where_all_frames_show_the_same(keeper: Keeper) -> None:
    found = examination_of(masks(SETTING), {}, SHAPE)
    frames = [shown(), shown(), shown("DOE 25 mm")]
    assert keeper.without_kept(found, frames.__getitem__, 2, NOBODY).found.every_frame == ()
    after, decided = keeper.without_kept(found, frames.__getitem__, 3, NOBODY)
    assert after == found
    assert [(one.frame, one.why_not) for one in decided] == [(None, "not the same in every frame")]


@pytest.mark.jit  # interpreted kernels take half a minute
def test_a_file_keeps_its_settings_and_loses_its_names(tmp_path: Path, profile: Profile) -> None:
    view = shown()
    ds = attributes(Rows=SHAPE[0], Columns=SHAPE[1], PatientName="Doe^Jane")
    outcome, after = treat(written(ds, view.tobytes()), tmp_path, profile=profile)
    assert outcome.frames_examined == outcome.frames_masked == 1
    pixels, ink = read(after).pixel_array, view > 140
    assert np.array_equal(pixels[80:], view[80:])
    assert (pixels[:60][ink[:60]] == 0).mean() >= 0.9
    assert "113101" in codes_of(read(after))
    outcome, after = treat(written(ds, view.tobytes()), tmp_path)
    assert (read(after).pixel_array[80:][ink[80:]] == 0).mean() >= 0.9


@pytest.mark.jit
def test_what_was_read_stands_nowhere(tmp_path: Path, profile: Profile) -> None:
    ds = attributes(Rows=SHAPE[0], Columns=SHAPE[1], PatientName="Roe^Ann")
    outcome, after = treat(written(ds, shown().tobytes()), tmp_path, profile=profile)
    for told in ("LEFT", "DOE"):
        assert told not in repr(outcome)
        assert told.encode() not in after


def test_where_nothing_reads_such_a_profile_is_refused(tmp_path: Path, profile: Profile) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, str(tmp_path / "ours.toml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"keep = 'measurements' needs an OCR engine: {ocr.HINT}"
