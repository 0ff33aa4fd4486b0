"""`verify --ocr`: what can be read in pixels is found, and never told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import fastdeid
from fastdeid.engines import verifying
from fastdeid.keys import write_key
from fastdeid.pixels import ocr, ocr_rapid
from fastdeid.pixels.masks import Box
from fastdeid.verification.second_look import SecondLook
from tests.cli.test_commands import run_main
from tests.pixels.drawing import View, burn, ink_of, phantom
from tests.pixels.files import attributes, run_length, written

pytestmark = [
    pytest.mark.jit,
    pytest.mark.skipif(not ocr.is_installed(), reason="no OCR engine is installed"),
]
NAME = "PRZYBYLSKA 1943"
FACTS = "THORAX 120KV"


def frame(text: str) -> View:
    view = np.ascontiguousarray(phantom("ramp") // 2)
    return burn(view, ink_of(view.shape, text, (10, 34), scale=0.9), 250) if text else view


def release(folder: Path, pixels: str) -> Path:
    """De-identify three images: with the name, with something else, without text."""
    (folder / "source").mkdir()
    for number, text in enumerate((NAME, FACTS, "")):
        ds = attributes(
            Rows=256,
            Columns=256,
            PatientName="Przybylska^Wilhelmine",
            PatientID=f"MRN-88235{number}",
            SOPInstanceUID=f"1.2.826.0.1.3680043.10.3.1.{number}",
        )
        native = written(ds, frame(text).tobytes())
        data = run_length(ds, [frame(text)]) if number == 1 else native
        (folder / "source" / str(number)).write_bytes(data)
    write_key(folder / "key")
    target = folder / "target"
    done = fastdeid.convert(folder / "source", target, key=folder / "key", workers=0, pixels=pixels)
    assert done.verdicts.get("ok", 0) + done.verdicts.get("review", 0) == 3
    return target


def test_masked_frames_hold_nothing_to_read(tmp_path: Path) -> None:
    target = release(tmp_path, "examine")
    done = verifying.verify(target, key=tmp_path / "key", workers=0, use_ocr=True)
    assert (done.findings, done.n_unread, done.frames_with_text) == ([], 0, 0)
    assert done.frames_read == 3


def test_text_in_a_frame_that_was_searched_is_found(tmp_path: Path) -> None:
    target = release(tmp_path, "examine")
    for path in target.rglob("*.dcm"):
        data = path.read_bytes()
        path.write_bytes(data.replace(frame("").tobytes(), frame(FACTS).tobytes()))
    done = verifying.verify(target, key=tmp_path / "key", workers=0, use_ocr=True)
    assert [(one.kind, one.tag, one.what) for one in done.findings] == [
        ("text_in_pixels", "(7FE0,0010)", "frame 1")
    ]


def test_what_was_not_masked_is_found_and_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = release(tmp_path, "off")
    command = ("verify", target, "--key", tmp_path / "key", "--workers", "0", "--json")
    assert run_main(monkeypatch, *command) == 0
    capsys.readouterr()
    assert run_main(monkeypatch, *command, "--ocr") == 9
    told = capsys.readouterr()
    said = json.loads(told.out)
    assert [(one["kind"], one["what"]) for one in said["findings"]] == [
        ("original_in_pixels", "frame 1")
    ]
    assert (said["frames_read"], said["frames_with_text"]) == (3, 1)
    for word in ("przybylska", "thorax", "120kv"):
        assert word not in (told.out + told.err).lower()


def test_lines_that_the_profile_keeps_are_no_findings() -> None:
    box = Box(0, 0, 9, 40)
    line = ocr.ReadLine(box, "120 kV 250 mA", 0.95, 1.0, box)
    assert SecondLook("")._is_text(line)
    assert not SecondLook("", keeps_measurements=True)._is_text(line)
    other = ocr.ReadLine(box, "Przybylska 120 kV", 0.95, 1.0, box)
    assert SecondLook("", keeps_measurements=True)._is_text(other)


def test_without_an_engine_it_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ocr_rapid, "find_models", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_main(monkeypatch, "verify", tmp_path, "--key", tmp_path / "key", "--ocr") == 2
    assert "pip install 'fastdeid[ocr]'" in capsys.readouterr().err
