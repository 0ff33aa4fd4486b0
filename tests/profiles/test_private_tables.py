"""The tables of safe private attributes are whole and name every attribute once."""

from __future__ import annotations

import csv

import pytest

from fastdeid.profiles.private_tables import SOURCES, PrivateAttribute, read_private_table
from fastdeid.profiles.tables import TableError
from fastdeid.tags import VR_NUMBERS
from tests.conftest import REPOSITORY

SHARED = REPOSITORY.parent / "shared" / "standard"


def test_table_e3_10_1_has_every_row() -> None:
    table = read_private_table("standard")
    assert len(table.rows) == 479
    assert table.edition == "2025e"
    assert PrivateAttribute("Philips PET Private Group", 0x7053, 0x00, ("DS",)) in table.rows
    assert PrivateAttribute("HOLOGIC, Inc.", 0x7E01, 0x10, ("SQ",)) in table.rows
    assert PrivateAttribute("Philips Imaging DD 001", 0x2001, 0x7D, ("OW", "OB")) in table.rows


def test_five_rows_of_table_e3_10_1_have_no_vr() -> None:
    rows = [row for row in read_private_table("standard").rows if not row.vrs]
    assert {row.creator for row in rows} == {"SIEMENS Ultrasound SC2000"}
    assert len(rows) == 5


def test_the_tcia_table_has_what_is_kept_and_no_more() -> None:
    rows = read_private_table("tcia").rows
    assert len(rows) == 1271
    assert PrivateAttribute("GEMS_PARM_01", 0x0043, 0x6F, ("DS",)) in rows
    # Disposition Z, and three of disposition K3.
    assert not [row for row in rows if row[:3] == ("GEMS_ACQU_01", 0x0019, 0x9D)]
    assert not [row for row in rows if row[:3] == ("Philips Imaging DD 001", 0x2001, 0x7B)]


def test_an_attribute_that_tcia_lists_under_several_paths_has_the_vrs_of_all() -> None:
    rows = {row[:3]: row.vrs for row in read_private_table("tcia").rows}
    assert rows["MRSC", 0x0119, 0x01] == ("LO", "UI")


def test_a_date_with_time_in_text_counts_as_one() -> None:
    rows = {row[:3]: row.vrs for row in read_private_table("tcia").rows}
    assert rows["GEMS_PETD_01", 0x0017, 0x05] == ("DT",)


@pytest.mark.parametrize("source", SOURCES)
def test_every_attribute_stands_once_in_a_private_group_with_known_vrs(source: str) -> None:
    rows = read_private_table(source).rows
    assert len({row[:3] for row in rows}) == len(rows)
    for row in rows:
        assert row.group % 2 == 1
        assert row.group > 8
        assert 0 <= row.element <= 0xFF
        assert set(row.vrs) <= set(VR_NUMBERS)
        assert row.creator.strip()


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(TableError, match="no source 'ctp'"):
        read_private_table("ctp")


def test_the_table_is_that_of_the_standard() -> None:
    printed = SHARED / "ps3_15_table_e3_10_1.csv"
    if not printed.exists():
        pytest.skip("the standard's table is not beside the checkout")
    with printed.open(newline="", encoding="utf-8") as file:
        expected = {(row["private_creator"], row["tag"]) for row in csv.DictReader(file)}
    rows = read_private_table("standard").rows
    assert {(row.creator, f"({row.group:04X},xx{row.element:02X})") for row in rows} == expected
