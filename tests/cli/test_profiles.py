"""`fastdeid profile`: what people read before they choose a profile, and when theirs is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fastdeid.commands import app
from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import read_table
from fastdeid.settings import profile_names

HEAD = 'name = "site"\nversion = "1"\npurpose = "a test"\nextends = "research"\n'
SITE = HEAD + '\n[[rule]]\nattribute = "StationName"\naction = "X"\nreason = "names a room"\n'


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["profile", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_list_names_every_profile_with_its_purpose() -> None:
    lines = printed("list").splitlines()
    assert [line.split()[0] for line in lines] == list(profile_names())
    assert all(len(line.split()) > 4 for line in lines)


def test_show_says_options_claims_rules_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    text = printed("show", str(tmp_path / "site.toml"))
    for part in (
        "extends research",
        "retain_safe_private: 113111 Retain Safe Private Option",
        "(0028,0303) is MODIFIED",
        "(0008,1010) StationName: X: names a room",
    ):
        assert part in text


def test_check_of_a_sound_profile_says_so(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        SITE.replace('"X"', '"K"').replace("Station", "Institution")
    )
    first, *warnings = printed("check", str(tmp_path / "site.toml")).splitlines()
    assert first.startswith("site 1: sound")
    assert (
        "warning: (0008,0080) InstitutionName K: lets more through than the options say; "
        "113100 and the option are not claimed" in warnings
    )


def test_check_of_a_wrong_profile_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE.replace("StationName", "StationNames"))
    with pytest.raises(ProfileError, match="line 7: unknown keyword 'StationNames'"):
        printed("check", str(tmp_path / "site.toml"))


def test_diff_of_a_profile_with_itself_has_no_difference() -> None:
    assert printed("diff", "research", "research").splitlines() == ["- research 1", "+ research 1"]


def test_diff_tells_attribute_by_attribute(tmp_path: Path) -> None:
    conditional = '[[rule]]\nattribute = "PatientSex"\naction = "X"\nreason = "a test"\n'
    (tmp_path / "site.toml").write_text(SITE + conditional + 'when = { modality = ["MG"] }\n')
    assert printed("diff", "research", str(tmp_path / "site.toml")).splitlines() == [
        "- research 1",
        "+ site 1",
        "(0008,1010) StationName: K (option retain_device_identity) -> X (profile site)",
        "+ (0010,0040) PatientSex: X, where modality is MG",
    ]


@pytest.mark.parametrize("name", profile_names())
def test_the_conformance_statement_has_every_row_and_every_rule(name: str) -> None:
    text = printed("statement", name)
    for row in read_table().rows:
        assert f"| {row.pattern} | {row.name} |" in text
    for title in ("Profile and options", "UIDs and pseudonyms", "Dates and times", "Contents"):
        assert f"## {title}\n" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_the_conformance_statement_claims_what_is_in_force() -> None:
    text = printed("statement", "research")
    assert "| Clean Pixel Data Option | 113101 | in each instance " in text
    assert "| (0018,1200) | Date of Last Calibration | C | profile research |" in text
    assert "| (0010,0030) | Patient's Birth Date | Z | Table E.1-1 |" in text
