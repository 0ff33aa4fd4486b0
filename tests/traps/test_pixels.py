"""Traps 25, 26, 27, 30 and 40: overlays and icons go, samples are copied byte for byte."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify

PIXEL_DATA = 0x7FE00010
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"


@pytest.mark.parametrize("group", [0x6000, 0x6002, 0x601E, 0x6020, 0x60FE])
def test_trap_25_overlays_go_as_a_whole(tmp_path: Path, group: int) -> None:
    plane = (
        b.number(group << 16 | 0x0010, "US", 2)
        + b.number(group << 16 | 0x0011, "US", 8)
        + b.text(group << 16 | 0x0022, "LO", "Secret overlay")
        + b.text(group << 16 | 0x0040, "CS", "G")
        + b.number(group << 16 | 0x0100, "US", 1)
        + b.number(group << 16 | 0x0102, "US", 0)
        + b.element(group << 16 | 0x3000, "OW", b"Secret")
    )
    run = deidentify(tmp_path, b.part10(ct_image(plane)))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert not [element for element in run.data_set if element.tag.group >> 8 == 0x60]


@pytest.mark.parametrize("group", [0x5000, 0x500E, 0x501E])
def test_curves_go_as_a_whole(tmp_path: Path, group: int) -> None:
    curve = b.number(group << 16 | 0x0005, "US", 2) + b.element(
        group << 16 | 0x3000, "OW", b"Secret"
    )
    run = deidentify(tmp_path, b.part10(ct_image(curve)))
    assert not [element for element in run.data_set if element.tag.group >> 8 == 0x50]


def test_trap_26_icons_go_wherever_they_stand(tmp_path: Path) -> None:
    icon = b.sequence(
        0x00880200,
        [b.item(b.number(0x00280010, "US", 2) + b.element(PIXEL_DATA, "OW", b"Secret"))],
    )
    private = b.sequence(0x00091110, [b.item(b.element(PIXEL_DATA, "OW", b"Secret"))])
    reference = b.sequence(0x00081115, [b.item(icon)])
    run = deidentify(tmp_path, b.part10(ct_image(icon, private, reference)))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert len(run.data_set[0x00081115].value[0]) == 0
    assert run.data_set.PixelData == bytes(range(8))


@pytest.mark.parametrize(
    "pixel_data",
    [
        b.fragments(PIXEL_DATA, [b"\xff\xd8ab\xff\xd9"]),
        b.fragments(PIXEL_DATA, [b"\xff\xd8a\xff\xd9\0", b"\xff\xd8"], struct.pack("<2I", 0, 14)),
        b.fragments(PIXEL_DATA, [b"odd"]),
        b.fragments(PIXEL_DATA, [b"a" * 70_000, b"b" * 70_001, b""]),
        b.fragments(PIXEL_DATA, []),
    ],
    ids=["one", "offset table", "odd fragment", "beyond the window", "none"],
)
def test_trap_27_fragments_and_offset_tables_are_copied_as_they_are(
    tmp_path: Path, pixel_data: bytes
) -> None:
    extended = b.element(0x7FE00001, "OV", bytes(8)) + b.element(0x7FE00002, "OV", bytes(8))
    meta = b.file_meta("1.2.840.10008.1.2.4.50")
    padding = b.element(0xFFFCFFFC, "OB", b"Secret")
    data_set = ct_image(b.element(PIXEL_DATA, "OW", b""), extended)[:-12] + pixel_data
    run = deidentify(tmp_path, b.part10(data_set + padding, meta=meta))
    assert run.outcome.verdict is Verdict.OK
    assert run.data.endswith(extended + pixel_data)


def test_trap_27_fragments_without_an_end_are_quarantined(tmp_path: Path) -> None:
    whole = b.fragments(PIXEL_DATA, [b"\xff\xd8ab\xff\xd9"])
    for pixel_data in (
        whole[:-8],
        whole[:-8] + b.item(b""),
        whole[:-4],
        whole[:-8] + b"Secret^Ann",
    ):
        data_set = ct_image(b.element(PIXEL_DATA, "OW", b""))[:-12] + pixel_data
        run = deidentify(tmp_path, b.part10(data_set, meta=b.file_meta("1.2.840.10008.1.2.4.50")))
        assert run.outcome.verdict is Verdict.QUARANTINED


@pytest.mark.parametrize(
    ("tag", "vr", "sop_class"),
    [
        (0x7FE00008, "OF", PARAMETRIC_MAP),
        (0x7FE00009, "OD", PARAMETRIC_MAP),
        (PIXEL_DATA, "OB", SEGMENTATION),
        (PIXEL_DATA, "OW", SEGMENTATION),
    ],
)
@pytest.mark.parametrize("length", [8, 200_000])
def test_traps_30_and_40_samples_of_every_kind_are_copied_byte_for_byte(
    tmp_path: Path, tag: int, vr: str, sop_class: str, length: int
) -> None:
    # Samples may look like a name: Doe^Jane in the bytes of a picture is chance.
    samples = (b"Doe^Jane" + bytes(range(251)) * 800)[:length]
    data_set = ct_image(b.text(0x00080016, "UI", sop_class))[: -12 - 8]
    run = deidentify(tmp_path, b.part10(data_set + b.element(tag, vr, samples)))
    assert run.outcome.verdict is Verdict.OK
    assert run.data.endswith(b.element(tag, vr, samples))
    assert run.outcome.pixel_length == length


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_trap_40_the_digest_of_the_pixel_data_does_not_change(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    samples = hashlib.sha256(b"noise").digest() * 9001 + b"\0"  # an odd length is kept, too
    pixel_data = b.element(PIXEL_DATA, "OW", samples, encoding)
    run = deidentify(tmp_path, b.part10(ct_image(pixel_data, encoding=encoding), encoding))
    assert run.outcome.verdict is Verdict.OK
    assert hashlib.md5(run.data_set.PixelData).digest() == hashlib.md5(samples).digest()
