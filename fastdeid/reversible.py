"""Originals inside the output, for whoever holds the key: PS3.15 E.1.1 and E.1.2.

An item of (0400,0500) holds a CMS message (RFC 5652, EnvelopedData): an explicit VR little endian
data set of one element, Modified Attributes Sequence (0400,0550), whose item holds the originals.

The content key is wrapped under a key that is derived from the project key (RFC 3394), not under an
RSA key as E.1.1 has it. Content key and initialisation vector are digests of the content, keyed:
the same content gives the same bytes in every run, and a content that was changed is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from fastdeid import tags
from fastdeid.dicom.encodings import EXPLICIT_LITTLE
from fastdeid.dicom.writer import element, item
from fastdeid.errors import InputError, KeyFileError
from fastdeid.markers import Markers
from fastdeid.pseudonyms import Pseudonyms, derive_key

# What is enclosed, by the names of `attributes`; SOP Instance UID is each file's own.
_BEFORE: Final = {"specific_character_set": (tags.SPECIFIC_CHARACTER_SET, "CS")}
_AFTER: Final = {
    "study_date": (tags.STUDY_DATE, "DA"),
    "accession_number": (tags.ACCESSION_NUMBER, "SH"),
    "patient_name": (tags.PATIENT_NAME, "PN"),
    "patient_id": (tags.PATIENT_ID, "LO"),
    "issuer_of_patient_id": (tags.ISSUER_OF_PATIENT_ID, "LO"),
    "patient_birth_date": (tags.PATIENT_BIRTH_DATE, "DA"),
    "study_instance_uid": (tags.STUDY_INSTANCE_UID, "UI"),
    "series_instance_uid": (tags.SERIES_INSTANCE_UID, "UI"),
    "frame_of_reference_uid": (tags.FRAME_OF_REFERENCE_UID, "UI"),
}
_TRANSFER_SYNTAX: Final = 0x04000510
_CONTENT: Final = 0x04000520
_MODIFIED: Final = 0x04000550
_BLOCK: Final = 16

# Object identifiers, encoded (X.690 section 8.19).
_ENVELOPED: Final = bytes.fromhex("06092a864886f70d010703")  # 1.2.840.113549.1.7.3
_DATA: Final = bytes.fromhex("06092a864886f70d010701")  # 1.2.840.113549.1.7.1
_WRAP: Final = bytes.fromhex("060960864801650304012d")  # 2.16.840.1.101.3.4.1.45, aes256-wrap
_CBC: Final = bytes.fromhex("060960864801650304012a")  # 2.16.840.1.101.3.4.1.42, aes256-CBC
_SEQUENCE, _SET, _INTEGER, _OCTETS = 0x30, 0x31, 0x02, 0x04
_KEK_RECIPIENT, _EXPLICIT, _IMPLICIT = 0xA2, 0xA0, 0x80


class Enclosed(NamedTuple):
    """Encoded originals that files have in common: those before and behind SOP Instance UID."""

    before: bytes
    after: bytes


class Envelope:
    """Encloses and discloses originals under a project key."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        secret = pseudonyms.sealing_key
        self.wrapping_key = derive_key(secret, "wrapping of originals")
        self._content_key = derive_key(secret, "content key of originals")
        self._vector_key = derive_key(secret, "vector of originals")
        self._key_id = pseudonyms.key_id.encode("ascii")

    @staticmethod
    def gather(values: Mapping[str, bytes | None]) -> Enclosed:
        """Return the originals that a series has in common, by the names of `attributes`."""
        before, after = (
            b"".join(
                _even(tag, vr, value)
                for name, (tag, vr) in named.items()
                if (value := values.get(name)) is not None
            )
            for named in (_BEFORE, _AFTER)
        )
        return Enclosed(before, after)

    def add(self, markers: Markers, common: Enclosed, instance: bytes, encoding: int) -> Markers:
        """Return markers and the Encrypted Attributes Sequence of one file, in an encoding.

        instance: original SOP Instance UID, as it stands in the file.
        """
        own = _even(tags.SOP_INSTANCE_UID, "UI", instance)
        originals = item([common.before, own, common.after], EXPLICIT_LITTLE)
        message = self.seal(element(_MODIFIED, "SQ", originals, EXPLICIT_LITTLE))
        syntax = tags.EXPLICIT_VR_LITTLE_ENDIAN.encode("ascii") + b"\0"
        inside = [
            element(_TRANSFER_SYNTAX, "UI", syntax, encoding),
            element(_CONTENT, "OB", message + bytes(len(message) % 2), encoding),
        ]
        sequence = tags.ENCRYPTED_ATTRIBUTES_SEQUENCE
        encoded = element(sequence, "SQ", item(inside, encoding), encoding)
        place = (sequence, len(markers.data), len(encoded))
        at = int(np.searchsorted(markers.places[:, 0], sequence))
        return Markers(
            np.insert(markers.places, at, place, 0),
            np.concatenate((markers.data, np.frombuffer(encoded, np.uint8))),
        )

    def seal(self, content: bytes) -> bytes:
        """Return a CMS message that only the holder of the key can open, DER."""
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        key, vector = self._derived(content)
        fill = _BLOCK - len(content) % _BLOCK  # RFC 5652 section 6.3
        cipher = _cipher(key, vector).encryptor()
        encrypted = cipher.update(content + bytes([fill]) * fill) + cipher.finalize()
        recipient = _der(
            _KEK_RECIPIENT,
            _der(_INTEGER, b"\x04"),
            _der(_SEQUENCE, _der(_OCTETS, self._key_id)),
            _der(_SEQUENCE, _WRAP),
            _der(_OCTETS, aes_key_wrap(self.wrapping_key, key)),
        )
        algorithm = _der(_SEQUENCE, _CBC, _der(_OCTETS, vector))
        body = _der(_SEQUENCE, _DATA, algorithm, _der(_IMPLICIT, encrypted))
        enveloped = _der(_SEQUENCE, _der(_INTEGER, b"\x02"), _der(_SET, recipient), body)
        return _der(_SEQUENCE, _ENVELOPED, _der(_EXPLICIT, enveloped))

    def unseal(self, message: bytes) -> bytes:
        """Return the content of a message that `seal` has made, with or without a NUL behind it.

        Raises KeyFileError when it is for another key, InputError when it was changed, or made by
        other means.
        """
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        try:
            key_id, wrapped, vector, encrypted = _read(message)
        except (IndexError, ValueError):
            raise InputError("the encrypted attributes are not those of fastdeid") from None
        if key_id != self._key_id:
            raise KeyFileError("the originals are encrypted under another project key")
        try:
            key = aes_key_unwrap(self.wrapping_key, wrapped)
            cipher = _cipher(key, vector).decryptor()
            padded = cipher.update(encrypted) + cipher.finalize()
        except (InvalidUnwrap, ValueError):
            padded = b""
        content = padded[: len(padded) - padded[-1]] if padded else b""
        if not content or self.seal(content) not in {message, message[:-1]}:
            raise InputError("the encrypted attributes are damaged")
        return content

    def _derived(self, content: bytes) -> tuple[bytes, bytes]:
        """Return content key and vector; equal contents have the same ones."""
        key = hmac.digest(self._content_key, content, "sha256")
        return key, hashlib.blake2b(content, digest_size=_BLOCK, key=self._vector_key).digest()


def read_originals(content: bytes) -> Any:
    """Return the originals in what was unsealed, a data set of pydicom.

    Raises InputError when they are not what `Envelope.add` puts there.
    """
    from pydicom.filereader import read_dataset

    try:
        held = read_dataset(io.BytesIO(content), is_implicit_VR=False, is_little_endian=True)
        (originals,) = held.ModifiedAttributesSequence
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        raise InputError("the encrypted attributes are not those of fastdeid") from None
    return originals


def _even(tag: int, vr: str, value: bytes) -> bytes:
    padding = b"\0" if vr == "UI" else b" "
    return element(tag, vr, value + padding * (len(value) % 2), EXPLICIT_LITTLE)


def _cipher(key: bytes, vector: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES256(key), modes.CBC(vector))


# DER -----------------------------------------------------------------------------------------


def _der(tag: int, *parts: bytes) -> bytes:
    """Return one encoded value, X.690 section 8.1."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def _read(message: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return key identifier, wrapped key, vector and encrypted content of a message.

    Raises ValueError or IndexError for a message of another form.
    """
    _, explicit = _parts(_value(message, 0)[0])
    (enveloped,) = _parts(explicit)
    _, recipients, body = _parts(enveloped)
    (recipient,) = _parts(recipients)
    _, identifier, _, wrapped = _parts(recipient)
    (key_id,) = _parts(identifier)
    _, algorithm, encrypted = _parts(body)
    _, vector = _parts(algorithm)
    return key_id, wrapped, vector, encrypted


def _parts(content: bytes) -> list[bytes]:
    """Return the contents of the values that a content consists of."""
    parts, at = [], 0
    while at < len(content):
        part, at = _value(content, at)
        parts.append(part)
    return parts


def _value(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the content of the value at a byte, and where the next one begins."""
    size = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
    start = at + 2 + size
    end = start + (int.from_bytes(data[at + 2 : start], "big") if size else data[at + 1])
    if end > len(data):
        raise ValueError
    return data[start:end], end
