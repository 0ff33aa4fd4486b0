"""Exports hold what the outputs hold, in the form that the other system asks for."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest

from fastdeid.errors import FastdeidError, InputError, KeyFileError, UsageError
from fastdeid.exports.fhir import export_fhir, imaging_study
from fastdeid.exports.kos import export_kos
from fastdeid.exports.omop import Concepts, export_omop, read_concepts, read_persons
from fastdeid.exports.pairs import export_pairs
from fastdeid.exports.studies import Instance, Series, Study, read_studies
from fastdeid.link_table import open_link_table
from tests.cli.test_commands import run_main
from tests.judges import dciodvfy_errors, dcmdump_accepts
from tests.linkage.released import PATIENTS, Released, code
from tests.linkage.tables import PSEUDONYMS, write_csv, write_parquet

STUDY = Study(
    patient="SUB_1",
    sex="F",
    uid="2.25.1",
    accession_number="A1",
    date="20240301",
    profile="basic 1",
    series=[
        Series(
            uid="2.25.2",
            number=-1,
            modality="",
            body_part="",
            folder="a/b",
            instances=[Instance("2.25.3", "1.2.840.10008.5.1.4.1.1.9.1.1", None, is_image=False)],
        )
    ],
)


def test_studies_are_those_of_the_outputs(released: Released) -> None:
    studies = list(read_studies(released.target))
    listed = Counter(
        (study.patient, study.uid, series.uid, instance.uid)
        for study in studies
        for series in study.series
        for instance in series.instances
    )
    assert listed == Counter(
        (one.PatientID, one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
        for one in released.outputs
    )
    numbers = [[one.number for one in study.series[0].instances] for study in studies]
    assert sorted(numbers) == [[1]] * 3 + [[1, 2, 3]] * 3


def test_a_missing_or_foreign_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such manifest"):
        list(read_studies(tmp_path))
    with pytest.raises(InputError, match="another version"):
        list(read_studies(write_parquet(tmp_path, patient=["Doe"])))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_studies(write_csv(tmp_path, "Doe")))


# FHIR ----------------------------------------------------------------------------------------


def test_every_line_is_an_imaging_study_of_fhir(tmp_path: Path, released: Released) -> None:
    imagingstudy = pytest.importorskip("fhir.resources.R4B.imagingstudy")
    out = tmp_path / "studies.ndjson"
    assert export_fhir(released.target, out) == 6
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line in [*lines, imaging_study(STUDY)]:
        imagingstudy.ImagingStudy.model_validate(line)
    assert {line["subject"]["reference"] for line in lines} == {
        f"Patient/{code(patient)}" for patient in PATIENTS
    }
    assert sorted(line["numberOfInstances"] for line in lines) == [1, 1, 1, 3, 3, 3]


def test_what_fhir_cannot_say_is_left_out() -> None:
    resource = imaging_study(STUDY)
    assert resource["started"] == "2024-03-01"
    assert resource["subject"] == {"identifier": {"value": "SUB_1"}}
    (series,) = resource["series"]
    assert "number" not in series
    assert series["modality"]["code"] == "OT"


# OMOP ----------------------------------------------------------------------------------------


def test_series_become_rows_of_image_occurrence(tmp_path: Path, released: Released) -> None:
    persons = read_persons(
        write_csv(tmp_path, "original_id,issuer,person_id\n0011,CLINIC,7\n 0012,CLINIC,8\n"),
        PSEUDONYMS,
    )
    out = tmp_path / "image_occurrence.parquet"
    done = export_omop(
        released.target,
        out,
        persons=persons,
        concepts=Concepts(modalities={"CT": 11}, body_parts={"CHEST": 22}),
        wado_root="https://example.org/wado/",
        missing_date=dt.date(1900, 1, 1),
    )
    assert (done.rows, done.without_person, done.without_date, done.exit_code) == (4, 2, 0, 3)
    rows = pq.read_table(out).to_pylist()
    assert Counter(row["person_id"] for row in rows) == {7: 2, 8: 2}
    assert [row["image_occurrence_id"] for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert row["modality_concept_id"] == 11
        assert row["wadors_uri"].endswith(
            f"/{row['image_study_uid']}/series/{row['image_series_uid']}"
        )
        assert (released.target / row["local_path"]).is_dir()


def test_studies_without_a_date_have_no_row_unless_one_is_given(
    tmp_path: Path, released: Released
) -> None:
    persons = {code(patient): 1 for patient in PATIENTS}
    done = export_omop(released.target, tmp_path / "o.csv", persons=persons)
    dates = {study.date for study in read_studies(released.target)}
    assert (done.rows, done.without_date) == ((0, 6) if dates == {""} else (6, 0))
    head = (tmp_path / "o.csv").read_text().splitlines()[0]
    assert head.replace('"', "").split(",")[:3] == [
        "image_occurrence_id",
        "person_id",
        "procedure_occurrence_id",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("patient,person\nA,1\n", UsageError),
        ("patient,original_id,person_id\nA,B,1\n", UsageError),
        ("patient,person_id\nA,x\n", UsageError),
        ("patient,person_id\n,1\n", UsageError),
        ("patient,person_id\nA,1\nA,2\n", UsageError),
        ("original_id,person_id\nA,1\n", KeyFileError),
    ],
)
def test_a_wrong_person_map_is_refused(
    tmp_path: Path, text: str, error: type[FastdeidError]
) -> None:
    with pytest.raises(error):
        read_persons(write_csv(tmp_path, text))


def test_concepts_and_procedures_come_from_tables(tmp_path: Path) -> None:
    codes = write_csv(tmp_path, "code,concept_id\nCT,4\n", "codes.csv")
    text = "accession_number,procedure_occurrence_id,visit_occurrence_id\nA,5,\nB,6,7\n"
    concepts = read_concepts(codes, None, write_csv(tmp_path, text))
    assert concepts == Concepts({"CT": 4}, {}, {"A": (5, None), "B": (6, 7)})


# Key objects ---------------------------------------------------------------------------------


def test_manifests_are_valid_and_list_every_instance(tmp_path: Path, released: Released) -> None:
    assert export_kos(released.target, tmp_path / "kos") == 6
    paths = sorted((tmp_path / "kos").rglob("*.dcm"))
    listed: set[tuple[str, str, str]] = set()
    for path in paths:
        made = pydicom.dcmread(path)
        assert path == tmp_path / "kos" / made.PatientID / f"{made.StudyInstanceUID}.dcm"
        (evidence,) = made.CurrentRequestedProcedureEvidenceSequence
        inner = {
            (evidence.StudyInstanceUID, series.SeriesInstanceUID, one.ReferencedSOPInstanceUID)
            for series in evidence.ReferencedSeriesSequence
            for one in series.ReferencedSOPSequence
        }
        content = {
            one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in made.ContentSequence
        }
        assert content == {uid for _, _, uid in inner}
        listed |= inner
    assert listed == {
        (one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
        for one in released.outputs
    }
    again = tmp_path / "again"
    export_kos(released.target, again)
    assert [path.read_bytes() for path in sorted(again.rglob("*.dcm"))] == [
        path.read_bytes() for path in paths
    ]
    assert dcmdump_accepts(paths[0])
    assert not dciodvfy_errors(paths[0])


# Pairs ---------------------------------------------------------------------------------------


def test_pairs_hold_every_patient_and_uid(tmp_path: Path, released: Released) -> None:
    table = open_link_table(released.link_table, released.key)
    assert export_pairs(table, tmp_path / "pairs") == {"patients.csv": 3, "uids.csv": 24}
    with (tmp_path / "pairs" / "patients.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["id_old", "id_new"], *([patient, code(patient)] for patient in PATIENTS)]
    with (tmp_path / "pairs" / "uids.csv").open(newline="") as file:
        uids = list(csv.reader(file))[1:]
    assert all(PSEUDONYMS.uid(old.encode()).decode() == new for old, new in uids)
    for name in ("patients.csv", "uids.csv"):
        assert (tmp_path / "pairs" / name).stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="exists"):
        export_pairs(table, tmp_path / "pairs")


def test_every_export_is_a_command(
    tmp_path: Path,
    released: Released,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = released.target
    key: list[str | Path] = ["--key", released.key]
    persons = write_csv(tmp_path, "original_id,issuer,person_id\n0011,CLINIC,7\n")
    omop: list[str | Path] = ["--persons", persons, *key, "--out", tmp_path / "o.parquet"]
    dated = ["--missing-date", "1900-01-01"]
    assert run_main(monkeypatch, "export", "omop", target, *omop, *dated) == 3
    assert "patient without person" in capsys.readouterr().out
    assert run_main(monkeypatch, "export", "fhir", target, "--out", tmp_path / "f.ndjson") == 0
    assert run_main(monkeypatch, "export", "kos", target, "--out", tmp_path / "kos") == 0
    pairs: list[str | Path] = ["--link-table", released.link_table, "--out", tmp_path / "pairs"]
    assert run_main(monkeypatch, "export", "pairs", *pairs) == 8
    assert run_main(monkeypatch, "export", "pairs", *pairs, *key) == 0


def test_an_export_of_several_files_is_there_whole_or_not_at_all(
    released: Released, tmp_path: Path
) -> None:
    first = export_kos(released.target, tmp_path / "kos")
    some = sorted((tmp_path / "kos").rglob("*.dcm"))
    assert first == len(some) > 2
    some[1].rename(tmp_path / "kept")
    for path in (some[0], *some[2:]):
        path.unlink()
    # What stands in the way is met after other files have been written, or before.
    some[1].write_bytes(b"in the way")
    with pytest.raises(UsageError):
        export_kos(released.target, tmp_path / "kos")
    assert list((tmp_path / "kos").rglob("*.dcm")) == [some[1]]
    link_table = open_link_table(released.link_table, released.key)
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "uids.csv").write_bytes(b"in the way")
    with pytest.raises(UsageError):
        export_pairs(link_table, tmp_path / "pairs")
    assert [path.name for path in (tmp_path / "pairs").iterdir()] == ["uids.csv"]
