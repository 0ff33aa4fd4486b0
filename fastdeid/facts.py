"""What the files of a series have in common: found once, then by the raw values that all share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from fastdeid.attributes import COMMON, COMMON_PLACES, OWN, PLACE, WANTED
from fastdeid.dicom.reader import Reader, cells_of
from fastdeid.errors import DicomError
from fastdeid.kernels.values import PREFIX, pack_operations, pack_values
from fastdeid.manifest import ORIGINAL_FIELDS, PSEUDONYM_FIELDS, PUBLIC_FIELDS
from fastdeid.setting import Setting, Settings

_INSTANCE, _NUMBER = OWN
_INSTANCE_AT: Final = 3 * PLACE[_INSTANCE]
_NUMBER_AT: Final = 3 * PLACE[_NUMBER]
_ORIGINAL: Final = ORIGINAL_FIELDS.index(_INSTANCE)
_PSEUDONYM: Final = PSEUDONYM_FIELDS.index(_INSTANCE)
_PUBLIC: Final = PUBLIC_FIELDS.index(_NUMBER)
_LISTS: Final = ("referenced_series_sequence", "other_studies_sequence")
_UIDS: Final = ("study_instance_uid", "series_instance_uid")
# What manifests say of the output; the operations on these decide it.
_JUDGED: Final = (*PUBLIC_FIELDS, *PSEUDONYM_FIELDS[1:])
_JUDGED_PLACES: Final = np.array([PLACE[name] for name in _JUDGED], np.int64)
_JUDGED_PLACES.setflags(write=False)
# Beyond so many the facts are forgotten: an archive has more series than fit into memory.
_MOST: Final = 1 << 14

# Returns the new value of the element in a row, without padding.
Result = Callable[[int], bytes]


class Facts(msgspec.Struct):
    """What holds for the files with the same COMMON values and encoding.

    originals: as in an outcome, with an empty place for the instance. operations: packed, -1 until
    the first file has been decided; public and pseudonyms hold for these operations.
    """

    setting: Setting
    originals: tuple[bytes, ...]
    operations: int = -1
    public: tuple[bytes, ...] = ()
    pseudonyms: tuple[str, ...] = ()


class Found(msgspec.Struct):
    """The attributes of one file: its facts, and the two values that are its own.

    rows: row of each attribute in `attributes.WANTED`, -1 for none, as every third cell.
    """

    facts: Facts
    instance: bytes
    number: bytes


class FactsFinder:
    """Finds the facts of one file after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[int, dict[bytes, Facts]] = {}
        self._found = np.zeros((len(WANTED), 3), np.int64)
        self.cells = cells_of(self._found)
        self._packed = np.zeros(1 << 12, np.uint8)
        self._view = self._packed.data

    def find(self, reader: Reader) -> Found:
        """Return facts and own values of the file that was read.

        Raises DicomError when the file lacks what an instance needs, or cannot be cleaned.
        """
        reader.find(WANTED, self._found)
        size = pack_values(reader.header, self._found, COMMON_PLACES, self._packed)
        if size < 0:
            self._packed = np.zeros(-2 * size, np.uint8)
            self._view = self._packed.data
            size = pack_values(reader.header, self._found, COMMON_PLACES, self._packed)
        key = self._view[:size].tobytes()
        known = self._known.setdefault(reader.encoding, {})
        facts = known.get(key)
        if facts is None:
            if len(known) >= _MOST:
                known.clear()
            facts = known[key] = self._make(_unpack(key), reader.encoding)
        return Found(facts, self._own(reader, _INSTANCE_AT), self._own(reader, _NUMBER_AT))

    def row(self, name: str) -> int:
        """Return the row of an attribute in the file at hand, -1 for none."""
        return self.cells[3 * PLACE[name]]

    def describe(self, reader: Reader, found: Found, result: Result) -> Described:
        """Return what manifests say of the file, whose elements have been decided and cleaned."""
        facts = found.facts
        instance = result(self.cells[_INSTANCE_AT]).decode("ascii")
        operations = pack_operations(reader.table, self._found, _JUDGED_PLACES)
        if operations != facts.operations:
            facts.public, facts.pseudonyms = self._judge(reader, facts, operations, result)
            facts.operations = operations
        originals, public, names = facts.originals, facts.public, facts.pseudonyms
        number = found.number if operations >> 2 * _PUBLIC & 3 == 0 else public[_PUBLIC]
        return Described(
            (*originals[:_ORIGINAL], found.instance, *originals[_ORIGINAL + 1 :]),
            (*names[:_PSEUDONYM], instance, *names[_PSEUDONYM + 1 :]),
            (*public[:_PUBLIC], number, *public[_PUBLIC + 1 :]),
        )

    def _own(self, reader: Reader, at: int) -> bytes:
        start = self.cells[at + 1]
        return reader.view[start : start + self.cells[at + 2]].tobytes()

    def _make(self, values: dict[str, bytes | None], encoding: int) -> Facts:
        for name in _UIDS:
            if b"\\" in (values[name] or b""):
                raise DicomError("uid_with_several_values", int(WANTED[PLACE[name]]))
        references = any(values[name] is not None for name in _LISTS)
        present = {name: value or b"" for name, value in values.items()}
        setting = self._settings.find(present, encoding, references=references)
        return Facts(setting, tuple(present.get(name, b"") for name in ORIGINAL_FIELDS))

    def _judge(
        self, reader: Reader, facts: Facts, operations: int, result: Result
    ) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
        """Return public attributes and pseudonyms under these operations."""
        public = []
        for number, name in enumerate(PUBLIC_FIELDS):
            if operations >> 2 * number & 3:
                public.append(result(self.row(name)))
            else:
                public.append(self._own(reader, 3 * PLACE[name]))
        names = [result(self.row(name)).decode("ascii") for name in PSEUDONYM_FIELDS[1:]]
        return tuple(public), (facts.setting.context.patient, *names)


class Described(msgspec.Struct):
    """What manifests say of one file, in the order of the fields of `fastdeid.manifest`."""

    originals: tuple[bytes, ...]
    pseudonyms: tuple[str, ...]
    public: tuple[bytes, ...]


def _unpack(key: bytes) -> dict[str, bytes | None]:
    """Return the COMMON values of a key that `pack_values` has made, None for absent ones."""
    values: dict[str, bytes | None] = {}
    at = 0
    for name in COMMON:
        prefix = int.from_bytes(key[at : at + PREFIX], "little")
        at += PREFIX
        values[name] = key[at : at + prefix - 1] if prefix else None
        at += max(prefix - 1, 0)
    return values
