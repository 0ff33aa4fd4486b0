"""The commands that join images with structured data, run as users run them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.test_commands import run_main
from tests.linkage.tables import PSEUDONYMS, write_csv


def test_a_table_is_linked(
    tmp_path: Path,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_csv(tmp_path, "mrn;site;acc;a;b;note;name\n1;H;A1;1/3/2024;20240301;n;Doe\n")
    out = tmp_path / "out.parquet"
    options = "--patient-id mrn --issuer-column site --accession acc --dates a,b --keep note"
    options += " --date-format a=%d/%m/%Y --json"
    arguments: list[str | Path] = [table, "--out", out, "--key", key_file, *options.split()]
    assert run_main(monkeypatch, "link", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["rows_written"] == 1
    (row,) = pq.read_table(out).to_pylist()
    assert list(row) == ["patient", "accession_number", "a", "b", "note"]
    assert row["patient"] == PSEUDONYMS.patient("1", "H")
    assert row["a"].split("/")[::-1] == [row["b"][:4], row["b"][4:6], row["b"][6:]]
    assert run_main(monkeypatch, "link", *arguments) == 2
    assert "exists already" in capsys.readouterr().err


def test_rows_left_out_are_told(
    tmp_path: Path,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_csv(tmp_path, "mrn,d\n4711,2024-03-01\n4712,2024-03-01\n")
    crosswalk = write_csv(tmp_path, "original_id,subject_id\n4711,S-1\n", "crosswalk.csv")
    options: list[str | Path] = [
        "--out",
        tmp_path / "out.parquet",
        "--key",
        key_file,
        "--crosswalk",
        crosswalk,
    ]
    assert run_main(monkeypatch, "link", table, "--patient-id", "mrn", *options) == 3
    said = capsys.readouterr()
    assert "left out: patient not in the crosswalk" in said.out
    assert "471" not in said.out + said.err


def test_a_key_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_csv(tmp_path, "mrn\n1\n")
    out = tmp_path / "out.parquet"
    assert run_main(monkeypatch, "link", table, "--patient-id", "mrn", "--out", out) == 8
    assert "--key" in capsys.readouterr().err
