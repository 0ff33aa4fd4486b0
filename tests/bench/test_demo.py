"""The demo's archive, de-identified: nothing planted is left in any byte that goes to others."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest

from bench.sample_archive import PATIENTS, SCREEN_CAPTURE, build_sample_archive
from tests.link_tables import read_link_table

# Every frame of the archive is looked at: too much for interpreted kernels.
pytestmark = pytest.mark.jit

ENCODINGS = ("latin-1", "utf-8", "utf-16-le", "utf-16-be")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the archive, and the outputs of a run over it."""
    folder = tmp_path_factory.mktemp("demo")
    build_sample_archive(folder / "archive")
    for arguments in (
        ["keygen", "PROJECT.key"],
        ["run", "archive", "target", "--key", "PROJECT.key", "--workers", "0"],
    ):
        command = [sys.executable, "-m", "fastdeid", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 3}, done.stderr
    return folder


def planted() -> Iterator[bytes]:
    """Yield every planted string in every encoding, lower case."""
    for patient in PATIENTS:
        for word in (*patient.name.split("^"), patient.number):
            plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
            for form in {word.lower(), plain.lower()}:
                yield from (form.encode(encoding) for encoding in ENCODINGS)


def test_the_archive_holds_what_is_planted(demo: Path) -> None:
    whole = b"".join(path.read_bytes() for path in demo.glob("archive/**/*") if path.is_file())
    for patient in PATIENTS:
        assert patient.number.encode() in whole
        assert patient.name.encode("latin-1") in whole
        assert patient.name.encode("utf-16-le") in whole


def test_no_output_holds_anything_planted(demo: Path) -> None:
    outputs = [path for path in demo.glob("target/**/*") if path.is_file()]
    assert len(outputs) > 15
    for path in outputs:
        content = path.read_bytes().lower()
        assert not [needle for needle in planted() if needle in content], path.suffix


def test_the_research_manifest_holds_nothing_planted(demo: Path) -> None:
    rows = str(pq.read_table(demo / "target" / "manifest.parquet").to_pylist()).lower()
    for patient in PATIENTS:
        assert not [w for w in (*patient.name.split("^"), patient.number) if w.lower() in rows]


def test_what_is_no_image_has_a_verdict_of_its_own(demo: Path) -> None:
    instances = demo / "target.link-table" / "instances.parquet"
    rows = read_link_table(instances, demo / "PROJECT.key").to_pylist()
    verdicts = {Path(row["source_path"]).name: row["verdict"] for row in rows}
    assert verdicts["README.txt"] == verdicts["empty.dcm"] == "not_dicom"
    assert verdicts["DICOMDIR"] == "dicomdir"
    assert verdicts["IM0099_partial"] == "quarantined"
    others = {"README.txt", "empty.dcm", "DICOMDIR", "IM0099_partial"}
    images = [row for row in rows if Path(row["source_path"]).name not in others]
    why = {row["source_path"]: row["reason"] for row in images if row["verdict"] == "quarantined"}
    # Without an extra, coded frames of some syntaxes cannot be looked at.
    masked_too_much = {path for path, reason in why.items() if reason != "codec_missing"}
    # Colour Doppler beside much text, and a chart of small squares: known faults of the detector.
    doppler = f"{PATIENTS[2].folder}/test_files/IM0000"
    chart = f"{PATIENTS[3].folder}/test_files/IM0001"
    assert masked_too_much <= {doppler, chart}
    assert {why[path] for path in masked_too_much} <= {"text_over_a_quarter"}
    assert {row["verdict"] for row in images} <= {"ok", "review", "quarantined"}


def test_the_name_burnt_into_a_screen_capture_is_masked(demo: Path) -> None:
    instances = demo / "target.link-table" / "instances.parquet"
    rows = read_link_table(instances, demo / "PROJECT.key").to_pylist()
    row = next(row for row in rows if row["source_path"].endswith(SCREEN_CAPTURE))
    before = pydicom.dcmread(demo / "archive" / row["source_path"]).pixel_array
    after = pydicom.dcmread(demo / "target" / row["output_path"])
    ink = before > 190
    ink[:, 100:] = False
    assert ink.sum() > 500
    assert (after.pixel_array[ink] == 0).mean() > 0.99
    assert (after.BurnedInAnnotation, row["frames_masked"]) == ("NO", 2)
    changed = after.pixel_array != before
    assert not changed[:, 110:].any()
