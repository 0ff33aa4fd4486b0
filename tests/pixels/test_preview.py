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
from fastdeid.pixels import ocr
from tests.pixels.drawing import burn, ink_of
from tests.pixels.files import COLUMNS, ROWS, STROKES, attributes, grey, written

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


def profile(folder: Path, text: str) -> str:
    path = folder / "ours.toml"
    path.write_text(f'name = "ours"\nversion = "1"\npurpose = "test"\nextends = "basic"\n{text}')
    return str(path)


def test_an_overlay_that_is_kept_is_drawn_and_told_beside_the_image(tmp_path: Path) -> None:
    bits = np.packbits(STROKES.reshape(-1), bitorder="little").tobytes()
    ds = attributes()
    for element, vr, value in (
        *((0x0010, "US", ROWS), (0x0011, "US", COLUMNS), (0x0040, "CS", "G")),
        *((0x0050, "SS", [1, 1]), (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", bits)),
    ):
        ds.add_new(0x60000000 | element, vr, value)
    path, picture = file(tmp_path, written(ds, CLEAN.tobytes())), tmp_path / "out.png"
    keeping = profile(tmp_path, 'options = ["clean_graphics"]\n')
    code, output = run(path, "--profile", keeping, "--preview", str(picture))
    assert code == 0
    assert "overlay 6000, frame 1: rows " in output
    assert output.splitlines()[-1] == "1 frame(s): clean, they keep their bytes"
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    # Two pictures side by side: the clean image, and the overlay with its box.
    red = (drawn == np.array([60, 60, 255])).all(2)
    assert not red[:, : red.shape[1] // 2].any()
    assert red[:, red.shape[1] // 2 :].sum() > 100
    # The basic profile removes it.
    assert "overlay" not in run(path)[1]


@pytest.mark.skipif(not ocr.is_installed(), reason="nothing that reads is installed")
def test_lines_that_were_read_are_told_with_their_verdict_and_never_with_their_text(
    tmp_path: Path,
) -> None:
    shape = (224, 320)
    view = np.full(shape, 40, np.uint8)
    for text, row in (("DOE, JANE", 36), ("LEFT 25 mm", 116)):
        view = burn(view, ink_of(shape, text, (10, row), scale=0.9), 240)
    path = file(tmp_path, written(attributes(Rows=shape[0], Columns=shape[1]), view.tobytes()))
    keeping, picture = profile(tmp_path, '[pixels]\nkeep = "measurements"\n'), tmp_path / "out.png"
    code, output = run(path, "--profile", keeping, "--preview", str(picture))
    assert code == 0
    assert ": read, stays, confidence 0.9" in output or ": read, stays, confidence 1.0" in output
    assert ": read, goes: " in output
    assert not any(text in output for text in ("DOE", "JANE", "LEFT", "25"))
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert (drawn == np.array([80, 220, 80])).all(2).sum() > 100


def test_a_file_that_a_run_refuses_for_its_header_is_one_here_too(tmp_path: Path) -> None:
    data = written(attributes(), WRITTEN.tobytes())
    at = data.index(b"\x08\x00\x18\x00UI\x1a\x00") + 8  # SOP Instance UID, 26 bytes
    code, output = run(file(tmp_path, data[:at] + b" " * 26 + data[at + 26 :]))
    assert (code, output.split()[:2]) == (3, ["quarantined:", "no_sop_instance_uid"])


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
