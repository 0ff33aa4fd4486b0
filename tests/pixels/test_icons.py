"""Icon images that a profile keeps are searched for text as images are, PS3.3 C.7.6.1.1.6."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from fastdeid.rules import Profile, load_profile
from fastdeid.verdicts import Verdict
from tests.pixels.files import (
    COLUMNS,
    ROWS,
    STROKES,
    Samples,
    attributes,
    codes_of,
    grey,
    read,
    treat,
    written,
)

# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
CLEAN, WRITTEN = grey(40, 40), grey(40, 230)
KEEPING = """
name = "ours"
version = "1"
purpose = "test"
extends = "basic"
[[rule]]
attribute = "IconImageSequence"
action = "K"
reason = "our viewer shows them"
"""


@pytest.fixture
def keeping(tmp_path: Path) -> Profile:
    path = tmp_path / "ours.toml"
    path.write_text(KEEPING)
    return load_profile(str(path))


def with_icon(pixels: Samples, icon: Samples, *, coded: bool = False) -> bytes:
    """Return a file of one frame with an icon; coded: in a fragment."""
    ds, item = attributes(), Dataset()
    for name in ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored"):
        setattr(item, name, ds[name].value)
    item.HighBit, item.PixelRepresentation = 7, 0
    item.Rows, item.Columns = icon.shape
    item.PixelData = icon.tobytes()
    if coded:
        fragment = b"\xfe\xff\x00\xe0\x02\x00\x00\x00\xff\xd8"
        item.PixelData = b"\xfe\xff\x00\xe0" + bytes(4) + fragment
        item["PixelData"].is_undefined_length = True
    item["PixelData"].VR = "OB"
    ds.IconImageSequence = [item]
    return written(ds, pixels.tobytes())


def icon_of(data: bytes, like: Samples) -> Samples:
    (item,) = read(data).IconImageSequence
    return np.frombuffer(item.PixelData, np.uint8).reshape(like.shape)


def test_a_name_goes_from_an_icon_and_all_else_stays(keeping: Profile, tmp_path: Path) -> None:
    outcome, after = treat(with_icon(CLEAN, WRITTEN), tmp_path, profile=keeping)
    assert outcome.verdict is Verdict.OK, outcome.reason
    assert {box.reason for box in outcome.masks} == {"text_in_icon"}
    shown, expected = icon_of(after, WRITTEN), WRITTEN.copy()
    for box in outcome.masks:
        expected[box.top : box.bottom, box.left : box.right] = 0
    assert np.array_equal(shown, expected)
    assert (shown[STROKES] == 0).mean() >= 0.9
    assert read(after).PixelData == CLEAN.tobytes()
    assert outcome.frames_masked == 0
    assert "113101" in codes_of(read(after))


def test_an_icon_behind_the_window_is_masked_on_its_way(keeping: Profile, tmp_path: Path) -> None:
    large = np.full((512, 512), 40, np.uint8)  # 256 KiB: it is never loaded
    large[300 : 300 + ROWS, 200 : 200 + COLUMNS] = WRITTEN
    outcome, after = treat(with_icon(CLEAN, large), tmp_path, profile=keeping)
    assert {box.reason for box in outcome.masks} == {"text_in_icon"}
    shown = icon_of(after, large)
    assert (shown[300 : 300 + ROWS, 200 : 200 + COLUMNS][STROKES] == 0).mean() >= 0.9
    left = np.ones(large.shape, np.bool_)
    for box in outcome.masks:
        left[box.top : box.bottom, box.left : box.right] = False
    assert np.array_equal(shown[left], large[left])


def test_what_is_masked_in_the_image_is_masked_in_its_icon_however_small(
    keeping: Profile, tmp_path: Path
) -> None:
    small = np.asarray(cv2.resize(WRITTEN, (COLUMNS // 4, ROWS // 4), interpolation=cv2.INTER_AREA))
    outcome, after = treat(with_icon(WRITTEN, small), tmp_path, profile=keeping)
    boxes = [one for one in outcome.masks if not one.is_elsewhere]
    shown = icon_of(after, small)
    assert boxes
    for box in boxes:
        part = np.s_[box.top // 4 : -(-box.bottom // 4), box.left // 4 : -(-box.right // 4)]
        assert not shown[part].any()
    assert np.array_equal(shown[ROWS // 6 :], small[ROWS // 6 :])


def test_a_coded_icon_that_is_kept_is_not_claimed_to_be_seen(
    keeping: Profile, tmp_path: Path
) -> None:
    outcome, after = treat(with_icon(CLEAN, CLEAN, coded=True), tmp_path, profile=keeping)
    assert outcome.verdict is Verdict.OK, outcome.reason
    assert outcome.frames_examined == 0
    # With a rule that keeps more than the options do, there is no other code either.
    assert "DeidentificationMethodCodeSequence" not in read(after)
    assert "BurnedInAnnotation" not in read(after)


def test_an_icon_that_does_not_say_how_it_stands_quarantines_the_file(
    keeping: Profile, tmp_path: Path
) -> None:
    data = with_icon(CLEAN, WRITTEN[:, :-2])
    at = data.index(b"\x28\x00\x11\x00US\x02\x00") + 8  # Columns, of the icon
    damaged = data[:at] + (COLUMNS + 9).to_bytes(2, "little") + data[at + 2 :]
    outcome, _ = treat(damaged, tmp_path, profile=keeping)
    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "pixel_data_length")


def test_icons_go_where_no_rule_keeps_them(tmp_path: Path) -> None:
    outcome, after = treat(with_icon(CLEAN, WRITTEN), tmp_path)
    assert ("IconImageSequence" in read(after), outcome.masks) == (False, ())
    assert "113101" in codes_of(read(after))
