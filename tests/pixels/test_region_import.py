"""CTP pixel scripts and deid recipes as region rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fastdeid.commands import app
from fastdeid.errors import ProfileError
from fastdeid.pixels.region_import import (
    ATTRIBUTE,
    COMPARISON,
    EMPTY_BOXES,
    EXPRESSION,
    NO_TEST,
    OF_ATTRIBUTE,
    import_file,
    import_rules,
    write_rules,
)
from fastdeid.pixels.regions import Condition, parse_rules

CTP = """
A library of boxes

 ***** US *****
 Scanner
  { Modality.equals("US") * !Manufacturer.containsIgnoreCase("ACME") *
    (Rows.equals("480") + [0028,0011].equals("640")) }
  (10,0,200,40) (0,70,5,6)
  { ImageType.equals("") }
  (0,0,9,9)
  { Modality.isGreaterThan("US") } (0,0,1,1)
  { NoSuchAttribute.equals("1") } (0,0,1,1)
"""
DEID = """FORMAT dicom
%filter graylist
LABEL Flags only
  contains Modality CT
LABEL Banner # (A. Person)
  contains Modality CT|MR
  + contains ImageType SCREEN SAVE || missing SeriesDescription
  coordinates 1,2,30,40
LABEL Corner
  equals Rows 480
  || equals Columns 640 # either
  ctpcoordinates 1,2,30,40
LABEL Misspelt
  contains Manfacturer ACME
  ctpcoordinates 0,0,1,1
%header
REMOVE PatientID
"""


def test_a_ctp_expression_becomes_alternatives_of_tests() -> None:
    imported = import_rules(CTP, "CTP")
    first, second = imported.rules
    common = [
        Condition("Modality", equals=["US"]),
        Condition("Manufacturer", contains=["ACME"], negated=True),
    ]
    assert first.when == [
        [*common, Condition("Rows", equals=["480"])],
        [*common, Condition("Columns", equals=["640"])],
    ]
    assert first.boxes == [(0, 10, 40, 210), (70, 0, 76, 5)]
    assert (first.name, first.credit) == ("Scanner", "CTP")
    assert second.when == [[Condition("ImageType", is_empty=True)]]


def test_what_cannot_be_expressed_is_named_by_its_line() -> None:
    skipped = import_rules(CTP, "CTP").skipped
    said = [CTP.splitlines()[one.line - 1].split("{")[1].split(".")[0].strip() for one in skipped]
    assert list(zip(said, [one.why for one in skipped], strict=True)) == [
        ("Modality", COMPARISON),
        ("NoSuchAttribute", ATTRIBUTE),
    ]
    (misspelt,) = import_rules(DEID, "deid").skipped
    assert DEID.splitlines()[misspelt.line - 1] == "LABEL Misspelt"
    assert misspelt.why == ATTRIBUTE


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ('{ (Modality.equals("US") } (0,0,9,9)', EXPRESSION),
        ('{ !(Modality.equals("US") + Rows.equals("9")) } (0,0,9,9)', EXPRESSION),
        ('{ Modality.equals("US") } (5,5,0,9)', EMPTY_BOXES),
    ],
)
def test_what_ctp_can_say_and_rules_cannot_has_a_reason(rule: str, why: str) -> None:
    assert [one.why for one in import_rules(f"{CTP}\n{rule}", "CTP").skipped][-1] == why


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("present SequenceOfUltrasoundRegions\n  keepcoordinates from:A", OF_ATTRIBUTE),
        ("contains Modality US\n  coordinates all", OF_ATTRIBUTE),
        ("coordinates 1,2,30,40", NO_TEST),
        ("contains Modality US\n  coordinates 30,40,1,2", EMPTY_BOXES),
    ],
)
def test_what_deid_can_say_and_rules_cannot_has_a_reason(lines: str, why: str) -> None:
    recipe = f"FORMAT dicom\n%filter graylist\nLABEL One\n  {lines}\n"
    with pytest.raises(ProfileError, match="nothing imported: line 3: ") as error:
        import_rules(recipe, "deid")
    assert why in str(error.value)


def test_every_rule_is_counted() -> None:
    assert import_rules(DEID, "deid").summary() == (
        "2 rule(s) with 2 box(es) imported, 1 that cannot be expressed, "
        "1 without boxes, which mask nothing"
    )


def test_the_description_of_an_overlay_can_be_asked_for() -> None:
    script = '{ [6000,0022].containsIgnoreCase("graphics") } (0,0,512,90)'
    (rule,) = import_rules(script, "CTP").rules
    assert rule.when == [[Condition("OverlayDescription", contains=["graphics"])]]
    assert parse_rules(write_rules([rule])).attributes() == {"OverlayDescription": 0x60000022}


def test_a_deid_recipe_becomes_rules() -> None:
    banner, corner = import_rules(DEID, "deid").rules
    modality = Condition("Modality", contains=["CT", "MR"])
    assert banner.when == [
        [modality, Condition("ImageType", contains=["SCREEN SAVE"])],
        [modality, Condition("SeriesDescription", is_empty=True)],
    ]
    assert banner.boxes == [(2, 1, 40, 30)]
    assert (banner.name, banner.credit) == ("Banner", "deid, A. Person")
    assert corner.when == [
        [Condition("Rows", equals=["480"])],
        [Condition("Columns", equals=["640"])],
    ]
    assert corner.boxes == [(2, 1, 42, 31)]


@pytest.mark.parametrize("text", [CTP, DEID], ids=["CTP", "deid"])
def test_written_rules_are_read_as_they_were(text: str) -> None:
    rules = import_rules(text, 'a "credit"\\').rules
    assert parse_rules(write_rules(rules)).rule == rules


@pytest.mark.parametrize(
    "text", ["", "no rules here", "FORMAT dicom\nLABEL a\n  contains Modality CT\n"]
)
def test_a_file_without_boxes_is_refused(text: str) -> None:
    with pytest.raises(ProfileError):
        import_rules(text, "x")


def test_the_command_prints_rules_and_names_lines_that_it_leaves_out(tmp_path: Path) -> None:
    script = tmp_path / "a.script"
    script.write_text(CTP)
    result = CliRunner().invoke(app, ["profile", "import-regions", str(script), "--credit", "CTP"])
    assert result.exit_code == 0
    assert parse_rules(result.stdout).rule == import_rules(CTP, "CTP").rules
    assert result.stderr.count("line ") == 2
    assert result.stderr.splitlines()[-1].startswith("2 rule(s) with 3 box(es) imported, 2 that")


def test_a_file_that_is_not_there_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as raised:
        import_file(tmp_path / "secret.script", "x")
    assert "secret" not in str(raised.value)
