"""Small classes are found, and what would lift them is tried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastdeid.errors import UsageError
from fastdeid.manifest import MANIFEST
from fastdeid.risk import Risk, SmallClass, assess
from fastdeid.tables import schema
from tests.cli.test_commands import run_main
from tests.linkage.tables import write_parquet


def manifest(folder: Path, people: list[tuple[str, str, str, str]], status: str = "ok") -> Path:
    """Write a manifest of patients, each with sex, age and modality, two instances each."""
    columns: dict[str, list[Any]] = {
        column.name: [None] * 2 * len(people) for column in MANIFEST.columns
    }
    named = ("patient", "patient_sex", "patient_age", "modality")
    for place, name in enumerate(named):
        columns[name] = [person[place] for person in people for _ in range(2)]
    columns["status"] = [status] * 2 * len(people)
    path = folder / "manifest.parquet"
    pq.write_table(pa.table(columns, schema=schema(MANIFEST)), path)
    return path


def crowd(number: int, sex: str, age: int, modality: str = "CT") -> list[tuple[str, str, str, str]]:
    """Return many patients who are alike."""
    return [(f"{sex}{age}{modality}{one}", sex, f"{age:03}Y", modality) for one in range(number)]


def small(risk: Risk) -> list[SmallClass]:
    """Return the classes under k."""
    return risk.small


def test_classes_are_counted_by_patients_and_not_by_instances(tmp_path: Path) -> None:
    people = crowd(11, "F", 41) + crowd(10, "M", 41)
    risk = assess(manifest(tmp_path, people), ["sex", "age_band"], k=11)
    assert (risk.patients, risk.classes, risk.small_classes, risk.small_patients) == (21, 2, 1, 10)
    assert risk.small == [SmallClass({"sex": "M", "age_band": "40-44"}, 10)]


def test_a_patient_may_be_in_several_classes(tmp_path: Path) -> None:
    people = crowd(3, "F", 41)
    both = [(patient, sex, age, "MR") for patient, sex, age, _ in people[:1]]
    risk = assess(manifest(tmp_path, people + both), ["modality"], k=2)
    assert [one.values for one in risk.small] == [{"modality": "MR"}]


@pytest.mark.parametrize(
    ("age", "band"),
    [
        *(("041Y", "40-44"), ("006M", "0-4"), ("013W", "0-4"), ("090Y", "90+"), ("089Y", "85-89")),
        *(("", ""), ("old", "")),
    ],
)
def test_ages_are_put_into_bands(tmp_path: Path, age: str, band: str) -> None:
    risk = assess(manifest(tmp_path, [("A", "F", age, "CT")]), ["age_band"], k=2)
    assert risk.small[0].values == {"age_band": band}


def test_the_fewest_steps_that_lift_all_classes_are_found(tmp_path: Path) -> None:
    people = crowd(6, "F", 41) + crowd(5, "F", 46) + crowd(6, "M", 41) + crowd(5, "M", 46)
    risk = assess(manifest(tmp_path, people), ["sex", "age_band"], k=11)
    assert [remedy.steps for remedy in risk.remedies] == [["age in bands of 10 years"]]
    assert risk.remedies[0].classes == 2
    alone = {tuple(remedy.steps): remedy.small_classes for remedy in risk.single}
    assert alone[("leave sex out",)] == 1
    assert alone[("age in bands of 10 years",)] == 0


def test_a_crowd_that_is_too_small_cannot_be_lifted(tmp_path: Path) -> None:
    risk = assess(manifest(tmp_path, crowd(3, "F", 41)), ["sex", "modality"], k=11)
    assert risk.remedies == []
    assert risk.small_patients == 3


def test_what_has_no_output_does_not_count(tmp_path: Path) -> None:
    risk = assess(manifest(tmp_path, crowd(3, "F", 41), "quarantined"), ["sex"], k=11)
    assert (risk.patients, risk.classes) == (0, 0)


def test_a_table_beside_the_manifest_adds_characteristics(tmp_path: Path) -> None:
    people = crowd(4, "F", 41)
    sites = write_parquet(
        tmp_path, "sites.parquet", patient=[one[0] for one in people[:3]], site=["A", "A", "B"]
    )
    risk = assess(manifest(tmp_path, people), ["site", "sex"], k=2, table=sites)
    assert [(one.values["site"], one.patients) for one in risk.small] == [("", 1), ("B", 1)]


def test_without_a_table_of_sites_all_patients_are_of_one(tmp_path: Path) -> None:
    risk = assess(manifest(tmp_path, crowd(3, "F", 41)), ["sex", "site"], k=2)
    assert (risk.by, risk.one_value, risk.small_classes) == (["sex"], ["site"], 0)


@pytest.mark.parametrize("by", [[], ["sex", "sex"], ["shoe_size"], ["site"]])
def test_an_unknown_characteristic_is_refused(tmp_path: Path, by: list[str]) -> None:
    with pytest.raises(UsageError):
        assess(manifest(tmp_path, crowd(1, "F", 41)), by, k=2)


def test_risk_is_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = manifest(tmp_path, crowd(3, "F", 41) + crowd(12, "M", 41))
    options = ["--k", "11", "--by", "sex,age_band"]
    assert run_main(monkeypatch, "manifest", "risk", tmp_path, *options) == 0
    said = capsys.readouterr().out
    assert "sex=F, age_band=40-44" in said
    assert "leave sex out" in said
    assert run_main(monkeypatch, "manifest", "risk", path, *options, "--json") == 0
    assert json.loads(capsys.readouterr().out)["small_patients"] == 3
