"""Each way to replace a value, on bytes as they stand in files."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.actions import Context, resolve
from fastdeid.documents import dummy_document
from fastdeid.errors import DicomError
from fastdeid.kinds import Kind
from fastdeid.needles import Needle
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import load_profile

PSEUDONYMS = Pseudonyms(bytes(range(32)))
REGISTRY = load_profile("basic").registry
PATIENT = PSEUDONYMS.patient("12345", "")
CONTEXT = Context(PATIENT, ("ISO_IR 100",), True, False, "application/pdf", "")


def kind(replace: str, vr: str, harvest: str = "", tag: int = 0, vm: str = "1") -> Kind:
    return Kind(replace, harvest, vr, vm, tag, per_patient=False)


def new(one: Kind, raw: bytes, context: Context = CONTEXT) -> bytes:
    return resolve(one, raw, context, PSEUDONYMS, REGISTRY)[0]


def padded(value: bytes, padding: bytes = b" ") -> bytes:
    return value + padding * (len(value) % 2)


UID = kind("map_uid", "UI", "uid")


def test_a_uid_is_mapped_by_value_whatever_its_padding() -> None:
    mapped = padded(PSEUDONYMS.uid(b"1.2.3"), b"\0")
    assert new(UID, b"1.2.3\0") == mapped
    assert new(UID, b"1.2.3 ") == mapped
    assert new(UID, b"1.2.3") == mapped


def test_each_uid_of_several_is_mapped_on_its_own() -> None:
    values = new(UID, b"1.2.3\\1.2.840.10008.1.2\\1.2.4 ").rstrip(b"\0").split(b"\\")
    assert values == [PSEUDONYMS.uid(b"1.2.3"), b"1.2.840.10008.1.2", PSEUDONYMS.uid(b"1.2.4")]


@pytest.mark.parametrize(
    "raw",
    [
        b"1.2.840.10008.5.1.4.1.1.2\0",  # CT Image Storage
        b"1.2.840.10008.5.1.4.1.1.2 ",  # with the wrong padding: bit-identical all the same
        b"1.2.840.10008.1.4.1.1\0",  # Talairach Brain Atlas Frame of Reference
        b"1.2.840.10008.6.1.308\0",  # a context group
        b"2.16.840.1.113883.6.96",  # SNOMED CT
        b"1.2.840.10008.1.2\\1.2.840.10008.1.2.1 ",
        b"",
    ],
)
def test_what_the_standard_registers_stays_as_it_is(raw: bytes) -> None:
    assert new(UID, raw) == raw


@pytest.mark.parametrize("raw", [b"1.2.840.10008.1.2.999\0", b"1.2.840.10008.5.1.4.1.1.2.77\0"])
def test_what_only_looks_registered_is_mapped(raw: bytes) -> None:
    assert new(UID, raw).startswith(b"2.25.")


@given(st.binary(min_size=1, max_size=100).filter(lambda raw: b"\\" not in raw))
def test_a_mapped_uid_is_a_valid_value(raw: bytes) -> None:
    value = new(UID, raw)
    assert len(value) % 2 == 0
    if raw.strip(b" \0") and raw.strip(b" \0") not in REGISTRY:
        assert value == padded(PSEUDONYMS.uid(raw.strip(b" \0")), b"\0")


def test_patient_id_and_name_become_the_code_of_the_patient() -> None:
    assert new(kind("patient_id", "LO", "patient"), b"12345 ") == PATIENT.encode()
    assert new(kind("patient_name", "PN", "name"), b"Doe^Jane") == PATIENT.encode()


def test_an_accession_number_becomes_a_code_of_its_own() -> None:
    one = kind("accession", "SH", "identifier")
    assert new(one, b"A-1 ") == PSEUDONYMS.accession("A-1").encode()
    assert new(one, b"\xc4-1 ") == PSEUDONYMS.accession("Ä-1").encode()
    utf_8 = msgspec.structs.replace(CONTEXT, charsets=("ISO_IR 192",))
    assert new(one, "Ä-1".encode(), utf_8) == new(one, b"\xc4-1 ")


@pytest.mark.parametrize("replace", ["map_uid", "patient_id", "patient_name", "accession"])
@pytest.mark.parametrize("raw", [b"", b"  ", b"\0\0"])
def test_an_empty_value_is_no_pseudonym(replace: str, raw: bytes) -> None:
    assert new(kind(replace, "LO"), raw).strip(b" \0") == b""


def test_action_d_fills_an_empty_value() -> None:
    assert new(kind("dummy", "LO"), b"") == b"DEIDENTIFIED"
    assert new(kind("dummy", "DA", "date"), b"") == b"19000101"


def test_a_document_is_replaced_with_its_length() -> None:
    document = new(kind("document", "OB"), b"%PDF of a patient")
    assert document == padded(dummy_document("application/pdf"), b"\0")
    length = new(kind("document_length", "UL"), b"\x11\0\0\0")
    assert length == len(dummy_document("application/pdf")).to_bytes(4, "little")
    big = msgspec.structs.replace(CONTEXT, big_endian=True)
    assert new(kind("document_length", "UL"), b"", big) == length[::-1]


def test_a_document_of_an_unknown_type_quarantines_the_file() -> None:
    unknown = msgspec.structs.replace(CONTEXT, mime_type="application/msword")
    with pytest.raises(DicomError, match="unsupported_mime_type"):
        new(kind("document", "OB"), b"", unknown)


@pytest.mark.parametrize(
    ("explicit", "big_endian", "head"),
    [
        (True, False, b"\xfe\xff\x00\xe0\x3a\x00\x00\x00\x08\x00\x00\x01SH"),
        (False, False, b"\xfe\xff\x00\xe0\x3a\x00\x00\x00\x08\x00\x00\x01\x0c\x00\x00\x00"),
        (True, True, b"\xff\xfe\xe0\x00\x00\x00\x00\x3a\x00\x08\x01\x00SH"),
    ],
)
def test_items_are_in_the_encoding_of_the_data_set(
    explicit: bool, big_endian: bool, head: bytes
) -> None:
    context = msgspec.structs.replace(CONTEXT, explicit=explicit, big_endian=big_endian)
    assert new(kind("items", "SQ", tag=0x00401101), b"", context).startswith(head)


def test_a_removed_value_has_needles_and_no_replacement() -> None:
    value, needles = resolve(kind("", "LO", "patient"), b"HOSP-4711", CONTEXT, PSEUDONYMS, REGISTRY)
    assert value == b""
    assert Needle(b"HOSP-4711", 3) in needles


def test_a_uid_of_the_registry_is_not_searched_for() -> None:
    _, needles = resolve(UID, b"1.2.840.10008.1.2\\1.2.3.4.5", CONTEXT, PSEUDONYMS, REGISTRY)
    assert needles == [Needle(b"1.2.3.4.5", 2)]


def test_nothing_is_learnt_where_nothing_is_asked() -> None:
    assert resolve(kind("dummy", "LO"), b"Head", CONTEXT, PSEUDONYMS, REGISTRY)[1] == []
