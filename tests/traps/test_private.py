"""Traps 23, 24 and 33: private blocks, vendor headers, signatures, copies of originals."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify


def text(element: int, value: str, group: int = 0x0009) -> bytes:
    return b.text(group << 16 | element, "LO", value)


@pytest.mark.parametrize(
    "elements",
    [
        text(0x0010, "ACME") + text(0x1001, "Secret"),
        text(0x00FF, "ACME: 1.0 ") + text(0xFF01, "Secret"),  # the last block, colon and space
        text(0x0010, "ACME") + text(0x0011, "ACME") + text(0x1101, "Secret"),  # claimed twice
        text(0x1001, "Secret"),  # no creator
        text(0x0001, "Secret"),  # below the blocks, PS3.5 section 7.8.1
        text(0x0010, "") + text(0x1001, "Secret"),
        text(0x0010, "ACME") + b.number(0x00090000, "UL", 12) + text(0x1001, "Secret"),
        b.sequence(0x00091001, [b.item(text(0x0010, "ACME") + text(0x1002, "Secret"))]),
    ],
)
def test_trap_23_private_elements_go_whatever_their_creator(
    tmp_path: Path, elements: bytes
) -> None:
    nested = b.sequence(0x00081115, [b.item(elements)])
    run = deidentify(tmp_path, b.part10(ct_image(elements, nested)))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert not any(element.tag.is_private for element in run.data_set.iterall())


@pytest.mark.parametrize("group", [0x0001, 0x0003, 0x0009, 0x0029, 0x6001, 0x7FE1, 0xFFFD])
def test_trap_23_odd_groups_are_private_even_the_illegal_ones(tmp_path: Path, group: int) -> None:
    element = text(0x1010, "Secret", group)
    run = deidentify(tmp_path, b.part10(ct_image(element)))
    assert b"Secret" not in run.data


def test_trap_24_siemens_headers_go_with_what_they_hide(tmp_path: Path) -> None:
    csa = b"SV10\4\3\2\1" + b"PatientName\0Secret^Ann\0" + b"20031212" + bytes(70_000)
    elements = (
        b.text(0x00290010, "LO", "SIEMENS CSA HEADER")
        + b.text(0x00290011, "LO", "SIEMENS MEDCOM HEADER2")
        + b.element(0x00291010, "OB", csa)
        + b.element(0x00291020, "OB", csa)
        + b.text(0x00291160, "LO", "com")
    )
    run = deidentify(tmp_path, b.part10(ct_image(elements)))
    assert b"Secret" not in run.data
    assert b"SIEMENS" not in run.data
    assert run.outcome.output_size < 2000


def test_trap_33_signatures_encrypted_and_original_attributes_go(tmp_path: Path) -> None:
    name = b.item(b.text(0x00100010, "PN", "Secret^Ann"))
    elements = [
        b.sequence(0x04000500, [b.item(b.element(0x04000520, "OB", b"Secret"))]),
        b.sequence(0x04000561, [b.item(b.sequence(0x04000550, [name]))]),
        b.sequence(0x4FFE0001, [b.item(b.element(0x04000404, "OB", b"Secret"))]),
        b.sequence(0xFFFAFFFA, [b.item(b.element(0x04000120, "OB", b"Secret"))]),
    ]
    run = deidentify(tmp_path, b.part10(ct_image(*elements)))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    groups = {element.tag.group for element in run.data_set}
    assert not groups & {0x0400, 0x4FFE, 0xFFFA}


def test_names_in_removed_copies_are_looked_for_in_what_is_kept(tmp_path: Path) -> None:
    former = b.item(b.text(0x00100010, "PN", "Former^Ann"))
    original = b.sequence(0x04000561, [b.item(b.sequence(0x04000550, [former]))])
    private = b.text(0x00091010, "PN", "Alias^Ann")
    text = b.text(0x00080070, "LO", "FORMER now")
    more = b.text(0x00081090, "LO", "or alias")
    run = deidentify(tmp_path, b.part10(ct_image(original, private, text, more)))
    assert run.outcome.n_cleaned == 2
    assert b"former" not in run.data.lower()
    assert b"alias" not in run.data.lower()
