"""The generated tables are whole, are those that were generated, and agree with other readers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VM, dictionary_VR

from fastdeid.profiles import tables
from tests.conftest import REPOSITORY

SOURCE = REPOSITORY.parent / "shared" / "standard"
OPTIONS = (
    *("retain_safe_private", "retain_uids", "retain_device_identity"),
    *("retain_institution_identity", "retain_patient_characteristics"),
    *("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"),
    *("clean_descriptors", "clean_structured_content", "clean_graphics"),
)


def test_table_e1_1_has_every_row_and_column() -> None:
    table = tables.read_table()
    assert len(table.rows) == 655
    assert table.edition == "2025e"
    assert table.columns == ("basic", *OPTIONS)
    assert all(len(row.codes) == 11 for row in table.rows)
    assert len({row.pattern for row in table.rows}) == 655


def test_the_codes_of_table_e1_1_are_those_of_table_e1_1a() -> None:
    rows = tables.read_table().rows
    basic = {row.codes[0] for row in rows}
    assert basic == {"D", "Z", "X", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U*"}
    assert {code for row in rows for code in row.codes[1:]} == {"", "K", "C"}


def test_every_row_but_two_names_one_attribute_with_a_vr() -> None:
    groups = [row.pattern for row in tables.read_table().rows if not row.vr]
    assert groups == [tables.CURVE_DATA_PATTERN, tables.PRIVATE_PATTERN]


@pytest.mark.parametrize("name", sorted(tables.read_sources()))
def test_a_changed_table_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = shutil.copytree(tables.FOLDER, tmp_path / "profiles") / name
    changed.write_bytes(changed.read_bytes() + b" ")
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "profiles")
    with pytest.raises(tables.TableError, match="differs from its digest"):
        tables.read_bytes(name)


def test_the_dictionary_agrees_with_pydicom() -> None:
    dictionary = tables.read_dictionary()
    younger = 0
    for tag in dictionary.tags.tolist():
        attribute = dictionary.find(tag)
        assert attribute is not None
        try:
            assert (attribute.vr, attribute.vm) == (dictionary_VR(tag), dictionary_VM(tag))
        except KeyError:
            younger += 1
    assert younger == 24


def test_the_dictionary_is_sorted_and_knows_what_it_does_not_know() -> None:
    dictionary = tables.read_dictionary()
    assert (dictionary.tags[1:] > dictionary.tags[:-1]).all()
    assert dictionary.find(0x00100010) == ("PN", "1", "PatientName")
    assert dictionary.find(0x00100011) == ("SQ", "1", "PersonNamesToUseSequence")
    assert dictionary.find(0x00091001) is None


@pytest.mark.parametrize(
    ("vr", "number"), [("AE", 1), ("US or SS", 32), ("OB or OW", 18), ("NONE", 0), ("UV", 34)]
)
def test_alternative_vrs_have_one_number(vr: str, number: int) -> None:
    assert tables.vr_number(vr) == number


def test_table_e3_4_1_has_every_row_and_column() -> None:
    table = tables.read_content_table()
    assert len(table.rows) == 211
    assert table.edition == "2025e"
    assert table.columns == (
        *("basic", "retain_uids", "retain_device_identity", "retain_institution_identity"),
        *("retain_patient_characteristics", "retain_longitudinal_full_dates"),
        *("retain_longitudinal_modified_dates", "clean_descriptors"),
    )
    assert {code for row in table.rows for code in row.codes[:1]} == {"X", "D", "X/D"}
    assert {code for row in table.rows for code in row.codes[1:]} == {"", "K", "C"}
    assert len({row[:4] for row in table.rows}) == 211


def test_concepts_of_snomed_ct_keep_their_retired_codes() -> None:
    rows = {row.value: row for row in tables.read_content_table().rows}
    assert (rows["363698007"].meaning, rows["363698007"].srt) == ("Finding Site", "G-C0E3")
    assert rows["121071"].srt == ""


def test_the_coding_schemes_are_those_of_the_standard() -> None:
    assert {"DCM", "SCT", "SRT", "LN", "UCUM"} <= tables.read_schemes()


def test_the_uid_registry_knows_sop_classes_and_frames_of_reference() -> None:
    uids = tables.read_uids()
    assert uids["1.2.840.10008.5.1.4.1.1.2"] == ("SOP Class", "CTImageStorage")
    assert uids["1.2.840.10008.1.4.1.1"][0] == "Well-known frame of reference"


def test_generating_again_gives_the_same_tables(tmp_path: Path) -> None:
    pytest.importorskip("highdicom", reason="highdicom is a development-time dependency")
    if not SOURCE.exists():
        pytest.skip("the standard's table is not beside the checkout")
    from fastdeid.profiles.generate import main

    main(SOURCE, tmp_path)
    for name in tables.read_sources():
        assert (tmp_path / name).read_bytes() == (tables.FOLDER / name).read_bytes()
