"""Content items one by one: PS3.15 E.3.4 and Table E.3.4-1."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from fastdeid.structured import StructuredContent
from tests.content.finding import changes, read, rows_of, told
from tests.content.trees import Code, content, document
from tests.scenarios.studies import code, item

MODIFIED = ("clean_structured_content", "clean_descriptors", "retain_longitudinal_modified_dates")
FINDING: Code = ("DCM", "121071", "Finding")
COMMENT: Code = ("DCM", "121106", "Comment")
OBSERVER: Code = ("DCM", "121008", "Person Observer Name")
UNKNOWN: Code = ("99HOSP", "4711", "Bemerkung")
LENGTH: Code = ("SCT", "410668003", "Length")


def find(*items: Dataset, options: tuple[str, ...] = MODIFIED) -> list[str]:
    """Return what happens to the items of a document, without the root's path."""
    finder = StructuredContent(options)
    lines = told(changes(finder.find, read(document(*items))))
    return [line.removeprefix("ContentSequence.") for line in lines]


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (content("TEXT", FINDING, "a nodule"), ["1.TextValue: clean"]),
        (content("TEXT", ("DCM", "111412", "Narrative"), "x"), ["1.TextValue: clean"]),
        (content("PNAME", OBSERVER, "Doe^Jane"), ["1.PersonName: dummy"]),
        (content("PNAME", ("DCM", "1", "no such"), "Doe^Jane"), ["1.PersonName: dummy"]),
        (
            content("PNAME", ("DCM", "121029", "Subject Name"), "Doe^Jane"),
            ["1.PersonName: patient_name"],
        ),
        (content("DATE", ("DCM", "111060", "Study Date"), "20200102"), ["1.Date: shift"]),
        (content("TIME", ("DCM", "111061", "Study Time"), "1011"), ["1.Time: shift"]),
        (content("DATETIME", ("DCM", "1", "no such"), "20200102"), ["1.DateTime: shift"]),
        (content("UIDREF", ("DCM", "112040", "Tracking UID"), "1.2.3"), ["1.UID: map_uid"]),
        (content("UIDREF", ("DCM", "1", "no such"), "1.2.3"), ["1.UID: map_uid"]),
        (content("IMAGE", None, "1.2.3"), []),
        (content("NUM", LENGTH, 12), []),
        (content("CODE", FINDING, ("SCT", "39607008", "Lung")), []),
        (content("CONTAINER", ("DCM", "125007", "Measurement Group")), []),
    ],
)
def test_the_value_type_and_the_concept_name_decide(one: Dataset, what: list[str]) -> None:
    assert find(content("NUM", LENGTH, 1), one) == [f"2{line[1:]}" for line in what]


def test_an_item_that_the_table_removes_goes_whole() -> None:
    lines = find(
        content("TEXT", ("DCM", "121030", "Subject ID"), "MRN1"),  # X/D: mandatory somewhere
        content("TEXT", ("DCM", "121022", "Accession Number"), "A1"),
        content("NUM", LENGTH, 1),
    )
    assert lines[:2] == ["1.TextValue: dummy", "2: remove"]
    assert all(line.startswith("2.") and line.endswith(": remove") for line in lines[2:])


def test_without_clean_descriptors_text_of_the_table_goes() -> None:
    options = ("clean_structured_content",)
    lines = find(content("TEXT", COMMENT, "x"), content("TEXT", UNKNOWN, "y"), options=options)
    assert lines[0] == "1: remove"
    assert lines[-1] == "2.TextValue: clean"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ((), "dummy"),
        (("retain_longitudinal_modified_dates",), "shift"),
        (("retain_longitudinal_full_dates",), "keep"),
        (("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"), "keep"),
    ],
)
def test_dates_follow_the_options(options: tuple[str, ...], what: str) -> None:
    listed = content("DATETIME", ("DCM", "113809", "Start of X-Ray Irradiation"), "20200102")
    unlisted = content("DATE", UNKNOWN, "20200102")
    lines = find(listed, unlisted, options=options)
    assert [line for line in lines if "Date" in line] == [f"1.DateTime: {what}", f"2.Date: {what}"]


def test_a_birth_date_never_stays() -> None:
    listed = ("DCM", "121031", "Subject Birth Date")
    options = ("retain_longitudinal_full_dates",)
    rest = content("NUM", LENGTH, 1)
    assert find(content("DATE", listed, "19620304"), rest, options=options)[0] == "1: remove"
    for concept in (("99HOSP", "1", "Subject birth date"), ("LN", "21112-8", "Birth date")):
        for value_type in ("DATE", "DATETIME"):
            lines = find(content(value_type, concept, "19620304"), rest, options=options)
            assert lines[0] in {
                "1: remove",
                f"1.{value_type.title().replace('time', 'Time')}: dummy",
            }


@pytest.mark.parametrize(
    ("option", "concept", "value_type", "keyword"),
    [
        ("retain_device_identity", ("DCM", "121016", "Serial"), "TEXT", "TextValue"),
        ("retain_device_identity", ("DCM", "121012", "Device UID"), "UIDREF", "UID"),
        ("retain_institution_identity", ("DCM", "113873", "Organization"), "TEXT", "TextValue"),
        ("retain_uids", ("DCM", "112040", "Tracking UID"), "UIDREF", "UID"),
    ],
)
def test_options_retain_what_they_name(
    option: str, concept: Code, value_type: str, keyword: str
) -> None:
    rest = content("NUM", LENGTH, 1)
    one = content(value_type, concept, "1.2.3")
    assert find(one, rest, options=(option,)) == [f"1.{keyword}: keep"]
    assert f"1.{keyword}: keep" not in find(one, rest, options=())


def test_age_and_sex_of_the_subject_go_unless_retained() -> None:
    age = content("NUM", ("DCM", "121033", "Subject Age"), 57)
    sex = content("CODE", ("DCM", "121032", "Subject Sex"), ("DCM", "F", "Female"))
    rest = content("NUM", LENGTH, 1)
    lines = find(age, sex, rest)
    assert {"1: remove", "2: remove"} <= set(lines)
    assert find(age, sex, rest, options=("retain_patient_characteristics",)) == []


@pytest.mark.parametrize(
    ("value", "unit", "stays"),
    [
        ("57", "a", True),
        ("89", "a", True),
        ("91", "a", False),
        ("91", "", False),
        ("360", "mo", True),
        ("1200", "mo", False),
        ("1e3", "wk", True),
    ],
)
@pytest.mark.parametrize("meaning", ["Subject Age", "Age", "Patient age at examination"])
def test_ages_above_89_years_never_stay(value: str, unit: str, stays: bool, meaning: str) -> None:
    age = content("NUM", ("99HOSP" if meaning != "Age" else "SCT", "1", meaning), value)
    (measured,) = age.MeasuredValueSequence
    measured.MeasurementUnitsCodeSequence = code(unit, "UCUM", unit)
    options = ("retain_patient_characteristics",)
    lines = find(age, content("NUM", LENGTH, 95), options=options)
    assert ("1: remove" in lines) is not stays
    assert not any(line.startswith("2") for line in lines)


@pytest.mark.parametrize(
    "concept",
    [
        ("SRT", "G-C0E3", "Finding Site"),
        ("SNM3", "G-C0E3", "Finding site"),
        ("99SDM", "G-C0E3", ""),
        ("99HOSP", "1", "FINDING SITE"),
    ],
)
def test_retired_and_private_codes_of_a_concept_are_known(concept: Code) -> None:
    lines = find(content("TEXT", concept, "x"), options=())
    assert lines[-1] == "1.TextValue: dummy"


def test_the_meaning_of_a_private_code_is_cleaned() -> None:
    reader = content("CODE", UNKNOWN, ("99HOSP", "7", "Dr. Jones"))
    assert find(reader) == [
        "1.ConceptNameCodeSequence.1.CodeMeaning: clean",
        "1.ConceptCodeSequence.1.CodeMeaning: clean",
    ]


def test_a_name_told_as_text_is_not_kept_in_part() -> None:
    assert find(content("TEXT", OBSERVER, "Jane Doe")) == ["1.TextValue: dummy"]


def test_values_in_an_item_of_another_type_are_treated_by_their_own() -> None:
    odd = content("CODE", FINDING, ("SCT", "1", "x"))
    odd.TextValue, odd.PersonName, odd.Date = "for Jane Doe", "Doe^Jane", "20200102"
    lines = find(odd, content("NUM", LENGTH, 1))
    assert lines == ["1.Date: shift", "1.PersonName: dummy", "1.TextValue: clean"]


def test_items_without_a_value_type_are_known_by_their_values() -> None:
    text = item(ConceptNameCodeSequence=code("121022", "DCM", "Accession Number"), TextValue="A1")
    number = item(
        ConceptNameCodeSequence=code("109056", "DCM", "Stress Protocol"), NumericValue="1"
    )
    lines = find(text, number)
    assert lines[0] == "1: remove"
    assert not any(line.startswith("2") for line in lines)


def test_an_item_with_children_that_stay_loses_its_value_only() -> None:
    child = content("NUM", LENGTH, 3)
    lines = find(content("TEXT", COMMENT, "x", child), content("NUM", LENGTH, 1), options=())
    assert lines == ["1.TextValue: dummy"]


def test_an_item_goes_with_children_that_go() -> None:
    child = content("TEXT", ("DCM", "113872", "Person ID Issuer"), "Hospital")
    person = content("TEXT", ("DCM", "113871", "Person ID"), "4711", child)
    lines = find(person, content("NUM", LENGTH, 1))
    assert lines[0] == "1: remove"
    assert "1.ContentSequence.1: remove" in lines


def test_a_relationship_by_reference_keeps_every_item_in_its_place() -> None:
    """PS3.3 C.17.3: (0040,DB73) counts the items on the way from the root."""
    by_reference = item(RelationshipType="INFERRED FROM", ReferencedContentItemIdentifier=[1, 3])
    finding = content("CODE", FINDING, ("SCT", "1", "x"), by_reference)
    lines = find(
        content("TEXT", ("DCM", "121022", "Accession Number"), "A1"),
        content("NUM", ("DCM", "121033", "Subject Age"), 57),
        content("CODE", ("DCM", "121032", "Subject Sex"), ("DCM", "F", "Female")),
        finding,
    )
    assert not any(line.endswith(("1: remove", "2: remove")) and "." not in line for line in lines)
    assert "1.TextValue: dummy" in lines
    assert "2.MeasuredValueSequence: empty" in lines
    assert "3.ConceptCodeSequence: items" in lines


def test_a_sequence_never_loses_all_its_items() -> None:
    lines = find(
        content("TEXT", ("DCM", "121022", "Accession Number"), "A1"),
        content("TEXT", ("DCM", "121020", "Placer Number"), "P1"),
    )
    assert lines == ["1.TextValue: dummy", "2.TextValue: dummy"]


def test_all_below_a_removed_container_goes_or_is_hidden() -> None:
    udi = content("TEXT", ("DCM", "999", "Free"), "(01)0123", content("NUM", LENGTH, 1))
    container = content("CONTAINER", ("DCM", "121000", "Unique Device Identifiers"), None, udi)
    lines = find(container, content("NUM", LENGTH, 1))
    assert all(line.endswith(": remove") for line in lines)
    alone = find(container)
    assert "1.ContentSequence.1.TextValue: dummy" in alone
    assert "1.ContentSequence.1.ContentSequence.1.MeasuredValueSequence: empty" in alone


def test_trees_of_any_depth_are_walked() -> None:
    tree = content("TEXT", UNKNOWN, "deepest")
    for _ in range(25):
        tree = content("CONTAINER", ("DCM", "125007", "Group"), None, tree)
    (last,) = [line for line in find(tree) if "TextValue" in line]
    assert last.endswith("TextValue: clean")
    assert last.count("ContentSequence.") == 25


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]
)
def test_every_encoding_gives_the_same_changes(syntax: str) -> None:
    tree = document(content("TEXT", FINDING, "x"), content("PNAME", OBSERVER, "Doe^Jane"))
    found = changes(StructuredContent(MODIFIED).find, read(tree, syntax))
    assert list(told(found)) == [
        "ContentSequence.1.TextValue: clean",
        "ContentSequence.2.PersonName: dummy",
    ]


def test_acquisition_context_specimens_and_annotations_are_structured_content() -> None:
    name = code("1", "99HOSP", "Bemerkung")
    context = item(ConceptNameCodeSequence=code("1", "DCM", "x"), TextValue="fasting")
    step = item(
        SpecimenPreparationStepContentItemSequence=[
            content("TEXT", ("DCM", "121041", "Specimen Identifier"), "S1"),
            content("DATETIME", ("DCM", "111702", "DateTime of processing"), "20200102"),
        ]
    )
    specimen = item(SpecimenUID="1.2", SpecimenPreparationSequence=[step])
    data_set = item(
        AcquisitionContextSequence=[context],
        SpecimenDescriptionSequence=[specimen],
        WaveformAnnotationSequence=[
            item(UnformattedTextValue="Mrs. Doe"),
            item(ConceptNameCodeSequence=name, NumericValue="1"),
        ],
    )
    found = changes(StructuredContent(MODIFIED).find, read(data_set))
    at = "SpecimenDescriptionSequence.1.SpecimenPreparationSequence.1."
    steps = f"{at}SpecimenPreparationStepContentItemSequence"
    assert found["AcquisitionContextSequence.1.TextValue"][1] == "clean"
    assert found[f"{steps}.1"][0].name == "REMOVE"
    assert found[f"{steps}.2.DateTime"][1] == "shift"
    assert found["WaveformAnnotationSequence.1.UnformattedTextValue"][1] == "clean"
    meaning = "WaveformAnnotationSequence.2.ConceptNameCodeSequence.1.CodeMeaning"
    assert found[meaning][1] == "clean"


def test_items_that_are_removed_already_stay_removed() -> None:
    reader = read(document(content("TEXT", FINDING, "x")))
    reader.table[:, 8] = 1
    assert StructuredContent(MODIFIED).find(reader, rows_of(reader)) == []
