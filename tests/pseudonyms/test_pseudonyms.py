"""Pseudonyms are functions of key, kind and original; the vectors below never change."""

from __future__ import annotations

import re
import uuid

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.pseudonyms import Pseudonyms, derive_key

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
VECTORS = {
    "uid": b"2.25.99753157233535654908645779917677721095",
    "patient": "Q5WT294NP1CGZHZQ",
    "patient by name": "RZ0EA2B5HT00MQJJ",
    "patient by study": "BN64EM3QHJCNDP7R",
    "accession": "K189N959M2WE0Z3J",
    "date": -2280,
    "file": "6G299B7GRCJ70JMZ",
    "key": "8170885795e41690",
}
CODE = re.compile("[0-9A-HJKMNP-TV-Z]{16}")


@pytest.fixture(scope="module")
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(KEY)


@pytest.mark.parametrize("purpose", ["uid", "patient", "accession", "date", "path", "key id"])
def test_sub_keys_are_hkdf_sha_256(purpose: str) -> None:
    salt = b"fastdeid project key, version 1"
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose.encode())
    assert derive_key(KEY, purpose) == hkdf.derive(KEY)


@given(st.binary(max_size=80))
def test_a_uid_is_a_version_8_uuid_under_2_25(original: bytes) -> None:
    uid = Pseudonyms(KEY).uid(original)
    assert len(uid) <= 44
    assert re.fullmatch(rb"2\.25\.[1-9][0-9]*", uid)
    number = uuid.UUID(int=int(uid[5:]))
    assert number.version == 8
    assert number.variant == uuid.RFC_4122


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_codes_have_16_characters_of_crockford(patient_id: str, issuer: str, name: str) -> None:
    pseudonyms = Pseudonyms(KEY)
    assert CODE.fullmatch(pseudonyms.patient(patient_id, issuer, name))
    assert CODE.fullmatch(pseudonyms.accession(patient_id))
    assert CODE.fullmatch(pseudonyms.file_id(name.encode("utf-8", "surrogatepass")))


def test_the_same_key_gives_the_same_pseudonyms_for_ever(pseudonyms: Pseudonyms) -> None:
    patient = pseudonyms.patient("12345", "HOSPITAL")
    assert {
        "uid": pseudonyms.uid(b"1.2.3.4"),
        "patient": patient,
        "patient by name": pseudonyms.patient("", "", "Doe^Jane", "19600101"),
        "patient by study": pseudonyms.patient("", "", "", "", "1.2.3"),
        "accession": pseudonyms.accession("A-1"),
        "date": pseudonyms.date_offset(patient),
        "file": pseudonyms.file_id(b"DOE_JANE/1.dcm"),
        "key": pseudonyms.key_id,
    } == VECTORS


def test_another_key_gives_other_pseudonyms(pseudonyms: Pseudonyms) -> None:
    other = Pseudonyms(OTHER_KEY)
    assert pseudonyms.uid(b"1.2") != other.uid(b"1.2")
    assert pseudonyms.patient("1", "") != other.patient("1", "")
    assert pseudonyms.accession("1") != other.accession("1")
    assert pseudonyms.file_id(b"1") != other.file_id(b"1")
    assert pseudonyms.key_id != other.key_id


def test_kinds_do_not_share_pseudonyms(pseudonyms: Pseudonyms) -> None:
    codes = {
        pseudonyms.patient("X", ""),
        pseudonyms.patient("", "", "X"),
        pseudonyms.patient("", "", "", "", "X"),
        pseudonyms.accession("X"),
        pseudonyms.file_id(b"X"),
    }
    assert len(codes) == 5


def test_the_issuer_is_part_of_the_patient(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.patient("1", "A") != pseudonyms.patient("1", "B")
    assert pseudonyms.patient("1A", "") != pseudonyms.patient("1", "A")


def test_padding_is_not_part_of_a_patient_id(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.patient("12345 ", "H ") == pseudonyms.patient("12345", "H")


def test_an_id_decides_alone(pseudonyms: Pseudonyms) -> None:
    one = pseudonyms.patient("1", "", "Doe^Jane", "19600101", "1.2")
    assert one == pseudonyms.patient("1", "", "Smith^Jo", "19700101", "1.3")


def test_without_an_id_name_and_birth_date_decide(pseudonyms: Pseudonyms) -> None:
    one = pseudonyms.patient("", "", "Doe^Jane", "19600101", "1.2")
    assert one == pseudonyms.patient(" ", "ignored", "DOE^JANE^^", "19600101", "1.3")
    assert one != pseudonyms.patient("", "", "Doe^Jane", "19600102", "1.2")


def test_without_id_and_name_every_study_is_a_patient(pseudonyms: Pseudonyms) -> None:
    one = pseudonyms.patient("", "", "^^", "19600101", "1.2")
    assert one == pseudonyms.patient("", "", "", "", "1.2\0")
    assert one != pseudonyms.patient("", "", "", "", "1.3")


@given(st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16))
def test_dates_go_back_between_one_day_and_ten_years(patient: str) -> None:
    assert -3650 <= Pseudonyms(KEY).date_offset(patient) <= -1


def test_patients_have_different_offsets(pseudonyms: Pseudonyms) -> None:
    offsets = {pseudonyms.date_offset(pseudonyms.patient(str(n), "")) for n in range(1000)}
    assert len(offsets) > 800


def test_a_uid_of_any_form_is_mapped_as_it_stands(pseudonyms: Pseudonyms) -> None:
    originals = [b"1.2.3", b"1.2.03", b"1.2.3.", b"not a uid", b"1." + b"9" * 100, b"1.2.3 4"]
    assert len({pseudonyms.uid(original) for original in originals}) == len(originals)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(bytes(length))
