"""The site's own pseudonyms: used as they stand, checked before, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.crosswalk import CrosswalkPseudonyms, read_crosswalk
from fastdeid.deidentify import Deidentifier
from fastdeid.errors import DicomError, InputError, UsageError
from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.linkage.tables import KEY, PSEUDONYMS, linked, write_csv, write_parquet
from tests.runs import basic_profile, ct_image


def crosswalk(folder: Path, text: str, *, shared_subjects: bool = False) -> CrosswalkPseudonyms:
    """Return the pseudonyms of a crosswalk in CSV."""
    path = write_csv(folder, text, "crosswalk.csv")
    return CrosswalkPseudonyms(KEY, read_crosswalk(path, shared_subjects=shared_subjects))


def test_subjects_and_offsets_are_those_of_the_site(tmp_path: Path) -> None:
    text = "original_id,subject_id,date_offset\n 0012 ,SUB-1,-40\n0013,SUB-2,-5\n"
    pseudonyms = crosswalk(tmp_path, text)
    assert pseudonyms.patient("0012 ", "ANY") == "SUB-1"
    assert (pseudonyms.date_offset("SUB-1"), pseudonyms.date_offset("SUB-2")) == (-40, -5)
    assert pseudonyms.uid(b"1.2.3") == PSEUDONYMS.uid(b"1.2.3")


def test_without_offsets_they_come_from_key_and_subject(tmp_path: Path) -> None:
    pseudonyms = crosswalk(tmp_path, "original_id,subject_id\n1,SUB-1\n")
    assert pseudonyms.date_offset("SUB-1") == PSEUDONYMS.date_offset("SUB-1")


def test_with_issuers_both_must_match(tmp_path: Path) -> None:
    text = "original_id,issuer,subject_id\n1,A,SUB-1\n1,B,SUB-2\n"
    pseudonyms = crosswalk(tmp_path, text)
    assert [pseudonyms.patient("1", issuer) for issuer in ("A", " B ")] == ["SUB-1", "SUB-2"]
    with pytest.raises(DicomError, match="not_in_crosswalk"):
        pseudonyms.patient("1", "")


@pytest.mark.parametrize("patient_id", ["2", "", "01", "SUB-1"])
def test_who_is_missing_has_no_pseudonym(tmp_path: Path, patient_id: str) -> None:
    pseudonyms = crosswalk(tmp_path, "original_id,subject_id\n1,SUB-1\n")
    with pytest.raises(DicomError, match=r"not_in_crosswalk in \(0010,0020\)"):
        pseudonyms.patient(patient_id, "", "Doe^Jane", "19600101", "1.2.3")
    assert list(pseudonyms.patients([(patient_id, ""), ("1", "")])) == [None, "SUB-1"]


def test_numbers_of_parquet_are_ids(tmp_path: Path) -> None:
    path = write_parquet(tmp_path, original_id=[12, 13], subject_id=["A", "B"], date_offset=[-1, 2])
    pseudonyms = CrosswalkPseudonyms(KEY, read_crosswalk(path))
    assert (pseudonyms.patient("12", ""), pseudonyms.date_offset("B")) == ("A", 2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,A,-1\n1,A,-1\n", "repeat an original ID: 2"),
        ("1,A,-1\n 1 ,A,-1\n", "repeat an original ID: 2"),
        ("1,A,-1\n2,C,-1\n1,B,-1\n", "different subjects: 1, 3"),
        ("1,A,-1\n2,A,-1\n", "share a subject ID"),
        (",A,-1\n", "no original ID: 1"),
        ("1,,-1\n", "not 1 to 64"),
        ("1,../x,-1\n", "not 1 to 64"),
        ("1,Doe^Jane,-1\n", "not 1 to 64"),
        ("1,.hidden,-1\n", "not 1 to 64"),
        (f"1,{'A' * 65},-1\n", "not 1 to 64"),
        ("1,2,-1\n2,B,-1\n", "an original ID too: 1"),
        ("1,A,0\n", "offset of 0 days"),
        ("1,A,99999\n", "over a century"),
        ("1,A,\n", "no date offset in whole days: 1"),
        ("1,A,-1.5\n", "no date offset in whole days"),
    ],
)
def test_duplicates_conflicts_and_unsafe_subjects_are_refused(
    tmp_path: Path, rows: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        crosswalk(tmp_path, "original_id,subject_id,date_offset\n" + rows)
    assert "Doe" not in str(refused.value)


def test_subjects_are_shared_on_demand_with_one_offset(tmp_path: Path) -> None:
    head = "original_id,subject_id,date_offset\n"
    pseudonyms = crosswalk(tmp_path, head + "1,A,-1\n2,A,-1\n", shared_subjects=True)
    assert list(pseudonyms.patients([("1", ""), ("2", "")])) == ["A", "A"]
    with pytest.raises(UsageError, match="different date offsets: 2"):
        crosswalk(tmp_path, head + "1,A,-1\n2,A,-2\n", shared_subjects=True)


@pytest.mark.parametrize("head", ["mrn,subject", "original_id,subject_id,name", "original_id", ""])
def test_columns_are_named_exactly(tmp_path: Path, head: str) -> None:
    with pytest.raises(UsageError, match="a crosswalk has"):
        crosswalk(tmp_path, head + "\n1,A,Doe^Jane\n")


def test_a_missing_crosswalk_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such table"):
        read_crosswalk(tmp_path / "none.csv")


def test_two_crosswalks_have_two_digests(tmp_path: Path) -> None:
    head = "original_id,subject_id\n"
    texts = ["1,A\n2,B\n", "2,B\n1,A\n", "1,B\n2,A\n", "1,A\n3,B\n"]
    digests = [crosswalk(tmp_path, head + text).crosswalk.digest for text in texts]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_rows_of_missing_patients_are_left_out_of_a_table(tmp_path: Path) -> None:
    pseudonyms = crosswalk(tmp_path, "original_id,subject_id,date_offset\n1,SUB-1,-1\n")
    table = write_csv(tmp_path, "mrn,d\n1,2024-03-01\n2,2024-03-01\n,2024-03-01\n")
    listing = tmp_path / "unmatched.csv"
    made = linked(table, dates=("d",), pseudonyms=pseudonyms, listing=listing)
    assert made.rows == [{"patient": "SUB-1", "d": "2024-02-29"}]
    assert (made.linked.rows, made.linked.left_out, made.linked.exit_code) == (3, 2, 3)
    assert listing.read_text().splitlines()[1:] == ["3,no_patient_id,,,", "2,not_in_crosswalk,2,,"]


def test_files_of_missing_patients_are_quarantined(tmp_path: Path) -> None:
    pseudonyms = crosswalk(tmp_path, "original_id,subject_id\nMRN-4711,SUB-1\n")
    deidentifier = Deidentifier(basic_profile(), pseudonyms, tmp_path / "out")
    known, unknown = tmp_path / "known.dcm", tmp_path / "unknown.dcm"
    known.write_bytes(b.part10(ct_image()))
    unknown.write_bytes(b.part10(ct_image(b.text(0x00100020, "LO", "OTHER"))))
    done = deidentifier.process(bytes(known))
    assert (done.verdict, done.pseudonyms[0]) == (Verdict.OK, "SUB-1")
    assert done.path.startswith("SUB-1/")
    refused = deidentifier.process(bytes(unknown))
    assert (refused.verdict, refused.reason) == (Verdict.QUARANTINED, "not_in_crosswalk")
