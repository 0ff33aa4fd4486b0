"""Profiles: what they hold beside the rows of the table, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.datadict import dictionary_VR

from fastdeid import lookup
from fastdeid.codes import Operation
from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import FOLDER, read_dictionary, read_uids
from fastdeid.rules import BY_TYPE, REMOVE_WHEN_ABSENT, Profile, load_profile
from fastdeid.tags import VR_NAMES

CT = "1.2.840.10008.5.1.4.1.1.2"
BASIC = (FOLDER / "basic.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("basic")


def test_the_basic_profile_says_what_it_is(profile: Profile) -> None:
    assert (profile.name, profile.edition, profile.options) == ("basic", "2025e", ())
    assert profile.codes == [("113100", "DCM", "Basic Application Confidentiality Profile")]
    assert len(profile.method) <= 64  # LO
    assert "2025e" in profile.method


def test_the_digest_is_of_all_that_is_compiled(tmp_path: Path) -> None:
    same, other = tmp_path / "same.toml", tmp_path / "other.toml"
    same.write_text(BASIC)
    other.write_text(BASIC.replace('version = "1"', 'version = "2"'))
    digest = load_profile("basic").digest
    assert load_profile("basic").digest == digest
    assert load_profile(str(same)).digest == digest
    assert load_profile(str(other)).digest != digest


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("options = []", 'options = ["retain_everything"]'), "line 6: no option 'retain_ev"),
        (("purpose", "porpoise"), "porpoise"),
        (('action = "X/D"', 'action = "K/D"'), "line [0-9]+: unknown action 'K/D'"),
        (('attribute = "(0010,2295)"', 'attribute = "0010,2295"'), "line [0-9]+: no tag"),
        (("options = []", "options = ["), "profile"),
    ],
)
def test_anything_unknown_in_a_profile_is_an_error(
    change: tuple[str, str], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "changed.toml"
    assert change[0] in BASIC
    path.write_text(BASIC.replace(*change, 1))
    with pytest.raises(ProfileError, match=reason):
        load_profile(str(path))


@pytest.mark.parametrize("name", ["advanced", "sources", "", "../profiles/sources.toml", "/"])
def test_a_name_that_is_no_profile_is_an_error(name: str) -> None:
    with pytest.raises(ProfileError):
        load_profile(name)


def test_every_attribute_of_the_dictionary_has_a_rule_and_no_other_has(profile: Profile) -> None:
    rules = profile.rules(CT)
    known = set(read_dictionary().tags.tolist())
    assert set(rules.general_keys[rules.general_keys != lookup.EMPTY_TAG].tolist()) == known
    for tag in (0x00080003, 0x00210010, 0x7F010010, 0x10100001):
        assert tag not in known
        assert rules.decide(tag)[0] is Operation.REMOVE


def test_rules_of_one_sop_class_are_compiled_once_and_read_only(profile: Profile) -> None:
    rules = profile.rules(CT)
    assert profile.rules(CT) is rules
    for array in (rules.general_keys, rules.general, rules.iod_keys, rules.iod, rules.private):
        assert not array.flags.writeable


def test_kinds_are_shared_and_keep_their_numbers(profile: Profile) -> None:
    before = list(profile.rules(CT).kinds)
    profile.rules("1.2.840.10008.5.1.4.1.1.481.3")
    kinds = profile.rules(CT).kinds
    assert kinds[: len(before)] == before
    assert len(set(kinds)) == len(kinds)
    assert sum(kind.replace == "map_uid" and kind.vr == "UI" for kind in kinds) == 1


def test_rules_name_only_kinds_that_exist(profile: Profile) -> None:
    rules = profile.rules("1.2.840.10008.5.1.4.1.1.88.33")
    for column in (rules.general[:, 1], rules.iod[:, 1], rules.private[:, 1]):
        assert column.min() >= -1
        assert column.max() < len(rules.kinds)


def test_an_unknown_iod_is_never_asked_for_types(profile: Profile) -> None:
    assert not (profile.rules("1.2.3").general[:, 2] & (BY_TYPE | REMOVE_WHEN_ABSENT)).any()


def test_an_iod_with_a_module_missing_does_not_say_what_it_does_not_have(profile: Profile) -> None:
    flags = profile.rules("1.2.840.10008.5.1.4.1.1.9.100.1").general[:, 2]
    assert set(np.unique(flags & (BY_TYPE | REMOVE_WHEN_ABSENT)).tolist()) == {0, BY_TYPE}
    assert profile.rules("1.2.840.10008.5.1.4.1.1.9.100.1").attribute_type(0x00189074) == "?"


def test_dictionary_vrs_are_those_of_ps3_6(profile: Profile) -> None:
    for tag in (0x00080005, 0x00100010, 0x00200032, 0x00280010, 0x0040A730, 0x7FE00010):
        slot = lookup.find_tag(profile.dictionary_keys, tag)
        assert VR_NAMES[profile.dictionary_vrs[slot]] == dictionary_VR(tag).replace("OB or ", "")


# Attributes that no row names.
@pytest.mark.parametrize(
    ("tag", "operation", "replace"),
    [
        (0x00140104, "REPLACE", "dummy"),  # Secondary Reviewer Name, PN
        (0x00140102, "REMOVE", ""),  # Secondary Review Date, DA: not in the CT Image IOD
        (0x0008010C, "REPLACE", "map_uid"),  # Coding Scheme UID
        (0x00080016, "REPLACE", "map_uid"),  # SOP Class UID: the registry keeps it
        (0x00080060, "KEEP", ""),  # Modality, CS
        (0x00080070, "KEEP", ""),  # Manufacturer, LO
        (0x00080005, "KEEP", ""),  # Specific Character Set
        (0x00280301, "KEEP", ""),  # Burned In Annotation: not claimed
        (0x00280302, "KEEP", ""),  # Recognizable Visual Features: not claimed
        (0x7FE00010, "KEEP", ""),  # Pixel Data
        (0x00041511, "REMOVE", ""),  # Referenced SOP Instance UID in File: DICOMDIR only
        (0x00080001, "REMOVE", ""),  # Length to End
        (0xFFFCFFFC, "REMOVE", ""),  # Data Set Trailing Padding
        (0xFFFAFFFA, "REMOVE", ""),  # Digital Signatures Sequence
        (0x00120062, "REMOVE", ""),
        (0x00120063, "REMOVE", ""),
        (0x00120064, "REMOVE", ""),
        (0x00280303, "REMOVE", ""),
        (0x00420015, "REPLACE", "document_length"),
        (0x00700060, "REPLACE", "items"),
        (0x00100033, "REMOVE", ""),
    ],
)
def test_attributes_beyond_the_table_have_their_rule(
    tag: int, operation: str, replace: str, profile: Profile
) -> None:
    rules = profile.rules(CT)
    found, kind = rules.decide(tag)
    assert found.name == operation
    assert (rules.kinds[kind].replace if found is Operation.REPLACE else "") == replace


def test_dates_that_no_row_names_follow_their_type(profile: Profile) -> None:
    inventory_date = 0x0008041F  # Study Update DateTime, DT
    assert profile.rules("1.2.3").decide(inventory_date)[0] is Operation.REPLACE
    assert profile.rules(CT).decide(inventory_date)[0] is Operation.REMOVE


def test_attributes_that_are_unknown_in_their_context_get_what_is_valid_for_every_type(
    profile: Profile,
) -> None:
    rules = profile.rules(CT)
    nowhere = rules.context_of((0x00189321, 0x00144031))
    assert nowhere == -1
    assert rules.decide(0x00080080, nowhere)[0] is Operation.REPLACE  # Institution Name X/Z/D
    assert rules.decide(0x00080022, nowhere)[0] is Operation.EMPTY  # Acquisition Date X/Z
    assert rules.decide(0x00081140, nowhere)[0] is Operation.KEEP  # Referenced Image Seq. X/Z/U*


@pytest.mark.parametrize(
    ("tag", "context", "operation"),
    [
        (0x00080070, 0, "EMPTY"),  # Manufacturer, Type 2 in General Equipment
        (0x00081090, 0, "REMOVE"),  # Manufacturer's Model Name, Type 3
        (0x00080060, 0, "REPLACE"),  # Modality, Type 1
        (0x00080070, -1, "REPLACE"),
        (0x00091001, 0, "REMOVE"),
    ],
)
def test_a_kept_element_with_a_leak_is_cleaned_by_its_type(
    tag: int, context: int, operation: str, profile: Profile
) -> None:
    rules = profile.rules(CT)
    found, kind = rules.clean(tag, context)
    assert found.name == operation
    if found is Operation.REPLACE:
        assert rules.kinds[kind].replace == "dummy"


@pytest.mark.parametrize(
    ("tag", "harvest"),
    [
        (0x00100010, "name"),
        (0x00080090, "name"),
        (0x00100020, "patient"),
        (0x00101000, "patient"),
        (0x00080050, "identifier"),
        (0x00101040, "phrase"),
        (0x00080080, "phrase"),
        (0x00100030, "date"),
        (0x0008002A, "date"),
        (0x0020000D, "uid"),
        (0x00081030, ""),  # Study Description: clinical words
        (0x0008103E, ""),
        (0x00080030, ""),  # Study Time
    ],
)
def test_rules_say_what_the_leak_check_learns(tag: int, harvest: str, profile: Profile) -> None:
    rules = profile.rules(CT)
    _, kind = rules.decide(tag)
    assert (rules.kinds[kind].harvest if kind >= 0 else "") == harvest


def test_private_elements_teach_the_leak_check_by_their_vr(profile: Profile) -> None:
    rules = profile.rules(CT)
    learnt = {
        vr: rules.kinds[kind].harvest
        for vr, kind in zip(VR_NAMES, rules.private[:, 1].tolist(), strict=True)
        if kind >= 0
    }
    assert learnt == {"PN": "name", "DA": "date", "DT": "date", "UI": "uid"}


def test_the_registry_keeps_what_the_standard_registers(profile: Profile) -> None:
    registry = profile.registry
    assert {uid.encode() for uid in read_uids()} <= registry
    assert b"1.2.840.10008.6.1.308" in registry  # context group CID 4031, PS3.6 Table A-3
    assert b"2.16.840.1.113883.6.96" in registry  # SNOMED CT
    assert b"1.2.840.10008.5.1.4.1.1.2.1234" not in registry


@pytest.mark.parametrize(
    ("sop_class", "storage", "refused"),
    [
        (CT, True, ""),
        ("1.2.840.10008.5.1.4.1.1.88.59", True, ""),
        ("1.2.840.10008.5.1.4.1.1.6", True, ""),  # Ultrasound Image Storage (retired)
        ("1.2.840.10008.5.1.4.1.1.9.4.1", True, "voice_recording"),
        ("1.2.840.10008.5.1.4.1.1.9.4.2", True, "voice_recording"),
        ("1.2.840.10008.5.1.4.1.1.201.1", True, "inventory_of_patients"),
        ("1.2.840.10008.1.3.10", False, ""),  # Media Storage Directory Storage
        ("1.2.840.10008.1.20.1", False, ""),  # Storage Commitment
        ("1.2.840.10008.1.1", False, ""),  # Verification
        ("1.2.840.10008.1.2.1", False, ""),  # a transfer syntax
        ("1.3.12.2.1107.5.9.1", False, ""),  # private: Siemens CSA Non-Image Storage
        ("", False, ""),
    ],
)
def test_storage_classes_are_known(
    sop_class: str, storage: bool, refused: str, profile: Profile
) -> None:
    rules = profile.rules(sop_class)
    assert (rules.storage, rules.refused) == (storage, refused)


@pytest.mark.parametrize(
    ("sop_class", "required"),
    [
        (CT, True),
        ("1.2.840.10008.5.1.4.1.1.7", True),
        ("1.2.840.10008.5.1.4.1.1.88.33", False),
        ("1.2.840.10008.5.1.4.1.1.481.3", False),
        ("1.2.840.10008.5.1.4.1.1.481.2", False),  # RT Dose: Image Pixel is conditional
        ("1.2.3", False),
    ],
)
def test_pixel_data_is_required_where_its_module_is_mandatory(
    sop_class: str, required: bool, profile: Profile
) -> None:
    assert profile.rules(sop_class).pixel_data_required is required


def test_a_rule_is_explained_in_words_and_without_values(profile: Profile) -> None:
    rules = profile.rules(CT)
    assert rules.explain(0x00100010) == "replace (patient_name): code Z, Table E.1-1, Type 2"
    assert rules.explain(0x00080080) == "remove: code X/Z/D, Table E.1-1, Type 3"
    assert rules.explain(0x00091001) == "remove: code X, Table E.1-1, Type 3"


def test_listed_references_stay_so_that_the_list_refers_to_something() -> None:
    # PS3.15 Table E.1-1a: X/Z/U* keeps the sequence where conformance requires it, and the Common
    # Instance Reference Module (PS3.3 C.12.2) lists references that stand elsewhere.
    profile = load_profile("basic")
    ct_image_storage = "1.2.840.10008.5.1.4.1.1.2"
    for tag in (0x00081140, 0x00082112):
        without_list = profile.rules(ct_image_storage).decide(tag)
        with_list = profile.rules(ct_image_storage, references=True).decide(tag)
        assert without_list[0] is Operation.REMOVE
        assert with_list == (Operation.KEEP, -1)
