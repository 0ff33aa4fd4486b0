"""The judges judge: they accept a sound file, refuse a cut one, and compare complaints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import item, number, part10, sequence, text
from tests.judges import dciodvfy_errors, dcmdump_accepts, gdcmdump_accepts, normalise

WHOLE = part10(
    text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7")
    + text(0x00080018, "UI", "1.2.3.4")
    + sequence(0x00081140, [item(text(0x00081155, "UI", "1.2.3.5"))])
    + number(0x00280010, "US", 1)
)


def test_a_sound_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "sound.dcm"
    path.write_bytes(WHOLE)
    assert dcmdump_accepts(path)
    assert gdcmdump_accepts(path)


def test_a_file_cut_inside_a_sequence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(WHOLE[:-20])
    assert not dcmdump_accepts(path)
    assert not gdcmdump_accepts(path)


def test_dciodvfy_counts_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "poor.dcm"
    path.write_bytes(WHOLE)
    errors = dciodvfy_errors(path)
    assert any("StudyInstanceUID" in line for line in errors)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Error - Missing attribute Type 2C Element=<Laterality> Module=<GeneralSeries>",
            "Error - Missing attribute Type 2C Element=<Laterality> Module=<GeneralSeries>",
        ),
        (
            "Error - PixelData has incorrect value length - expected 8192 dec - got 8320 dec",
            "Error - PixelData has incorrect value length - expected * dec - got * dec",
        ),
        (
            "Error - Value invalid - (0x0008,0x0020) DA Study Date  DA [1] = <1997.04.24> - bad",
            "Error - Value invalid - (0x0008,0x0020) DA Study Date DA * = * - bad",
        ),
    ],
)
def test_complaints_are_compared_without_numbers_and_values(line: str, expected: str) -> None:
    assert normalise(line) == expected
