"""Whole runs over the corpus: everything that identifies is gone, everything clinical is there."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.corpus.finished import CASTS, finished, paired, require, score
from tests.corpus.scoring import Score
from tests.corpus.searching import fold, people_words
from tests.judges import dciodvfy_errors

PROFILES = ("basic", "research", "everything")


@pytest.fixture(params=[f"{name}-{profile}" for name in CASTS for profile in PROFILES])
def run(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return corpus and profile of a run; the test is skipped where the profile is not there."""
    name, profile = request.param.split("-")
    require(profile)
    return name, profile


@pytest.fixture
def result(run: tuple[str, str]) -> Score:
    """Return the score of a run."""
    return score(*run)


def test_everything_that_identifies_is_gone(result: Score) -> None:
    assert result.missed("removed") == []
    assert sum(result.required[one] for one in result.required if one.startswith("removed")) > 1000


def test_everything_that_may_stay_is_as_it_was(result: Score) -> None:
    assert result.missed("kept") == []
    assert result.missed("required type 1") == []
    assert sum(result.required[one] for one in result.required if one.startswith("kept")) > 500


def test_uids_dates_references_and_markers_are_right(result: Score) -> None:
    assert result.findings == []


def test_no_name_of_a_file_and_no_table_for_research_identifies(run: tuple[str, str]) -> None:
    target, _ = finished(*run)
    paths = [str(path.relative_to(target)) for path in target.rglob("*")]
    manifest = str(pq.read_table(target / "manifest.parquet").to_pylist())
    folded = fold(" ".join((*paths, manifest)))
    for person in CASTS[run[0]]:
        for word in people_words(person):
            # What is shorter stands in pseudonyms by chance.
            assert len(word) < 5 or fold(word) not in folded
        assert person.patient_id.lstrip("0").lower() not in folded


def test_no_object_has_a_new_error_of_dciodvfy(run: tuple[str, str], tmp_path: Path) -> None:
    seen: set[str] = set()
    for pair in paired(*run):
        if pair.verdict != "ok":
            continue
        kind = str(pair.data_set.SOPClassUID)
        if kind in seen:
            continue
        seen.add(kind)
        source, output = tmp_path / "source", tmp_path / "output"
        source.write_bytes(pair.file.data)
        output.write_bytes(pair.output)
        new = dciodvfy_errors(output) - dciodvfy_errors(source)
        assert new == {}, (pair.file.answers.source, new)


def uptake_factor(data_set: Dataset) -> float:
    """Return what turns Bq/ml into a standardised uptake value by body weight, g/Bq."""
    dose = data_set.RadiopharmaceuticalInformationSequence[0]
    injected = dt.datetime.strptime(  # noqa: DTZ007 - both moments are local
        dose.RadiopharmaceuticalStartDateTime[:14], "%Y%m%d%H%M%S"
    )
    scanned = dt.datetime.strptime(  # noqa: DTZ007
        data_set.SeriesDate + data_set.SeriesTime, "%Y%m%d%H%M%S"
    )
    seconds = (scanned - injected).total_seconds()
    left = float(dose.RadionuclideTotalDose) * 2 ** -(seconds / float(dose.RadionuclideHalfLife))
    return float(data_set.PatientWeight) * 1000 / left


@pytest.mark.parametrize("profile", ["research", "everything"])
def test_uptake_in_pet_is_computed_from_outputs_as_from_inputs(profile: str) -> None:
    require(profile)
    pairs = [pair for pair in paired("archive", profile) if pair.verdict == "ok"]
    images = [pair for pair in pairs if pair.data_set.Modality == "PT"]
    assert len(images) >= 6
    for pair in images:
        source = pydicom.dcmread(io.BytesIO(pair.file.data))
        assert uptake_factor(pair.data_set) == uptake_factor(source)
        assert pair.data_set.SeriesDate != source.SeriesDate


@pytest.mark.parametrize("profile", ["research", "everything"])
def test_a_siemens_header_keeps_its_physics_and_loses_its_patient(profile: str) -> None:
    require(profile)
    headers = []
    for pair in paired("archive", profile):
        if pair.file.answers.patient == "aubigne" and pair.data_set.Modality == "MR":
            block = pair.data_set.private_block(0x0029, "SIEMENS CSA HEADER")
            headers.append((block[0x10].value, block[0x20].value))
    assert len(headers) >= 4
    for image, series in headers:
        assert b"B_value" in image
        assert b"1000" in image
        assert b"1250.0" in image
        assert b"Aubign" not in image + series
        assert b"IPP80012345" not in image + series


@pytest.mark.parametrize("profile", ["research", "everything"])
def test_seconds_since_1970_move_with_the_dates_or_go(profile: str) -> None:
    require(profile)
    seen = 0
    for pair in paired("archive", profile):
        path = "(0009,GEMS_IDEN_01,27)"
        if pair.output and path in pair.source_places:
            seen += 1
            if path in pair.places:
                moved = pair.places[path].element.value - pair.source_places[path].element.value
                days = pair.source_places["StudyDate"], pair.places["StudyDate"]
                first, second = (dt.date.fromisoformat(one.element.value) for one in days)
                assert moved == (second - first).days * 86400
    assert seen >= 2
