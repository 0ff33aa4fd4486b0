"""Dummies are valid for every VR, VM and encoding, and nobody takes them for real values."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence
from pydicom.valuerep import VR, validate_value

from fastdeid.dummies import dummy_items, dummy_value, pad
from fastdeid.rules import Operation, load_profile
from fastdeid.tags import VR_NAMES

VRS = [vr for vr in VR_NAMES if vr not in {"", "SQ"}]
ENCODINGS = [(True, False), (False, False), (True, True)]
SIZES = {"US": 2, "SS": 2, "OW": 2, "AT": 4, "FL": 4, "OF": 4, "OL": 4, "SL": 4, "UL": 4}
SIZES |= {"FD": 8, "OD": 8, "OV": 8, "SV": 8, "UV": 8, "OB": 2, "UN": 2}
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
SEQUENCES = sorted(
    {kind.tag for kind in load_profile("basic").kinds.rows if kind.replace == "items" and kind.tag}
)


@pytest.mark.parametrize("vr", VRS)
@pytest.mark.parametrize("vm", ["1", "1-n", "2", "2-n", "3", "3-3n", "6", "16"])
def test_a_dummy_is_valid_for_its_vr_and_vm(vr: str, vm: str) -> None:
    count = int(vm.split("-", maxsplit=1)[0])
    value = dummy_value(vr, vm)
    assert len(value) % 2 == 0
    if vr in SIZES:
        assert value == bytes(SIZES[vr] * count)
        return
    assert value.isascii()
    parts = value.rstrip(b" \0").split(b"\\")
    assert len(parts) == count
    for part in parts:
        validate_value(vr, part.decode("ascii"), RAISE)


@pytest.mark.parametrize(
    ("vr", "expected"),
    [
        ("PN", b"DEIDENTIFIED"),
        ("LO", b"DEIDENTIFIED"),
        ("CS", b"DEIDENTIFIED"),
        ("DA", b"19000101"),
        ("TM", b"000000"),
        ("DT", b"19000101000000"),
        ("AS", b"000Y"),
        ("DS", b"0 "),
        ("UR", b"http://deidentified.invalid/"),
        ("UI", b"2.25.0"),
    ],
)
def test_a_dummy_is_plainly_synthetic(vr: str, expected: bytes) -> None:
    assert dummy_value(vr) == expected


def test_a_dummy_time_zone_is_one() -> None:
    rules = load_profile("basic").rules("1.2.840.10008.5.1.4.1.1.88.72")  # Type 1 there
    operation, number = rules.decide(0x00080201)
    kind = rules.kinds[number]
    assert operation is Operation.REPLACE
    assert dummy_value(kind.vr, kind.vm, kind.tag) == b"+0000 "


@pytest.mark.parametrize(
    ("value", "vr", "padded"),
    [
        (b"ABC", "LO", b"ABC "),
        (b"ABCD", "LO", b"ABCD"),
        (b"1.2", "UI", b"1.2\0"),
        (b"\1", "OB", b"\1\0"),
        (b"\1", "UN", b"\1\0"),
        (b"", "LO", b""),
    ],
)
def test_values_are_padded_as_ps3_5_section_6_2_says(value: bytes, vr: str, padded: bytes) -> None:
    assert pad(value, vr) == padded


def read(items: bytes, *, explicit: bool, big_endian: bool) -> list[Dataset]:
    """Return items as pydicom reads them."""
    file = BytesIO(items)
    read_items = read_sequence(file, not explicit, not big_endian, len(items), "iso8859")
    assert file.tell() == len(items)
    return list(read_items)


def walk(items: list[Dataset]) -> list[tuple[int, VR, object]]:
    """Return tag, VR and value of every element, nested ones included."""
    found = []
    for item in items:
        assert list(item.keys()) == sorted(item.keys())
        for element in item:
            found.append((int(element.tag), VR(element.VR), element.value))
            if element.VR == "SQ":
                found += walk(list(element.value))
    return found


def test_every_sequence_that_is_replaced_has_items() -> None:
    profile = load_profile("basic")
    sop_classes = ["1.2.3", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.481.10"]
    for sop_class in sop_classes:
        profile.rules(sop_class)
    for tag in (kind.tag for kind in profile.kinds.rows if kind.replace == "items"):
        assert dummy_items(tag, "", explicit=True, big_endian=False), f"{tag:08X}"


@pytest.mark.parametrize("tag", SEQUENCES, ids=keyword_for_tag)
@pytest.mark.parametrize(("explicit", "big_endian"), ENCODINGS)
def test_the_items_of_a_dummy_sequence_are_valid(
    tag: int, explicit: bool, big_endian: bool
) -> None:
    items = dummy_items(tag, "", explicit=explicit, big_endian=big_endian)
    (item,) = read(items, explicit=explicit, big_endian=big_endian)
    for element, vr, value in walk([item]):
        assert vr == dictionary_VR(element)
        if isinstance(value, str):
            validate_value(vr, value, RAISE)


@pytest.mark.parametrize("tag", SEQUENCES, ids=keyword_for_tag)
def test_the_items_of_a_dummy_sequence_are_the_same_in_every_encoding(tag: int) -> None:
    read_items = [
        walk(
            read(
                dummy_items(tag, "", explicit=explicit, big_endian=big_endian),
                explicit=explicit,
                big_endian=big_endian,
            )
        )
        for explicit, big_endian in ENCODINGS
    ]
    assert read_items[0] == read_items[1] == read_items[2]


def test_dummy_content_is_one_comment_or_a_key_object_description() -> None:
    (comment,) = read(
        dummy_items(0x0040A730, "1.2.840.10008.5.1.4.1.1.88.11", explicit=True, big_endian=False),
        explicit=True,
        big_endian=False,
    )
    assert (comment.RelationshipType, comment.ValueType) == ("CONTAINS", "TEXT")
    assert comment.ConceptNameCodeSequence[0].CodeValue == "121106"
    assert comment.TextValue == "DEIDENTIFIED"
    (description,) = read(
        dummy_items(0x0040A730, KEY_OBJECT_SELECTION, explicit=True, big_endian=False),
        explicit=True,
        big_endian=False,
    )
    assert description.ConceptNameCodeSequence[0].CodeValue == "113012"


def test_the_dummy_annotation_is_on_the_dummy_layer() -> None:
    (annotation,) = read(
        dummy_items(0x00700001, "", explicit=True, big_endian=False),
        explicit=True,
        big_endian=False,
    )
    (layer,) = read(
        dummy_items(0x00700060, "", explicit=True, big_endian=False),
        explicit=True,
        big_endian=False,
    )
    assert annotation.GraphicLayer == layer.GraphicLayer
    graphic = annotation.GraphicObjectSequence[0]
    assert len(graphic.GraphicData) == graphic.GraphicDimensions * graphic.NumberOfGraphicPoints


def test_a_dummy_observer_has_all_that_ps3_3_requires() -> None:
    (observer,) = read(
        dummy_items(0x0040A073, "", explicit=True, big_endian=False),
        explicit=True,
        big_endian=False,
    )
    assert observer.VerifyingOrganization
    assert observer.VerificationDateTime
    assert observer.VerifyingObserverName
    assert len(observer.VerifyingObserverIdentificationCodeSequence) == 0


def test_an_item_is_encoded_as_ps3_5_section_7_5_says() -> None:
    assert dummy_items(0x00700060, "", explicit=True, big_endian=False) == bytes(
        [
            *(0xFE, 0xFF, 0x00, 0xE0, 0x1E, 0, 0, 0),  # item of 30 bytes
            *(0x70, 0x00, 0x02, 0x00),  # (0070,0002) Graphic Layer
            *(*b"CS", 12, 0, *b"DEIDENTIFIED"),
            *(0x70, 0x00, 0x62, 0x00),  # (0070,0062) Graphic Layer Order
            *(*b"IS", 2, 0, *b"1 "),
        ]
    )
    big = dummy_items(0x00700060, "", explicit=True, big_endian=True)
    assert big[:8] == struct.pack(">HHI", 0xFFFE, 0xE000, 30)


def test_a_sequence_without_a_dummy_has_no_items() -> None:
    assert dummy_items(0x00081140, "", explicit=True, big_endian=False) == b""


def test_every_replacement_of_every_iod_can_be_carried_out() -> None:
    """Whatever the rules replace has a dummy for its VR."""
    from fastdeid.profiles.tables import read_types

    profile = load_profile("basic")
    for sop_class in read_types().sop_classes:
        rules = profile.rules(sop_class)
        replaced = rules.iod[rules.iod[:, 0] == Operation.REPLACE][:, 1]
        for kind in {profile.kinds.rows[number] for number in replaced.tolist()}:
            if kind.replace == "items":
                assert dummy_items(kind.tag, "", explicit=True, big_endian=False), kind
            elif kind.replace == "dummy":
                assert dummy_value(kind.vr, kind.vm, kind.tag), kind
