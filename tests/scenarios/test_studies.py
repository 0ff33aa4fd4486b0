"""One study of two series, one patient and others: which pseudonyms agree, which differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.studies import FRAME_OF_REFERENCE, deidentify, image, instance


def test_a_study_of_two_series_stays_one_study_of_two_series(tmp_path: Path) -> None:
    outputs = deidentify(
        tmp_path, [image(series, number) for series in (1, 2) for number in (1, 2)]
    )
    data_sets = [data_set for _, data_set in outputs]
    assert len({data_set.StudyInstanceUID for data_set in data_sets}) == 1
    assert [data_set.SeriesInstanceUID for data_set in data_sets[::2]] == [
        data_set.SeriesInstanceUID for data_set in data_sets[1::2]
    ]
    assert len({data_set.SeriesInstanceUID for data_set in data_sets}) == 2
    assert len({data_set.SOPInstanceUID for data_set in data_sets}) == 4
    assert {data_set.FrameOfReferenceUID for data_set in data_sets} != {FRAME_OF_REFERENCE}
    assert len({data_set.FrameOfReferenceUID for data_set in data_sets}) == 1
    assert len({data_set.AccessionNumber for data_set in data_sets}) == 1
    folders = {outcome.path.rpartition("/")[0] for outcome, _ in outputs}
    assert len(folders) == 2
    assert {folder.rpartition("/")[0] for folder in folders} == {
        f"{data_sets[0].PatientID}/{data_sets[0].StudyInstanceUID}"
    }
    for number, data_set in enumerate(data_sets):
        assert data_set.InstanceNumber == number % 2 + 1
        assert data_set.ImagePositionPatient == [0, 0, number % 2 + 1]


def test_two_files_of_one_patient_have_one_code_and_two_patients_have_two(tmp_path: Path) -> None:
    first, second, other = image(1, 1), image(1, 2), image(1, 3)
    second.PatientID = "ZQ-5551237 "  # padding, and another spelling of the name
    second.PatientName = "PRZYBYLSKA^W"
    other.PatientID = "ZQ-5551238"
    codes = [data_set.PatientID for _, data_set in deidentify(tmp_path, [first, second, other])]
    assert codes[0] == codes[1] != codes[2]
    assert all(len(code) == 16 for code in codes)


def test_the_same_id_of_two_issuers_is_two_patients(tmp_path: Path) -> None:
    north, south = image(1, 1), image(1, 2)
    north.IssuerOfPatientID, south.IssuerOfPatientID = "North", "South"
    (_, first), (_, second) = deidentify(tmp_path, [north, south])
    assert first.PatientID != second.PatientID
    assert "IssuerOfPatientID" not in first


def test_without_an_id_name_and_birth_date_make_the_patient_then_the_study(tmp_path: Path) -> None:
    images = [image(1, number) for number in range(6)]
    for one in images:
        one.PatientID = ""
    images[2].PatientBirthDate = "19431108"
    images[3].PatientName = images[4].PatientName = images[5].PatientName = ""
    images[5].StudyInstanceUID = "1.2.3.99"
    outcomes = [outcome for outcome, _ in deidentify(tmp_path, images)]
    patients = [outcome.pseudonyms[0] for outcome in outcomes]
    assert patients[0] == patients[1]
    assert patients[3] == patients[4]
    assert len(set(patients)) == 4
    assert all(outcome.path.startswith(outcome.pseudonyms[0] + "/") for outcome in outcomes)


def test_nested_patients_have_the_code_of_the_file_and_their_names_are_gone(tmp_path: Path) -> None:
    one = image(1, 1)
    other = image(9, 9)
    one.ReferencedPatientSequence = [other]
    one.SourcePatientGroupIdentificationSequence = [other]
    one.add_new(0x00081115, "SQ", [other])
    ((_, output),) = deidentify(tmp_path, [one])
    assert output.ReferencedSeriesSequence[0].PatientID == output.PatientID
    assert output.ReferencedSeriesSequence[0].StudyInstanceUID == output.StudyInstanceUID
    assert "Przybylska" not in str(output)


def test_instances_without_a_patient_or_a_study_get_a_path_all_the_same(tmp_path: Path) -> None:
    palette = instance("1.2.840.10008.5.1.4.39.1", 1, 1, "OT")  # Color Palette Storage
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID"):
        del palette[keyword]
    ((outcome, _),) = deidentify(tmp_path, [palette])
    patient, study, series, name = outcome.path.split("/")
    assert (study, series) == ("none", "none")
    assert len(patient) == 16
    assert name.startswith("2.25.")


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName", "AccessionNumber"])
def test_an_empty_value_stays_empty(tmp_path: Path, keyword: str) -> None:
    one = image(1, 1)
    one[keyword].value = ""
    ((_, output),) = deidentify(tmp_path, [one])
    assert output[keyword].value == ""
