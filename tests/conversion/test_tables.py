"""The final tables and what is declared about them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from fastdeid import manifest, tables
from fastdeid.columns import part_table
from fastdeid.engines.local import run
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.streams import Sorting
from fastdeid.verdicts import Verdict
from tests.conversion.archive import KEY, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier
from tests.conversion.test_columns import outcome


@pytest.mark.parametrize("table", manifest.TABLES, ids=lambda table: table.file)
def test_every_column_is_declared_phi_or_public_and_described(table: manifest.Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert column.disclosure in (manifest.PHI, manifest.PUBLIC)
        assert column.description


def test_the_research_manifest_declares_no_phi() -> None:
    assert {column.disclosure for column in manifest.MANIFEST.columns} == {manifest.PUBLIC}


def test_every_original_is_phi() -> None:
    for table in (manifest.INSTANCES, manifest.IDENTITIES):
        for column in table.columns:
            if column.name.startswith(("original", "source")):
                assert column.disclosure == manifest.PHI, column.name


def test_files_carry_their_declarations(tmp_path: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    key = write_key(tmp_path / "key")
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    places = {"TARGET": tmp_path / "out", "link table": tmp_path / "out.link-table"}
    for table in manifest.TABLES:
        with Sealing(Pseudonyms(KEY)).parquet_file(str(places[table.place] / table.file)) as file:
            schema, codecs = file.schema_arrow, file.metadata.row_group(0)
        assert schema.names == [column.name for column in table.columns]
        for column in table.columns:
            notes = schema.field(column.name).metadata
            assert notes[b"disclosure"].decode() == column.disclosure
            assert notes[b"description"].decode() == column.description
        assert codecs.column(0).compression == "ZSTD"


def research_manifest(part: pa.Table) -> pa.Table:
    """Return the research manifest of a run of one partition."""
    rows = Sorting(tables.MANIFEST_ORDER, tempfile.gettempdir())
    rows.add(tables.manifest_rows(part))
    return tables.manifest_table(pa.concat_tables(rows.sorted()), "basic 1", "")


def test_the_order_of_the_research_manifest_tells_nothing_of_the_source() -> None:
    part = part_table(
        [
            outcome(path=f"{code}.dcm", pseudonyms=(code, "", "", "", code, ""))
            for code in ("Q", "A", "M", "B")
        ]
    )
    rows = research_manifest(part)
    assert rows.column("patient").to_pylist() == ["A", "B", "M", "Q"]
    assert rows.column("profile").to_pylist() == ["basic 1"] * 4


def test_the_research_manifest_leaves_out_what_has_no_pseudonyms() -> None:
    part = part_table(
        [
            outcome(),
            outcome(verdict=Verdict.NOT_DICOM, reason="not_dicom", pseudonyms=("",) * 6),
            outcome(verdict=Verdict.QUARANTINED, reason="pixel_data_missing"),
        ]
    )
    rows = research_manifest(part).to_pylist()
    assert [(row["status"], row["output_path"]) for row in rows] == [
        ("ok", "P/S/T/I.dcm"),
        ("quarantined", None),
    ]


def test_identities_are_distinct_and_ordered() -> None:
    part = part_table(
        [
            outcome({"patient_id": b"2", "study_instance_uid": b"1.2"}),
            outcome({"patient_id": b"1", "study_instance_uid": b"1.2"}),
            outcome({"patient_id": b"2", "study_instance_uid": b"1.2"}),
        ]
    )
    identities = tables.Identities()
    identities.add(part)
    identities.add(part)
    rows = identities.table().to_pylist()
    found = [(row["kind"], row["original"], row["pseudonym"]) for row in rows]
    assert found == [
        ("patient", "1", "P"),
        ("patient", "2", "P"),
        ("study_instance_uid", "1.2", "S"),
    ]


def test_a_path_that_is_utf8_needs_no_bytes() -> None:
    paths = pa.array(["Müller".encode(), b"M\xfcller"], pa.large_binary())
    rows = tables.instances_table(paths, part_table([outcome(), outcome()])).to_pylist()
    assert [(row["source_path"], row["source_path_bytes"]) for row in rows] == [
        ("Müller", None),
        ("M\ufffdller", b"M\xfcller"),
    ]


def test_the_description_names_every_column() -> None:
    text = "\n".join(manifest.describe())
    for table in manifest.TABLES:
        assert table.file in text
        for column in table.columns:
            assert f"  {column.name} " in text
