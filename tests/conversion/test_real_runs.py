"""Whole runs over the real files of pydicom's wheel, through the command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest

from tests.conftest import wheel_files
from tests.conversion.archive import KEY, result, write_key
from tests.conversion.test_kills import wait_for_outputs
from tests.link_tables import read_link_table

# Without compiled kernels these runs take minutes and show nothing more.
pytestmark = pytest.mark.jit

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's files under a patient's name, and a key."""
    folder = tmp_path_factory.mktemp("real")
    source = folder / "source" / "Doe^Jane 1970"
    source.mkdir(parents=True)
    for path in wheel_files():
        if path.stat().st_size < 1 << 20:
            shutil.copy(path, source)
    shutil.copytree(source, folder / "source" / "copy of everything")
    write_key(folder / "key")
    return folder


@pytest.fixture(scope="module")
def in_process(place: Path) -> dict[str, bytes]:
    """Return what a run in one process leaves behind in `place`/alone."""
    done = command(place, "alone", "--workers", "0")
    assert done.returncode == 3, done.stderr
    return result(place / "alone")


def arguments(place: Path, target: str, *options: str) -> list[str]:
    own = [str(place / "source"), str(place / target), "--key", str(place / "key")]
    own += ["--pixels", "off", *options]
    return [sys.executable, "-m", "fastdeid", "run", *own]


def command(place: Path, target: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        arguments(place, target, *options),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_workers_give_the_same_bytes(place: Path, in_process: dict[str, bytes]) -> None:
    done = command(place, "workers", "--workers", "3", "--json")
    assert done.returncode == 3
    assert result(place / "workers") == in_process
    summary = json.loads(done.stdout)
    n_outputs = sum(name.endswith(".dcm") for name in in_process)
    assert summary["verdicts"]["ok"] == n_outputs
    assert summary["verdicts"]["duplicate"] >= n_outputs
    assert summary["faults"] == []


def test_a_killed_run_goes_on(place: Path, in_process: dict[str, bytes]) -> None:
    process = subprocess.Popen(
        arguments(place, "killed", "--workers", "2"),
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for_outputs(place / "killed", 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    command(place, "killed", "--workers", "1")
    assert result(place / "killed") == in_process


def test_every_output_is_in_the_manifest_and_opens(
    place: Path, in_process: dict[str, bytes]
) -> None:
    rows = pq.read_table(place / "alone" / "manifest.parquet").to_pylist()
    ok = [row for row in rows if row["status"] == "ok"]
    assert {row["output_path"] for row in ok} == {
        name for name in in_process if name.endswith(".dcm")
    }
    for row in ok:
        path = place / "alone" / row["output_path"]
        assert path.stat().st_size == row["output_size"]
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.SOPInstanceUID == row["sop_instance_uid"]
        assert header.get("Rows") == row["rows"]
        assert header.get("PatientID") in (None, "", row["patient"])


def test_the_link_table_leads_back(place: Path, in_process: dict[str, bytes]) -> None:
    assert in_process
    rows = read_link_table(place / "alone.link-table" / "instances.parquet", KEY).to_pylist()
    assert len(rows) == sum(path.is_file() for path in (place / "source").rglob("*"))
    for row in rows:
        if row["verdict"] == "ok":
            original = pydicom.dcmread(place / "source" / row["source_path"], force=True)
            assert original.SOPInstanceUID == row["original_sop_instance_uid"]
            assert str(original.get("PatientName", "")) == (row["original_patient_name"] or "")


def test_nothing_of_the_source_shows_in_the_manifest(
    place: Path, in_process: dict[str, bytes]
) -> None:
    assert in_process
    originals = set()
    for row in read_link_table(place / "alone.link-table" / "instances.parquet", KEY).to_pylist():
        values = [value for name, value in row.items() if name.startswith("original_")]
        originals |= {value for value in values if value and len(value) > 6}
    for row in pq.read_table(place / "alone" / "manifest.parquet").to_pylist():
        assert not originals & {str(value) for value in row.values()}
        assert "Doe^Jane" not in str(row)
