"""A site's own profile: what it extends, overrides, inserts, and under which conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.errors import ProfileError
from fastdeid.overrides import PrivateName
from fastdeid.rules import Profile, Rules, load_profile
from tests.options.profiles import profile_of

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
UNKNOWN = "1.2.3"
BASIC = "113100"
REQUEST_ATTRIBUTES = 0x00400275
STUDY_DESCRIPTION, PATIENT_SEX, STATION_NAME = 0x00081030, 0x00100040, 0x00081010


def rule(attribute: str, action: str, more: str = "") -> str:
    return (
        f'[[rule]]\nattribute = "{attribute}"\naction = "{action}"\nreason = "a test says so"\n'
        f"{more}\n"
    )


def outcome(rules: Rules, tag: int, context: int = 0) -> str:
    operation, kind = rules.decide(tag, context)
    return rules.kinds[kind].replace if operation.name == "REPLACE" else operation.name


def claimed(profile: Profile) -> list[str]:
    return [code[0] for code in profile.codes]


@pytest.mark.parametrize("name", ["(0010,0040)", "PatientSex"])
@pytest.mark.parametrize(
    ("action", "expected"), [("K", "KEEP"), ("X", "EMPTY"), ("D", "dummy"), ("C", "clean")]
)
def test_an_attribute_is_overridden_by_tag_or_keyword(
    name: str, action: str, expected: str
) -> None:
    # Patient's Sex is Type 2: X cannot remove it.
    assert outcome(profile_of(rule(name, action)).rules(CT), PATIENT_SEX) == expected


def test_the_last_rule_for_an_attribute_wins() -> None:
    body = rule("StationName", "K") + rule("(0008,1010)", "X")
    assert outcome(profile_of(body).rules(CT), STATION_NAME) == "REMOVE"


def test_a_repeating_group_is_overridden_as_a_whole() -> None:
    rules = profile_of(rule("(60xx,3000)", "K")).rules(CT)
    assert [outcome(rules, tag) for tag in (0x60003000, 0x60043000)] == ["KEEP", "KEEP"]
    assert outcome(rules, 0x50003000) == "REMOVE"


def test_a_private_attribute_is_named_with_its_creator() -> None:
    more = 'creator = "Siemens  MED "'
    body = 'options = ["retain_safe_private"]\n' + rule("(0029,xx10)", "K", more)
    rules = profile_of(body).rules(CT)
    assert rules.private_rules == {PrivateName("SIEMENS MED", 0x0029, 0x10): "K"}


def test_rules_and_options_are_inherited_and_options_replaced(tmp_path: Path) -> None:
    head = 'version = "1"\npurpose = "a test"\n'
    (tmp_path / "group.toml").write_text(
        f'name = "group"\nextends = "basic"\n{head}options = ["retain_uids"]\n'
        + rule("StationName", "K")
    )
    (tmp_path / "site.toml").write_text(
        f'name = "site"\nextends = "group.toml"\n{head}' + rule("PatientSex", "K")
    )
    profile = load_profile(str(tmp_path / "site.toml"))
    assert (profile.name, profile.settings.extends) == ("site", ("group", "basic"))
    assert profile.options == ("retain_uids",)
    assert [outcome(profile.rules(CT), tag) for tag in (STATION_NAME, PATIENT_SEX)] == 2 * ["KEEP"]
    before = profile.digest
    (tmp_path / "group.toml").write_text((tmp_path / "group.toml").read_text() + "\n# changed\n")
    assert load_profile(str(tmp_path / "site.toml")).digest != before


# Inside a sequence


def test_a_path_inside_a_sequence_is_told_from_all_others() -> None:
    body = rule("RequestAttributesSequence", "K")
    body += rule("RequestAttributesSequence/(0008,1030)", "D")
    for sop_class in (CT, UNKNOWN):
        rules = profile_of(body).rules(sop_class)
        inside = rules.context_of((REQUEST_ATTRIBUTES,))
        assert outcome(rules, STUDY_DESCRIPTION, inside) == "dummy"
        assert outcome(rules, STUDY_DESCRIPTION) == "REMOVE"
        elsewhere = rules.context_of((0x00082112,))  # Source Image Sequence
        assert outcome(rules, STUDY_DESCRIPTION, elsewhere) == "REMOVE"
        assert rules.explain(STUDY_DESCRIPTION, inside).startswith(
            "replace (dummy): code D, profile"
        )


def test_what_a_path_does_not_name_is_as_it_was() -> None:
    body = rule("RequestAttributesSequence", "K")
    plain = profile_of(body).rules(CT)
    split = profile_of(body + rule("RequestAttributesSequence/StudyDescription", "D")).rules(CT)
    contexts = [rules.context_of((REQUEST_ATTRIBUTES,)) for rules in (plain, split)]
    for tag in (0x00080050, 0x00321060, 0x00401001, 0x00400007, 0x00080020, 0x0020000D):
        assert outcome(plain, tag, contexts[0]) == outcome(split, tag, contexts[1])
        assert outcome(plain, tag) == outcome(split, tag)


def test_a_deeper_path_leaves_the_items_on_its_way_alone() -> None:
    names = "SourceImageSequence/PurposeOfReferenceCodeSequence"
    body = rule("SourceImageSequence", "K") + rule(f"{names}/CodeMeaning", "X")
    rules = profile_of(body).rules(CT)
    meaning = 0x00080104
    inside = rules.context_of((0x00082112, 0x0040A170))
    other = rules.context_of((0x00081032,))  # Procedure Code Sequence
    assert outcome(rules, meaning, inside) == "dummy"  # Type 1
    assert outcome(rules, meaning, other) == "KEEP"


def test_a_path_through_a_sequence_that_goes_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"line \d+: .* RequestAttributesSequence is removed"):
        profile_of(rule("RequestAttributesSequence/StudyDescription", "K"))


def test_a_path_through_a_sequence_that_goes_under_a_condition_is_void_there() -> None:
    removed = rule("SourceImageSequence", "X") + 'when = { modality = ["CT"] }\n'
    kept = rule("SourceImageSequence", "K")
    body = kept + rule("SourceImageSequence/StudyDescription", "X") + removed
    profile = profile_of(body)
    for met in (frozenset[int](), profile.conditions_met("CT", CT, "")):
        rules = profile.rules(CT, conditions=met)
        assert outcome(rules, 0x00082112) == ("REMOVE" if met else "KEEP")


# Conditions


@pytest.mark.parametrize(
    ("when", "met"),
    [
        ('when = { modality = ["CT", "PT"] }', True),
        ('when = { modality = ["MR"] }', False),
        ('when = { sop_class = ["CTImageStorage"] }', True),
        (f'when = {{ sop_class = ["{CT}"] }}', True),
        (f'when = {{ sop_class = ["{MR}"] }}', False),
        ('when = { manufacturer = ["siemens*"] }', True),
        ('when = { manufacturer = ["GE*", "*healthineers"] }', True),
        ('when = { manufacturer = ["GE*"] }', False),
        ('when = { modality = ["CT"], manufacturer = ["GE*"] }', False),
    ],
)
def test_a_rule_holds_where_all_of_its_conditions_are_met(when: str, met: bool) -> None:
    profile = profile_of(rule("StationName", "K", when))
    conditions = profile.conditions_met("CT", CT, "SIEMENS  Healthineers")
    rules = profile.rules(CT, conditions=conditions)
    assert outcome(rules, STATION_NAME) == ("KEEP" if met else "REMOVE")
    assert outcome(profile.rules(CT), STATION_NAME) == "REMOVE"


def test_a_code_is_claimed_where_its_rules_are_in_force() -> None:
    profile = profile_of(rule("StationName", "K", 'when = { modality = ["CT"] }'))
    conditions = profile.conditions_met("CT", CT, "")
    assert claimed(profile) == [BASIC]
    assert profile.rules(CT, conditions=conditions).claims == ()
    assert profile.rules(MR).claims == profile.rules(CT).claims != ()


@pytest.mark.parametrize(
    ("options", "attribute", "action", "codes"),
    [
        ([], "StationName", "K", []),
        ([], "StudyDate", "C", []),
        ([], "StationName", "D", [BASIC]),
        ([], "Modality", "K", [BASIC]),  # kept by the basic profile
        (["retain_device_identity"], "StationName", "K", [BASIC, "113109"]),
        (["retain_device_identity"], "StationName", "X", [BASIC, "113109"]),
        (["clean_descriptors"], "StudyDescription", "K", []),
        (["clean_descriptors", "retain_uids"], "StudyDescription", "K", ["113110"]),
        (["clean_descriptors"], "StudyDescription", "X", [BASIC, "113105"]),
        (["clean_pixel_data"], "StudyDescription", "X", [BASIC]),
    ],
)
def test_a_rule_that_lets_more_through_costs_the_claim(
    options: list[str], attribute: str, action: str, codes: list[str]
) -> None:
    body = f"options = {options}\n".replace("'", '"') + rule(attribute, action)
    assert claimed(profile_of(body)) == codes


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ([], "REMOVED"),
        (["clean_descriptors"], "REMOVED"),
        (["retain_longitudinal_full_dates"], "UNMODIFIED"),
        (["retain_longitudinal_modified_dates"], "MODIFIED"),
    ],
)
def test_what_is_left_of_time_is_said(options: list[str], word: str) -> None:
    body = f"options = {options}\n".replace("'", '"')
    assert profile_of(body).rules(CT).temporal == word


# What is refused, with its line: four lines of head stand above every body.

DATES = '["retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"]'


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ('options = ["retain_everything"]\n', 5, "no option 'retain_everything'"),
        ('options = [\n    "retain_uids",\n    "clean_all",\n]\n', 7, "no option 'clean_all'"),
        (f"options = {DATES}\n", 5, "exclude each other"),
        ('private_sources = ["mine"]\n', 5, "no table of safe private attributes"),
        ('pseudonyms = "none"\n', 5, "Invalid enum value 'none'"),
        ("colour = 3\n", 5, "unknown field `colour`"),
        ("colour =\n", 5, "Invalid value"),
        ('extends = "other"\n', 0, ""),
        (rule("PatientSexx", "K"), 6, "unknown keyword 'PatientSexx'"),
        (rule("PatientSex", "K") + rule("(0009,1001)", "K"), 11, "without its creator"),
        (rule("(0008,0003)", "K"), 6, "unknown tag"),
        (rule("(6002,3000)", "K"), 6, "of a repeating group"),
        (rule("patient sex", "K"), 6, "no tag, keyword or path"),
        (rule("PatientSex/StudyDate", "K"), 6, "no sequence"),
        (rule("SOPClassUID", "K"), 6, "not for a profile to decide"),
        (rule("StudyInstanceUID", "K"), 6, "not for a profile to decide"),
        (rule("PixelData", "X"), 6, "not for a profile to decide"),
        (rule("DeidentificationMethod", "K"), 6, "not for a profile to decide"),
        (rule("PatientSex", "Q"), 7, "unknown action 'Q'"),
        (rule("PatientName", "C"), 7, "not possible for VR PN"),
        (rule("PatientSex", "U"), 7, "for UIDs and sequences only"),
        (rule("PatientSex", "K", 'unless = "clean_all"'), 9, "no option 'clean_all'"),
        (rule("PatientSex", "K", 'colour = "red"'), 9, "unknown field `colour`"),
        (rule("PatientSex", "K", "when = { }"), 9, "without any value"),
        (rule("PatientSex", "K", '[rule.when]\nmodality = ["ct"]'), 10, "no modality 'ct'"),
        (rule("PatientSex", "K", '[rule.when]\nsop_class = ["CT"]'), 10, "unknown SOP Class 'CT'"),
        (rule("(0029,1010)", "K", 'creator = "A"'), 6, "write it as \\(0029,xx10\\)"),
        (rule("(0029,xx10)", "D", 'creator = "A"'), 7, "action 'K', or goes"),
        ('[[insert]]\nattribute = "StudyDate"\nvalue = "x"\nreason = "y"\n', 6, "of VR DA"),
        ('[[insert]]\nattribute = "StudyID"\nvalue = "é"\nreason = "y"\n', 6, "printable ASCII"),
        ('[[insert]]\nattribute = "StudyID"\nvalue = "12345678901234567"\nreason = "y"\n', 6, "SH"),
    ],
)
def test_what_a_profile_must_not_say_is_refused_with_its_line(
    body: str, line: int, reason: str
) -> None:
    where = f"line {line}: " if line else ""
    with pytest.raises(ProfileError, match=f"{where}.*{reason}"):
        profile_of(body)


def test_profiles_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nversion = "1"\npurpose = "a test"\nextends = "{other}.toml"\n'
        )
    with pytest.raises(ProfileError, match="line 4: extends a profile that extends it"):
        load_profile(str(tmp_path / "one.toml"))


def test_a_parent_that_is_missing_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('name = "site"\nversion = "1"\npurpose = "a test"\nextends = "advanced"\n')
    with pytest.raises(ProfileError, match="line 4: no profile 'advanced'"):
        load_profile(str(path))


@pytest.mark.parametrize("name", ["", "Grüße", "a\\\\b", "x" * 21])
def test_a_name_that_the_method_cannot_hold_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f'name = "{name}"\nversion = "1"\npurpose = "a test"\nextends = "basic"\n')
    with pytest.raises(ProfileError, match="line 1: name is not"):
        load_profile(str(path))
