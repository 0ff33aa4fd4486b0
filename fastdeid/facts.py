"""What the files of a series have in common: found once, then by the raw values that all share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid.attributes import COMMON, COMMON_PLACES, N_PIXEL_DATA, OWN, PLACE, WANTED
from fastdeid.dicom.batch import BATCH
from fastdeid.dicom.loaded import Loaded, cells_of
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import ENCODING, N_STATE
from fastdeid.kernels.rows import REPEATED, find_rows
from fastdeid.kernels.values import PREFIX, pack_operations, pack_values
from fastdeid.manifest import ORIGINAL_FIELDS, PSEUDONYM_FIELDS, PUBLIC_FIELDS
from fastdeid.setting import Setting, Settings

_INSTANCE, _NUMBER = OWN
_INSTANCE_PLACE: Final = PLACE[_INSTANCE]
_NUMBER_PLACE: Final = PLACE[_NUMBER]
_ORIGINAL: Final = ORIGINAL_FIELDS.index(_INSTANCE)
_PSEUDONYM: Final = PSEUDONYM_FIELDS.index(_INSTANCE)
_PUBLIC: Final = PUBLIC_FIELDS.index(_NUMBER)
_WIDTH: Final = len(WANTED)
_PIXELS: Final = tuple(range(_WIDTH - N_PIXEL_DATA, _WIDTH))
_BITS_ALLOCATED: Final = PLACE["bits_allocated"]
_LISTS: Final = ("referenced_series_sequence", "other_studies_sequence")
_UID: Final = re.compile(rb"(?=.{0,64}\Z)(?:\d+(?:\.\d+)*)?")
_UIDS: Final = ("study_instance_uid", "series_instance_uid")
# What manifests say of the output; the operations on these decide it.
_JUDGED: Final = (*PUBLIC_FIELDS, *PSEUDONYM_FIELDS[1:])
_JUDGED_PLACES: Final = np.array([PLACE[name] for name in _JUDGED], np.int64)
_JUDGED_PLACES.setflags(write=False)
# Beyond so many the facts are forgotten: an archive has more series than fit into memory.
_MOST: Final = 1 << 14

# Returns the new value of the element in a row, without padding; b"" for row -1.
Result = Callable[[Loaded, int], bytes]


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

    place: of its first cell among the cells of the finder. pixels: row of its pixel data, -1 for
    none. promises_pixels: attributes of the image are there.
    """

    facts: Facts
    place: int
    instance: bytes
    number: bytes
    pixels: int
    promises_pixels: bool


class FactsFinder:
    """Finds the facts of the files of one batch after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[int, dict[bytes, Facts]] = {}
        self._found = np.zeros((BATCH * _WIDTH, 3), np.int64)
        self._cells = cells_of(self._found)
        self._operations = np.zeros(BATCH, np.int64)
        self._ends = np.zeros(BATCH, np.int64)
        self._packed = np.zeros(1 << 14, np.uint8)

    def find(self, loaded: Loaded, numbers: npt.NDArray[np.int64]) -> list[Found | DicomError]:
        """Return facts and own values of files, or what is wrong with them.

        numbers: shape (n,), which of the files that are loaded. A file is wrong when it lacks what
        an instance needs, cannot be cleaned, or has one of the attributes twice: two readers would
        not read the same.
        """
        find_rows(loaded.table, loaded.files, numbers, WANTED, self._found)
        firsts = numbers * _WIDTH
        values = (loaded.header, firsts, self._found, COMMON_PLACES)
        size = pack_values(*values, self._packed, self._ends)
        if size < 0:
            self._packed = np.zeros(-2 * size, np.uint8)
            size = pack_values(*values, self._packed, self._ends)
        packed = self._packed[:size].tobytes()
        ends = self._ends[: len(numbers)].tolist()
        found: list[Found | DicomError] = []
        start = 0
        for number, end in zip(numbers.tolist(), ends, strict=True):
            try:
                found.append(self._find(loaded, number, packed[start:end]))
            except DicomError as error:
                found.append(error)
            start = end
        return found

    def _find(self, loaded: Loaded, number: int, key: bytes) -> Found:
        cells = self._cells
        at = 3 * _WIDTH * number
        if cells[at] == REPEATED:
            raise DicomError("repeated_element")
        encoding = loaded.states[number * N_STATE + ENCODING]
        known = self._known.setdefault(encoding, {})
        facts = known.get(key)
        if facts is None:
            if len(known) >= _MOST:
                known.clear()
            facts = known[key] = self._make(_unpack(key), encoding)
        instance = self._own(loaded, at, _INSTANCE_PLACE)
        if facts.setting.rules.retains_uids:
            _check_uid(instance, _INSTANCE)
        return Found(
            facts,
            at,
            instance,
            self._own(loaded, at, _NUMBER_PLACE),
            max([cells[at + 3 * place] for place in _PIXELS]),
            cells[at + 3 * _BITS_ALLOCATED] >= 0,
        )

    def describe(
        self,
        loaded: Loaded,
        numbers: npt.NDArray[np.int64],
        found: Sequence[Found],
        result: Result,
    ) -> list[Described]:
        """Return what manifests say of files, whose elements have been decided and cleaned."""
        firsts = numbers * _WIDTH
        packed = self._operations
        pack_operations(loaded.table, firsts, self._found, _JUDGED_PLACES, packed)
        return [
            self._describe(loaded, one, operations, result)
            for one, operations in zip(found, packed[: len(numbers)].tolist(), strict=True)
        ]

    def _describe(self, loaded: Loaded, found: Found, operations: int, result: Result) -> Described:
        facts = found.facts
        instance = result(loaded, self._cells[found.place + 3 * _INSTANCE_PLACE]).decode("ascii")
        if operations != facts.operations:
            facts.public, facts.pseudonyms = self._judge(loaded, found, operations, result)
            facts.operations = operations
        originals, public, names = facts.originals, facts.public, facts.pseudonyms
        number = found.number if operations >> 2 * _PUBLIC & 3 == 0 else public[_PUBLIC]
        return Described(
            (*originals[:_ORIGINAL], found.instance, *originals[_ORIGINAL + 1 :]),
            (*names[:_PSEUDONYM], instance, *names[_PSEUDONYM + 1 :]),
            (*public[:_PUBLIC], number, *public[_PUBLIC + 1 :]),
        )

    def _own(self, loaded: Loaded, at: int, place: int) -> bytes:
        start = self._cells[at + 3 * place + 1]
        return loaded.view[start : start + self._cells[at + 3 * place + 2]].tobytes()

    def _make(self, values: dict[str, bytes | None], encoding: int) -> Facts:
        for name in _UIDS:
            if b"\\" in (values[name] or b""):
                raise DicomError("uid_with_several_values", int(WANTED[PLACE[name]]))
        references = any(values[name] is not None for name in _LISTS)
        present = {name: value or b"" for name, value in values.items()}
        setting = self._settings.find(present, encoding, references=references)
        if setting.rules.retains_uids:
            for name in _UIDS:
                _check_uid(present.get(name, b""), name)
        return Facts(setting, tuple(present.get(name, b"") for name in ORIGINAL_FIELDS))

    def _judge(
        self, loaded: Loaded, found: Found, operations: int, result: Result
    ) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
        """Return public attributes and pseudonyms under these operations."""

        def new(name: str) -> bytes:
            return result(loaded, self._cells[found.place + 3 * PLACE[name]])

        public = []
        for number, name in enumerate(PUBLIC_FIELDS):
            is_new = operations >> 2 * number & 3
            public.append(new(name) if is_new else self._own(loaded, found.place, PLACE[name]))
        # What a rule keeps is not always ASCII; what makes paths has been checked.
        names = [new(name).decode("ascii", "replace") for name in PSEUDONYM_FIELDS[1:]]
        return tuple(public), (found.facts.setting.context.patient, *names)


class Described(msgspec.Struct):
    """What manifests say of one file, in the order of the fields of `fastdeid.manifest`."""

    originals: tuple[bytes, ...]
    pseudonyms: tuple[str, ...]
    public: tuple[bytes, ...]


def _check_uid(raw: bytes, name: str) -> None:
    """Raise DicomError for a retained UID that is none: it becomes a part of a path."""
    if _UID.fullmatch(raw.strip(b"\0 ")) is None:
        raise DicomError("uid_not_valid", int(WANTED[PLACE[name]]))


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
