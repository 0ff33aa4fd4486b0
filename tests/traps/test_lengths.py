"""Traps 5, 6 and 9: group lengths, defined and undefined lengths, padding, odd values."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify, tag_of

REFERENCED_SERIES = 0x00081115
PURPOSE = 0x0040A170
ORIGINAL_UID = "1.2.826.0.1.3680043.10.1.3.77"


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_trap_5_group_lengths_are_dropped_everywhere(tmp_path: Path, encoding: b.Encoding) -> None:
    def length(group: int) -> bytes:
        return b.number(group << 16, "UL", 4711, encoding=encoding)

    inside = length(0x0008) + b.text(0x00080060, "CS", "MR", encoding)
    nested = b.sequence(REFERENCED_SERIES, [b.item(inside, encoding)], encoding)
    groups = [length(group) for group in (0x0008, 0x0010, 0x0020, 0x7FE0)]
    run = deidentify(tmp_path, b.part10(ct_image(nested, *groups, encoding=encoding), encoding))
    assert [one.tag for one in run.data_set.iterall() if one.tag.element == 0] == []
    assert run.data_set[REFERENCED_SERIES].value[0].Modality == "MR"


def test_trap_5_the_group_length_of_the_file_meta_is_right(tmp_path: Path) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(), meta=b.file_meta(extra=b"")))
    assert run.data[132:140] == bytes([0x02, 0, 0, 0, *b"UL", 4, 0])
    end = 144 + int.from_bytes(run.data[140:144], "little")
    assert run.data[end : end + 2] == bytes([0x08, 0x00])  # the data set starts here


@pytest.mark.parametrize("encoding", b.ENCODINGS[:3], ids=lambda one: one.transfer_syntax)
@pytest.mark.parametrize("of_sequence", [False, True], ids=["defined SQ", "undefined SQ"])
@pytest.mark.parametrize("of_item", [False, True], ids=["defined item", "undefined item"])
def test_trap_6_lengths_are_right_after_edits_and_keep_their_style(
    tmp_path: Path, encoding: b.Encoding, of_sequence: bool, of_item: bool
) -> None:
    def nested(uid: str) -> bytes:
        leaf = b.text(0x00081155, "UI", uid, encoding)
        inner = b.item(leaf, encoding, undefined=of_item)
        middle = b.sequence(PURPOSE, [inner, inner], encoding, undefined=of_sequence)
        outer = b.item(middle, encoding, undefined=of_item)
        return b.sequence(REFERENCED_SERIES, [outer], encoding, undefined=of_sequence)

    data_set = ct_image(nested(ORIGINAL_UID), encoding=encoding)
    run = deidentify(tmp_path, b.part10(data_set, encoding))
    items = run.data_set[REFERENCED_SERIES].value[0][PURPOSE].value
    mapped = str(items[0].ReferencedSOPInstanceUID)
    assert len(mapped) > len(ORIGINAL_UID)
    assert nested(mapped) in run.data


def test_trap_6_an_item_that_loses_everything_stays_as_an_empty_item(tmp_path: Path) -> None:
    private = b.text(0x00091010, "LO", "Secret")
    items = [b.item(private), b.item(private, undefined=True)]
    run = deidentify(tmp_path, b.part10(ct_image(b.sequence(REFERENCED_SERIES, items))))
    empty = [b.item(b""), b.item(b"", undefined=True)]
    assert b.sequence(REFERENCED_SERIES, empty) in run.data


def test_trap_9_new_values_have_the_padding_of_their_vr(tmp_path: Path) -> None:
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080050, "SH", "A1"),
                b.text(0x00081155, "UI", ORIGINAL_UID),
                b.text(0x00081195, "UI", "1.2.3.99"),
            )
        ),
    )
    for element in run.data_set:
        raw = run.data_set.get_item(element.tag)
        assert len(raw.value or b"") % 2 == 0
        if element.VR == "UI" and raw.value:
            assert raw.value.rstrip(b"\0").replace(b".", b"").isdigit()


@pytest.mark.parametrize(
    "element",
    [
        b.element(0x00080070, "LO", b"ACM"),
        b.element(0x00080070, "LO", b"ACME\0"),
        b.element(0x00080070, "LO", b"A" * 101),
        b.element(0x00081090, "LO", b"  leading and trailing  "),
        b.element(0x00080060, "CS", b"ct"),
        b.element(0x00180050, "DS", b"1.00000000000000000000000001"),
        b.element(0x00201208, "IS", b"12A"),
        b.element(0x00280010, "US", b"\1\2\3"),
        b.element(0x00282000, "OB", b"\1\2\3"),
    ],
    ids=["odd", "NUL", "65 and more", "spaces", "lower case", "DS", "IS", "odd US", "odd OB"],
)
def test_trap_9_kept_elements_stay_as_they_are_even_if_they_are_wrong(
    tmp_path: Path, element: bytes
) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(element)))
    assert run.outcome.verdict is Verdict.OK
    assert element in run.data


@pytest.mark.parametrize(
    "element",
    [
        b.element(0x00100010, "PN", b"Doe"),
        b.element(0x00100020, "LO", b"MRN-471" + b"1" * 100),
        b.element(0x00080050, "SH", b"A-10001"),
        b.element(0x00081155, "UI", b"1.2.3.4.5.6.7"),
        b.element(0x00081155, "UI", b"1.2.3.4.5.67\0"),
        b.element(0x00081155, "UI", b"1.2.3.4.5.67 "),
        b.element(0x00080023, "DA", b"2003"),
    ],
    ids=["PN", "LO", "SH", "UI", "UI NUL", "UI space", "DA"],
)
def test_trap_9_odd_values_are_replaced_by_even_ones(tmp_path: Path, element: bytes) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(element)))
    assert run.outcome.verdict is Verdict.OK
    assert element[8:].strip(b" \0") not in run.data
    tag = tag_of(element)
    assert tag not in run.data_set or len(run.data_set.get_item(tag).value or b"") % 2 == 0
