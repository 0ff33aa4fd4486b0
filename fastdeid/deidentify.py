"""One instance: bytes in, bytes and a manifest row out."""

from __future__ import annotations

import os
import stat
from time import perf_counter
from typing import Final

import numpy as np

from fastdeid.actions import map_one_uid, resolve
from fastdeid.attributes import N_PIXEL_DATA, PLACE
from fastdeid.dicom.encodings import EXPLICIT_BIG
from fastdeid.dicom.inflate import deflate
from fastdeid.dicom.reader import Reader
from fastdeid.dicom.writer import file_meta
from fastdeid.digests import digest_chunks, digest_file
from fastdeid.errors import DicomError
from fastdeid.facts import FactsFinder
from fastdeid.kernels import assemble as assembly
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import (
    BULK,
    ENTRY,
    FLAGS,
    FRAGMENTS,
    LENGTH,
    LONG,
    MAX_DEPTH,
    N_COLUMNS,
    OPERATION,
    PARENT,
    SEQUENCE,
    TAG,
    VALUE,
)
from fastdeid.leaks import LeakCheck
from fastdeid.memo import Memo
from fastdeid.naming import DEFAULT_TEMPLATE, naming
from fastdeid.outcome import Outcome
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Operation, Profile
from fastdeid.setting import Setting, Settings
from fastdeid.storage import Chunk, TargetTree
from fastdeid.tags import MEDIA_STORAGE_DIRECTORY_STORAGE, SOP_INSTANCE_UID
from fastdeid.verdicts import Verdict

STAGES: Final = ("open", "scan", "decide", "replace", "check", "assemble", "write")

_PIXELS: Final = tuple(3 * place for place in list(PLACE.values())[-N_PIXEL_DATA:])
_DIRECTORY: Final = MEDIA_STORAGE_DIRECTORY_STORAGE.encode("ascii")
_DIRECTORY_GROUP: Final = 0x0004
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FIRST_OUTPUT: Final = 1 << 18


class Deidentifier:
    """De-identifies one file after another under one profile and key.

    target: folder of the output tree, None to write nothing. template: of output paths, with the
    fields patient, study, series and instance. sync: flush each output to the disk before it is
    published. digests: compute the digests of input and output, which reads all of both.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        target: str | os.PathLike[str] | None,
        *,
        template: str = DEFAULT_TEMPLATE,
        sync: bool = False,
        digests: bool = False,
    ) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._target = None if target is None else TargetTree(target, sync=sync)
        self._naming = naming(template)
        self._digests = digests
        self._reader = Reader(profile.dictionary_keys, profile.dictionary_vrs)
        self._facts = FactsFinder(Settings(profile, pseudonyms))
        self._memo = Memo()
        self._leaks = LeakCheck()
        self._misses = np.zeros((0, 4), np.int64)
        self._segments = np.zeros((0, 3), np.int64)
        self._counts = np.zeros(2, np.int64)
        self._contexts = np.zeros(MAX_DEPTH + 2, np.int64)
        self._open_rows = np.zeros(MAX_DEPTH, np.int64)
        self._totals = np.zeros(assembly.N_TOTALS, np.int64)
        self._use_output(_FIRST_OUTPUT)
        self._seconds = np.zeros(len(STAGES))
        self._marks: list[tuple[float, ...]] = []

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent per stage so far."""
        if self._marks:
            self._seconds += np.diff(np.array(self._marks), axis=1).sum(axis=0)
            self._marks.clear()
        return dict(zip(STAGES, self._seconds.tolist(), strict=True))

    def close(self) -> None:
        """Close what is open."""
        if self._target is not None:
            self._target.close()

    def process(self, source_path: bytes, *, overwrite: bool = False) -> Outcome:
        """De-identify one file and publish the output.

        overwrite: replace a different file that stands at the output path. Bad input is an outcome,
        never an error. Raises OutputError when the target cannot be written.
        """
        started = perf_counter()
        try:
            fd = os.open(source_path, _OPEN)
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error))
        size = 0
        try:
            status = os.fstat(fd)
            size = status.st_size
            if not stat.S_ISREG(status.st_mode):
                return Outcome(Verdict.UNREADABLE, "not_a_regular_file")
            return self._process(fd, size, started, overwrite=overwrite)
        except DicomError as error:
            return self._refused(error, size)
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error), source_size=size)
        finally:
            os.close(fd)

    def _process(self, fd: int, size: int, started: float, *, overwrite: bool) -> Outcome:
        reader, facts = self._reader, self._facts
        opened = perf_counter()
        reader.read(fd, size)
        found = facts.find(reader)
        setting = found.facts.setting
        pixels = max(facts.cells[at] for at in _PIXELS)
        _check_instance(found.instance)
        # Image attributes promise samples also where the SOP Class only allows them: RT Dose.
        promised = setting.rules.pixel_data_required or facts.row("bits_allocated") >= 0
        if pixels < 0 and promised:
            raise DicomError("pixel_data_missing")
        scanned = perf_counter()
        n_misses = self._decide(setting)
        decided = perf_counter()
        n_active = self._replace(setting, n_misses)
        replaced = perf_counter()
        n_cleaned = self._check(fd, setting, n_active, pixels)
        checked = perf_counter()
        described = facts.describe(reader, found, self._result)
        patient, _, study, series, instance, _ = described.pseudonyms
        chunks = self._assemble(setting, instance)
        assembled = perf_counter()
        path = self._naming(patient, study, series, instance)
        published = ""
        if self._target is not None:
            published = self._target.publish(path, chunks, fd, overwrite=overwrite)
        totals = self._totals.tolist()
        outcome = Outcome(
            Verdict.OK,
            path=path,
            published=published,
            source_size=size,
            output_size=sum([c[1] if type(c) is tuple else len(c) for c in chunks]),
            pixel_length=0 if pixels < 0 else reader.cells[pixels * N_COLUMNS + LENGTH],
            trailing_length=reader.trailing_length,
            transfer_syntax=reader.transfer_syntax,
            big_endian=reader.encoding == EXPLICIT_BIG,
            originals=described.originals,
            pseudonyms=described.pseudonyms,
            public=described.public,
            n_removed=totals[assembly.N_REMOVED],
            n_emptied=totals[assembly.N_EMPTIED],
            n_replaced=totals[assembly.N_REPLACED],
            n_cleaned=n_cleaned,
            date_offset=setting.date_offset,
        )
        if self._digests:
            outcome.source_digest = digest_file(fd, size)
            outcome.output_digest = digest_chunks(chunks, fd)
        marks = (started, opened, scanned, decided, replaced, checked, assembled, perf_counter())
        self._marks.append(marks)
        return outcome

    # The stages

    def _decide(self, setting: Setting) -> int:
        """Decide on every element; return how many values the memo does not hold."""
        reader, rules, memo = self._reader, setting.rules, self._memo
        stamp = memo.next_file()
        if len(self._misses) < len(reader.table):
            self._misses = np.zeros((len(reader.table), 4), np.int64)
            self._segments = np.zeros((2 * len(reader.table) + 1, 3), np.int64)
        return int(
            kernel.decide_actions(
                *(reader.header, reader.table, reader.n_rows),
                *(*rules.arrays, setting.per_patient, setting.shared, setting.patient, stamp),
                *(memo.slots, memo.entries, memo.arena, memo.active),
                *(self._misses, self._counts, self._contexts),
            )
        )

    def _replace(self, setting: Setting, n_misses: int) -> int:
        """Resolve the values that the memo does not hold; return the number of active needles."""
        memo = self._memo
        n_active = int(self._counts[kernel.N_ACTIVE])
        if not n_misses:
            return n_active
        cells, kinds, uids = self._reader.cells, setting.rules.kinds, setting.uid_kind
        pseudonyms, registry = self._pseudonyms, self._profile.registry
        seen: dict[tuple[int, int, bytes], int] = {}
        for row, kind, context, code in self._misses[:n_misses].tolist():
            raw = self._raw(row)
            entry = seen.get((kind, context, raw))
            if entry is None:
                if kind == uids and b"\\" not in raw:
                    result, needles = map_one_uid(raw, pseudonyms, registry)
                else:
                    implicit = context & kernel.IN_IMPLICIT_VR
                    inner = setting.implicit if implicit else setting.context
                    result, needles = resolve(kinds[kind], raw, inner, pseudonyms, registry)
                entry = memo.add(code, kind, context, raw, result=result, needles=needles)
                n_active = memo.activate(entry, n_active)
                seen[kind, context, raw] = entry
            cells[row * N_COLUMNS + ENTRY] = entry
        return n_active

    def _raw(self, row: int) -> bytes:
        """Return the value of a leaf as it stands in the file, b"" when it is LONG."""
        cells = self._reader.cells
        at = row * N_COLUMNS
        if cells[at + FLAGS] & (LONG | SEQUENCE):
            return b""
        start = cells[at + VALUE]
        return self._reader.view[start : start + cells[at + LENGTH]].tobytes()

    def _check(self, fd: int, setting: Setting, n_active: int, pixels: int) -> int:
        """Clean kept elements that hold identifying values of this file; return how many."""
        if not n_active:
            return 0
        searched = (self._reader, self._memo, n_active, pixels)
        rows = self._leaks.find_rows(*searched)
        if self._reader.n_bulk > self._is_bulk(pixels):
            rows += self._leaks.find_bulk_rows(*searched, fd)
        for row in rows:
            self._clean(setting, row)
        return len(rows)

    def _is_bulk(self, row: int) -> bool:
        flags = self._reader.cells[row * N_COLUMNS + FLAGS] if row >= 0 else 0
        return flags & (BULK | FRAGMENTS) == BULK

    def _clean(self, setting: Setting, row: int) -> None:
        """Change the operation of a kept row in which the leak check has found something."""
        cells = self._reader.cells
        path: list[int] = []
        parent = cells[row * N_COLUMNS + PARENT]
        while parent >= 0:
            at = parent * N_COLUMNS
            if cells[at + FLAGS] & SEQUENCE:
                path.append(cells[at + TAG])
            parent = cells[at + PARENT]
        rules = setting.rules
        context = rules.context_of(tuple(reversed(path)))
        operation, kind = rules.clean(cells[row * N_COLUMNS + TAG], context)
        cells[row * N_COLUMNS + OPERATION] = int(operation)
        if operation is Operation.REPLACE:
            result, _ = resolve(
                rules.kinds[kind], b"", setting.context, self._pseudonyms, self._profile.registry
            )
            cells[row * N_COLUMNS + ENTRY] = self._memo.add(-1, kind, 0, b"", result=result)

    def _assemble(self, setting: Setting, instance: str) -> list[Chunk]:
        """Return what the output consists of; ranges refer to the source."""
        reader, totals, markers = self._reader, self._totals, setting.markers
        meta = file_meta(
            setting.context.sop_class.encode("ascii"),
            instance.encode("ascii"),
            reader.transfer_syntax.encode("ascii"),
        )
        while True:
            totals[:] = 0
            totals[assembly.OUT_END] = len(meta)
            self._output_view[: len(meta)] = meta
            status = assembly.assemble_data_set(
                *(reader.header, reader.table, reader.n_rows, self._memo.entries, self._memo.arena),
                *(markers.places, markers.data, self._output, self._segments, self._open_rows),
                totals,
            )
            if status != assembly.BUFFER_FULL:
                break
            self._use_output(len(meta) + int(totals[assembly.NEEDED]))
        if status != assembly.DONE:
            raise DicomError("item_too_long")
        segments = self._segments[: int(totals[assembly.N_SEGMENTS])].tolist()
        if reader.inflated is not None:
            return self._deflated(len(meta), segments, reader.inflated)
        view = self._output_view
        return [
            (start, length) if kind == assembly.FROM_SOURCE else view[start : start + length]
            for kind, start, length in segments
        ]

    def _deflated(
        self, meta_length: int, segments: list[list[int]], inflated: bytearray
    ) -> list[Chunk]:
        parts: list[bytes | bytearray | memoryview] = []
        for kind, start, length in segments:
            held = memoryview(inflated) if kind == assembly.FROM_SOURCE else self._output_view
            parts.append(held[start : start + length])
        parts[0] = parts[0][meta_length:]
        return [self._output_view[:meta_length], deflate(parts)]

    def _use_output(self, size: int) -> None:
        self._output = np.zeros(size + size // 4, np.uint8)
        self._output_view = self._output.data

    # What the manifest says

    def _refused(self, error: DicomError, size: int) -> Outcome:
        reader = self._reader
        in_directory = reader.n_rows and reader.cells[TAG] >> 16 == _DIRECTORY_GROUP
        if reader.media_storage_sop_class.rstrip(b"\0 ") == _DIRECTORY or in_directory:
            return Outcome(Verdict.DICOMDIR, "dicomdir", source_size=size)
        verdict = Verdict.NOT_DICOM if error.reason == "not_dicom" else Verdict.QUARANTINED
        return Outcome(verdict, error.reason, error.tag, error.offset, source_size=size)

    def _result(self, row: int) -> bytes:
        """Return the new value of a replaced element, without padding."""
        cells = self._reader.cells
        at = row * N_COLUMNS
        if row < 0 or cells[at + OPERATION] != kernel.REPLACE or cells[at + ENTRY] < 0:
            return b""
        return self._memo.results[cells[at + ENTRY]].strip(b"\0 ")


def _check_instance(uid: bytes) -> None:
    """Raise DicomError when the UID of an instance is missing or several."""
    if not uid.strip(b"\0 "):
        raise DicomError("no_sop_instance_uid", SOP_INSTANCE_UID)
    if b"\\" in uid:
        raise DicomError("uid_with_several_values", SOP_INSTANCE_UID)


def _unreadable(error: OSError) -> str:
    reasons = {FileNotFoundError: "not_found", PermissionError: "no_permission"}
    return reasons.get(type(error), "read_error")
