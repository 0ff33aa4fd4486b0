"""Texts are cleaned last: of everything that the headers of their own file know.

What a text was cleaned to is held in the memo, under the identity it was cleaned of, so that a
kernel gives the texts of the next files of a study their new values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.chances import is_creator
from fastdeid.codes import Operation
from fastdeid.descriptors import Cleaner, clean_value
from fastdeid.dicom.batch import BATCH
from fastdeid.dicom.loaded import Loaded
from fastdeid.dicom.text import decode
from fastdeid.dummies import pad
from fastdeid.identity import Identity
from fastdeid.jobs import Job
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import ENTRY, FLAGS, LENGTH, N_COLUMNS, OPERATION, SEQUENCE, TAG, VR
from fastdeid.kernels.values import pack_entries
from fastdeid.kinds import Kind, harvest_of
from fastdeid.memo import Memo
from fastdeid.options import CLEAN_DESCRIPTORS
from fastdeid.profiles.tables import Attribute
from fastdeid.rules import Profile
from fastdeid.tags import VR_NAMES

# Text VRs in which a backslash parts no values, PS3.5 section 6.2.
_SINGLE: Final = frozenset(("LT", "ST", "UT"))
_TEXTS: Final = frozenset(("LO", "LT", "SH", "ST", "UC", "UT"))
_IS_TEXT: Final = np.isin(VR_NAMES, list(_TEXTS)).astype(np.uint8)
_IS_TEXT.setflags(write=False)
_KNOWING: Final = ("name", "patient", "identifier", "phrase", "date")
# Longer texts are none that a person reads.
_LONGEST: Final = 1 << 20
# Beyond so many nothing is remembered any more: texts that never repeat fill memory.
_MOST: Final = 1 << 14
# The entry of a text of which nothing may stay.
_GONE: Final = -1


class _Known:
    """An identity, and the two contexts under which the memo holds texts that met it.

    is_met: the texts of a file were.
    """

    __slots__ = ("identity", "is_met", "kept", "replaced")

    def __init__(self, identity: Identity, number: int) -> None:
        self.identity = identity
        self.replaced = 2 * number
        self.kept = 2 * number + 1
        self.is_met = False


class Texts:
    """Cleans the texts of one batch of files after another, under one profile.

    cleans_kept: texts that are kept lose what identifies instead of going altogether.
    """

    def __init__(self, profile: Profile, memo: Memo) -> None:
        self.cleans_kept = CLEAN_DESCRIPTORS in profile.options
        self._profile = profile
        self._memo = memo
        self._cleaner: Cleaner | None = None
        self._numbers = count()
        self._kinds = np.zeros(0, np.int64)
        self._knowing = np.zeros(0, np.uint8)
        self._entries: dict[tuple[int, int, bytes], int] = {}
        self._known: dict[tuple[tuple[str, ...], bytes], _Known] = {}
        self._compiled: dict[tuple[tuple[str, ...], frozenset[tuple[str, str]]], _Known] = {}
        self._of_file: dict[int, _Known] = {}
        self._generation = -1
        self._ends = np.zeros(BATCH, np.int64)
        self._repeats = np.zeros(BATCH, np.int64)
        self._packed = np.zeros(0, np.int64)
        self._misses = np.zeros((0, kernel.N_MISS_COLUMNS), np.int64)

    def clean(self, loaded: Loaded, jobs: Sequence[Job]) -> list[tuple[Job, int]]:
        """Clean the texts of files, all other values of which are resolved.

        jobs: of one setting. Returns the rows of texts of which nothing may stay. A read that fails
        becomes the error of the job.
        """
        if not (self.cleans_kept or _has_open(loaded)):
            return []
        self._prepare(loaded)
        self._identify(loaded, jobs)
        # The first file of an identity goes first: its texts are known when the others come.
        gone: list[tuple[Job, int]] = []
        first: list[Job] = []
        others: list[Job] = []
        for job in jobs:
            known = self._of_file[job.number]
            (others if known.is_met else first).append(job)
            known.is_met = True
        for some in (first, others):
            gone += self._clean_all(loaded, some) if some else ()
        return gone

    def _clean_all(self, loaded: Loaded, jobs: Sequence[Job]) -> Iterator[tuple[Job, int]]:
        memo = self._memo
        n_misses = kernel.find_texts(
            *(loaded.header, loaded.table, loaded.files, _numbers(jobs), self._scopes(jobs)),
            *(_IS_TEXT, self._kinds, memo.slots, memo.entries, memo.arena, self._misses),
        )
        by_number = {job.number: job for job in jobs}
        for miss in self._misses[:n_misses].tolist():
            job, row = by_number[miss[kernel.MISS_FILE]], miss[kernel.MISS_ROW]
            if job.error is not None:
                continue
            if loaded.cells[row * N_COLUMNS + OPERATION] == kernel.KEEP:
                self._look_at_kept(loaded, job, miss)
                continue
            try:
                raw = _text(loaded, row, job.fd)
            except OSError as error:
                job.error = error
                continue
            if not self._clean(loaded, row, raw, job, miss[kernel.MISS_HASH]):
                yield job, row

    def clean_kept(self, loaded: Loaded, job: Job, row: int) -> bool:
        """Clean a kept text in which the leak check has found something; False where that fails.

        The texts of the file have been cleaned in this batch.
        """
        cells = loaded.cells
        at = row * N_COLUMNS
        if cells[at + OPERATION] != kernel.KEEP or VR_NAMES[cells[at + VR]] not in _TEXTS:
            return False
        return not is_creator(cells[at + TAG]) and self._replace(loaded, row, job)

    def _look_at_kept(self, loaded: Loaded, job: Job, miss: list[int]) -> None:
        """Clean a kept text that holds the short name of an institution, which no needle is."""
        row, kind, scope, code, _ = miss
        raw = loaded.value(row)
        folded = raw.decode("latin_1").casefold()
        abbreviations = self._of_file[job.number].identity.abbreviations
        if not any(name in folded for name in abbreviations):
            if (kind, scope, raw) not in self._entries:
                entry = self._memo.add(code, kind, scope, raw, result=b"")
                self._entries[kind, scope, raw] = entry
        # What an option retains by name is not for us to judge: the name of a device.
        elif not job.setting.rules.is_named(loaded.cells[row * N_COLUMNS + TAG]):
            self._replace(loaded, row, job)

    def _replace(self, loaded: Loaded, row: int, job: Job) -> bool:
        """Clean a kept text; False, and kept as it is, where nothing of it stays or goes."""
        cells = loaded.cells
        at = row * N_COLUMNS
        before, raw = cells[at + ENTRY], loaded.value(row)
        is_clean = bool(raw) and self._clean(loaded, row, raw, job, -1)
        if not is_clean or self._memo.result(cells[at + ENTRY]) == raw:
            cells[at + ENTRY] = before
            return False
        cells[at + OPERATION] = int(Operation.REPLACE)
        return True

    def _clean(self, loaded: Loaded, row: int, raw: bytes | None, job: Job, code: int) -> bool:
        """Clean one text; return whether something of it stays, or nothing was there.

        raw: the text, None when it is too long. code: its hash for the memo, -1 for none.
        """
        if raw is None:
            return False
        cells = loaded.cells
        vr = VR_NAMES[cells[row * N_COLUMNS + VR]]
        kind = int(self._kinds[cells[row * N_COLUMNS + VR]])
        known = self._of_file[job.number]
        key = (kind, known.replaced, raw)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _MOST:
                self._entries.clear()
            cleaned = self._cleaned(raw, vr, job.setting.context.charsets, known.identity)
            entry = _GONE
            if cleaned is not None:
                result = pad(cleaned, vr)
                entry = self._memo.add(code, kind, known.replaced, raw, result=result)
            self._entries[key] = entry
        cells[row * N_COLUMNS + ENTRY] = entry
        return entry != _GONE

    def _cleaned(
        self, raw: bytes, vr: str, charsets: tuple[str, ...], identity: Identity
    ) -> bytes | None:
        if self._cleaner is None:
            self._cleaner = Cleaner(self._profile.settings.descriptors)
        several = vr not in _SINGLE
        cleaned = clean_value(raw, charsets, self._cleaner, identity, several=several)
        if cleaned is None or (not cleaned.strip(b" \0\\") and raw.strip(b" \0\\")):
            return None
        return cleaned

    # What the headers of each file know

    def _prepare(self, loaded: Loaded) -> None:
        """Fit workspaces and kinds; forget entries when the memo has started anew."""
        if not len(self._kinds):
            self._kinds = np.array([self._kind_of(vr) for vr in VR_NAMES], np.int64)
            self._kinds.setflags(write=False)
        kinds = self._profile.kinds.rows
        if len(self._knowing) < len(kinds):
            self._knowing = np.array([kind.harvest in _KNOWING for kind in kinds], np.uint8)
            self._knowing.setflags(write=False)
        if len(self._packed) < len(loaded.table):
            self._packed = np.zeros(len(loaded.table), np.int64)
            self._misses = np.zeros((len(loaded.table), kernel.N_MISS_COLUMNS), np.int64)
        if self._generation != self._memo.generation:
            self._generation = self._memo.generation
            self._entries.clear()
            self._known.clear()

    def _kind_of(self, vr: str) -> int:
        harvest = harvest_of(Attribute(vr, "1-n", ""))
        return self._profile.kinds.add(
            Kind(
                replace="clean",
                harvest=harvest,
                vr=vr,
                vm="1-n",
                tag=0,
                per_patient=False,
                otherwise="dummy",
            )
        )

    def _scopes(self, jobs: Sequence[Job]) -> npt.NDArray[np.int64]:
        scopes = []
        for job in jobs:
            known = self._of_file[job.number]
            looks = self.cleans_kept and known.identity.abbreviations
            scopes.append((known.replaced, known.kept if looks else -1))
        numbers = np.array(scopes, np.int64)
        numbers.setflags(write=False)
        return numbers

    def _identify(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Find the identity of each file: what its headers know of people, places and days."""
        memo = self._memo
        numbers = _numbers(jobs)
        n = pack_entries(
            *(loaded.table, loaded.files, numbers, memo.entries, self._knowing),
            *(memo.next_stamps(len(jobs)), self._packed, self._ends, self._repeats),
        )
        packed = self._packed[:n]
        ends, repeats = self._ends[: len(jobs)].tolist(), self._repeats[: len(jobs)].tolist()
        charsets = jobs[0].setting.context.charsets
        known: _Known | None = None
        start = 0
        for job, end, repeat in zip(jobs, ends, repeats, strict=True):
            if known is None or not repeat:
                known = self._find(packed[start:end], charsets)
            self._of_file[job.number] = known
            start = end

    def _find(self, entries: npt.NDArray[np.int64], charsets: tuple[str, ...]) -> _Known:
        key = (charsets, entries.tobytes())
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            pairs = frozenset(self._pair(entry, charsets) for entry in entries.tolist())
            known = self._compiled.get((charsets, pairs))
            if known is None:
                if len(self._compiled) >= _MOST:
                    self._compiled.clear()
                known = _Known(Identity(pairs), next(self._numbers))
                self._compiled[charsets, pairs] = known
            self._known[key] = known
        return known

    def _pair(self, entry: int, charsets: tuple[str, ...]) -> tuple[str, str]:
        """Return what is learnt from the value of a memo entry, and its text."""
        raw = self._memo.key(entry)
        harvest = self._profile.kinds.rows[int(self._memo.entries[entry, kernel.KIND])].harvest
        text = decode(raw, charsets)
        text = raw.decode("latin_1") if text is None else text
        return harvest, _days(text) if harvest == "date" else text


def _numbers(jobs: Sequence[Job]) -> npt.NDArray[np.int64]:
    return np.array([job.number for job in jobs], np.int64)


def _has_open(loaded: Loaded) -> bool:
    """Tell whether the table has texts that are to be replaced and were not resolved."""
    table = loaded.table[: loaded.n_rows]
    return bool(((table[:, OPERATION] == kernel.REPLACE) & (table[:, ENTRY] < 0)).any())


def _text(loaded: Loaded, row: int, fd: int) -> bytes | None:
    """Return the text in a row, however much of the file is loaded; None beyond _LONGEST."""
    at = row * N_COLUMNS
    if loaded.cells[at + FLAGS] & SEQUENCE:
        return b""
    return loaded.whole_value(row, fd) if loaded.cells[at + LENGTH] <= _LONGEST else None


def _days(text: str) -> str:
    """Return the days of DA and DT values: the time of an instance makes no identity of its own."""
    values = (value.strip() for value in text.split("\\"))
    return "\\".join(value[: 10 if value[4:5] in {".", "-", "/"} else 8] for value in values)
