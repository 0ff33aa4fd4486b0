"""Traps 11, 12, 13, 35 and 36: UIDs by value, well-known UIDs, references, keyed pseudonyms."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests import builders as b
from tests.runs import PSEUDONYMS, ct_image, deidentify, process

REFERENCED_SERIES = 0x00081115
SOURCE_IMAGE = 0x00082112
REQUEST_EVIDENCE = 0x0040A375


def mapped(uid: str) -> str:
    return PSEUDONYMS.uid(uid.encode()).decode("ascii")


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.2.4.70",  # a transfer syntax
        "1.2.840.10008.5.1.4.1.1.4",  # MR Image Storage
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation, newer than most registries
        "1.2.840.10008.1.4.1.1",  # Talairach Brain Atlas, a well-known Frame of Reference
        "1.2.840.10008.2.6.1",  # the DICOM UID registry as a coding scheme
        "1.2.840.10008.6.1.308",  # a context group
        "2.16.840.1.113883.6.96",  # SNOMED CT
    ],
)
def test_trap_11_well_known_uids_stay_wherever_they_stand(tmp_path: Path, uid: str) -> None:
    for tag in (0x00081150, 0x0008010C, 0x00200052, 0x0008010D):
        element = b.text(tag, "UI", uid)
        nested = b.sequence(REFERENCED_SERIES, [b.item(element)])
        run = deidentify(tmp_path, b.part10(ct_image(element, nested)))
        assert run.data.count(element) == 2


@pytest.mark.parametrize(
    "uid",
    [
        "1." * 40 + "1",
        "1.2.3.ABC.4711",
        "1.2.003.0004711",
        "not a UID at all",
        "1.2.840.10008.5.1.4.1.1.2.99999",  # below a registered one
        "1.2.840.10008.5.1.4.1.1.2.",
        "0.0.0.0",
    ],
)
def test_trap_12_any_other_value_is_an_opaque_original(tmp_path: Path, uid: str) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x0020000D, "UI", uid))))
    new = run.data_set.StudyInstanceUID
    assert new == mapped(uid)
    assert len(new) <= 44
    assert new.is_valid
    assert b.text(0x0020000D, "UI", uid) not in run.data


@pytest.mark.parametrize(
    "padded", [b"1.2.3.47.11\0", b"1.2.3.47.11 ", b"1.2.3.47.11", b" 1.2.3.47.11"]
)
def test_trap_12_padding_is_not_part_of_a_uid(tmp_path: Path, padded: bytes) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(b.element(0x0020000D, "UI", padded))))
    assert run.data_set.StudyInstanceUID == mapped("1.2.3.47.11")


def test_trap_12_each_of_several_values_is_mapped_on_its_own(tmp_path: Path) -> None:
    several = b.text(0x00081150, "UI", "1.2.3.47.11\\1.2.840.10008.5.1.4.1.1.4\\1.2.3.47.12")
    run = deidentify(tmp_path, b.part10(ct_image(several)))
    assert list(run.data_set.ReferencedSOPClassUID) == [
        mapped("1.2.3.47.11"),
        "1.2.840.10008.5.1.4.1.1.4",
        mapped("1.2.3.47.12"),
    ]


def test_trap_13_a_uid_has_one_pseudonym_at_every_depth_and_in_every_encoding(
    tmp_path: Path,
) -> None:
    study, image = "1.2.3.47.11", "1.2.3.47.12"

    def references(encoding: b.Encoding) -> bytes:
        image_item = b.item(b.text(0x00081155, "UI", image, encoding), encoding)
        series = b.text(0x0020000E, "UI", study, encoding) + b.sequence(
            0x00081199, [image_item], encoding
        )
        content = b.text(0x0020000D, "UI", study, encoding) + b.sequence(
            REFERENCED_SERIES, [b.item(series, encoding)], encoding
        )
        return b.item(content, encoding)

    studies, references_found = set(), set()
    for encoding in b.ENCODINGS:
        evidence = b.sequence(REQUEST_EVIDENCE, [references(encoding)], encoding)
        top = b.text(0x0020000D, "UI", study, encoding)
        data = b.part10(ct_image(top, evidence, encoding=encoding), encoding)
        data_set = deidentify(tmp_path, data).data_set
        item = data_set[REQUEST_EVIDENCE].value[0]
        series = item.ReferencedSeriesSequence[0]
        reference = series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        studies |= {data_set.StudyInstanceUID, item.StudyInstanceUID, series.SeriesInstanceUID}
        references_found.add(reference)
    assert (studies, references_found) == ({mapped(study)}, {mapped(image)})


def test_trap_13_uids_inside_un_sequences_are_the_same_uids(tmp_path: Path) -> None:
    uid = b.text(0x00081155, "UI", "1.2.3.47.11", b.IMPLICIT)
    unknown = b.sequence(REFERENCED_SERIES, [b.item(uid, b.IMPLICIT)], undefined=True, vr="UN")
    top = b.text(0x00080018, "UI", "1.2.3.47.11")
    run = deidentify(tmp_path, b.part10(ct_image(top, unknown)))
    item = run.data_set[REFERENCED_SERIES].value[0]
    assert item.ReferencedSOPInstanceUID == run.data_set.SOPInstanceUID == mapped("1.2.3.47.11")


def test_trap_35_pseudonyms_are_no_plain_digests_and_change_with_the_key(tmp_path: Path) -> None:
    source = tmp_path / "input.dcm"
    source.write_bytes(b.part10(ct_image()))
    runs = [process(source, tmp_path / str(key[0]), key) for key in (bytes(32), b"k" * 32)]
    for field in range(5):
        first, second = (run.outcome.pseudonyms[field] for run in runs)
        assert first != second or not first
    originals = (b"MRN-4711", b"1.2.826.0.1.3680043.10.1.1.1", b"1.2.826.0.1.3680043.10.1.3.1")
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        for original in originals:
            plain = digest(original).hexdigest()
            for run in runs:
                assert plain[:16].upper().encode() not in run.data.upper()
                assert str(int(plain[:32], 16)).encode() not in run.data


def test_trap_36_each_patient_has_a_date_offset_of_its_own(tmp_path: Path) -> None:
    offsets = []
    for number in range(20):
        data = b.part10(ct_image(b.text(0x00100020, "LO", f"MRN-{number}")))
        folder = tmp_path / str(number)
        folder.mkdir()
        offsets.append(deidentify(folder, data).outcome.shared.date_offset)
    assert len(set(offsets)) >= 19
    assert all(-3650 <= offset <= -1 for offset in offsets)
