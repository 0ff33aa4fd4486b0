"""The profiles that come with fastdeid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastdeid.available import require_available
from fastdeid.overrides import parse_path
from fastdeid.profile_text import check_profile
from fastdeid.rules import Profile, load_profile
from fastdeid.settings import profile_names, read_settings
from tests.conftest import REPOSITORY

CT = "1.2.840.10008.5.1.4.1.1.2"
BASIC, DESCRIPTORS, MODIFIED, CHARACTERISTICS, DEVICE, PRIVATE = (
    *("113100", "113105", "113107", "113108", "113109", "113111"),
)


def claimed(profile: Profile) -> list[str]:
    return [code[0] for code in profile.codes]


def test_the_profiles_are_those_of_the_issue() -> None:
    names = {"basic", "research", "teaching", "clinical-trial", "safe-harbor"}
    assert set(profile_names()) == names
    assert profile_names()[0] == "basic"


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_has_a_purpose_and_a_reason_for_every_rule(name: str) -> None:
    settings = read_settings(name)
    assert settings.name == name
    assert len(settings.purpose) > 20
    assert all(len(rule.reason) > 10 for rule in settings.overrides)
    assert all(len(insertion.reason) > 10 for insertion in settings.insertions)


@pytest.mark.parametrize("name", profile_names())
def test_no_profile_lets_more_through_than_its_options(name: str) -> None:
    profile = load_profile(name)
    assert claimed(profile)[0] == BASIC
    assert len(profile.method) <= 64  # LO


def test_research_is_the_policy_of_tcia() -> None:
    profile = load_profile("research")
    assert claimed(profile) == [BASIC, DESCRIPTORS, MODIFIED, CHARACTERISTICS, DEVICE, PRIVATE]
    assert "clean_pixel_data" in profile.options  # accepted, and not claimed
    rules = profile.rules(CT)
    assert rules.temporal == "MODIFIED"
    assert rules.choose(0x00181000).code == "K"  # Device Serial Number
    # Retain Device Identity would keep it, and tell by how many days the others are shifted.
    assert rules.explain(0x00181200) == "replace (shift): code C, profile research, Type 3"


@pytest.mark.parametrize("name", ["research", "clinical-trial"])
def test_no_true_date_stands_beside_shifted_ones(name: str) -> None:
    profile = load_profile(name)
    rules = profile.rules(CT)
    for slot in range(len(profile.general_keys)):
        tag = int(profile.general_keys[slot])
        if profile.dictionary_vrs[slot] in {5, 7}:  # DA, DT
            assert rules.choose(tag).code != "K", hex(tag)


def test_a_trial_is_named_in_every_instance() -> None:
    rules = load_profile("clinical-trial").rules(CT)
    tags = [insertion.tag for insertion in rules.insertions]
    assert tags == [0x00120010, 0x00120020, 0x00120021, 0x00120030, 0x00120031, 0x00120040]
    for tag in tags:  # what the instance had of them goes
        assert rules.decide(tag)[0].name == "REMOVE"


def test_safe_harbor_answers_every_line_of_the_law() -> None:
    profile = load_profile("safe-harbor")
    identifiers = profile.settings.identifiers
    assert "".join(identifier.letter for identifier in identifiers) == "ABCDEFGHIJKLMNOPQR"
    assert [i.letter for i in identifiers if not i.covered] == ["Q"]
    rules = profile.rules(CT)
    for identifier in identifiers:
        for attribute in identifier.attributes:
            assert rules.choose(parse_path(attribute)[-1]).code != "K", attribute


def test_every_profile_may_run() -> None:
    for name in profile_names():
        require_available(read_settings(name))
    assert read_settings("safe-harbor").pseudonyms == "random"


def test_the_profile_in_the_readme_is_sound(tmp_path: Path) -> None:
    (body,) = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    (tmp_path / "site.toml").write_text(body)
    assert check_profile(str(tmp_path / "site.toml"))[0].startswith("our-site 1: sound")
