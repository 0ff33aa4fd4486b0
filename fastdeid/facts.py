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
from fastdeid.outcome import INSTANCE, NOTHING_SHARED, NUMBER, ORIGINAL_INSTANCE, Shared
from fastdeid.reversible import Enclosed
from fastdeid.setting import Setting, Settings

_INSTANCE: Final = OWN[0]
_WIDTH: Final = len(WANTED)
# Cells of a file that are looked at one by one: the first, which tells of repetition; row, position
# and length of each of the two values that are its own; rows of pixel data and of what promises it.
_OWN_CELLS: Final = np.array(
    [
        0,
        *(3 * PLACE[name] + cell for name in OWN for cell in range(3)),
        *(3 * place for place in range(_WIDTH - N_PIXEL_DATA, _WIDTH)),
        3 * PLACE["bits_allocated"],
    ],
    np.int64,
)
_OWN_CELLS.setflags(write=False)
# The operation on Instance Number among those that `pack_operations` packs.
_NUMBER_BITS: Final = 2 * NUMBER
_LISTS: Final = ("referenced_series_sequence", "other_studies_sequence")
_UID: Final = re.compile(rb"(?=.{0,64}\Z)(?:\d+(?:\.\d+)*)?")
_UIDS: Final = ("study_instance_uid", "series_instance_uid")
# What manifests say of the output; the operations on these decide it.
_JUDGED: Final = (*PUBLIC_FIELDS, *PSEUDONYM_FIELDS[1:])
_OTHER_NAMES: Final = tuple(name for name in PSEUDONYM_FIELDS[1:] if name != _INSTANCE)
_JUDGED_PLACES: Final = np.array([PLACE[name] for name in _JUDGED], np.int64)
_JUDGED_PLACES.setflags(write=False)
# Beyond so many the facts are forgotten: an archive has more series than fit into memory.
_MOST: Final = 1 << 14

# Returns the new value of the element in a row, without padding; b"" for row -1.
Result = Callable[[Loaded, int], bytes]


class Facts(msgspec.Struct):
    """What holds for the files with the same COMMON values and encoding.

    originals: as in `Shared`. operations: packed, -1 until the first file has been decided; shared
    and instance_number hold for these, the second where they change Instance Number. enclosed:
    originals for `reversible`, None where outputs do not hold any.
    """

    setting: Setting
    originals: tuple[bytes, ...]
    operations: int = -1
    shared: Shared = NOTHING_SHARED
    instance_number: bytes = b""
    enclosed: Enclosed | None = None


class Found(msgspec.Struct, gc=False):
    """The attributes of one file: its facts, and what is its own.

    place: of its first cell among the cells of the finder. instance_row: of SOP Instance UID, -1
    where it is absent. instance, instance_number: raw. pixels: row of its pixel data, -1 for none.
    promises_pixels: attributes of the image are there.
    """

    facts: Facts
    place: int
    instance_row: int
    instance: bytes
    instance_number: bytes
    pixels: int
    promises_pixels: bool


class Described(msgspec.Struct, gc=False):
    """What manifests say of one file: see `Outcome`."""

    shared: Shared
    instance: str
    instance_number: bytes


class FactsFinder:
    """Finds the facts of the files of one batch after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[int, dict[bytes, Facts]] = {}
        self._found = np.zeros((BATCH * _WIDTH, 3), np.int64)
        self._by_file = self._found.reshape(BATCH, 3 * _WIDTH)
        self._cells = cells_of(self._found)
        self._operations = np.zeros(BATCH, np.int64)
        self._ends = np.zeros(BATCH, np.int64)
        self._repeats = np.zeros(BATCH, np.int64)
        self._packed = np.zeros(1 << 14, np.uint8)

    def find(self, loaded: Loaded, numbers: npt.NDArray[np.int64]) -> list[Found | DicomError]:
        """Return facts and own values of files, or what is wrong with them.

        numbers: shape (n,), which of the files that are loaded. A file is wrong when it lacks what
        an instance needs, cannot be cleaned, or has one of the attributes twice: two readers would
        not read the same.
        """
        find_rows(loaded.table, loaded.files, numbers, WANTED, self._found)
        packed, ends, repeats = self._pack(loaded, numbers)
        own = self._by_file[numbers[:, None], _OWN_CELLS].tolist()
        found: list[Found | DicomError] = []
        facts: Facts | DicomError | None = None
        start = encoding = 0
        for number, end, repeat, cells in zip(numbers.tolist(), ends, repeats, own, strict=True):
            before, encoding = encoding, loaded.states[number * N_STATE + ENCODING]
            if facts is None or not repeat or encoding != before:
                facts = self._facts(packed[start:end], encoding)
            start = end
            found.append(_found(loaded, number, facts, cells))
        return found

    def _pack(
        self, loaded: Loaded, numbers: npt.NDArray[np.int64]
    ) -> tuple[bytes, list[int], list[int]]:
        """Return the COMMON values of files, where those of each end, and which repeat."""
        values = (loaded.header, numbers * _WIDTH, self._found, COMMON_PLACES)
        size = pack_values(*values, self._packed, self._ends, self._repeats)
        if size < 0:
            self._packed = np.zeros(-2 * size, np.uint8)
            size = pack_values(*values, self._packed, self._ends, self._repeats)
        n = len(numbers)
        return self._packed[:size].tobytes(), self._ends[:n].tolist(), self._repeats[:n].tolist()

    def _facts(self, key: bytes, encoding: int) -> Facts | DicomError:
        known = self._known.setdefault(encoding, {})
        facts = known.get(key)
        if facts is None:
            if len(known) >= _MOST:
                known.clear()
            try:
                facts = known[key] = self._make(_unpack(key), encoding)
            except DicomError as error:
                return error
        return facts

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
        described = []
        for one, operations in zip(found, packed[: len(numbers)].tolist(), strict=True):
            facts = one.facts
            if operations != facts.operations:
                facts.shared, facts.instance_number = self._judge(loaded, one, operations, result)
                facts.operations = operations
            is_kept = operations >> _NUMBER_BITS & 3 == 0
            number = one.instance_number if is_kept else facts.instance_number
            instance = result(loaded, one.instance_row).decode("ascii")
            described.append(Described(facts.shared, instance, number))
        return described

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
        originals = [present.get(name, b"") for name in ORIGINAL_FIELDS]
        originals[ORIGINAL_INSTANCE] = b""
        enclosed = None if setting.envelope is None else setting.envelope.gather(values)
        return Facts(setting, tuple(originals), enclosed=enclosed)

    def _judge(
        self, loaded: Loaded, found: Found, operations: int, result: Result
    ) -> tuple[Shared, bytes]:
        """Return what the series shares under these operations, and a changed Instance Number."""
        cells, facts = self._cells, found.facts

        def row(name: str) -> int:
            return cells[found.place + 3 * PLACE[name]]

        public = []
        for number, name in enumerate(PUBLIC_FIELDS):
            if operations >> 2 * number & 3:
                public.append(result(loaded, row(name)))
            else:
                at, length = cells[found.place + 3 * PLACE[name] + 1 :][:2]
                public.append(loaded.view[at : at + length].tobytes())
        instance_number, public[NUMBER] = public[NUMBER], b""
        # What a rule keeps is not always ASCII; what makes paths has been checked.
        names = [result(loaded, row(name)).decode("ascii", "replace") for name in _OTHER_NAMES]
        names.insert(INSTANCE - 1, "")
        context = facts.setting.context
        shared = Shared(
            facts.originals, (context.patient, *names), tuple(public), context.date_offset
        )
        return shared, instance_number


def _found(
    loaded: Loaded, number: int, facts: Facts | DicomError, own: list[int]
) -> Found | DicomError:
    """Return what a file is, or what is wrong with it. own: _OWN_CELLS."""
    first, row, at, length, _, number_at, number_length, real, double, samples, bits = own
    if first == REPEATED:
        return DicomError("repeated_element")
    if isinstance(facts, DicomError):
        return facts
    view = loaded.view
    instance = view[at : at + length].tobytes()
    if facts.setting.rules.retains_uids:
        try:
            _check_uid(instance, _INSTANCE)
        except DicomError as error:
            return error
    instance_number = view[number_at : number_at + number_length].tobytes()
    pixels = max(real, double, samples)
    return Found(facts, 3 * _WIDTH * number, row, instance, instance_number, pixels, bits >= 0)


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
