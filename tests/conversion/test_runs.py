"""Whole runs with the stand-in de-identifier: order, workers, duplicates, interrupted starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fastdeid.engines.local import run
from fastdeid.engines.stop import Stopped
from fastdeid.errors import FastdeidError, KeyFileError, OutputError, UsageError
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.summary import Summary
from tests.conversion.archive import KEY, result, tree, verdicts, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier
from tests.link_tables import read_link_table


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a source tree that no test changes."""
    return write_archive(tmp_path_factory.mktemp("archive") / "source")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a key file."""
    return write_key(tmp_path_factory.mktemp("key") / "P.key")


@pytest.fixture(scope="module")
def undisturbed(
    source: Path, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Return what a run in one process leaves behind."""
    target = tmp_path_factory.mktemp("undisturbed") / "out"
    start(source, target, key)
    return result(target)


def start(source: Path, target: Path, key: Path, workers: int = 0) -> Summary:
    return run(source, target, key=key, workers=workers, make=FakeDeidentifier)


def test_every_entry_of_the_source_has_a_row(source: Path, tmp_path: Path, key: Path) -> None:
    summary = start(source, tmp_path / "out", key)
    found = verdicts(tmp_path / "out")
    assert len(found) == summary.files == 6 * 20 + 8
    assert found["link"] == ("unreadable", "symbolic_link")
    assert found["pipe"] == ("unreadable", "fifo")
    assert found["broken"] == ("quarantined", "truncated")
    assert found["README"] == ("not_dicom", "not_dicom")
    assert found["Doe^Jane3/CT/IM0007"] == ("ok", None)
    assert summary.exit_code == 3


def test_the_first_of_equal_instances_is_ok_and_the_others_are_duplicates(
    source: Path, tmp_path: Path, key: Path
) -> None:
    start(source, tmp_path / "out", key)
    found = verdicts(tmp_path / "out")
    assert found["Doe^Jane0/CT/IM0000"] == ("ok", None)
    assert found["copies/A"] == found["copies/B"] == ("duplicate", None)
    assert found["copies/C"] == ("collision", "same_instance_different_bytes")


def test_the_first_of_different_instances_has_the_output(
    source: Path, tmp_path: Path, key: Path
) -> None:
    start(source, tmp_path / "out", key)
    found = verdicts(tmp_path / "out")
    assert found["A_first/D"] == ("ok", None)
    assert found["Doe^Jane1/CT/IM0001"] == ("collision", "same_instance_different_bytes")
    output = tmp_path / "out" / "P1" / "S1" / "T" / "1.dcm"
    assert output.read_text() == "other bytes, first in the plan"


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same_bytes(
    source: Path, tmp_path: Path, key: Path, undisturbed: dict[str, bytes], workers: int
) -> None:
    start(source, tmp_path / "out", key, workers)
    assert result(tmp_path / "out") == undisturbed


def test_a_later_row_that_came_first_gives_way(
    source: Path, tmp_path: Path, key: Path, undisturbed: dict[str, bytes]
) -> None:
    """Workers race: the file of a later row may stand at the shared path already."""
    output = tmp_path / "out" / "P1" / "S1" / "T" / "1.dcm"
    output.parent.mkdir(parents=True)
    output.write_text("bytes of 1 1")  # what Doe^Jane1/CT/IM0001 writes
    start(source, tmp_path / "out", key)
    assert result(tmp_path / "out") == undisturbed


def test_a_file_of_somebody_else_in_the_target_is_never_overwritten(
    source: Path, tmp_path: Path, key: Path
) -> None:
    output = tmp_path / "out" / "P2" / "S2" / "T" / "2.dcm"
    output.parent.mkdir(parents=True)
    output.write_text("not ours")
    start(source, tmp_path / "out", key)
    assert output.read_text() == "not ours"
    assert verdicts(tmp_path / "out")["Doe^Jane2/CT/IM0002"] == ("collision", "target_occupied")


def test_a_second_start_finds_nothing_to_do(source: Path, tmp_path: Path, key: Path) -> None:
    first = start(source, tmp_path / "out", key)
    before = result(tmp_path / "out")
    second = start(source, tmp_path / "out", key)
    assert (first.state, second.state) == ("finished", "unchanged")
    assert (second.verdicts, second.exit_code) == (first.verdicts, first.exit_code)
    assert result(tmp_path / "out") == before


@pytest.mark.parametrize(
    "loss",
    [
        "P0/S0/T/3.dcm",
        "manifest.parquet",
        "../out.link-table/instances.parquet",
        "../out.link-table/identities.parquet",
        "../out.link-table/work/plan.parquet",
        "../out.link-table/work/summary.json",
        "../out.link-table/work/part-00001.arrow",
    ],
)
@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_what_is_lost_after_a_run_is_made_again(  # noqa: PLR0917
    how: str, loss: str, source: Path, tmp_path: Path, key: Path, undisturbed: dict[str, bytes]
) -> None:
    start(source, tmp_path / "out", key)
    lost = tmp_path / "out" / loss
    lost.unlink()
    if how == "emptied":
        lost.touch()
    start(source, tmp_path / "out", key)
    assert result(tmp_path / "out") == undisturbed


def test_a_target_that_was_deleted_is_made_again(
    source: Path, tmp_path: Path, key: Path, undisturbed: dict[str, bytes]
) -> None:
    start(source, tmp_path / "out", key)
    shutil.rmtree(tmp_path / "out")
    start(source, tmp_path / "out", key)
    assert result(tmp_path / "out") == undisturbed


def test_leftovers_of_a_killed_start_are_removed(
    source: Path, tmp_path: Path, key: Path, undisturbed: dict[str, bytes]
) -> None:
    start(source, tmp_path / "out", key)
    work = tmp_path / "out.link-table" / "work"
    (work / "summary.json").unlink()
    (work / "part-00000.arrow").unlink()
    (work / "part-00099.arrow").write_bytes(b"of a longer plan")
    (work / "part-00000.arrow.1.aa.unfinished").touch()
    (tmp_path / "out.link-table" / "instances.parquet.1.aa.unfinished").touch()
    (tmp_path / "out" / "P0" / ".12.abc.unfinished").touch()
    (tmp_path / "out" / "manifest.parquet.1.aa.unfinished").touch()
    (tmp_path / "out" / "mine.unfinished").touch()
    start(source, tmp_path / "out", key)
    (tmp_path / "out" / "mine.unfinished").unlink()
    assert result(tmp_path / "out") == undisturbed
    assert not list(tmp_path.rglob("*.unfinished"))
    assert not (work / "part-00099.arrow").exists()


def test_a_source_that_changed_is_planned_anew(tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=2)
    start(source, tmp_path / "out", key)
    (source / "Doe^Jane0" / "CT" / "IM9999").write_text("ok P0/S0/T/9999\nnew")
    (source / "broken").write_text("ok P7/S0/T/1\nrepaired")
    summary = start(source, tmp_path / "out", key)
    assert summary.state == "finished"
    found = verdicts(tmp_path / "out")
    assert found["Doe^Jane0/CT/IM9999"] == found["broken"] == ("ok", None)
    start(source, tmp_path / "fresh", key)
    assert result(tmp_path / "out") == result(tmp_path / "fresh")


def test_another_key_is_refused(source: Path, tmp_path: Path, key: Path) -> None:
    start(source, tmp_path / "out", key)
    other = write_key(tmp_path / "other.key", bytes(32 * [9]))
    with pytest.raises(KeyFileError, match="another project key"):
        start(source, tmp_path / "out", other)


def test_another_source_is_refused(source: Path, tmp_path: Path, key: Path) -> None:
    start(source, tmp_path / "out", key)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(UsageError, match="another SOURCE"):
        start(tmp_path / "elsewhere", tmp_path / "out", key)


def test_a_target_whose_link_table_is_elsewhere_is_refused(
    source: Path, tmp_path: Path, key: Path
) -> None:
    start(source, tmp_path / "out", key)
    (tmp_path / "out.link-table").rename(tmp_path / "vault")
    with pytest.raises(UsageError, match="whose link table is not here"):
        start(source, tmp_path / "out", key)


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path, key: Path) -> None:
    before = tree(tmp_path)
    summary = run(source, tmp_path / "out", key=key, workers=1, make=FakeDeidentifier, dry_run=True)
    assert tree(tmp_path) == before
    assert list(tmp_path.iterdir()) == []
    assert summary.state == "dry run"
    assert summary.verdicts["quarantined"] == 1


def test_an_error_of_fastdeid_itself_quarantines_the_file_and_says_no_value(
    tmp_path: Path, key: Path
) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    (source / "odd").write_text("crash\n")
    summary = start(source, tmp_path / "out", key)
    assert verdicts(tmp_path / "out")["odd"] == ("quarantined", "internal_error")
    assert summary.exit_code == 1
    assert len(summary.faults) == 1
    assert "IndexError" in summary.faults[0]
    assert "Doe" not in summary.faults[0]


def test_a_worker_that_dies_is_replaced(tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=2)
    (source / "odd").write_text(f"die_once {tmp_path / 'flag'} P9/S/T/1\nbytes")
    start(source, tmp_path / "out", key, workers=2)
    assert verdicts(tmp_path / "out")["odd"] == ("ok", None)


def test_a_file_that_ends_its_worker_twice_is_quarantined(tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    (source / "odd").write_text("die\n")
    (source / "odder").write_text("die\n")
    summary = start(source, tmp_path / "out", key, workers=2)
    found = verdicts(tmp_path / "out")
    assert found.pop("odd") == found.pop("odder") == ("quarantined", "resource")
    assert summary.reasons["quarantined:resource"] == 2
    assert summary.exit_code == 3
    start(write_archive(tmp_path / "again", n_patients=1), tmp_path / "undisturbed", key)
    assert found == verdicts(tmp_path / "undisturbed")
    assert not list(tmp_path.rglob("attempt-*"))


def test_a_file_that_needs_more_memory_than_there_is_is_quarantined(
    tmp_path: Path, key: Path
) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    (source / "odd").write_text("huge\n")
    start(source, tmp_path / "out", key)
    assert verdicts(tmp_path / "out")["odd"] == ("quarantined", "resource")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_target_ends_the_run_and_a_later_start_goes_on(
    tmp_path: Path, key: Path, workers: int
) -> None:
    source = write_archive(tmp_path / "source", n_patients=2)
    (source / "odd").write_text("full\n")
    with pytest.raises(FastdeidError, match="ENOSPC") as raised:
        start(source, tmp_path / "out", key, workers)
    assert raised.value.exit_code == OutputError.exit_code
    assert not (tmp_path / "out" / "manifest.parquet").exists()


def test_an_empty_source_has_no_dicom(tmp_path: Path, key: Path) -> None:
    (tmp_path / "source").mkdir()
    summary = start(tmp_path / "source", tmp_path / "out", key, workers=2)
    assert (summary.files, summary.exit_code) == (0, 4)
    assert pq.read_table(tmp_path / "out" / "manifest.parquet").num_rows == 0


def test_two_runs_into_one_target_at_once_are_refused(
    source: Path, tmp_path: Path, key: Path
) -> None:
    from fastdeid.convert import open_workspace
    from fastdeid.folders import resolve_paths

    start(source, tmp_path / "out", key)
    paths = resolve_paths(source, tmp_path / "out")
    workspace = open_workspace(paths, Sealing(Pseudonyms(KEY)))
    with workspace.lock(), pytest.raises(UsageError, match="another run"):
        start(source, tmp_path / "out", key)


def test_the_link_table_is_private(source: Path, tmp_path: Path, key: Path) -> None:
    start(source, tmp_path / "out", key)
    link_table = tmp_path / "out.link-table"
    assert link_table.stat().st_mode & 0o777 == 0o700
    for path in link_table.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_names_of_any_bytes_are_kept(tmp_path: Path, key: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    odd = os.path.join(os.fsencode(source), b"M\xfcller\n\x01")
    with open(odd, "wb") as file:
        file.write(b"ok P/S/T/1\nbytes")
    start(source, tmp_path / "out", key)
    instances = tmp_path / "out.link-table" / "instances.parquet"
    rows = read_link_table(instances, KEY).to_pylist()
    assert rows[0]["source_path_bytes"] == b"M\xfcller\n\x01"
    assert rows[0]["source_path"] == "M\ufffdller\n\x01"
    assert rows[0]["verdict"] == "ok"


def test_a_stop_request_ends_a_run_at_a_commit(tmp_path: Path, key: Path) -> None:
    from fastdeid.engines import local
    from fastdeid.engines.stop import Stop

    stop = Stop()
    stop.request()
    with pytest.raises(Stopped):
        stop.check()
    with pytest.raises(Stopped):
        stop.request()
    assert Stopped.exit_code == 75
    assert local.available_cpus() >= 1
