"""Pseudonyms: functions of the project key, the kind of value and the original, nothing else.

Sub-keys are derived by HKDF-SHA-256 (RFC 5869), one per purpose; the pseudo-random function is
keyed BLAKE2b (RFC 7693). No table is needed, and no two processes have to agree on anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from fastdeid.identifiers import normalise

KEY_LENGTH: Final = 32
MAXIMUM_SHIFT_DAYS: Final = 3650
MINUTES_PER_DAY: Final = 1440

_SALT: Final = b"fastdeid project key, version 1"
_CROCKFORD_LETTERS: Final = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# In place of the alphabet of RFC 4648 section 6.
_CROCKFORD: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _CROCKFORD_LETTERS)
_CODE_BYTES: Final = 10  # 80 bits, 16 characters of 5 bits

_N_LENGTHS: Final = 256
_LENGTHS: Final = [length.to_bytes(4, "big") for length in range(_N_LENGTHS)]

# RFC 9562 section 5.8, UUID version 8: four bits say "version 8", two say "this variant".
_UUID_MASK: Final = ~((0xF << 76) | (0x3 << 62))
_UUID_BITS: Final = (0x8 << 76) | (0x2 << 62)


def derive_key(project_key: bytes, purpose: str) -> bytes:
    """Return the 32-byte sub-key for a purpose: HKDF-SHA-256 with one block of output."""
    extracted = hmac.digest(_SALT, project_key, "sha256")
    return hmac.digest(extracted, purpose.encode("ascii") + b"\x01", "sha256")


class Pseudonyms:
    """The pseudonyms of one project.

    project_key: 32 secret bytes. key_id: names the key in public, and tells nothing about it.
    uid_key: the secret sub-key of `uid`, for a kernel that does the same. sealing_key: the secret
    sub-key of files that only the holder of the project key can read, see `sealing`.
    """

    def __init__(self, project_key: bytes) -> None:
        if len(project_key) != KEY_LENGTH:
            raise ValueError(f"a project key has {KEY_LENGTH} bytes")
        self.uid_key = derive_key(project_key, "uid")
        self._uid = hashlib.blake2b(digest_size=16, key=self.uid_key)
        self._patient = _keyed(project_key, "patient", _CODE_BYTES)
        self._accession = _keyed(project_key, "accession", _CODE_BYTES)
        self._date = _keyed(project_key, "date", 8)
        self._time = _keyed(project_key, "time", 8)
        self._path = _keyed(project_key, "path", _CODE_BYTES)
        self.sealing_key = derive_key(project_key, "sealing")
        self.key_id = derive_key(project_key, "key id")[:8].hex()

    def uid(self, original: bytes) -> bytes:
        """Return the UID for an original UID of any content, at most 44 ASCII characters.

        original: the value without padding. PS3.5 section B.2: a UUID in decimal under 2.25.
        """
        state = self._uid.copy()
        state.update(original)
        number = int.from_bytes(state.digest(), "big") & _UUID_MASK | _UUID_BITS
        return b"2.25.%d" % number

    def patient(
        self,
        patient_id: str,
        issuer: str,
        name: str = "",
        birth_date: str = "",
        study_uid: str = "",
    ) -> str:
        """Return the 16-character code of a patient.

        The patient is who has this ID from this issuer, see `identifiers`; without an ID, who has
        this name and birth date; without a name, the one of this study.
        """
        identifier = normalise(patient_id)
        if identifier:
            return self._code(self._patient, "id", identifier, normalise(issuer))
        folded = " ".join(name.replace("^", " ").casefold().split())
        if folded.strip("= "):
            return self._code(self._patient, "name", folded, birth_date.strip())
        return self._code(self._patient, "study", study_uid.strip(" \0"))

    def accession(self, original: str) -> str:
        """Return the 16-character accession number for an original one, VR SH."""
        return self._code(self._accession, normalise(original))

    def date_offset(self, patient: str) -> int:
        """Return the days to add to every date of a patient, -3650 to -1.

        patient: the code that `patient` returns.
        """
        state = self._date.copy()
        state.update(_packed(patient))
        return -1 - int.from_bytes(state.digest(), "big") % MAXIMUM_SHIFT_DAYS

    def time_offset(self, patient: str) -> int:
        """Return the minutes to add to every time of day of a patient, 1 to 1439.

        For profiles that shift times, see `moments`.
        """
        state = self._time.copy()
        state.update(_packed(patient))
        return 1 + int.from_bytes(state.digest(), "big") % (MINUTES_PER_DAY - 1)

    def patients(self, identities: Iterable[tuple[str, str]]) -> Sequence[str | None]:
        """Return the codes of many patients with an ID, pairs of Patient ID and issuer.

        The same as `patient` for each, at a fraction of the time; None for one that has none. The
        texts are in normal form already, see `identifiers`.
        """
        keyed = self._patient.copy()
        keyed.update(_packed("id"))
        pairs = (_one_packed(identifier) + _one_packed(issuer) for identifier, issuer in identities)
        return _codes(_digests(keyed, pairs))

    def accessions(self, originals: Iterable[str]) -> Sequence[str]:
        """Return `accession` of each of many, in normal form already."""
        return _codes(_digests(self._accession, map(_one_packed, originals)))

    def date_offsets(self, patients: Iterable[str]) -> Sequence[int]:
        """Return `date_offset` of each of many."""
        import numpy as np

        digests = _digests(self._date, map(_one_packed, patients))
        days = np.frombuffer(digests, ">u8") % MAXIMUM_SHIFT_DAYS
        offsets: list[int] = (-1 - days.astype(np.int64)).tolist()
        return offsets

    def file_id(self, path: bytes) -> str:
        """Return the 16 characters that stand for a source path in logs."""
        state = self._path.copy()
        state.update(path)
        return _crockford(state.digest())

    @staticmethod
    def _code(keyed: hashlib.blake2b, *fields: str) -> str:
        state = keyed.copy()
        state.update(_packed(*fields))
        return _crockford(state.digest())


def _keyed(project_key: bytes, purpose: str, size: int) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=size, key=derive_key(project_key, purpose))


def _packed(*fields: str) -> bytes:
    """Return fields with their lengths, so that no two lists of fields give the same bytes."""
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(len(field).to_bytes(4, "big") + field for field in encoded)


def _one_packed(field: str) -> bytes:
    """Return `_packed` of one field."""
    encoded = field.encode("utf-8", "surrogatepass")
    return _LENGTHS[len(encoded)] + encoded if len(encoded) < _N_LENGTHS else _packed(field)


def _digests(keyed: hashlib.blake2b, messages: Iterable[bytes]) -> bytes:
    """Return the digests of many messages, one behind the other."""
    copy = keyed.copy

    def digest(message: bytes) -> bytes:
        state = copy()
        state.update(message)
        return state.digest()

    return b"".join(map(digest, messages))


def _codes(digests: bytes) -> list[str]:
    """Return digests of _CODE_BYTES each in Crockford's base32."""
    import numpy as np

    bits = np.unpackbits(np.frombuffer(digests, np.uint8)).reshape(-1, 5)
    letters = np.frombuffer(_CROCKFORD_LETTERS, np.uint8)
    text = letters[bits @ np.array([16, 8, 4, 2, 1], np.uint8)].tobytes().decode("ascii")
    width = _CODE_BYTES * 8 // 5
    return [text[at : at + width] for at in range(0, len(text), width)]


def _crockford(digest: bytes) -> str:
    """Return a digest of a multiple of 5 bytes in Crockford's base32."""
    return base64.b32encode(digest).translate(_CROCKFORD).decode("ascii")
