"""`fastdeid pixels FILE`: what a run would do about the pixels of one file, and why."""

from __future__ import annotations

import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fastdeid.commands import app
from fastdeid.errors import FastdeidError, OutputError, UsageError
from tests.pixels.files import attributes, grey, written

# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
WRITTEN = grey(40, 230)
CLEAN = grey(40, 40)


def run(path: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["pixels", str(path), *arguments])
    if isinstance(done.exception, FastdeidError):
        raise done.exception
    return done.exit_code, done.output


def file(folder: Path, data: bytes) -> Path:
    path = folder / "Doe.dcm"
    path.write_bytes(data)
    return path


def test_stages_boxes_and_scores_are_told(tmp_path: Path) -> None:
    frames = b"".join(frame.tobytes() for frame in (CLEAN, WRITTEN))
    code, output = run(file(tmp_path, written(attributes(NumberOfFrames=2), frames)))
    assert code == 0
    assert "region rules: none of" in output
    assert "text: sought in every frame; likely by Modality" in output
    assert "frame 2: rows " in output
    assert ": text, score 0." in output
    assert "frame 1: rows" not in output
    assert output.endswith("2 frame(s): masked\n")
    assert "Doe" not in output


def test_a_picture_is_drawn_for_its_owner_alone(tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    path = file(tmp_path, written(attributes(), WRITTEN.tobytes()))
    assert run(path, "--preview", str(picture))[0] == 0
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    red = (drawn == np.array([60, 60, 255])).all(2)
    assert red.sum() > 100


def test_a_clean_file_is_said_to_keep_its_bytes(tmp_path: Path) -> None:
    code, output = run(file(tmp_path, written(attributes(), CLEAN.tobytes())))
    assert (code, output.splitlines()[-1]) == (0, "1 frame(s): clean, they keep their bytes")


def test_a_file_without_pixel_data_has_nothing_to_look_at(tmp_path: Path) -> None:
    data = written(attributes(), b"")
    code, output = run(file(tmp_path, data[: data.index(b"\xe0\x7f\x10\x00")]))
    assert code == 0
    assert "no Pixel Data (7FE0,0010)" in output


@pytest.mark.parametrize(
    ("name", "error"), [("out.jpg", UsageError), ("nowhere/out.png", OutputError)]
)
def test_a_picture_that_cannot_be_written_is_refused_first(
    name: str, error: type[FastdeidError], tmp_path: Path
) -> None:
    path = file(tmp_path, written(attributes(), WRITTEN.tobytes()))
    with pytest.raises(error):
        run(path, "--preview", str(tmp_path / name))


def test_a_frame_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, written(attributes(), WRITTEN.tobytes()))
    with pytest.raises(UsageError, match="1 frame"):
        run(path, "--frame", "2")


def test_a_damaged_file_is_one_that_a_run_quarantines(tmp_path: Path) -> None:
    path = file(tmp_path, written(attributes(), WRITTEN.tobytes())[:-500])
    code, output = run(path)
    assert (code, output.split()[:2]) == (3, ["quarantined:", "truncated"])
