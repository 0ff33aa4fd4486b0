"""Traps 14, 15, 21, 22, 39 and 42: what is around the data set, damaged files, output names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify, process

DIRECTORY = "1.2.840.10008.1.3.10"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"


def a_directory() -> bytes:
    """Return the data set of a DICOMDIR with one patient record, PS3.3 annex F."""
    record = (
        b.number(0x00041400, "UL", 0)
        + b.number(0x00041410, "US", 0xFFFF)
        + b.number(0x00041420, "UL", 0)
        + b.text(0x00041430, "CS", "PATIENT")
        + b.text(0x00100010, "PN", "Secret^Ann")
    )
    return (
        b.text(0x00041130, "CS", "DISC")
        + b.number(0x00041200, "UL", 400)
        + b.sequence(0x00041220, [b.item(record)])
    )


def test_trap_14_a_dicomdir_has_a_verdict_and_no_output(tmp_path: Path) -> None:
    run = deidentify(tmp_path, b.part10(a_directory(), meta=b.file_meta(sop_class=DIRECTORY)))
    assert run.outcome.verdict is Verdict.DICOMDIR
    assert not list(tmp_path.rglob("output/**/*"))


def test_trap_14_a_dicomdir_is_known_by_its_records_too(tmp_path: Path) -> None:
    run = deidentify(tmp_path, b.part10(a_directory(), meta=b.file_meta(sop_class="1.2.3")))
    assert run.outcome.verdict is Verdict.DICOMDIR


def test_trap_14_group_0004_is_removed_from_other_files(tmp_path: Path) -> None:
    file_id = b.text(0x00041500, "CS", "SECRET\\ANN")
    run = deidentify(tmp_path, b.part10(file_id + ct_image()))
    assert run.outcome.verdict is Verdict.OK
    assert b"SECRET" not in run.data
    assert b"\x04\x00\x00\x15" not in run.data


def test_trap_15_preamble_and_file_meta_are_made_anew(tmp_path: Path) -> None:
    private = (
        b.text(0x00020013, "SH", "SECRET_SCANNER_1")
        + b.text(0x00020016, "AE", "SECRET_AE")
        + b.text(0x00020017, "AE", "SECRET_SENDER")
        + b.text(0x00020018, "AE", "SECRET_RECEIVER")
        + b.element(0x00020026, "UR", b"http://secret.example/ann ")
        + b.text(0x00020100, "UI", "1.2.3.4.5.6")
        + b.element(0x00020102, "OB", b"Secret^Ann")
    )
    meta = b.file_meta(sop_instance="1.2.3.4711", extra=private)
    run = deidentify(
        tmp_path, b.part10(ct_image(), meta=meta, preamble=b"Secret^Ann patient" * 7 + b"\0\0")
    )
    assert run.data[:128] == bytes(128)
    assert b"secret" not in run.data.lower()
    meta_tags = [element.tag.element for element in run.data_set.file_meta]
    assert meta_tags == [0x0000, 0x0001, 0x0002, 0x0003, 0x0010, 0x0012, 0x0013]
    assert run.data_set.file_meta.MediaStorageSOPInstanceUID == run.data_set.SOPInstanceUID
    assert run.data_set.file_meta.ImplementationClassUID != "1.2.3.4.5"


@pytest.mark.parametrize("encoding", b.ENCODINGS[:3], ids=lambda one: one.transfer_syntax)
def test_trap_15_files_without_preamble_and_meta_become_part_10_files(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    name = b.text(0x00100010, "PN", "Secret^Ann", encoding)
    run = deidentify(tmp_path, ct_image(name, encoding=encoding))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert run.data[:132] == bytes(128) + b"DICM"
    assert run.data_set.file_meta.TransferSyntaxUID == encoding.transfer_syntax


@pytest.mark.parametrize("start", [b"", b"DICM", bytes(128) + b"DICM"])
@pytest.mark.parametrize("skipped", [0, 12, 26], ids=["whole", "no group length", "no version"])
@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_trap_15_a_file_meta_says_the_encoding_wherever_it_begins(
    tmp_path: Path, start: bytes, skipped: int, encoding: b.Encoding
) -> None:
    meta = b.file_meta(encoding.transfer_syntax)[skipped:]
    data_set = ct_image(encoding=encoding)
    data_set = b.deflate(data_set) if encoding.deflated else data_set
    run = deidentify(tmp_path, start + meta + data_set)
    assert run.outcome.verdict is Verdict.OK
    assert run.outcome.transfer_syntax == encoding.transfer_syntax


def test_trap_39_fragments_without_a_transfer_syntax_are_quarantined(tmp_path: Path) -> None:
    jpeg = b.fragments(0x7FE00010, [b"\xff\xd8ab\xff\xd9"])
    data_set = ct_image(b.element(0x7FE00010, "OW", b""))[:-12] + jpeg
    meta = b.text(0x00020002, "UI", b.CT_IMAGE_STORAGE)
    for data in (data_set, b.part10(data_set, meta=meta)):
        run = deidentify(tmp_path, data)
        assert run.outcome.verdict is Verdict.QUARANTINED
        assert run.outcome.reason == "no_transfer_syntax"


def test_trap_21_elements_after_the_pixel_data_are_walked_and_cleaned(tmp_path: Path) -> None:
    signature = b.sequence(0xFFFAFFFA, [b.item(b.text(0x00100010, "PN", "Secret^Ann"))])
    behind = b.text(0x7FE11010, "LO", "Secret private") + signature
    padding = b.element(0xFFFCFFFC, "OB", b"Secret padding" + bytes(50))
    run = deidentify(tmp_path, b.part10(ct_image() + behind + padding))
    assert run.outcome.verdict is Verdict.OK
    assert b"Secret" not in run.data
    assert run.data.endswith(b.element(0x7FE00010, "OW", bytes(range(8))))


def test_trap_22_bytes_behind_the_data_set_are_dropped(tmp_path: Path) -> None:
    for trailing in (bytes(512), b"Secret^Ann" * 9, ct_image()):
        run = deidentify(tmp_path, b.part10(ct_image(), trailing=trailing))
        assert run.outcome.verdict is Verdict.OK
        assert run.outcome.trailing_length == len(trailing)
        assert b"Secret" not in run.data
        assert run.data.endswith(b.element(0x7FE00010, "OW", bytes(range(8))))


def a_report(*more: bytes) -> bytes:
    return ct_image(b.text(0x00080016, "UI", BASIC_TEXT_SR), *more)[: -12 - 8]


def test_trap_22_zeros_behind_a_data_set_without_pixel_data_are_dropped(tmp_path: Path) -> None:
    run = deidentify(tmp_path, b.part10(a_report(), trailing=bytes(300_000)))
    assert run.outcome.verdict is Verdict.OK
    assert run.outcome.output_size < 2000


def test_trap_39_a_hole_of_zeros_is_not_the_end_of_a_data_set(tmp_path: Path) -> None:
    for n_zeros in (8, 512, 200_000):
        rest = bytes(n_zeros) + b.text(0x00400275, "LO", "rest")
        run = deidentify(tmp_path, b.part10(a_report(), trailing=rest))
        assert run.outcome.verdict is Verdict.QUARANTINED
        assert run.outcome.reason == "hole_in_data_set"


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_trap_39_a_truncated_file_is_never_passed_on(tmp_path: Path, encoding: b.Encoding) -> None:
    data = b.part10(ct_image(encoding=encoding), encoding)
    for length in range(132, len(data) - 1, 23):
        run = deidentify(tmp_path, data[:length])
        assert run.outcome.verdict is not Verdict.OK, length
    assert not list(tmp_path.rglob("output/**/*"))


@pytest.mark.parametrize(
    ("data_set", "reason"),
    [
        (ct_image(b.element(0x00080016, "UI", b"")), "no_sop_class_uid"),
        (ct_image(b.text(0x00080016, "UI", "1.2.3.4")), "sop_class_not_supported"),
        (ct_image(b.text(0x00080016, "UI", "1.2.840.10008.1.1")), "sop_class_not_supported"),
        (ct_image(b.element(0x00080018, "UI", b"")), "no_sop_instance_uid"),
        (ct_image(b.header(0x00100010, "PN", 0xFFF0) + b"Doe^Jane"), "truncated"),
        (ct_image(b.header(0x00400275, "UT", 0x7FFFFFF0) + b"Doe^"), "truncated"),
        (ct_image(b.header(0x00400275, "LO", 4)[:4] + b"??\4\0Doe^"), "unknown_vr"),
        (ct_image(b.header(0x00100010, "UT", b.UNDEFINED) + b"Doe^Jane"), "undefined_length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trap_39_damaged_files_are_quarantined_with_a_reason(
    tmp_path: Path, data_set: bytes, reason: str
) -> None:
    run = deidentify(tmp_path, b.part10(data_set))
    assert (run.outcome.verdict, run.outcome.reason) == (Verdict.QUARANTINED, reason)
    assert run.path is None


def test_trap_22_a_second_data_set_without_pixel_data_is_quarantined(tmp_path: Path) -> None:
    """It starts again with group 0008, so that its UIDs would be the ones that readers find."""
    other = a_report(b.text(0x00080018, "UI", "1.2.3.99"), b.text(0x00100010, "PN", "Secret^Ann"))
    run = deidentify(tmp_path, b.part10(a_report() + other))
    assert run.outcome.verdict is Verdict.QUARANTINED
    assert run.outcome.reason == "repeated_element"


@pytest.mark.parametrize("tag", [0x00080005, 0x00080016, 0x00080018, 0x00100020, 0x0020000D])
def test_trap_39_an_attribute_that_decides_must_not_stand_twice(tmp_path: Path, tag: int) -> None:
    twice = b.text(tag, "UI", "1.2.3.4") + b.text(tag, "UI", "1.2.3.5")
    run = deidentify(tmp_path, b.part10(ct_image(twice)))
    assert run.outcome.verdict is Verdict.QUARANTINED
    assert run.outcome.reason == "repeated_element"


def test_trap_42_no_original_name_is_part_of_an_output_path(tmp_path: Path) -> None:
    folder = tmp_path / "SECRET^ANN" / "19610517"
    folder.mkdir(parents=True)
    source = folder / "SECRET_ANN_MRN4711.dcm"
    source.write_bytes(b.part10(ct_image(b.text(0x00100010, "PN", "Secret^Ann"))))
    run = process(source, tmp_path / "output")
    uid = r"2\.25\.\d{1,39}"
    assert re.fullmatch(rf"[0-9A-Z]{{16}}/{uid}/{uid}/{uid}\.dcm", run.outcome.path)


@pytest.mark.parametrize("uid", ["../../../etc/passwd", "/etc/passwd", "..", "a/b", "Secret^Ann"])
def test_trap_42_a_uid_never_leads_out_of_the_target(tmp_path: Path, uid: str) -> None:
    elements = [b.text(tag, "UI", uid) for tag in (0x00080018, 0x0020000D, 0x0020000E)]
    patient_id = b.text(0x00100020, "LO", uid)
    run = deidentify(tmp_path, b.part10(ct_image(patient_id, *elements)))
    assert run.outcome.verdict is Verdict.OK
    assert uid not in run.outcome.path
    assert re.fullmatch(r"[0-9A-Z]{16}(/2\.25\.\d+){3}\.dcm", run.outcome.path)
