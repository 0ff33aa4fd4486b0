"""Whole runs under the site's own pseudonyms: the same everywhere, and nothing else in between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

from fastdeid.engines import local, verifying
from fastdeid.errors import InputError, KeyFileError, UsageError
from fastdeid.link_table import open_link_table
from fastdeid.linkage.known import open_known
from fastdeid.linkage.reidentify import find_one
from fastdeid.project import site_names
from fastdeid.reporting.report import write_report
from tests.cli.test_commands import run_main
from tests.conversion.archive import write_key
from tests.linkage.released import PATIENTS, Released, release
from tests.linkage.tables import KEY, PSEUDONYMS, linked, write_csv

pytestmark = pytest.mark.jit

HEAD = "original_id,issuer,subject_id,date_offset\n"
# The third patient is in no table.
ROWS = "0011,CLINIC,SITE-A.1,-40\n 0012,CLINIC ,SITE-B_2,700\n"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Released, Path]:
    """Return a finished run with a crosswalk, and the crosswalk; tests only read them."""
    folder = tmp_path_factory.mktemp("named")
    table = write_csv(folder, HEAD + ROWS, "crosswalk.csv")
    made = release(
        folder, profile="research", crosswalk=table, verdicts={"ok": 8, "quarantined": 4}
    )
    return made, table


def verify(made: Released, **options: object) -> verifying.Verification:
    given = {"link_table": made.link_table, "workers": 0, "use_dciodvfy": False, **options}
    return verifying.verify(made.target, key=made.key, **given)  # type: ignore[arg-type]


def test_outputs_have_the_subjects_and_offsets_of_the_site(named: tuple[Released, Path]) -> None:
    made, _ = named
    found = {(one.PatientID, str(one.PatientName), one.StudyDate) for one in made.outputs}
    assert found == {
        ("SITE-A.1", "SITE-A.1", "20240121"),
        ("SITE-B_2", "SITE-B_2", "20260130"),
    }
    assert {path.name for path in made.target.iterdir() if path.is_dir()} == {
        "SITE-A.1",
        "SITE-B_2",
    }
    original = pydicom.dcmread(next((made.target.parent / "source" / "0011" / "1").iterdir()))
    mapped = PSEUDONYMS.uid(original.StudyInstanceUID.encode()).decode()
    assert mapped in {one.StudyInstanceUID for one in made.outputs}


def test_who_is_in_no_crosswalk_is_quarantined(named: tuple[Released, Path]) -> None:
    rows = open_link_table(named[0].link_table, KEY).instances.to_table().to_pylist()
    refused = [row for row in rows if row["verdict"] == "quarantined"]
    assert {(row["reason"], row["reason_tag"]) for row in refused} == {
        ("not_in_crosswalk", "(0010,0020)")
    }
    assert {row["source_path"].split("/")[0] for row in refused} == {PATIENTS[2]}


def test_it_is_verified_with_the_crosswalk(named: tuple[Released, Path], tmp_path: Path) -> None:
    made, table = named
    assert verify(made, source=made.target.parent / "source").findings == []
    moved = shutil.copy(table, tmp_path / "moved.csv")
    assert verify(made, crosswalk=moved).findings == []
    other = write_csv(tmp_path, HEAD + ROWS.replace("-40", "-41"), "other.csv")
    with pytest.raises(UsageError, match="crosswalk is not the one"):
        verify(made, crosswalk=other)
    with pytest.raises(InputError, match="the crosswalk: there is no such table"):
        verify(made, crosswalk=tmp_path / "none.csv")


def test_a_table_joins_by_the_same_crosswalk_only(
    named: tuple[Released, Path], tmp_path: Path
) -> None:
    made, crosswalk = named
    table = write_csv(tmp_path, "mrn,taken\n0011,2024-03-01\n0012,2024-03-02\n")
    names = site_names(crosswalk)
    assert names is not None
    pseudonyms, _ = names.read(KEY)
    known = open_known(made.link_table, pseudonyms)
    rows = linked(table, issuer="CLINIC", dates=("taken",), pseudonyms=pseudonyms, known=known)
    assert sorted((row["patient"], row["taken"]) for row in rows.rows) == [
        ("SITE-A.1", "2024-01-21"),
        ("SITE-B_2", "2026-01-31"),
    ]
    assert rows.linked.unmatched_patients == 0
    with pytest.raises(KeyFileError, match="another key or crosswalk"):
        open_known(made.link_table, PSEUDONYMS)


def test_the_way_back_needs_no_crosswalk(named: tuple[Released, Path]) -> None:
    table = open_link_table(named[0].link_table, KEY)
    (row,) = find_one(table, "SITE-B_2", lambda *_: None)
    assert (row["original"], row["issuer"], row["date_offset"]) == ("0012", "CLINIC", 700)


def test_the_report_knows_that_offsets_are_the_sites(named: tuple[Released, Path]) -> None:
    text = Path(write_report(named[0].link_table, named[0].key)).read_text()
    assert "every offset is within the range" in text
    assert ">NO<" not in text


def test_any_number_of_workers_gives_the_same(named: tuple[Released, Path], tmp_path: Path) -> None:
    made, table = named
    local.run(
        made.target.parent / "source",
        tmp_path / "target",
        key=made.key,
        profile="research",
        crosswalk=table,
        workers=2,
        pixels="off",
    )
    ours = {path.relative_to(made.target): path.read_bytes() for path in made.target.rglob("*.dcm")}
    theirs = tmp_path / "target"
    assert ours == {path.relative_to(theirs): path.read_bytes() for path in theirs.rglob("*.dcm")}


def test_a_run_goes_on_with_its_own_crosswalk_only(tmp_path: Path) -> None:
    table = write_csv(tmp_path, HEAD + ROWS, "crosswalk.csv")
    made = release(tmp_path, crosswalk=table, verdicts={"ok": 8, "quarantined": 4})
    source = tmp_path / "source"
    run = {"key": made.key, "workers": 0, "pixels": "off"}
    moved = table.rename(tmp_path / "moved.csv")
    again = local.run(source, made.target, crosswalk=moved, **run)  # type: ignore[arg-type]
    assert again.state == "unchanged"
    (made.link_table / "work" / "summary.json").unlink()
    other = write_csv(tmp_path, HEAD + ROWS.replace("SITE-A.1", "SITE-A.2"), "other.csv")
    for crosswalk in (other, None):
        with pytest.raises(UsageError, match="another crosswalk"):
            local.run(source, made.target, crosswalk=crosswalk, **run)  # type: ignore[arg-type]
    assert local.run(source, made.target, crosswalk=moved, **run).verdicts == {  # type: ignore[arg-type]
        "ok": 8,
        "quarantined": 4,
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0011,,S-1,-1\n0011,,S-2,-1\n", "different subjects: 1, 2"),
        ("0011,,S-1,-1\n0012,,S-1,-1\n", "share a subject ID"),
        ("0011,,S-1,0\n", "offset of 0 days"),
        ("MRN-4711,,trial-mrn-4711,-1\n", "holds the original ID: 1"),
    ],
)
def test_conflicts_and_duplicates_end_a_run_before_it_begins(
    tmp_path: Path, rows: str, message: str
) -> None:
    (tmp_path / "source").mkdir()
    table = write_csv(tmp_path, HEAD + rows, "crosswalk.csv")
    key = write_key(tmp_path / "PROJECT.key", KEY)
    with pytest.raises(UsageError, match=message):
        local.run(tmp_path / "source", tmp_path / "out", key=key, crosswalk=table, workers=0)
    assert not (tmp_path / "out").exists()


def test_a_crosswalk_inside_the_target_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "out").mkdir()
    table = write_csv(tmp_path / "out", HEAD + ROWS, "crosswalk.csv")
    key = write_key(tmp_path / "PROJECT.key", KEY)
    with pytest.raises(UsageError, match="the crosswalk lies inside TARGET"):
        local.run(tmp_path / "source", tmp_path / "out", key=key, crosswalk=table, workers=0)


def test_the_command_says_what_is_wrong_and_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "source").mkdir()
    table = write_csv(tmp_path, HEAD + "0011,,Doe^Jane,-1\n", "crosswalk.csv")
    key = write_key(tmp_path / "PROJECT.key", KEY)
    places = [str(tmp_path / "source"), str(tmp_path / "out")]
    command = ["run", *places, "--key", str(key), "--workers", "0"]
    assert run_main(monkeypatch, *command, "--crosswalk", str(table)) == 2
    assert capsys.readouterr().err == (
        "fastdeid: rows of the crosswalk have a subject ID that is not 1 to 64 of "
        "A-Z a-z 0-9 . _ -: 1 (1 in all)\n"
    )
    assert run_main(monkeypatch, *command, "--shared-subjects") == 2
    assert "--crosswalk" in capsys.readouterr().err
