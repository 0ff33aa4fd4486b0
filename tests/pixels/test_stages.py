"""Which stages a profile and a run ask for, and what they tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from pydicom.dataset import Dataset

from fastdeid.errors import ProfileError, UsageError
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.modes import PixelMode, check_mode
from fastdeid.rules import load_profile
from fastdeid.verdicts import Verdict
from tests.conversion.archive import write_key
from tests.pixels.files import (
    COLUMNS,
    ROWS,
    attributes,
    codes_of,
    grey,
    read,
    treat,
    written,
)

WRITTEN = grey(40, 230)
CLEAN = grey(40, 40)
RULES = """
[[rule]]
name = "banner of our scanner"
credit = "us"
when = [[{ attribute = "Manufacturer", equals = ["ACME"] }]]
boxes = [[0, 0, 30, 192]]
"""


def profile(folder: Path, text: str) -> Any:
    path = folder / "ours.toml"
    path.write_text(f'name = "ours"\nversion = "1"\npurpose = "test"\nextends = "basic"\n{text}')
    return load_profile(str(path))


def ultrasound() -> Dataset:
    ds = attributes(Modality="US", Manufacturer="ACME")
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 20, 50
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 119, 89
    ds.SequenceOfUltrasoundRegions = [region]
    return ds


def test_a_rule_of_the_site_masks_its_boxes_without_a_look(tmp_path: Path) -> None:
    (tmp_path / "scanners.toml").write_text(RULES)
    ours = profile(tmp_path, '[pixels]\nregions = ["known", "scanners.toml"]\n')
    data = written(attributes(Manufacturer="ACME"), WRITTEN.tobytes())
    outcome, after = treat(data, tmp_path, mode=PixelMode.REGIONS, profile=ours)
    assert outcome.verdict is Verdict.OK
    assert outcome.masks == (MaskedBox(1, 1, 0, 0, 30, COLUMNS, "banner of our scanner", 1.0),)
    shown = read(after).pixel_array
    assert not shown[:30].any()
    assert np.array_equal(shown[30:], WRITTEN[30:])
    assert "113101" not in codes_of(read(after))


def test_no_rule_no_mask(tmp_path: Path) -> None:
    (tmp_path / "scanners.toml").write_text(RULES)
    ours = profile(tmp_path, '[pixels]\nregions = ["scanners.toml"]\n')
    data = written(attributes(Manufacturer="OTHER"), WRITTEN.tobytes())
    outcome, after = treat(data, tmp_path, mode=PixelMode.REGIONS, profile=ours)
    assert (outcome.masks, read(after).PixelData) == ((), WRITTEN.tobytes())


def test_what_no_region_covers_is_masked_where_the_profile_asks(tmp_path: Path) -> None:
    ours = profile(tmp_path, '[pixels]\nultrasound_regions = "mask_outside"\n')
    data = written(ultrasound(), WRITTEN.tobytes())
    outcome, after = treat(data, tmp_path, mode=PixelMode.REGIONS, profile=ours)
    shown = read(after).pixel_array
    inside = np.zeros((ROWS, COLUMNS), np.bool_)
    inside[50:90, 20:120] = True
    assert np.array_equal(shown[inside], WRITTEN[inside])
    assert not shown[~inside].any()
    assert {mask.reason for mask in outcome.masks} == {"outside_ultrasound_regions"}
    # The profile decides: basic keeps what stands there, but for text.
    outcome, after = treat(data, tmp_path, mode=PixelMode.REGIONS)
    assert read(after).PixelData == WRITTEN.tobytes()


def test_text_inside_a_masked_region_is_not_masked_twice(tmp_path: Path) -> None:
    (tmp_path / "scanners.toml").write_text(RULES.replace("30, 192", "60, 192"))
    ours = profile(tmp_path, '[pixels]\nregions = ["scanners.toml"]\n')
    data = written(attributes(Manufacturer="ACME"), WRITTEN.tobytes())
    outcome, _ = treat(data, tmp_path, profile=ours)
    assert [mask.reason for mask in outcome.masks] == ["banner of our scanner"]
    assert outcome.frames_examined == 1


@pytest.mark.parametrize(
    ("wrong", "line"),
    [('keep = "measure"', 7), ('text = "mask"\nkept = "nothing"', 8), ('text = "remove"', 7)],
)
def test_what_is_wrong_in_pixels_is_named_with_its_line(
    wrong: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(ProfileError, match=f"line {line}: "):
        profile(tmp_path, f"options = []\n[pixels]\n{wrong}\n")


def test_a_profile_that_keeps_text_claims_nothing(tmp_path: Path) -> None:
    ours = profile(tmp_path, '[pixels]\ntext = "keep"\n')
    outcome, after = treat(written(attributes(), WRITTEN.tobytes()), tmp_path, profile=ours)
    assert (outcome.frames_examined, read(after).PixelData) == (0, WRITTEN.tobytes())
    assert "113101" not in codes_of(read(after))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[pixels]\ntext = "blur"\n', "text"),
        ("[pixels]\nfaces = true\n", "faces"),
        ('[pixels]\nregions = ["none.toml"]\n', "cannot be read"),
    ],
)
def test_unknown_stages_are_refused_with_the_line(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=why) as error:
        profile(tmp_path, text)
    assert "line" in str(error.value)


def test_rules_of_the_site_are_part_of_what_a_run_depends_on(tmp_path: Path) -> None:
    (tmp_path / "scanners.toml").write_text(RULES)
    before = profile(tmp_path, '[pixels]\nregions = ["scanners.toml"]\n').digest
    (tmp_path / "scanners.toml").write_text(RULES.replace("30, 192", "31, 192"))
    assert profile(tmp_path, '[pixels]\nregions = ["scanners.toml"]\n').digest != before


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="examine, regions, off"):
        check_mode("all")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastdeid", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_runs_agree_whatever_the_workers_and_say_what_they_masked(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(6):
        ds = attributes(SOPInstanceUID=f"1.2.826.0.1.3680043.10.3.1.{number}")
        frame = WRITTEN if number % 2 else CLEAN
        (source / f"{number}").write_bytes(written(ds, frame.tobytes()))
    write_key(tmp_path / "key")
    outputs = []
    for workers in ("0", "2"):
        target = tmp_path / workers
        done = run(
            tmp_path, "run", "source", workers, "--key", "key", "--workers", workers, "--json"
        )
        assert done.returncode == 0, done.stderr
        found = sorted(target.rglob("*.dcm"))
        outputs.append({path.relative_to(target): path.read_bytes() for path in found})
        assert json.loads(done.stdout)["pixels"] == {
            "instances_examined": 6,
            "frames_examined": 6,
            "instances_masked": 3,
            "frames_masked": 3,
        }
    assert outputs[0] == outputs[1]
    for row in pq.read_table(tmp_path / "0" / "manifest.parquet").to_pylist():
        shown = pydicom.dcmread(tmp_path / "0" / row["output_path"]).pixel_array
        boxes = row["masks"] or []
        assert bool(boxes) == bool(row["frames_masked"])
        for box in boxes:
            assert not shown[box["top"] : box["bottom"], box["left"] : box["right"]].any()
    done = run(tmp_path, "verify", "0", "--key", "key", "--source", "source", "--workers", "0")
    assert done.returncode == 0, done.stdout


def test_the_preview_shows_boxes_scores_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "in.dcm").write_bytes(written(attributes(), WRITTEN.tobytes()))
    done = run(tmp_path, "pixels", "in.dcm", "--preview", "out.png")
    assert done.returncode == 0, done.stderr
    assert "frame 1: rows" in done.stdout
    assert "text, score 0.9" in done.stdout
    assert done.stdout.endswith("1 frame(s): masked\n")
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture is not None
    assert (tmp_path / "out.png").stat().st_mode & 0o077 == 0
    red = (picture == (60, 60, 255)).all(2)
    assert red.sum() > 200
    done = run(tmp_path, "pixels", "in.dcm", "--frame", "2")
    assert (done.returncode, "1 frame(s)" in done.stderr) == (2, True)


def test_a_file_that_cannot_be_examined_says_why(tmp_path: Path) -> None:
    data = written(attributes(NumberOfFrames=9), WRITTEN.tobytes())
    (tmp_path / "in.dcm").write_bytes(data)
    done = run(tmp_path, "pixels", "in.dcm")
    assert (done.returncode, done.stdout[:30]) == (3, "quarantined: pixel_data_length")
