"""Targets that fill up, vanish or refuse; sources that change, loop or are no files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastdeid import files
from fastdeid.engines.local import run
from fastdeid.errors import FastdeidError, OutputError
from fastdeid.partition import run_partition
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.storage import TargetTree
from fastdeid.workspace import Workspace
from tests import builders as b
from tests.conversion.archive import KEY, result, verdicts, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier
from tests.faults.hostile import Victim
from tests.runs import ct_image


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key file."""
    return write_key(tmp_path / "P.key")


def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Yield a file system of its own; skips where this user may not mount one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 512 KiB."""
    yield from mounted(tmp_path / "disk", "size=512k")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_full_disk_ends_the_run_and_more_room_ends_it_well(
    disk: Path, tmp_path: Path, key: Path, workers: int
) -> None:
    source = write_archive(tmp_path / "source", n_patients=3, n_files=40)
    links = tmp_path / "links"
    filler = disk / "filler"
    filler.write_bytes(bytes(300 << 10))
    options: dict[str, Any] = {"key": key, "link_table": links, "make": FakeDeidentifier}
    with pytest.raises(FastdeidError, match="ENOSPC") as raised:
        run(source, disk / "out", workers=workers, **options)
    assert raised.value.exit_code == OutputError.exit_code
    assert not (disk / "out" / "manifest.parquet").exists()
    assert not list(disk.rglob("*.unfinished"))
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    run(source, disk / "out", workers=workers, **options)
    run(source, tmp_path / "undisturbed", key=key, workers=0, make=FakeDeidentifier)
    shutil.copytree(disk / "out", tmp_path / "out")
    shutil.copytree(links, tmp_path / "out.link-table")
    assert result(tmp_path / "out") == result(tmp_path / "undisturbed")


def test_a_full_disk_under_the_link_table_commits_nothing(
    disk: Path, tmp_path: Path, key: Path
) -> None:
    source = write_archive(tmp_path / "source", n_patients=3)
    (disk / "filler").write_bytes(bytes(470 << 10))
    links = disk / "links"
    options: dict[str, Any] = {
        "key": key,
        "link_table": links,
        "workers": 0,
        "make": FakeDeidentifier,
    }
    with pytest.raises(OutputError):
        run(source, tmp_path / "out", **options)
    (disk / "filler").unlink()
    run(source, tmp_path / "out", **options)
    assert not list(disk.rglob("*.unfinished"))


def test_a_target_that_is_read_only_is_refused(disk: Path, tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OutputError):
        run(source, disk / "out", key=key, link_table=tmp_path / "links", workers=0)


class RemovesTarget(FakeDeidentifier):
    """Removes the whole target after some files, as a colleague might."""

    def process(self, source_path: bytes, *, overwrite: bool = False) -> object:  # type: ignore[override]
        """De-identify one file."""
        assert self.tree is not None
        if len(self.processed) == 30:
            shutil.rmtree(self.tree._root)
        return super().process(source_path, overwrite=overwrite)


def test_a_target_that_is_removed_midway_is_made_again(tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source")
    try:
        run(source, tmp_path / "out", key=key, workers=0, make=RemovesTarget)
    except OutputError:
        pass
    else:
        # It was written to anew; what is missing is found at the next start.
        assert (tmp_path / "out" / "manifest.parquet").exists()
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    run(source, tmp_path / "undisturbed", key=key, workers=0, make=FakeDeidentifier)
    assert result(tmp_path / "out") == result(tmp_path / "undisturbed")


def test_two_processes_at_one_partition_leave_what_one_does(tmp_path: Path, key: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=2)
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    before = result(tmp_path / "out")
    work = tmp_path / "out.link-table" / "work"
    (work / "summary.json").unlink()
    faults: list[BaseException] = []

    def again() -> None:
        workspace = Workspace(work, Sealing(Pseudonyms(KEY)))
        processor = FakeDeidentifier(workspace.settings, KEY, dry_run=False)
        try:
            for number in range(workspace.n_partitions):
                run_partition(workspace, number, processor)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)
        processor.close()

    threads = [threading.Thread(target=again) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    assert result(tmp_path / "out") == before
    assert not list(tmp_path.rglob("attempt-*"))


def test_loops_pipes_sockets_and_holes_are_listed_and_not_opened(tmp_path: Path, key: Path) -> None:
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "loop").symlink_to(source)
    (source / "itself").symlink_to(source / "itself")
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "socket"))
    with (source / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with (source / "sparse.dcm").open("wb") as file:
        file.write(b.part10(b""))
        file.truncate(1 << 40)
    (source / ("n" * 255)).write_bytes(b.part10(ct_image()))
    began = time.process_time()
    summary = run(source, tmp_path / "out", key=key, workers=0, pixels="off")
    assert time.process_time() - began < 10
    found = verdicts(tmp_path / "out")
    assert found.pop("n" * 255) == ("ok", None)
    assert found.pop("sparse") == ("not_dicom", "not_dicom")
    assert found.pop("sparse.dcm")[0] == "quarantined"
    assert found == {
        "folder/loop": ("unreadable", "symbolic_link"),
        "itself": ("unreadable", "symbolic_link"),
        "pipe": ("unreadable", "fifo"),
        "socket": ("unreadable", "socket"),
    }
    assert summary.exit_code == 3


def test_a_file_that_changes_while_it_is_read_has_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = Victim(tmp_path)
    fill = TargetTree._fill
    source = tmp_path / "0 input"

    def slow(self: TargetTree, fd: int, chunks: object, descriptor: int) -> None:
        os.utime(source, ns=(1, 1))
        fill(self, fd, chunks, descriptor)  # type: ignore[arg-type]

    monkeypatch.setattr(TargetTree, "_fill", slow)
    outcome = victim.process(b.part10(ct_image())).outcome
    assert (outcome.verdict, outcome.reason) == ("quarantined", "changed_while_read")
    assert not list((tmp_path / "target").rglob("*.dcm"))


@pytest.mark.parametrize(("error", "said"), [(5, "Input/output error"), (0, "damaged")])
def test_a_part_that_cannot_be_read_at_the_end_is_an_error_of_the_output(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, error: int, said: str
) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    read = files.read

    def failing(path: str) -> bytes:
        if not path.endswith("part-00000.arrow"):
            return read(path)
        if error:
            raise OSError(error, os.strerror(error))
        return read(path)[:-1]

    options: dict[str, Any] = {"key": key, "workers": 0, "make": FakeDeidentifier}
    with monkeypatch.context() as patch:
        patch.setattr(files, "read", failing)
        with pytest.raises(OutputError, match=said):
            run(source, tmp_path / "out", **options)
    assert not (tmp_path / "out" / "manifest.parquet").exists()
    run(source, tmp_path / "out", **options)
    run(source, tmp_path / "undisturbed", **options)
    assert result(tmp_path / "out") == result(tmp_path / "undisturbed")


def test_what_could_not_be_read_is_tried_again_at_the_next_start(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b.part10(ct_image()))
    opened = os.open

    def failing(path: object, *arguments: object, **options: object) -> int:
        if path == bytes(source / "a"):
            raise OSError(5, "EIO")
        return opened(path, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing)
        first = run(source, tmp_path / "out", key=key, workers=0, pixels="off")
    assert (first.exit_code, verdicts(tmp_path / "out")["a"]) == (5, ("unreadable", "read_error"))
    again = run(source, tmp_path / "out", key=key, workers=0, pixels="off")
    assert (again.exit_code, verdicts(tmp_path / "out")["a"]) == (0, ("ok", None))
