"""References of outputs to instances that were not written are found at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.columns import references_table
from fastdeid.engines.local import run
from fastdeid.outcome import Outcome
from fastdeid.summary import Summary, closing_table
from fastdeid.verdicts import Verdict
from tests.conversion.archive import KEY, result, write_key
from tests.conversion.fakes import FakeDeidentifier
from tests.conversion.test_columns import outcome
from tests.link_tables import read_link_table
from tests.scenarios.studies import image, save
from tests.scenarios.test_references import segmentation, structure_set


class Referring(FakeDeidentifier):
    """The first line of a file: a fate, its own UID, and the UIDs that it refers to."""

    def process(self, source_path: bytes, *, overwrite: bool = False) -> Outcome:
        """De-identify one file."""
        line = Path(source_path.decode()).read_bytes()
        fate, own, *references = line.partition(b"\n")[0].split()
        if fate == b"ok":
            row = self._ok(f"P/S/T/{own.decode()}", line, overwrite)
            row.references = tuple(references)
        else:
            row = Outcome(Verdict.QUARANTINED, fate.decode(), 0x7FE00010, 99)
        row.original_instance = own
        return row


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key file."""
    return write_key(tmp_path / "P.key")


def write(folder: Path, **files: str) -> Path:
    for name, line in files.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text(line)
    return folder


def dangling(target: Path) -> list[tuple[str, ...]]:
    """Return referrer, referenced UID, and what became of the file with that UID."""
    link_table = target.with_name(f"{target.name}.link-table")
    table = read_link_table(link_table / "references.parquet", KEY)
    return [
        tuple(
            row[name]
            for name in (
                *("source_path", "output_path", "referenced_sop_instance_uid"),
                *("referenced_source_path", "verdict", "reason", "reason_tag"),
            )
        )
        for row in table.to_pylist()
    ]


def start(source: Path, target: Path, key: Path, workers: int = 0) -> Summary:
    return run(source, target, key=key, workers=workers, make=Referring)


def test_a_reference_to_a_quarantined_file_is_listed(tmp_path: Path, key: Path) -> None:
    source = write(
        tmp_path / "source",
        image="ok 1.1",
        lost="truncated 1.2",
        report="ok 1.3 1.1 1.2 9.9",
    )
    summary = start(source, tmp_path / "out", key)
    assert dangling(tmp_path / "out") == [
        ("report", "P/S/T/1.3.dcm", "1.2", "lost", "quarantined", "truncated", "(7FE0,0010)")
    ]
    assert summary.dangling_references == 1
    assert any("references" in line and line.endswith(" 1") for line in closing_table(summary))


def test_what_has_an_output_elsewhere_is_not_missing(tmp_path: Path, key: Path) -> None:
    """A twin has the same UID; what SOURCE never held cannot be told from what is elsewhere."""
    source = write(tmp_path / "source", a="ok 1.1", b="truncated 1.1", report="ok 1.3 1.1 8.8")
    summary = start(source, tmp_path / "out", key)
    assert dangling(tmp_path / "out") == []
    assert summary.dangling_references == 0
    assert not any("references" in line for line in closing_table(summary))


def test_files_without_output_refer_to_nothing(tmp_path: Path, key: Path) -> None:
    source = write(
        tmp_path / "source", a="ok 1.3 1.2", b="ok 1.3 1.2 1.4", lost="truncated 1.2", c="bad 1.4"
    )
    start(source, tmp_path / "out", key)
    assert [row[:3] for row in dangling(tmp_path / "out")] == [("a", "P/S/T/1.3.dcm", "1.2")]


def test_any_number_of_partitions_gives_the_same_table(tmp_path: Path, key: Path) -> None:
    names = {f"{number // 40:02}/{number:03}": f"ok 1.{number} 2.{number}" for number in range(200)}
    lost = {f"lost/{number:03}": f"truncated 2.{number}" for number in range(0, 200, 7)}
    source = write(tmp_path / "source", **names, **lost)
    for workers in (0, 3):
        start(source, tmp_path / f"out{workers}", key, workers)
    assert len(dangling(tmp_path / "out0")) == len(lost)
    assert result(tmp_path / "out0") == result(tmp_path / "out3")
    found = [row[2] for row in dangling(tmp_path / "out0")]
    assert found == [f"2.{number}" for number in range(0, 200, 7)]


def test_only_outputs_are_asked_what_they_refer_to() -> None:
    rows = [
        outcome(),
        outcome(references=(b"1.2", b"1.3")),
        outcome(verdict=Verdict.QUARANTINED, references=(b"1.4",)),
        outcome(references=(b"1.2",)),
    ]
    table = references_table(rows)
    assert table.column("row").to_pylist() == [1, 1, 3]
    first, second, third = table.column("target").to_pylist()
    assert first == third != second


def test_a_real_run_lists_what_refers_to_a_damaged_image(tmp_path: Path, key: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    save(image(1, 1), source / "a.dcm")
    damaged = save(image(1, 2), source / "b.dcm")
    damaged.write_bytes(damaged.read_bytes()[:-4])
    save(segmentation(), source / "seg.dcm")
    save(structure_set(), source / "rt.dcm")
    run(source, tmp_path / "out", key=key, workers=0)
    ((referrer, path, uid, target, verdict, reason, _),) = dangling(tmp_path / "out")
    assert (referrer, target, uid) == ("rt.dcm", "b.dcm", image(1, 2).SOPInstanceUID)
    assert (verdict, reason) == ("quarantined", "truncated")
    assert (tmp_path / "out" / path).exists()
