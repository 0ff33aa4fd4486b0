"""Releases that are damaged, incomplete or more than complete; and what a verification reports."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastdeid.errors import FastdeidError, KeyFileError, UsageError
from fastdeid.keys import write_key
from fastdeid.verification.request import choose
from tests import builders as b
from tests.link_tables import read_link_table
from tests.verification import release as releases
from tests.verification.release import PATIENTS, Release

# Whole runs are left out of the pass without compiled kernels.
pytestmark = pytest.mark.jit
SHORT = releases.PATIENTS[4]  # Li^Wei
LONG = releases.PATIENTS[0]


def kinds(release: Release, **options: object) -> set[str]:
    return {finding.kind for finding in release.verify(**options).findings}


def test_workers_find_the_same(copy: Release) -> None:
    copy.path(LONG, 0).write_bytes(b"no DICOM, but Przybylska")
    alone = copy.verify(workers=0)
    together = copy.verify(workers=2)
    assert together.findings == alone.findings != []


@pytest.mark.parametrize("keep", [0, 132, 300, 900, -1])
def test_a_cut_off_output_is_a_finding(copy: Release, keep: int) -> None:
    for number in range(2):
        path = copy.path(LONG, number)
        path.write_bytes(path.read_bytes()[:keep])
    assert {"size_differs", "damaged"} <= kinds(copy)


@pytest.mark.parametrize("step", [3, 31])
def test_garbage_is_a_finding_and_never_an_error(copy: Release, step: int) -> None:
    for patient in PATIENTS:
        path = copy.path(patient, 0)
        data = bytearray(path.read_bytes())
        for at in range(132 + patient.number, len(data), step):
            data[at] ^= 0xA5
        path.write_bytes(data)
    found = copy.verify().findings
    assert {copy.outputs[patient.number, 0] for patient in PATIENTS} <= {one.path for one in found}


def put_a_file(target: Path) -> None:
    (target / "Thumbs.db").write_bytes(b"Przybylska")


def put_a_folder(target: Path) -> None:
    (target / "Przybylska").mkdir()


def put_a_link(target: Path) -> None:
    (target / "link").symlink_to("/etc/passwd")


def add_a_column(target: Path) -> None:
    table = pq.read_table(target / "manifest.parquet")
    names = pa.array(["Przybylska"] * table.num_rows)
    pq.write_table(table.append_column("name", names), target / "manifest.parquet")


def say_a_name(target: Path) -> None:
    table = pq.read_table(target / "manifest.parquet")
    at = table.schema.get_field_index("manufacturer")
    names = pa.array(["of Przybylska"] * table.num_rows)
    table = table.set_column(at, table.schema.field(at), names)
    pq.write_table(table, target / "manifest.parquet")


def lose_the_manifest(target: Path) -> None:
    (target / "manifest.parquet").unlink()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (put_a_file, "unknown_file"),
        (put_a_folder, "unknown_folder"),
        (put_a_link, "not_a_regular_file"),
        (add_a_column, "table_differs"),
        (say_a_name, "original_in_table"),
        (lose_the_manifest, "table_differs"),
    ],
)
def test_what_does_not_belong_to_a_release_is_found(
    copy: Release, change: Callable[[Path], None], kind: str
) -> None:
    change(copy.target)
    done = copy.verify()
    assert kind in {finding.kind for finding in done.findings}
    assert "przybylska" not in str(done.findings).lower()


def test_changed_pixels_are_found_with_the_source_only(copy: Release) -> None:
    path = copy.path(LONG, 0)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert "pixels_differ" in kinds(copy)
    assert kinds(copy, source=None) == {"digest_differs"}


def test_the_output_of_another_patient_is_found(copy: Release) -> None:
    one, other = copy.path(LONG, 0), copy.path(SHORT, 0)
    one.write_bytes(other.read_bytes())
    assert {"pseudonym_differs", "not_replaced"} <= kinds(copy, source=None)


def test_the_name_of_another_patient_is_found(copy: Release) -> None:
    path = copy.path(SHORT, 0)
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x18\x22")
    added = b.text(0x00081090, "LO", "after Wilhelmine Przybylska")
    path.write_bytes(data[:at] + added + data[at:])
    assert "other_patient" in kinds(copy)


def test_without_the_source_dates_in_text_are_not_known(copy: Release) -> None:
    path = copy.path(LONG, 0)
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x18\x22")
    added = b.text(0x00081090, "LO", "since 23.06.2017")
    path.write_bytes(data[:at] + added + data[at:])
    assert "original_value" in kinds(copy)
    assert "original_value" not in kinds(copy, source=None)


def test_a_patient_with_two_date_offsets_is_found(copy: Release) -> None:
    key = copy.folder / "project.key"
    path = copy.folder / "target.link-table" / "instances.parquet"
    table = read_link_table(path, key)
    at = table.schema.get_field_index("date_offset")
    offsets = table.column(at).to_pylist()
    offsets[0] -= 1
    column = pa.array(offsets, table.schema.field(at).type)
    pq.write_table(table.set_column(at, table.schema.field(at), column), path)
    assert "date_interval" in kinds(copy, source=None)


def test_another_key_is_refused(copy: Release) -> None:
    (copy.folder / "project.key").unlink()
    write_key(copy.folder / "project.key")
    with pytest.raises(KeyFileError):
        copy.verify()


def test_a_source_that_has_gone_is_a_finding(copy: Release) -> None:
    os.unlink(copy.folder / "source" / LONG.name / "000")
    assert kinds(copy) == {"source_unreadable"}


def test_a_sample_is_as_large_as_asked_for_and_always_the_same(clean: Release) -> None:
    paths = [f"{number}.dcm" for number in range(100)]
    assert sum(choose(paths, "7")) == 7
    assert sum(choose(paths, 0.25)) == sum(choose(paths, "25%")) == 25
    assert choose(paths, "7") == choose(paths, 7)
    for wrong in ("0", "-1", "many", "inf", "nan"):
        with pytest.raises(UsageError):
            choose(paths, wrong)
    done = clean.verify(sample=3)
    assert (done.verified, done.outputs, done.exit_code) == (3, 20, 0)


def test_the_command_ends_with_9_and_names_no_value(copy: Release) -> None:
    put_a_file(copy.target)
    arguments = ["verify", str(copy.target), "--key", str(copy.folder / "project.key")]
    done = subprocess.run(
        [sys.executable, "-m", "fastdeid", *arguments, "--workers", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9
    assert "unknown_file: file " in done.stdout
    assert "Thumbs" not in done.stdout + done.stderr
    assert not done.stderr


def test_a_run_that_is_not_finished_is_an_error_not_a_finding(copy: Release) -> None:
    (copy.folder / "target.link-table" / "instances.parquet").unlink()
    with pytest.raises(FastdeidError):
        copy.verify()
