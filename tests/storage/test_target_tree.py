"""The target tree: a file appears whole under its name, or not at all, and nothing else is left."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from fastdeid import storage
from fastdeid.errors import DicomError, OutputError
from fastdeid.storage import DIFFERENT, NEW, SAME, Chunk, TargetTree, flush

PATH = "P/2.25.1/2.25.2/2.25.3.dcm"
SOURCE = bytes(range(256)) * 20


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "source"
    path.write_bytes(SOURCE)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.fixture(params=["unnamed", "named"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetTree]:
    """Return a tree on a file system with and without files that have no name."""
    tree = TargetTree(tmp_path / "target")
    tree._unnamed = request.param == "unnamed"
    yield tree
    tree.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative path, temporary ones too."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_a_new_instance_is_published_with_its_folders(
    tree: TargetTree, target: Path, source: int
) -> None:
    chunks: list[Chunk] = [b"head", (100, 300), memoryview(b"middle"), b"", (0, 1), bytearray(b"e")]
    assert tree.publish(PATH, chunks, source) == NEW
    whole = b"head" + SOURCE[100:400] + b"middle" + SOURCE[:1] + b"e"
    assert files(target) == {PATH: whole}


def test_the_same_instance_is_recognised(tree: TargetTree, target: Path, source: int) -> None:
    assert tree.publish(PATH, [b"one", (5, 10)], source) == NEW
    before = os.stat(target / PATH)
    assert tree.publish(PATH, [b"one" + SOURCE[5:15]], source) == SAME
    after = os.stat(target / PATH)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(files(target)) == [PATH]


@pytest.mark.parametrize("other", [b"two", b"longer than one", b""])
def test_a_different_file_is_kept(
    tree: TargetTree, target: Path, source: int, other: bytes
) -> None:
    assert tree.publish(PATH, [b"one"], source) == NEW
    assert tree.publish(PATH, [other], source) == DIFFERENT
    assert files(target) == {PATH: b"one"}


def test_large_files_are_compared_to_their_end(tree: TargetTree, target: Path, source: int) -> None:
    large = bytes(3_000_000)
    assert tree.publish(PATH, [large], source) == NEW
    assert tree.publish(PATH, [large], source) == SAME
    assert tree.publish(PATH, [large[:-1] + b"\1"], source) == DIFFERENT


def test_only_overwrite_replaces_a_different_file(
    tree: TargetTree, target: Path, source: int
) -> None:
    assert tree.publish(PATH, [b"one"], source) == NEW
    assert tree.publish(PATH, [b"two"], source, overwrite=True) == NEW
    assert tree.publish("P/new.dcm", [b"three"], source, overwrite=True) == NEW
    assert files(target) == {PATH: b"two", "P/new.dcm": b"three"}


def test_what_is_no_file_is_never_followed_or_replaced(
    tree: TargetTree, target: Path, source: int, tmp_path: Path
) -> None:
    target.mkdir()
    (target / "folder").mkdir()
    os.mkfifo(target / "pipe")
    assert tree.publish("folder", [b"one"], source) == DIFFERENT
    assert tree.publish("pipe", [b"one"], source) == DIFFERENT
    outside = tmp_path / "outside"
    (target / "link").symlink_to(outside)
    with pytest.raises(OutputError):
        tree.publish("link", [b"one"], source)
    assert not outside.exists()
    assert sorted(os.listdir(target)) == ["folder", "link", "pipe"]


def test_many_folders_do_not_stay_open(tree: TargetTree, target: Path, source: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        assert tree.publish(f"P{number % 50}/{number}.dcm", [b"x"], source) == NEW
    assert len(os.listdir("/proc/self/fd")) - before <= 32
    tree.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(files(target)) == 100


def test_a_folder_that_was_closed_is_opened_again(
    tree: TargetTree, target: Path, source: int
) -> None:
    assert tree.publish("P/1.dcm", [b"x"], source) == NEW
    tree.close()
    assert tree.publish("P/2.dcm", [b"x"], source) == NEW


def test_outputs_have_the_permissions_of_the_user(
    tree: TargetTree, target: Path, source: int
) -> None:
    mask = os.umask(0o027)
    try:
        tree.publish(PATH, [b"one"], source)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(target / PATH).st_mode) == 0o640


# Failures


def test_a_source_that_ends_too_early_leaves_nothing(
    tree: TargetTree, target: Path, source: int
) -> None:
    cut_off: list[list[Chunk]] = [[b"head", (0, len(SOURCE) + 1)], [(len(SOURCE), 1)]]
    for chunks in cut_off:
        with pytest.raises(DicomError, match="changed_while_read"):
            tree.publish(PATH, chunks, source)
    assert files(target) == {}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("chunks", [[b"bytes"], [(0, 100)]], ids=["write", "copy"])
def test_a_full_disk_leaves_nothing_and_names_its_reason(
    tree: TargetTree,
    target: Path,
    source: int,
    *,
    code: int,
    chunks: Sequence[Chunk],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", failing(code))
        patched.setattr(os, "copy_file_range", failing(code))
        with pytest.raises(OutputError, match=errno.errorcode[code]):
            tree.publish(PATH, chunks, source)
    assert files(target) == {}
    assert tree.publish(PATH, chunks, source) == NEW


def failing(code: int) -> object:
    """Return a function that fails as a system call does."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("name", ["link", "open", "rename"])
def test_a_failing_step_leaves_nothing(
    tree: TargetTree, target: Path, source: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.publish("P/first.dcm", [b"first"], source)
    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing(errno.EACCES))
        with pytest.raises(OutputError, match="EACCES"):
            tree.publish("P/second.dcm", [b"second"], source, overwrite=name == "rename")
    assert files(target) == {"P/first.dcm": b"first"}


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_ranges_are_copied_by_hand_where_the_kernel_cannot(
    tree: TargetTree, target: Path, source: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", failing(code))
    monkeypatch.setattr(storage, "_BLOCK", 100)
    assert tree.publish(PATH, [b"head", (3, 1000), b"tail"], source) == NEW
    assert files(target) == {PATH: b"head" + SOURCE[3:1003] + b"tail"}


def test_a_copy_that_stops_halfway_goes_on_by_hand(
    tree: TargetTree, target: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, calls = os.copy_file_range, []

    def once(src: int, dst: int, count: int, offset_src: int) -> int:
        calls.append(count)
        if len(calls) > 1:
            raise OSError(errno.EIO, "")
        return copy(src, dst, 10, offset_src)

    monkeypatch.setattr(os, "copy_file_range", once)
    assert tree.publish(PATH, [(3, 1000)], source) == NEW
    assert files(target) == {PATH: SOURCE[3:1003]}


def test_short_writes_are_continued(
    tree: TargetTree, target: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:3]))
    tree.publish(PATH, [b"0123456789", memoryview(b"abcdefg")], source)
    assert files(target) == {PATH: b"0123456789abcdefg"}


def test_a_file_system_without_unnamed_files_is_found_out_once(
    target: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = TargetTree(target)
    opened, attempts = os.open, []

    def refuse(path: str, flags: int, *rest: int, **options: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            attempts.append(path)
            raise OSError(errno.EOPNOTSUPP, "")
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    for number in range(3):
        assert tree.publish(f"P/{number}.dcm", [b"x"], source) == NEW
    assert tree.publish("P/1.dcm", [b"x"], source) == SAME
    assert tree.publish("P/1.dcm", [b"y"], source) == DIFFERENT
    assert len(attempts) == 1
    assert len(files(target)) == 3
    tree.close()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_links_gets_renames_that_overwrite_nothing(
    target: Path, source: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(code))
    tree = TargetTree(target)
    assert tree.publish(PATH, [b"one"], source) == NEW
    assert tree.publish(PATH, [b"one"], source) == SAME
    assert tree.publish(PATH, [b"two"], source) == DIFFERENT
    assert files(target) == {PATH: b"one"}
    tree.close()


def test_a_target_that_is_a_file_cannot_be_written(tmp_path: Path, source: int) -> None:
    (tmp_path / "target").write_bytes(b"")
    with pytest.raises(OutputError):
        TargetTree(tmp_path / "target").publish(PATH, [b"x"], source)


def test_an_error_holds_neither_path_nor_value(
    tree: TargetTree, target: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC))
    with pytest.raises(OutputError) as caught:
        tree.publish(PATH, [b"secret"], source)
    assert str(caught.value) == "the target cannot be written: ENOSPC"
    assert caught.value.__cause__ is None
    assert caught.value.exit_code == 6


def test_a_flush_waits_for_all_files_at_once_and_tells_of_a_failure(
    tree: TargetTree, target: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.publish(PATH, [b"x"], source)
    flush(str(target))
    with pytest.raises(OutputError, match="ENOENT"):
        flush(str(target / "gone"))
    monkeypatch.setattr(storage, "_sync_file_system", failing(errno.EIO))
    with pytest.raises(OutputError, match="EIO"):
        flush(str(target))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 256 KiB; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_disk_that_fills_up_keeps_what_is_whole(
    small_disk: Path, source: int, unnamed: bool
) -> None:
    tree = TargetTree(small_disk)
    tree._unnamed = unnamed
    assert tree.publish("P/1.dcm", [bytes(100_000)], source) == NEW
    for chunks in ([bytes(300_000)], [(0, len(SOURCE))] * 100):
        with pytest.raises(OutputError, match="ENOSPC"):
            tree.publish("P/2.dcm", chunks, source)
    assert tree.publish("P/3.dcm", [bytes(100_000)], source) == NEW
    assert sorted(files(small_disk)) == ["P/1.dcm", "P/3.dcm"]
    tree.close()
