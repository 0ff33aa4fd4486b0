"""What docs/linkage.md shows works as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.test_commands import run_main
from tests.house.imports import REPOSITORY
from tests.linkage.released import PATIENTS, Released, code
from tests.linkage.tables import PSEUDONYMS, write_csv

DOCUMENT = (REPOSITORY / "docs" / "linkage.md").read_text()
EXPECTED = sorted(
    (code(patient), PSEUDONYMS.accession(f"ACC-{patient}-{study}"), 2 * study - 1, study + 0.5, 3)
    for patient in PATIENTS
    for study in (1, 2)
)


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def workplace(tmp_path: Path, released: Released, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with what the document's commands need, which is the working folder."""
    shutil.copytree(released.target, tmp_path / "TARGET")
    shutil.copytree(released.link_table, tmp_path / "TARGET.link-table")
    shutil.copy(released.key, tmp_path / "PROJECT.key")
    shutil.copytree(released.target.parent / "source", tmp_path / "SOURCE")
    subjects = "".join(f"{patient},SUB-{patient[2:]}\n" for patient in PATIENTS)
    write_csv(tmp_path, "original_id,subject_id\n" + subjects, "subjects.csv")
    rows = [
        f"{patient};ACC-{patient}-{study};2024-02-28;2024-03-02;CRP;{study}.5;Doe"
        for patient in PATIENTS
        for study in (1, 2)
    ]
    write_csv(tmp_path, "mrn;acc;taken;reported;test;value;name\n" + "\n".join(rows), "labs.csv")
    write_csv(tmp_path, "original_id,issuer,person_id\n0011,CLINIC,1\n", "persons.csv")
    (tmp_path / "our-site.toml").write_text("".join(blocks("toml")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> int:
    """Run a command of the document; the images of the tests have no pixels to look into."""
    assert command[0] == "fastdeid"
    options = ["--pixels", "off"] if command[1] == "run" else []
    return run_main(monkeypatch, *command[1:], *options)


def test_every_command_works(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {command[1]: run(monkeypatch, command) for command in COMMANDS}
    assert codes == {"link": 0, "run": 0, "export": 3, "reidentify": 0, "manifest": 0}
    assert pq.read_metadata(workplace / "originals.parquet").num_rows == 12
    disclosed = pq.read_table(workplace / "disclosed.parquet").to_pylist()
    assert {row["original_patient_id"] for row in disclosed} == set(PATIENTS)
    assert {path.name for path in (workplace / "NAMED").glob("SUB-*")} == {
        "SUB-11",
        "SUB-12",
        "SUB-13",
    }


def test_the_join_in_duckdb_works(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    run(monkeypatch, COMMANDS[0])
    (query,) = blocks("sql")
    assert duckdb.sql(query).fetchall() == EXPECTED


def test_the_join_in_polars_works(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("polars")
    run(monkeypatch, COMMANDS[0])
    (script,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(script, "docs/linkage.md", "exec"), names)
    assert names["joined"].rows() == EXPECTED
