"""One normalisation of identifiers: what a table writes and what DICOM writes meet in one code."""

from __future__ import annotations

import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.errors import UsageError
from fastdeid.identifiers import normalise
from fastdeid.linkage.codes import Spelling
from fastdeid.pseudonyms import Pseudonyms
from tests import builders as b
from tests.linkage.tables import KEY, PSEUDONYMS, linked, write_csv, write_parquet
from tests.runs import ct_image, deidentify

_TEXTS = st.text(max_size=12)


@pytest.mark.parametrize(
    "written", ["0012", " 0012", "0012 ", "\t0012\r", "0012\0", "\u00a00012", "0012\u3000"]
)
def test_white_space_and_nul_around_an_identifier_do_not_count(written: str) -> None:
    assert normalise(written) == "0012"
    assert PSEUDONYMS.patient(written, "") == PSEUDONYMS.patient("0012", "")


@pytest.mark.parametrize(
    "other", ["12", "00 12", "0012.0", "\uff10\uff10\uff11\uff12", "0012a", "00-12"]
)
def test_everything_else_counts(other: str) -> None:
    assert PSEUDONYMS.patient(other, "") != PSEUDONYMS.patient("0012", "")


def test_a_table_and_a_file_give_the_same_patient_and_accession_number(tmp_path: Path) -> None:
    done = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080050, "SH", "ACC 7"),
                b.text(0x00100020, "LO", " 00471"),
                b.text(0x00100021, "LO", "CLINIC "),
            )
        ),
    )
    table = write_csv(tmp_path, "mrn,site,acc\n00471 ,CLINIC,ACC 7 \n")
    (row,) = linked(table, issuer_column="site", accession="acc").rows
    assert row["patient"] == done.data_set.PatientID
    assert row["accession_number"] == done.data_set.AccessionNumber


def test_leading_zeros_of_a_csv_file_survive(tmp_path: Path) -> None:
    made = linked(write_csv(tmp_path, "mrn,x\n007,1\n7,2\n"), keep=("x",))
    assert [row["x"] for row in made.of("007")] == ["1"]
    assert [row["x"] for row in made.of("7")] == ["2"]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([12, None], pa.int64()),
        pa.array([12, None], pa.uint16()),
        pa.array([12.0, None], pa.float64()),
        pa.array([12.0, None], pa.float32()),
        pa.array([decimal.Decimal("12.00"), None], pa.decimal128(9, 2)),
        pa.array(["12", ""], pa.large_string()),
        pa.array(["12", " "], pa.string_view()),
        pa.array(["12", None]).dictionary_encode(),
        pa.array([12, None], pa.int32()).dictionary_encode(),
    ],
    ids=lambda ids: str(ids.type),
)
def test_numbers_become_digits(tmp_path: Path, ids: Any) -> None:
    made = linked(write_parquet(tmp_path, mrn=ids))
    assert len(made.of("12")) == 1
    assert made.linked.without_patient == 1


@pytest.mark.parametrize("number", [1.5, float("nan"), float("inf"), 2.0**60, -0.5])
def test_a_number_that_is_no_identifier_has_no_patient(tmp_path: Path, number: float) -> None:
    table = write_parquet(tmp_path, mrn=[number], d=["2024-01-01"])
    made = linked(table, dates=("d",))
    assert made.rows == [{"patient": None, "d": None}]
    assert (made.linked.without_patient, made.linked.dates["d"].without_patient) == (1, 1)


@pytest.mark.parametrize(
    "ids", [[True], [b"12"], [["12"]], [{"a": "12"}]], ids=["bool", "binary", "list", "struct"]
)
def test_a_column_of_another_type_is_refused(tmp_path: Path, ids: list[Any]) -> None:
    with pytest.raises(UsageError, match="'mrn' holds no identifiers"):
        linked(write_parquet(tmp_path, mrn=ids))
    assert [path.name for path in tmp_path.iterdir()] == ["table.parquet"]


def test_lost_zeros_and_added_fractions_are_repaired_on_demand(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn\n12.0\n12\nA1\n")
    made = linked(table, spelling=Spelling(width=6, whole_numbers=True))
    assert len(made.of("000012")) == 2
    assert len(made.of("A1")) == 1


def test_each_row_has_its_own_issuer(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,site,x\n1,A,1\n1,B,2\n1,,3\n,B,4\n1, A ,5\n")
    made = linked(table, issuer_column="site", keep=("x",))
    assert [row["x"] for row in made.of("1", "A")] == ["1", "5"]
    assert [row["x"] for row in made.of("1", "B")] == ["2"]
    assert [row["x"] for row in made.of("1", "")] == ["3"]
    assert [row["x"] for row in made.rows if row["patient"] is None] == ["4"]


def test_one_issuer_may_hold_for_all_rows(tmp_path: Path) -> None:
    assert len(linked(write_csv(tmp_path, "mrn\n1\n"), issuer=" A").of("1", "A")) == 1


def test_uids_are_mapped_by_value_and_those_of_the_standard_stay(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,study,class\n1,1.2.3 ,1.2.840.10008.5.1.4.1.1.2\n1,,\n")
    made = linked(table, uids=("study", "class"))
    assert [row["study"] for row in made.rows] == [PSEUDONYMS.uid(b"1.2.3").decode(), None]
    assert [row["class"] for row in made.rows] == ["1.2.840.10008.5.1.4.1.1.2", None]


@given(st.lists(st.tuples(_TEXTS.filter(normalise), _TEXTS), max_size=20))
def test_many_at_once_are_the_same_as_one_by_one(identities: list[tuple[str, str]]) -> None:
    pseudonyms = Pseudonyms(KEY)
    # In normal form, as every column of identifiers is.
    identities = [(normalise(identifier), normalise(issuer)) for identifier, issuer in identities]
    codes = pseudonyms.patients(identities)
    assert list(codes) == [pseudonyms.patient(*identity) for identity in identities]
    texts = [identifier for identifier, _ in identities]
    assert list(pseudonyms.accessions(texts)) == [pseudonyms.accession(text) for text in texts]
    offsets = pseudonyms.date_offsets(texts)
    assert list(offsets) == [pseudonyms.date_offset(text) for text in texts]
