"""Traps 1 to 4: UN, sequences under another VR, VRs that a conversion would lose."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify

REFERENCED_SERIES = 0x00081115
SECRET = b.text(0x00100010, "PN", "Secret^Ann")
SECRET_IMPLICIT = b.text(0x00100010, "PN", "Secret^Ann", b.IMPLICIT)
MODALITY_IMPLICIT = b.text(0x00080060, "CS", "MR", b.IMPLICIT)


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.BIG], ids=["little", "big"])
def test_trap_1_un_of_undefined_length_holds_implicit_little_endian(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    inside = MODALITY_IMPLICIT + SECRET_IMPLICIT
    unknown = b.sequence(
        REFERENCED_SERIES, [b.item(inside, b.IMPLICIT)], b.IMPLICIT, undefined=True, vr="UN"
    )
    # Only the element's own header is in the encoding of the data set, PS3.5 section 6.2.2.
    header = b.header(REFERENCED_SERIES, "UN", b.UNDEFINED, encoding)
    own = header + unknown[8:]
    run = deidentify(tmp_path, b.part10(ct_image(own, encoding=encoding), encoding))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    dummy = b.text(0x00100010, "PN", run.outcome.pseudonyms[0], b.IMPLICIT)
    assert header + b.item(MODALITY_IMPLICIT + dummy, b.IMPLICIT) in run.data


def test_trap_1_items_with_undefined_lengths_keep_them_inside_un(tmp_path: Path) -> None:
    inner = b.sequence(0x0040A170, [b.item(SECRET_IMPLICIT, b.IMPLICIT)], b.IMPLICIT)
    outer = b.item(MODALITY_IMPLICIT + inner, b.IMPLICIT, undefined=True)
    unknown = b.sequence(REFERENCED_SERIES, [outer], undefined=True, vr="UN")
    run = deidentify(tmp_path, b.part10(ct_image(unknown)))
    assert b"Secret" not in run.data
    (item,) = run.data_set[REFERENCED_SERIES].value
    assert item.Modality == "MR"
    assert item.PurposeOfReferenceCodeSequence[0].PatientName == run.outcome.pseudonyms[0]


def test_trap_1_dummy_items_inside_un_are_implicit_too(tmp_path: Path) -> None:
    text = b.text(0x0040A160, "UT", "Secret findings ", b.IMPLICIT)
    content = b.sequence(0x0040A730, [b.item(text, b.IMPLICIT)], b.IMPLICIT)
    unknown = b.sequence(REFERENCED_SERIES, [b.item(content, b.IMPLICIT)], undefined=True, vr="UN")
    run = deidentify(tmp_path, b.part10(ct_image(unknown)))
    assert b"Secret" not in run.data
    (dummy,) = run.data_set[REFERENCED_SERIES].value[0].ContentSequence
    assert dummy.TextValue == "DEIDENTIFIED"
    assert dummy.ConceptNameCodeSequence[0].CodeMeaning == "Comment"


def test_trap_2_un_of_defined_length_is_a_sequence_by_the_dictionary(tmp_path: Path) -> None:
    unknown = b.element(REFERENCED_SERIES, "UN", b.item(SECRET_IMPLICIT, b.IMPLICIT))
    run = deidentify(tmp_path, b.part10(ct_image(unknown)))
    assert b"Secret" not in run.data
    assert b.header(REFERENCED_SERIES, "UN", 8 + 8 + 16) in run.data


@pytest.mark.parametrize(
    "element",
    [
        b.element(REFERENCED_SERIES, "UN", b"??" + SECRET),
        b.element(REFERENCED_SERIES, "OB", b.item(SECRET)),
        b.element(REFERENCED_SERIES, "LO", b.item(SECRET)),
        b.element(0x00082227, "UN", b.item(SECRET)),  # an even group, in no dictionary
        b.element(0x00091001, "UN", b.item(SECRET)),
        b.element(0x00091001, "UN", b.item(SECRET_IMPLICIT, b.IMPLICIT)),
    ],
    ids=["no items", "OB", "LO", "not in PS3.6", "private explicit", "private implicit"],
)
def test_trap_2_what_may_be_items_and_is_not_parsed_is_removed(
    tmp_path: Path, element: bytes
) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(element)))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert int.from_bytes(element[2:4], "little") not in {one.tag.element for one in run.data_set}


@pytest.mark.parametrize("vr", ["PN", "DA", "DT", "TM", "UI"])
def test_a_value_is_judged_by_its_vr_where_the_attribute_has_another(
    tmp_path: Path, vr: str
) -> None:
    value = {"PN": "Secret^Ann", "UI": "1.2.3.99.42.7"}.get(vr, "20031212")
    element = b.text(0x00080070, vr, value)  # Manufacturer is LO, and is kept
    run = deidentify(tmp_path, b.part10(ct_image(element)))
    assert run.outcome.verdict is Verdict.OK
    assert value.encode() not in run.data
    assert "Manufacturer" not in run.data_set


@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
def test_trap_3_a_private_sequence_may_be_explicit_in_an_implicit_data_set(
    tmp_path: Path, undefined: bool
) -> None:
    items = [b.item(SECRET, undefined=undefined)]
    private = b.element(0x00090010, "LO", b"ACME", b.IMPLICIT) + b.sequence(
        0x00091010, items, b.IMPLICIT, undefined=undefined
    )
    kept = b.text(0x00080070, "LO", "ACME Imaging", b.IMPLICIT)
    data_set = ct_image(kept, private, encoding=b.IMPLICIT)
    run = deidentify(tmp_path, b.part10(data_set, b.IMPLICIT))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert not any(element.tag.is_private for element in run.data_set)
    assert run.data_set.Manufacturer == "ACME Imaging"
    assert run.data_set.PixelData == bytes(range(8))


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_trap_4_the_transfer_syntax_and_every_kept_vr_stay(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    kept = [
        b.text(0x00080070, "LO", "ACME", encoding),
        b.number(0x00280010, "US", 2, encoding=encoding),
        b.number(0x00280106, "SS", -5, encoding=encoding),
        b.element(0x00281050, "UN", b"40", encoding),  # Window Center, known as DS
    ]
    run = deidentify(tmp_path, b.part10(ct_image(*kept, encoding=encoding), encoding))
    assert run.outcome.transfer_syntax == encoding.transfer_syntax
    assert run.data_set.file_meta.TransferSyntaxUID == encoding.transfer_syntax
    start = 132 + 12 + run.data_set.file_meta.FileMetaInformationGroupLength
    data_set = b.inflate(run.data[start:]) if encoding.deflated else run.data[start:]
    for element in kept:
        assert element in data_set


@pytest.mark.parametrize("tag", [0x00080202, 0x00180061, 0x00189445, 0x00280020, 0x04000315])
def test_an_attribute_that_the_standard_lists_without_a_name_goes(tmp_path: Path, tag: int) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(b.text(tag, "LO", "Secret"))))
    assert b"Secret" not in run.data
