"""The stages between reading and writing, for all files of a batch at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid import lookup, references
from fastdeid.actions import resolve
from fastdeid.chances import is_creator
from fastdeid.dicom.batch import BATCH
from fastdeid.dicom.element_table import path_of
from fastdeid.dicom.inflate import deflate
from fastdeid.dicom.loaded import Loaded
from fastdeid.dicom.writer import file_meta
from fastdeid.enumerated import is_enumerated
from fastdeid.errors import DicomError
from fastdeid.facts import FactsFinder, Found
from fastdeid.jobs import Job
from fastdeid.kernels import assemble as assembly
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import (
    BULK,
    ENTRY,
    FLAGS,
    FRAGMENTS,
    LENGTH,
    MAX_DEPTH,
    N_BULK,
    N_COLUMNS,
    OPERATION,
    PARENT,
    TAG,
    VALUE,
)
from fastdeid.kernels.rows import find_first
from fastdeid.kernels.uids import MOST_BYTES, absorb_key, map_uids
from fastdeid.leaks import LeakCheck
from fastdeid.memo import Memo
from fastdeid.needles import NOT_IN_DIGITS, SHORTEST_UID
from fastdeid.overlays import ClearedRange, find_clearing
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Operation, Profile
from fastdeid.second_pass import SecondPass, remove_block
from fastdeid.setting import Settings
from fastdeid.storage import Chunk
from fastdeid.tags import BURNED_IN_ANNOTATION, SOP_INSTANCE_UID
from fastdeid.texts import Texts

_FIRST_OUTPUT: Final = 1 << 18
_OVERLAY_GROUPS: Final = 0x60000000

_Numbers = npt.NDArray[np.int64]


class Rewriter:
    """Takes the files of a batch through the stages."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._facts = FactsFinder(Settings(profile, pseudonyms))
        self._memo = Memo()
        self._second = SecondPass(profile, pseudonyms, self._memo)
        self._texts = Texts(profile, self._memo)
        self._leaks = LeakCheck(profile.kinds)
        self._misses = np.zeros((0, kernel.N_MISS_COLUMNS), np.int64)
        self._segments = np.zeros((0, 3), np.int64)
        self._contexts = np.zeros(MAX_DEPTH + 2, np.int64)
        self._open_rows = np.zeros(MAX_DEPTH, np.int64)
        self._uid_state = np.zeros(8, np.uint64)
        self._uid_work = np.zeros(40, np.uint64)
        self._registry = lookup.place_uids(profile.registry)
        absorb_key(np.frombuffer(pseudonyms.uid_key, np.uint8), self._uid_state, self._uid_work)
        self._pixels = np.zeros(BATCH, np.int64)
        self._totals = np.zeros((BATCH, assembly.N_TOTALS), np.int64)
        self._use_output(_FIRST_OUTPUT)

    def find_facts(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Find what the files are, or why they cannot be de-identified."""
        self._memo.make_room()
        for job, found in zip(jobs, self._facts.find(loaded, _numbers(jobs)), strict=True):
            if isinstance(found, DicomError):
                job.error = found
                continue
            job.found = found
            self._pixels[job.number] = found.pixels
            job.error = _missing(found)

    def decide(self, loaded: Loaded, jobs: Sequence[Job]) -> int:
        """Decide on every element; return how many values the memo does not hold.

        jobs: of one setting.
        """
        setting, memo = jobs[0].setting, self._memo
        rules = setting.rules
        if len(self._misses) < len(loaded.table):
            self._misses = np.zeros((len(loaded.table), kernel.N_MISS_COLUMNS), np.int64)
            self._segments = np.zeros((2 * len(loaded.table) + BATCH, 3), np.int64)
        return int(
            kernel.decide_actions(
                *(loaded.header, loaded.table, loaded.files, _numbers(jobs)),
                *(*rules.arrays, setting.traits, setting.shared, setting.patient),
                *(memo.slots, memo.entries, memo.arena, self._misses, self._contexts),
            )
        )

    def replace(self, loaded: Loaded, jobs: Sequence[Job], n_misses: int) -> None:
        """Resolve the values that the memo does not hold."""
        n_misses = self._map_uids(loaded, jobs[0].setting.uid_kind, n_misses)
        if not n_misses:
            return
        cells, memo, setting = loaded.cells, self._memo, jobs[0].setting
        kinds, traits = setting.rules.kinds, setting.traits.data
        pseudonyms, registry = self._pseudonyms, self._profile.registry
        seen: dict[tuple[int, int, bytes], int] = {}
        for row, kind, scope, code, number in self._misses[:n_misses].tolist():
            raw = b"" if traits[kind] & kernel.CONSTANT else loaded.value(row)
            entry = seen.get((kind, scope, raw))
            if entry is None:
                implicit = scope & kernel.IN_IMPLICIT_VR
                context = setting.implicit if implicit else setting.context
                try:
                    result, needles = resolve(kinds[kind], raw, context, pseudonyms, registry)
                except DicomError as error:
                    _fail(jobs, number, error)
                    continue
                entry = memo.add(code, kind, scope, raw, result=result, needles=needles)
                seen[kind, scope, raw] = entry
            cells[row * N_COLUMNS + ENTRY] = entry

    def decide_again(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Decide and resolve what the first pass could not: see `second_pass` and `texts`."""
        if not self._second.is_needed():
            return
        for job in jobs:
            if job.error is not None:
                continue
            try:
                self._second.change(loaded, job.number, job.setting, job.fd)
            except OSError as error:
                job.error = error
        living = [job for job in jobs if job.error is None]
        for job, row in self._texts.clean(loaded, living) if living else ():
            self._clean(loaded, job, row)

    def _map_uids(self, loaded: Loaded, kind: int, n_misses: int) -> int:
        """Resolve the misses that are single UIDs; return how many others there are."""
        memo = self._memo
        memo.reserve(n_misses, n_misses * MOST_BYTES)
        return int(
            map_uids(
                *(loaded.header, loaded.table, self._misses, n_misses, kind),
                *(self._uid_state, self._registry, SHORTEST_UID, NOT_IN_DIGITS),
                *(memo.slots, memo.entries, memo.arena, memo.needles, memo.used, self._uid_work),
            )
        )

    def check(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Clean kept elements that hold identifying values of their own file."""
        hits = self._find_hits(loaded, jobs)
        if not hits and not loaded.files[_numbers(jobs), N_BULK].any():
            return
        n_texts = self._clean_kept_texts(loaded, jobs, hits) if hits else {}
        if n_texts:
            hits = self._find_hits(loaded, jobs)
        for job in jobs:
            rows = [row for number, row in hits if number == job.number] if hits else []
            pixels = job.found.pixels
            if loaded.state(job.number, N_BULK) > _is_bulk(loaded, pixels):
                searched = (loaded, job.number, self._memo, pixels)
                try:
                    rows += self._leaks.find_bulk_rows(*searched, job.fd)
                except OSError as error:
                    job.error = error
                    continue
            rows = [row for row in rows if not is_enumerated(loaded, row)]
            for row in rows:
                self._clean(loaded, job, row)
            job.n_cleaned = len(rows) + n_texts.get(job.number, 0)

    def _find_hits(self, loaded: Loaded, jobs: Sequence[Job]) -> list[tuple[int, int]]:
        memo = self._memo
        hits = self._leaks.find_rows(loaded, _numbers(jobs), memo, self._pixels)
        if not hits:
            return hits
        rules = {job.number: job.setting.rules for job in jobs}
        return self._leaks.without_retained(loaded, hits, rules, memo)

    def _clean_kept_texts(
        self, loaded: Loaded, jobs: Sequence[Job], hits: Sequence[tuple[int, int]]
    ) -> dict[int, int]:
        """Take out of kept texts what the leak check has found; return how many in each file."""
        n_cleaned: dict[int, int] = {}
        if not self._texts.cleans_kept:
            return n_cleaned
        by_number = {job.number: job for job in jobs}
        for number, row in hits:
            if self._texts.clean_kept(loaded, by_number[number], row):
                n_cleaned[number] = n_cleaned.get(number, 0) + 1
        return n_cleaned

    def look_into_pixels(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Find overlays that are removed, but stand in the bits of pixel data, too."""
        if find_first(loaded.table, loaded.n_rows, 0xFF000000, _OVERLAY_GROUPS) < 0:
            return
        for job in jobs:
            try:
                job.clearing = find_clearing(loaded, loaded.rows(job.number))
            except DicomError as error:
                job.error = error
                continue
            if job.clearing is not None and not _is_bulk(loaded, job.clearing.row):
                start = loaded.cells[job.clearing.row * N_COLUMNS + VALUE]
                length = loaded.cells[job.clearing.row * N_COLUMNS + LENGTH]
                job.clearing.clear(loaded.header[start : start + length])
                job.clearing = None

    def use_treated(self, loaded: Loaded, job: Job) -> None:
        """Let the attributes of a file say what became of its pixels."""
        cells, treated = loaded.cells, job.treated
        if treated is None:
            return
        replacement = treated.replacement
        values = {} if replacement is None else replacement.values()
        rows = loaded.rows(job.number)
        tags = loaded.table[rows, TAG]
        marked = [BURNED_IN_ANNOTATION] if treated.examined else []
        for row in (np.flatnonzero(np.isin(tags, [*values, *marked])) + rows.start).tolist():
            at = row * N_COLUMNS
            if cells[at + PARENT] >= 0 or cells[at + OPERATION] == kernel.REMOVE:
                continue
            if cells[at + TAG] == BURNED_IN_ANNOTATION:
                cells[at + OPERATION] = kernel.REMOVE  # the markers bring their own
                continue
            entry = self._memo.add(-1, 0, 0, b"", result=values[cells[at + TAG]])
            cells[at + OPERATION], cells[at + ENTRY] = kernel.REPLACE, entry

    def describe(self, loaded: Loaded, jobs: Sequence[Job]) -> None:
        """Find what manifests say of files that are decided and cleaned."""
        files = [loaded.rows(job.number) for job in jobs]
        for job, found in zip(jobs, references.find(loaded, files), strict=True):
            job.references = found
        all_found = [job.found for job in jobs]
        described = self._facts.describe(loaded, _numbers(jobs), all_found, self._result)
        for job, one in zip(jobs, described, strict=True):
            job.described = one

    def assemble(
        self, loaded: Loaded, jobs: Sequence[Job]
    ) -> Iterator[list[tuple[Job, list[Chunk]]]]:
        """Yield what outputs consist of, some files at a time; ranges refer to the source.

        jobs: with the same setting and markers. What was yielded holds until the next is asked for.
        """
        markers, memo = jobs[0].markers, self._memo
        metas = [_file_meta(loaded, job) for job in jobs]
        meta_bytes = np.frombuffer(bytearray(b"".join(metas)), np.uint8)
        meta_ends = np.cumsum([len(meta) for meta in metas])
        numbers, first = _numbers(jobs), 0
        while first < len(jobs):
            tried = assembly.assemble_data_sets(
                *(loaded.header, loaded.table, loaded.files, numbers, first, 0),
                *(memo.entries, memo.arena, markers.places, markers.data, meta_bytes, meta_ends),
                *(self._output, self._segments, self._open_rows, self._totals),
            )
            totals = self._totals[first : min(tried + 1, len(jobs))].tolist()
            yield list(self._chunks(loaded, jobs[first:tried], totals, len(metas[first])))
            first = tried
            if first < len(jobs) and totals[-1][assembly.NEEDED] > len(self._output):
                self._use_output(totals[-1][assembly.NEEDED])

    def _chunks(
        self, loaded: Loaded, jobs: Sequence[Job], totals: list[list[int]], meta_length: int
    ) -> Iterator[tuple[Job, list[Chunk]]]:
        view = self._output_view
        for job, cells in zip(jobs, totals, strict=False):
            if cells[assembly.STATUS] != assembly.DONE:
                job.error = DicomError("item_too_long")
                continue
            job.totals = cells
            start, end = cells[assembly.FIRST_SEGMENT], cells[assembly.N_SEGMENTS]
            if loaded.inflated is not None:
                segments = self._segments[start:end].tolist()
                yield job, self._deflated(meta_length, segments, loaded.inflated)
            elif end - start == 1:
                yield job, [view[cells[assembly.OUT_START] : cells[assembly.OUT_END]]]
            else:
                chunks: list[Chunk] = []
                for kind, at, length in self._segments[start:end].tolist():
                    if kind == assembly.FROM_SOURCE:
                        chunks += self._from_source(loaded, job, at, length)
                    else:
                        chunks.append(view[at : at + length])
                yield job, chunks

    def _from_source(self, loaded: Loaded, job: Job, at: int, length: int) -> Sequence[Chunk]:
        """Return a range of the source, or what becomes of pixel data on the way."""
        treated, clearing = job.treated, job.clearing
        if treated is not None and at in treated.ranges:
            return treated.ranges[at]
        if clearing is None or loaded.cells[clearing.row * N_COLUMNS + VALUE] != at:
            return ((at, length),)
        return (ClearedRange(clearing, at, length),)

    def _deflated(
        self, meta_length: int, segments: list[list[int]], inflated: bytearray
    ) -> list[Chunk]:
        parts: list[bytes | bytearray | memoryview] = []
        for kind, start, length in segments:
            held = memoryview(inflated) if kind == assembly.FROM_SOURCE else self._output_view
            parts.append(held[start : start + length])
        parts[0] = parts[0][meta_length:]
        return [self._output_view[:meta_length], deflate(parts)]

    def _clean(self, loaded: Loaded, job: Job, row: int) -> None:
        """Change the operation of a kept row in which the leak check has found something."""
        cells, setting = loaded.cells, job.setting
        rules = setting.rules
        if is_creator(cells[row * N_COLUMNS + TAG]):
            remove_block(loaded, loaded.rows(job.number), row)
            return
        context = rules.context_of(path_of(loaded, row))
        operation, kind = rules.clean(cells[row * N_COLUMNS + TAG], context)
        cells[row * N_COLUMNS + OPERATION] = int(operation)
        if operation is Operation.REPLACE:
            result, _ = resolve(
                rules.kinds[kind], b"", setting.context, self._pseudonyms, self._profile.registry
            )
            cells[row * N_COLUMNS + ENTRY] = self._memo.add(-1, kind, 0, b"", result=result)

    def _result(self, loaded: Loaded, row: int) -> bytes:
        """Return the value that an element has in the output, b"" for none, without padding."""
        cells = loaded.cells
        at = row * N_COLUMNS
        if row >= 0 and cells[at + OPERATION] == kernel.KEEP:
            return loaded.value(row).strip(b"\0 ")
        if row < 0 or cells[at + OPERATION] != kernel.REPLACE or cells[at + ENTRY] < 0:
            return b""
        return self._memo.result(cells[at + ENTRY]).strip(b"\0 ")

    def _use_output(self, size: int) -> None:
        self._output = np.zeros(size + size // 4, np.uint8)
        self._output_view = self._output.data


def _numbers(jobs: Sequence[Job]) -> _Numbers:
    return np.array([job.number for job in jobs], np.int64)


def _fail(jobs: Sequence[Job], number: int, error: DicomError) -> None:
    for job in jobs:
        if job.number == number:
            job.error = error


def _missing(found: Found) -> DicomError | None:
    """Return what an instance lacks, None when it is whole."""
    if not found.instance.strip(b"\0 "):
        return DicomError("no_sop_instance_uid", SOP_INSTANCE_UID)
    if b"\\" in found.instance:
        return DicomError("uid_with_several_values", SOP_INSTANCE_UID)
    # Image attributes promise samples also where the SOP Class only allows them: RT Dose.
    promised = found.facts.setting.rules.pixel_data_required or found.promises_pixels
    return DicomError("pixel_data_missing") if promised and found.pixels < 0 else None


def _is_bulk(loaded: Loaded, row: int) -> bool:
    flags = loaded.cells[row * N_COLUMNS + FLAGS] if row >= 0 else 0
    return flags & (BULK | FRAGMENTS) == BULK


def _file_meta(loaded: Loaded, job: Job) -> bytes:
    return file_meta(
        job.setting.context.sop_class,
        job.described.instance,
        loaded.syntaxes[job.number],
    )
