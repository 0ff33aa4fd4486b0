"""Every row of Table E.1-1 compiles to what the table says, for every IOD and for none."""

from __future__ import annotations

import pytest

from fastdeid.codes import Operation
from fastdeid.profiles.tables import PRIVATE_PATTERN, Row, read_table, read_types
from fastdeid.rules import Profile, Rules, load_profile, tag_of

UNKNOWN = "1.2.3"
CT = "1.2.840.10008.5.1.4.1.1.2"
ROWS = [row for row in read_table().rows if row.vr]
PSEUDONYMS = {0x00100010: "patient_name", 0x00100020: "patient_id", 0x00080050: "accession"}
# PS3.15 Table E.1-1a: what each code asks for, by the Types of PS3.5 section 7.4.
# Written without fastdeid.codes. "*" is an IOD, or a sequence, that is not known.
ALLOWED = {
    "D": {"1 1C 2 2C 3 *": "REPLACE"},
    "U": {"1 1C 2 2C 3 *": "REPLACE"},
    "Z": {"1 1C": "REPLACE", "2 2C 3 *": "EMPTY"},
    "X": {"1": "REPLACE", "2": "EMPTY", "1C 2C 3 *": "REMOVE"},
    "Z/D": {"1 1C *": "REPLACE", "2 2C 3": "EMPTY"},
    "X/Z": {"1 1C": "REPLACE", "2 2C *": "EMPTY", "3": "REMOVE"},
    "X/D": {"1 1C 2 2C *": "REPLACE", "3": "REMOVE"},
    "X/Z/D": {"1 1C *": "REPLACE", "2 2C": "EMPTY", "3": "REMOVE"},
    "X/Z/U*": {"1 1C 2 2C *": "KEEP", "3": "REMOVE"},
}


def allowed(row: Row, attribute_type: str) -> str:
    """Return the operation that a row asks for where the attribute has a Type."""
    tag = tag_of(row.pattern)
    if tag >> 16 in {0x0004, 0x6000}:
        return "REMOVE"  # the record of a directory, the overlay whose data the table removes
    code = row.codes[0]
    if tag in PSEUDONYMS:
        return "REPLACE"
    return next(op for types, op in ALLOWED[code].items() if attribute_type in types.split())


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("basic")


def kind_of(rules: Rules, tag: int, context: int = 0) -> str:
    _, kind = rules.decide(tag, context)
    return rules.kinds[kind].replace if kind >= 0 else ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.pattern)
def test_a_row_is_obeyed_where_the_iod_is_unknown(row: Row, profile: Profile) -> None:
    operation, _ = profile.rules(UNKNOWN).decide(tag_of(row.pattern))
    assert operation.name == allowed(row, "*")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.pattern)
def test_a_row_is_obeyed_in_a_ct_image(row: Row, profile: Profile) -> None:
    rules = profile.rules(CT)
    operation, _ = rules.decide(tag_of(row.pattern))
    assert operation.name == allowed(row, rules.attribute_type(tag_of(row.pattern)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.pattern)
def test_a_row_says_how_its_value_is_replaced(row: Row, profile: Profile) -> None:
    tag = tag_of(row.pattern)
    replaced = {"UI": "map_uid", "SQ": "items"}.get(row.vr, "dummy")
    special = {0x00420011: "document", 0x00120040: "patient_id", **PSEUDONYMS}
    for rules in (profile.rules(UNKNOWN), profile.rules(CT)):
        if rules.decide(tag)[0] is Operation.REPLACE:
            assert kind_of(rules, tag) == special.get(tag, replaced)


@pytest.mark.parametrize("sop_class", sorted(read_types().sop_classes))
def test_every_row_is_obeyed_at_every_place_of_every_iod(sop_class: str, profile: Profile) -> None:
    rules = profile.rules(sop_class)
    by_tag = {tag_of(row.pattern): row for row in ROWS}
    iod = rules._iod
    assert iod is not None
    wrong = []
    contexts = [0]  # those below kept sequences; what is below the others goes with them
    for context in contexts:
        for tag, place in iod.places[context].items():
            operation = rules.decide(tag, context)[0].name
            if tag in by_tag and operation != allowed(by_tag[tag], place.attribute_type):
                wrong.append((f"{tag:08X}", context))
            if place.child >= 0 and operation == "KEEP" and place.child not in contexts:
                contexts.append(place.child)
    assert wrong == []
    assert len(contexts) > 1 or sop_class == "1.2.840.10008.1.3.10"  # a DICOMDIR


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.pattern)
def test_an_attribute_that_the_known_iod_does_not_have_is_type_3(
    row: Row, profile: Profile
) -> None:
    rules = profile.rules(CT)
    items = rules.context_of((0x00081032,))  # a code sequence has none of the table's attributes
    tag = tag_of(row.pattern)
    if tag not in {0x00080106, 0x00080107, 0x00080117}:
        assert rules.attribute_type(tag, items) == "3"
        assert rules.decide(tag, items)[0].name == allowed(row, "3")


def test_private_attributes_are_removed_whatever_their_vr(profile: Profile) -> None:
    assert next(row for row in read_table().rows if row.pattern == PRIVATE_PATTERN).codes[0] == "X"
    private = profile.rules(CT).private
    assert private.shape == (35, 3)
    assert (private[:, 0] == Operation.REMOVE).all()
    assert profile.rules(CT).decide(0x00091001)[0] is Operation.REMOVE


@pytest.mark.parametrize("tag", [0x50003000, 0x50020010, 0x501E2500, 0x60003000, 0x60020010])
def test_curves_and_overlays_go_in_every_repeating_group(tag: int, profile: Profile) -> None:
    for sop_class in (CT, UNKNOWN):
        assert profile.rules(sop_class).decide(tag)[0] is Operation.REMOVE


# Facts of PS3.3 that a reader can look up: SOP Class, path, Type, operation.
PET = "1.2.840.10008.5.1.4.1.1.128"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
ECG_12_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
FACTS = [
    (CT, (0x00080022,), "3", "REMOVE"),  # Acquisition Date X/Z
    (PET, (0x00080022,), "2", "EMPTY"),
    (PET, (0x00080021,), "1", "REPLACE"),  # Series Date X/D
    (CT, (0x00080021,), "3", "REMOVE"),
    (CT, (0x00080023,), "2C", "EMPTY"),  # Content Date Z/D
    (SEGMENTATION, (0x00080023,), "1", "REPLACE"),
    (CT, (0x00080080,), "3", "REMOVE"),  # Institution Name X/Z/D
    (ECG_12_LEAD, (0x0008002A,), "1", "REPLACE"),  # Acquisition DateTime X/Z/D
    (CT, (0x00100010,), "2", "REPLACE"),  # Patient's Name Z, with the pseudonym
    (CT, (0x00100030,), "2", "EMPTY"),  # Patient's Birth Date Z
    (CT, (0x00080020,), "2", "EMPTY"),  # Study Date Z
    (CT, (0x00101010,), "3", "REMOVE"),  # Patient's Age X
    (CT, (0x00082112,), "3", "REMOVE"),  # Source Image Sequence X/Z/U*
    (CT, (0x00180010,), "2", "EMPTY"),  # Contrast/Bolus Agent Z/D
    (GSPS, (0x00081115, 0x00081140), "1", "KEEP"),  # Referenced Image Sequence X/Z/U*
    (
        ENHANCED_CT,
        (0x52009230, 0x00209111, 0x00189074),
        "1C",
        "REPLACE",
    ),  # Frame Acquisition DateTime
    (RT_PLAN, (0x300A00B0, 0x300A00B2), "2", "EMPTY"),  # Treatment Machine Name X/Z
    (RT_PLAN, (0x300A0006,), "2", "REPLACE"),  # RT Plan Date X/D
    (RT_STRUCTURE_SET, (0x30060020, 0x30060026), "2", "EMPTY"),  # ROI Name Z
    (WHOLE_SLIDE, (0x22000005,), "2", "EMPTY"),  # Barcode Value X/Z
    (GSPS, (0x00700082,), "1", "REPLACE"),  # Presentation Creation Date X
    (GSPS, (0x00700001,), "1", "REPLACE"),  # Graphic Annotation Sequence D
    (COMPREHENSIVE_SR, (0x0040A730,), "1C", "REPLACE"),  # Content Sequence D
    (COMPREHENSIVE_SR, (0x0040A073,), "1C", "REPLACE"),  # Verifying Observer Sequence D
    (
        COMPREHENSIVE_SR,
        (0x0040A370, 0x00321060),
        "2",
        "EMPTY",
    ),  # Requested Procedure Description X/Z
    (COMPREHENSIVE_SR, (0x0040A032,), "1C", "REPLACE"),  # Observation DateTime X/D
]


@pytest.mark.parametrize(("sop_class", "path", "attribute_type", "operation"), FACTS)
def test_types_are_those_of_ps3_3(
    sop_class: str,
    path: tuple[int, ...],
    attribute_type: str,
    operation: str,
    profile: Profile,
) -> None:
    rules = profile.rules(sop_class)
    context = rules.context_of(path[:-1])
    assert context >= 0
    assert rules.attribute_type(path[-1], context) == attribute_type
    assert rules.decide(path[-1], context)[0].name == operation
