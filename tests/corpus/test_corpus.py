"""The corpus is what its key says: before a run, everything stands where the key says."""

from __future__ import annotations

import io

import pydicom
import pytest

from tests.corpus import archive
from tests.corpus.answers import File
from tests.corpus.finished import BUILDERS, corpus
from tests.corpus.outputs import Pair
from tests.corpus.searching import raw_hits, text_hits
from tests.corpus.table import text_rows

NAMES = sorted(BUILDERS)


def pair_with_itself(file: File) -> Pair:
    """Return a file as if it had been published as it is."""
    return Pair(file, "ok", "", file.data)


def dicom_files(name: str) -> list[File]:
    return [file for file in corpus(name) if file.answers.verdict == "ok"]


def test_the_same_seed_makes_the_same_files_and_another_one_others() -> None:
    one, again = (archive.build(cast=archive.CAST[6:8]) for _ in range(2))
    assert [file.data for file in one] == [file.data for file in again]
    other = archive.build(seed=1, cast=archive.CAST[6:8])
    images = [
        {file.data for file in files if file.answers.verdict == "ok"} for files in (one, other)
    ]
    assert not images[0] & images[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_planted_string_stands_in_its_file(name: str) -> None:
    missing = []
    for file in dicom_files(name):
        pair = pair_with_itself(file)
        values = {one.value for one in file.answers.planted}
        found = {needle for _, needle in text_hits(pair, values)} | raw_hits(pair, values)
        missing += [one for one in file.answers.planted if one.value not in found]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_clinical_phrase_stands_in_its_element(name: str) -> None:
    for file in dicom_files(name):
        places = pair_with_itself(file).source_places
        for path, phrase in file.answers.kept:
            assert phrase in str(places[path].element.value), path


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_the_archive_is_its_own(name: str) -> None:
    paths = [file.path for file in corpus(name)]
    assert len(set(paths)) == len(paths)


def test_it_has_the_objects_and_the_writing_of_real_archives() -> None:
    data_sets = [pydicom.dcmread(io.BytesIO(file.data)) for file in dicom_files("archive")]
    patients = {str(one.PatientName) for one in data_sets}
    assert len(patients) >= 8
    for patient in patients:
        studies = {one.StudyInstanceUID for one in data_sets if str(one.PatientName) == patient}
        assert len(studies) >= 2
    modalities = {str(one.Modality) for one in data_sets}
    assert modalities >= set(
        "CT PT MR US MG DX OT SR KO PR SEG RTSTRUCT RTPLAN RTDOSE ECG DOC".split()
    )
    charsets = {str(one.get("SpecificCharacterSet", "")) for one in data_sets}
    assert len(charsets) == 7
    assert len({str(one.file_meta.TransferSyntaxUID) for one in data_sets}) == 5
    assert sum(len(file.data) for file in corpus("archive")) < 1_000_000


def test_every_row_of_the_table_that_holds_a_value_is_planted() -> None:
    present: set[int] = set()
    for file in dicom_files("archive"):
        for place in pair_with_itself(file).source_places.values():
            present.update(place.chain)
    unplanted = {"OB", "OW", "UN", "DS", "IS", "CS", "US", "FD", "FL"}
    wanted = {row.tag for row, vr in text_rows() if not set(vr.split(" or ")) & unplanted}
    assert wanted - present == set()
