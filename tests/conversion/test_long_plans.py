"""Plans of sources that do not fit into memory: sorted runs, files, walks that go on."""

from __future__ import annotations

import os
import random
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid import listing, plan
from fastdeid.draft import Draft
from fastdeid.listing import Entry
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.streams import Sorting, rechunked
from tests.conversion.archive import KEY


def make(folder: Path, n_folders: int = 5, n_files: int = 7) -> bytes:
    """Make files in folders, and folders in these."""
    for number in range(n_folders):
        for place in (folder / f"b{number}", folder / f"b{number}" / "in", folder / "a" / "deep"):
            place.mkdir(parents=True, exist_ok=True)
            for name in range(n_files):
                (place / f"{name}").write_bytes(bytes(name))
    return os.fsencode(folder)


def test_a_walk_goes_on_behind_any_entry(tmp_path: Path) -> None:
    source = make(tmp_path)
    every = list(plan.walk(source))
    assert len(every) == 77
    for number, entry in enumerate(every):
        assert list(plan.walk(source, entry)) == every[number + 1 :]


def test_a_walk_goes_on_behind_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    source = make(tmp_path)
    rest = [entry for entry in plan.walk(source) if entry.path > b"b2"]
    after = Entry(b"b2", 0, 0, plan.UNREADABLE_FOLDER)
    assert list(plan.walk(source, after)) == [one for one in rest if one.path[:2] != b"b2"]


def test_a_folder_that_is_too_long_for_memory_is_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "source", n_folders=11, n_files=30)
    every = list(plan.walk(source))
    monkeypatch.setattr(listing, "HELD", 4)
    assert list(plan.walk(source, scratch=str(tmp_path))) == every
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def drafted(source: bytes, folder: Path, segment: int) -> Draft:
    return Draft(source, str(folder), Sealing(Pseudonyms(KEY)), segment=segment)


def rows(draft: Draft) -> list[Entry]:
    return [
        Entry(*row)
        for batch in draft.batches()
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    ]


@pytest.mark.parametrize("segment", [1, 3, 1000])
def test_a_draft_is_the_same_in_memory_and_in_files(tmp_path: Path, segment: int) -> None:
    source = make(tmp_path / "source")
    (tmp_path / "work").mkdir()
    draft = drafted(source, tmp_path / "work", segment)
    assert rows(draft) == list(plan.walk(source))
    assert (draft.n_files, draft.size) == (77, 11 * sum(range(7)))
    assert draft.digest == drafted(source, tmp_path, 1000).digest
    draft.remove()
    assert list((tmp_path / "work").iterdir()) == []


def test_a_walk_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(tmp_path / "source")
    (tmp_path / "work").mkdir()
    walked: list[bytes] = []
    scandir = os.scandir

    def scan(folder: bytes) -> object:
        if folder.endswith(b"b3/in") and not walked:
            raise KeyboardInterrupt
        if walked:
            walked.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(KeyboardInterrupt):
        drafted(source, tmp_path / "work", 10)
    walked.append(b"from here on")
    draft = drafted(source, tmp_path / "work", 10)
    assert draft.resumed
    assert not [folder for folder in walked if folder.endswith(b"b0/in")]
    assert rows(draft) == list(plan.walk(source))


def test_a_draft_of_another_source_is_not_taken(tmp_path: Path) -> None:
    make(tmp_path / "one")
    (tmp_path / "work").mkdir()
    drafted(os.fsencode(tmp_path / "one"), tmp_path / "work", 10)
    source = make(tmp_path / "other", n_folders=2)
    draft = drafted(source, tmp_path / "work", 10)
    assert not draft.resumed
    assert rows(draft) == list(plan.walk(source))


# Cuts ----------------------------------------------------------------------------------------


def batches(folders: list[int]) -> list[pa.RecordBatch]:
    """Return rows of files of 500 kB, so many in each folder."""
    paths = [b"%05d/%04d" % (at, n) for at, number in enumerate(folders) for n in range(number)]
    number = len(paths)
    columns = [paths, [500_000] * number, [0] * number, [""] * number, [-1] * number]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, plan.SCHEMA, strict=True)]
    return [pa.RecordBatch.from_arrays(arrays, schema=plan.SCHEMA)]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(1, 20))
def test_shares_are_whole_and_few(folders: list[int], n_shares: int) -> None:
    n_files = sum(folders)
    cost = plan.cost_of(n_files, n_files * 500_000)
    cuts = plan.cut(plan.pieces(batches(folders)), cost, 0, plan.share_limit(cost, n_shares))
    shares = plan.share(cuts, n_shares)
    assert cuts.starts[0] == shares[0] == 0
    assert (cuts.starts[-1], shares[-1]) == (n_files, len(cuts.sizes))
    assert sorted(set(shares)) == shares
    assert len(shares) - 1 <= n_shares
    assert sum(cuts.sizes) == n_files * 500_000


def test_a_series_stays_in_one_share() -> None:
    folders = [random.Random(7).randint(20, 300) for _ in range(300)]
    n_files = sum(folders)
    cost = plan.cost_of(n_files, n_files * 500_000)
    cuts = plan.cut(plan.pieces(batches(folders)), cost, 0, plan.share_limit(cost, 8))
    shares = plan.share(cuts, 8)
    assert len(shares) == 9
    assert all(cuts.whole[number] for number in shares[:-1])
    sizes = [sum(cuts.sizes[a:b]) for a, b in pairwise(shares)]
    assert max(sizes) < 1.2 * min(sizes)


# Streams -------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from("abc\u00e9") | st.none(), st.integers(0, 3)), max_size=60),
    st.integers(1, 20),
    st.integers(1, 9),
)
def test_sorting_through_files_is_sorting(
    values: list[tuple[str | None, int]], run: int, piece: int
) -> None:
    table = pa.table(
        {
            "name": pa.array([name for name, _ in values], pa.string()),
            "number": pa.array([number for _, number in values], pa.int64()),
            "at": pa.array(range(len(values)), pa.int64()),
        }
    )
    sorting = Sorting(["name", "number"], "/tmp", run=run)
    for first in range(0, len(values), piece):
        sorting.add(table.slice(first, piece))
    found = [row for rows in sorting.sorted() for row in rows.to_pylist()]
    wanted = sorted(table.to_pylist(), key=lambda r: (r["name"] is None, r["name"], r["number"]))
    assert found == wanted


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 7))
def test_rechunked_rows_are_the_same_rows(lengths: list[int], size: int) -> None:
    tables = [pa.table({"n": pa.array(range(length), pa.int64())}) for length in lengths]
    total = sum(lengths)
    cut = list(rechunked(tables, iter([size] * (total + 1))))
    assert [one.num_rows for one in cut] == [size] * (total // size) + (
        [total % size] if total % size else []
    )
    every = [n for one in cut for n in one.column("n").to_pylist()]
    assert every == [n for length in lengths for n in range(length)]
