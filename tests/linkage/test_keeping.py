"""Kept columns pass as they are, but for the row's own identifiers and for dates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fastdeid.errors import UsageError
from fastdeid.linkage.keeping import Kept
from tests.linkage.tables import linked, write_csv, write_parquet


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.float64(), [1.5, None]),
        (pa.bool_(), [True, None]),
        (pa.list_(pa.int32()), [[1, 2], None]),
        (pa.struct([("a", pa.string())]), [{"a": "x"}, None]),
        (pa.decimal128(5, 2), [None, None]),
        (pa.string(), ["007", ""]),
        (pa.time32("ms"), [dt.time(10, 11), None]),
    ],
)
def test_values_and_types_stay(tmp_path: Path, kind: pa.DataType, values: list[Any]) -> None:
    table = write_parquet(tmp_path, mrn=["12345", "12345"], note=pa.array(values, kind))
    made = linked(table, keep=("note",))
    assert made.table.schema.field("note").type == kind
    assert made.table.column("note").to_pylist() == values


def test_a_dictionary_is_written_without_the_values_of_other_rows(tmp_path: Path) -> None:
    notes = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["a", "Doe^Jane"]))
    made = linked(write_parquet(tmp_path, mrn=["12345"], note=notes), keep=("note",))
    assert made.table.column("note").to_pylist() == ["a"]
    assert b"Doe" not in made.path.read_bytes()


def test_own_identifiers_are_removed_from_kept_columns(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,acc,note\n0012, A77 ,0012\n0012,A771,A771\n0013,X,0012\n")
    made = linked(table, accession="acc", keep=("note",))
    assert made.linked.kept == {"note": Kept(identifiers=2)}
    assert {row["note"] for row in made.of("0012")} == {None}
    assert [row["note"] for row in made.of("0013")] == ["0012"]


def test_own_identifiers_are_removed_from_numbers_too(tmp_path: Path) -> None:
    made = linked(write_parquet(tmp_path, mrn=[12345, 3], note=[12345, 3]), keep=("note",))
    assert [row["note"] for row in made.of("12345")] == [None]
    assert [row["note"] for row in made.of("3")] == [3]


@pytest.mark.parametrize(
    "text", ["2024-03-01", "2024-03-01T10:00:00Z", "1/3/2024", "01.03.24", "20240301"]
)
def test_dates_in_kept_text_are_removed_and_counted(tmp_path: Path, text: str) -> None:
    made = linked(write_csv(tmp_path, f"mrn,note\n1,{text}\n1,fine\n"), keep=("note",))
    assert {row["note"] for row in made.rows} == {None, "fine"}
    assert made.linked.kept["note"].dates == 1


def test_dates_in_kept_numbers_are_removed(tmp_path: Path) -> None:
    numbers = pa.array([20240301, 20240399, 12345678], pa.int32())
    made = linked(write_parquet(tmp_path, mrn=["1", "1", "1"], note=numbers), keep=("note",))
    assert {row["note"] for row in made.rows} == {None, 20240399, 12345678}


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.timestamp("us"), pa.list_(pa.date32()), pa.struct([("a", pa.date64())])],
)
def test_typed_dates_are_not_kept(tmp_path: Path, kind: pa.DataType) -> None:
    table = write_parquet(tmp_path, mrn=["1"], note=pa.array([None], kind))
    with pytest.raises(UsageError, match="'note' holds dates"):
        linked(table, keep=("note",))
