"""The plan: order, special entries, partitions."""

from __future__ import annotations

import os
import socket
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid import plan
from fastdeid.errors import InputError
from fastdeid.listing import Entry


def walk(folder: Path) -> list[Entry]:
    return list(plan.walk(os.fsencode(folder)))


def paths(folder: Path) -> list[bytes]:
    return [entry.path for entry in walk(folder)]


def test_the_order_is_by_folder_and_by_bytes(tmp_path: Path) -> None:
    for name in ("b/2", "b/10", "b/a/1", "a/z", "c", "B/1", "b.dcm", "é"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert paths(tmp_path) == [
        *(b"b.dcm", b"c", "é".encode()),
        *(b"B/1", b"a/z", b"b/10", b"b/2", b"b/a/1"),
    ]


def test_size_and_time_of_change_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.utime(tmp_path / "file", ns=(1, 1_234_567_890_123_456_789))
    assert walk(tmp_path) == [Entry(b"file", 5, 1_234_567_890_123_456_789, "")]


def test_special_files_are_listed_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is short
        server.bind("socket")
        os.chdir(before)
        found = {entry.path: entry.reason for entry in walk(tmp_path)}
    assert found == {
        b"link": "symbolic_link",
        b"dangling": "symbolic_link",
        b"fifo": "fifo",
        b"socket": "socket",
    }


def test_a_loop_of_links_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to(tmp_path)
    assert paths(tmp_path) == [b"folder/up"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert walk(tmp_path) == [Entry(b"closed", 0, 0, "unreadable_folder")]


def test_a_folder_that_vanishes_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "here").touch()
    scandir = os.scandir

    def scan(folder: bytes) -> object:
        if folder.endswith(b"gone"):
            raise FileNotFoundError
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    assert [(entry.path, entry.reason) for entry in walk(tmp_path)] == [
        (b"here", ""),
        (b"gone", "unreadable_folder"),
    ]


def test_a_source_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        walk(tmp_path / "Doe^Jane")
    assert raised.value.exit_code == 5
    assert "Doe" not in str(raised.value)


def cut(sizes: list[int], workers: int) -> plan.Cuts:
    """Cut files that all lie in one folder."""
    pieces = [
        plan.Piece(sizes[at : at + plan.MAX_FILES], at == 0)
        for at in range(0, len(sizes), plan.MAX_FILES)
    ]
    return plan.cut(pieces, plan.cost_of(len(sizes), sum(sizes)), workers)


@given(st.lists(st.integers(0, 5 << 30), max_size=3000), st.integers(0, 64))
def test_partitions_cover_every_file_once_within_their_limits(
    sizes: list[int], workers: int
) -> None:
    starts = cut(sizes, workers).starts
    assert starts[0] == 0
    assert starts[-1] == len(sizes)
    for first, after in pairwise(starts):
        assert 0 < after - first <= plan.MAX_FILES
        assert after - first == 1 or sum(sizes[first:after]) <= plan.MAX_BYTES


@pytest.mark.parametrize(("n_files", "size"), [(2000, 530_000), (20_000, 12_000), (1_000_000, 10)])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_there_are_several_partitions_per_worker_and_the_last_are_small(
    n_files: int, size: int, workers: int
) -> None:
    starts = cut([size] * n_files, workers).starts
    lengths = [after - first for first, after in pairwise(starts)]
    assert len(lengths) >= 4 * workers
    assert lengths[-1] <= n_files / workers / 10


def test_where_text_is_sought_partitions_have_equal_shares_of_that() -> None:
    # 60 slices of 526 KB, 1,000 files of 12 KB, in folders of 20, for two tasks.
    found = [plan.Piece([526_000] * 20, True)] * 3 + [plan.Piece([12_000] * 20, True)] * 50
    size = 60 * 526_000 + 1000 * 12_000

    def files(pixels: str) -> list[int]:
        rate = plan.rate_of(pixels)
        limit = plan.share_limit(plan.cost_of(1060, size, rate), 2)
        cuts = plan.cut(found, 0, 0, limit, rate)
        shares = [cuts.starts[number] for number in plan.share(cuts, 2, rate)]
        return [after - first for first, after in pairwise(shares)]

    assert files("off") == pytest.approx([390, 670], rel=0.15)
    # The slices take 2.3 s of 5.2: they are nearly all of the first task.
    assert files("examine") == pytest.approx([150, 910], rel=0.15)


def test_no_partition_takes_longer_than_a_stop_can_wait_for() -> None:
    # 1,000 slices are 39 s of one core, and one partition where they are only copied.
    pieces = [plan.Piece([526_000] * 1000, True)]
    rate = plan.rate_of("examine")
    cuts = plan.cut(
        pieces, plan.cost_of(1000, 526_000_000, rate), 0, plan.share_limit(10**15, 1), rate
    )
    assert 2 <= len(cuts.sizes) <= 3


def test_large_files_are_partitions_of_their_own() -> None:
    assert cut([100 << 20] * 4, 2).starts == [0, 1, 2, 3, 4]
