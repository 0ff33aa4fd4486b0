"""The way back: by the link table, with the key, and never without a line in the audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fastdeid import audit
from fastdeid.errors import InputError, OutputError, UsageError
from fastdeid.link_table import open_link_table
from fastdeid.linkage.reidentify import find_file, find_one, find_table
from tests.cli.test_commands import run_main
from tests.linkage.released import Released, code
from tests.linkage.tables import write_csv, write_parquet


class Log(list[tuple[str, int, int]]):
    """Remembers what would be written to the audit log."""

    def __call__(self, *use: Any) -> None:
        """Remember one use."""
        self.append(use)


def test_a_patient_code_leads_back(released: Released) -> None:
    log = Log()
    (found,) = find_one(open_link_table(released.link_table, released.key), code("0012"), log)
    assert (found["kind"], found["original"], found["issuer"]) == ("patient", "0012", "CLINIC")
    assert log == [("id", 1, 1)]


def test_uids_of_every_level_lead_back(released: Released) -> None:
    table = open_link_table(released.link_table, released.key)
    output = released.outputs[0]
    log = Log()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        (found,) = find_one(table, output[keyword].value, log)
        assert "1.2.826.0.1.3680043.10.7" in str(found)
    assert log == [("uid", 1, 1)] * 3


def test_what_is_unknown_is_logged_too(released: Released) -> None:
    log = Log()
    assert find_one(open_link_table(released.link_table, released.key), "0012", log) == []
    assert log == [("id", 1, 0)]


def test_a_file_leads_back(released: Released) -> None:
    path = next(iter(sorted(released.target.rglob("*.dcm"))))
    log = Log()
    (found,) = find_file(open_link_table(released.link_table, released.key), path, log)
    assert found["original_patient_id"] in {"0011", "0012", "0013"}
    assert found["source_path"].startswith(found["original_patient_id"])
    assert log == [("file", 1, 1)]


def test_a_file_that_is_not_dicom_is_refused(tmp_path: Path, released: Released) -> None:
    (tmp_path / "x").write_bytes(bytes(128) + b"DICM" + b"\xff" * 9)
    table = open_link_table(released.link_table, released.key)
    with pytest.raises(InputError, match="cannot be read as DICOM"):
        find_file(table, write_csv(tmp_path, "Doe"), Log())


def test_a_table_leads_back_beside_its_pseudonyms(tmp_path: Path, released: Released) -> None:
    codes = [code("0011"), "UNKNOWN", code("0013"), None]
    path = write_parquet(tmp_path, patient=codes, value=[1, 2, 3, 4])
    table = open_link_table(released.link_table, released.key)
    log = Log()
    assert find_table(table, path, tmp_path / "out.parquet", log) == (4, 2)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["original_patient_id"] for row in rows] == ["0011", None, "0013", None]
    assert [row["value"] for row in rows] == [1, 2, 3, 4]
    assert (tmp_path / "out.parquet").stat().st_mode & 0o777 == 0o600
    assert log == [("table", 4, 2)]


def test_the_whole_manifest_leads_back(tmp_path: Path, released: Released) -> None:
    table = open_link_table(released.link_table, released.key)
    manifest = released.target / "manifest.parquet"
    assert find_table(table, manifest, tmp_path / "out.parquet", Log()) == (12, 12)
    first = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    assert first["original_sop_instance_uid"].startswith("1.2.826.0.1.3680043.10.7")


def test_a_table_without_pseudonyms_is_refused(tmp_path: Path, released: Released) -> None:
    table = open_link_table(released.link_table, released.key)
    with pytest.raises(UsageError, match="none of the columns"):
        find_table(table, write_csv(tmp_path, "mrn\n1\n"), tmp_path / "out.parquet", Log())


def test_each_use_is_appended_and_holds_no_value(
    tmp_path: Path,
    released: Released,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "audit.log"
    options: list[str | Path] = [
        "--key",
        released.key,
        "--link-table",
        released.link_table,
        "--audit-log",
        log,
    ]
    assert run_main(monkeypatch, "reidentify", code("0012"), *options) == 0
    assert json.loads(capsys.readouterr().out)[0]["original"] == "0012"
    assert run_main(monkeypatch, "reidentify", "nobody", *options) == 4
    uses = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(use["kind"], use["asked"], use["found"]) for use in uses] == [
        ("id", 1, 1),
        ("id", 1, 0),
    ]
    assert log.stat().st_mode & 0o777 == 0o600
    assert code("0012") not in log.read_text()
    assert "0012" not in log.read_text().replace(uses[0]["time"], "").replace(uses[1]["time"], "")


def test_without_a_log_nothing_is_told(
    tmp_path: Path,
    released: Released,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_parquet(tmp_path, patient=[code("0012")])
    out = tmp_path / "out.parquet"
    options: list[str | Path] = [
        "--key",
        released.key,
        "--link-table",
        released.link_table,
        "--out",
        out,
    ]
    for target in (code("0012"), table):
        no_log = tmp_path / "missing" / "audit.log"
        assert run_main(monkeypatch, "reidentify", target, *options, "--audit-log", no_log) == 6
        said = capsys.readouterr()
        assert said.out == ""
        assert "0012" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["table.parquet"]


def test_a_log_that_is_a_symbolic_link_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="nothing is told"):
        audit.record(tmp_path / "log", key_id="k", kind="id", asked=1, found=1)


def test_lines_of_several_users_stand_whole_behind_each_other(tmp_path: Path) -> None:
    for number in range(3):
        audit.record(tmp_path / "log", key_id="k", kind="id", asked=number, found=0)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["asked"] for line in lines] == [0, 1, 2]
