"""The elements and the file meta information that every output gets, as pydicom reads them."""

from __future__ import annotations

import io
import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from fastdeid.dicom import encodings
from fastdeid.dicom.writer import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    element,
    file_meta,
    item,
)
from fastdeid.markers import Markers, make_markers
from fastdeid.tags import VR_NAMES
from tests import builders as b
from tests.runs import basic_profile

CODINGS = {
    encodings.EXPLICIT_LITTLE: b.EXPLICIT,
    encodings.IMPLICIT_LITTLE: b.IMPLICIT,
    encodings.EXPLICIT_BIG: b.BIG,
}
each_coding = pytest.mark.parametrize("coding", CODINGS, ids=["explicit", "implicit", "big"])
CODES = [("113100", "DCM", "Basic Application Confidentiality Profile"), ("113101", "DCM", "odd")]


def parse(data: bytes, coding: int) -> pydicom.Dataset:
    encoding = CODINGS[coding]
    return read_dataset(io.BytesIO(data), not encoding.explicit, not encoding.big_endian)


def pieces(markers: Markers) -> list[tuple[int, bytes]]:
    data = markers.data.tobytes()
    return [(tag, data[at : at + size]) for tag, at, size in markers.places.tolist()]


@each_coding
def test_markers_say_what_was_done_and_nothing_that_was_not(coding: int) -> None:
    markers = make_markers("by a profile", CODES, coding)
    read = parse(markers.data.tobytes(), coding)
    assert [int(tag) for tag in read.keys()] == [  # noqa: SIM118
        *(0x00120062, 0x00120063, 0x00120064, 0x00280303)
    ]
    assert read.PatientIdentityRemoved == "YES"
    assert read.DeidentificationMethod == "by a profile"
    assert read.LongitudinalTemporalInformationModified == "REMOVED"
    codes = [
        (one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning)
        for one in read.DeidentificationMethodCodeSequence
    ]
    assert codes == CODES


@each_coding
def test_each_marker_stands_alone_in_ascending_order(coding: int) -> None:
    parts = pieces(make_markers("by a profile", CODES, coding))
    assert [tag for tag, _ in parts] == sorted(tag for tag, _ in parts)
    for tag, data in parts:
        assert [int(one) for one in parse(data, coding).keys()] == [tag]  # noqa: SIM118
        assert len(data) % 2 == 0


def test_the_method_of_the_profile_fits_its_vr() -> None:
    # LO: 64 characters per value, PS3.5 table 6.2-1.
    profile = basic_profile()
    assert all(len(value) <= 64 for value in profile.method.split("\\"))
    for value, scheme, meaning in profile.codes:
        assert (len(value) <= 16, len(scheme) <= 16, len(meaning) <= 64) == (True, True, True)


@each_coding
@given(vr=st.sampled_from(VR_NAMES[1:]), value=st.binary(max_size=8), tag=st.integers(8, 2**31))
def test_elements_are_those_of_the_builders(coding: int, vr: str, value: bytes, tag: int) -> None:
    encoding = CODINGS[coding]
    assert element(tag, vr, value, coding) == b.element(tag, vr, value, encoding)
    parts = [b.element(tag, vr, value, encoding)] * 2
    assert item(parts, coding) == b.item(b"".join(parts), encoding)


@pytest.mark.parametrize(
    "sop_class", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.2"]
)
@pytest.mark.parametrize("instance", ["2.25.1", "2.25." + "3" * 39])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50"])
def test_file_meta_is_read_by_pydicom(sop_class: str, instance: str, syntax: str) -> None:
    meta = file_meta(sop_class, instance, syntax)
    assert meta[:132] == bytes(128) + b"DICM"
    assert len(meta) % 2 == 0
    read = pydicom.dcmread(io.BytesIO(meta)).file_meta
    assert read.FileMetaInformationVersion == b"\0\1"
    assert read.MediaStorageSOPClassUID == sop_class
    assert read.MediaStorageSOPInstanceUID == instance
    assert read.TransferSyntaxUID == syntax
    assert read.ImplementationClassUID == IMPLEMENTATION_CLASS_UID.decode()
    assert read.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME.decode()
    assert len(read) == 7


def test_the_group_length_counts_what_follows_it() -> None:
    meta = file_meta("1.2.840.10008.5.1.4.1.1.2", "2.25.12", "1.2.840.10008.1.2.1")
    # (0002,0000) UL 4, at offset 132; its value at 140, the group behind it at 144.
    assert meta[132:140] == b"\2\0\0\0UL\4\0"
    assert struct.unpack_from("<I", meta, 140)[0] == len(meta) - 144


def test_the_names_of_the_implementation_fit_their_vrs() -> None:
    # UI: 64 bytes; SH: 16 characters, PS3.5 table 6.2-1.
    assert len(IMPLEMENTATION_CLASS_UID) <= 64
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16
    root, number = IMPLEMENTATION_CLASS_UID.split(b"2.25.")
    assert root == b""
    assert int(number) < 2**128
