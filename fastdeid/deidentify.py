"""One instance: bytes in, bytes and a manifest row out."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from operator import itemgetter
from time import perf_counter
from typing import Final

import msgspec
import numpy as np

from fastdeid.actions import Context, resolve
from fastdeid.attributes import N_PIXEL_DATA, PLACE, WANTED
from fastdeid.dicom.encodings import EXPLICIT_BIG, IMPLICIT_LITTLE
from fastdeid.dicom.inflate import deflate
from fastdeid.dicom.reader import Reader
from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.dicom.writer import file_meta
from fastdeid.errors import DicomError, UsageError
from fastdeid.kernels import assemble as assembly
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import (
    BULK,
    ENTRY,
    FLAGS,
    LENGTH,
    MAX_DEPTH,
    N_COLUMNS,
    OPERATION,
    PARENT,
    SEQUENCE,
    TAG,
    VALUE,
)
from fastdeid.leaks import LeakCheck
from fastdeid.manifest import ORIGINAL_FIELDS, PUBLIC_FIELDS
from fastdeid.markers import Markers, make_markers
from fastdeid.memo import Memo
from fastdeid.outcome import Outcome
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Operation, Profile, Rules
from fastdeid.storage import Chunk, TargetTree
from fastdeid.tags import MEDIA_STORAGE_DIRECTORY_STORAGE
from fastdeid.verdicts import Verdict

DEFAULT_TEMPLATE: Final = "{patient}/{study}/{series}/{instance}.dcm"
STAGES: Final = ("open", "scan", "decide", "replace", "check", "assemble", "write")

_NOTHING: Final = "none"
_ORIGINALS: Final = tuple(PLACE[field] for field in ORIGINAL_FIELDS)
_PUBLIC: Final = tuple(PLACE[field] for field in PUBLIC_FIELDS)
_UIDS: Final = tuple(
    PLACE[f"{level}_uid"]
    for level in ("study_instance", "series_instance", "sop_instance", "frame_of_reference")
)
_originals: Final = itemgetter(*_ORIGINALS)
_SETTING: Final = tuple(
    PLACE[name]
    for name in (
        *("sop_class_uid", "specific_character_set", "patient_id", "issuer_of_patient_id"),
        *("patient_name", "patient_birth_date", "mime_type_of_encapsulated_document"),
    )
)
_setting_values: Final = itemgetter(*_SETTING)
_PATIENT_ID: Final = PLACE["patient_id"]
_STUDY, _SERIES, _INSTANCE, _FRAME_OF_REFERENCE = _UIDS
_NAMED: Final = (PLACE["accession_number"], *_UIDS)
_DIRECTORY: Final = MEDIA_STORAGE_DIRECTORY_STORAGE.encode("ascii")
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class _Setting(msgspec.Struct):
    """What holds for all files of a patient with one SOP Class, character set and encoding."""

    rules: Rules
    context: Context
    shared: int
    patient: int
    date_offset: int
    markers: Markers


class Deidentifier:
    """De-identifies one file after another under one profile and key.

    target: folder of the output tree, None to write nothing. template: of output paths, with the fields
    patient, study, series and instance. sync: flush each output to the disk before it is published.
    seconds: time spent per stage so far.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        target: str | os.PathLike[str] | None,
        *,
        template: str = DEFAULT_TEMPLATE,
        sync: bool = False,
    ) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._target = None if target is None else TargetTree(target, sync=sync)
        self._template = check_template(template)
        self._reader = Reader(profile.dictionary_keys, profile.dictionary_vrs)
        self._memo = Memo()
        self._leaks = LeakCheck()
        self._settings: dict[tuple[object, ...], _Setting] = {}
        self._shared: dict[tuple[object, ...], int] = {}
        self._markers = {
            encoding: make_markers(profile.method, profile.codes, encoding) for encoding in range(4)
        }
        self._per_patient = np.zeros(0, np.uint8)
        self._found = np.zeros((len(WANTED), 3), np.int64)
        self._misses = np.zeros((0, 4), np.int64)
        self._segments = np.zeros((0, 3), np.int64)
        self._counts = np.zeros(2, np.int64)
        self._contexts = np.zeros(MAX_DEPTH + 2, np.int64)
        self._open_rows = np.zeros(MAX_DEPTH, np.int64)
        self._totals = np.zeros(assembly.N_TOTALS, np.int64)
        self._grow_output(1 << 18)
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def close(self) -> None:
        """Close what is open."""
        if self._target is not None:
            self._target.close()

    def process(self, source_path: bytes, *, overwrite: bool = False) -> Outcome:
        """De-identify one file and publish the output.

        overwrite: replace a different file that stands at the output path. Bad input is an outcome, never an
        error. Raises OutputError when the target cannot be written.
        """
        started = perf_counter()
        try:
            fd = os.open(source_path, _OPEN)
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error))
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return Outcome(Verdict.UNREADABLE, "not_a_regular_file")
            return self._process(fd, status.st_size, started, overwrite=overwrite)
        except DicomError as error:
            verdict = Verdict.NOT_DICOM if error.reason == "not_dicom" else Verdict.QUARANTINED
            if self._reader.media_storage_sop_class == _DIRECTORY:
                return Outcome(Verdict.DICOMDIR, "dicomdir", source_size=status.st_size)
            return Outcome(
                verdict, error.reason, error.tag, error.offset, source_size=status.st_size
            )
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error), source_size=status.st_size)
        finally:
            os.close(fd)

    def _process(self, fd: int, size: int, started: float, *, overwrite: bool) -> Outcome:
        seconds = self.seconds
        reader = self._reader
        opened = perf_counter()
        reader.read(fd, size)
        reader.find(WANTED, self._found)
        view = reader.view
        found = self._found.tolist()
        values = [
            view[at : at + length].tobytes() if length else b""
            for _, at, length in found[:-N_PIXEL_DATA]
        ]
        scanned = perf_counter()
        pixels = max(found[-3][0], found[-2][0], found[-1][0])
        setting = self._setting(values, pixels)
        n_misses = self._decide(setting)
        decided = perf_counter()
        n_active = self._replace(setting, n_misses)
        replaced = perf_counter()
        cleaned = self._check(fd, setting, n_active, pixels)
        checked = perf_counter()
        pseudonyms = self._pseudonyms_of(setting, found)
        chunks = self._assemble(setting, values, pseudonyms[4])
        assembled = perf_counter()
        path = self._path(pseudonyms)
        published = ""
        if self._target is not None:
            published = self._target.publish(path, chunks, fd, overwrite=overwrite)
        written = perf_counter()
        seconds["open"] += opened - started
        seconds["scan"] += scanned - opened
        seconds["decide"] += decided - scanned
        seconds["replace"] += replaced - decided
        seconds["check"] += checked - replaced
        seconds["assemble"] += assembled - checked
        seconds["write"] += written - assembled
        totals = self._totals.tolist()
        return Outcome(
            Verdict.OK,
            path=path,
            published=published,
            source_size=size,
            output_size=sum(c[1] if isinstance(c, tuple) else len(c) for c in chunks),
            pixel_length=0 if pixels < 0 else reader.cells[pixels * N_COLUMNS + LENGTH],
            trailing_length=reader.trailing_length,
            transfer_syntax=reader.transfer_syntax,
            big_endian=reader.encoding == EXPLICIT_BIG,
            originals=_originals(values),
            pseudonyms=pseudonyms,
            public=self._public(values, found),
            n_removed=totals[assembly.N_REMOVED],
            n_emptied=totals[assembly.N_EMPTIED],
            n_replaced=totals[assembly.N_REPLACED],
            n_cleaned=cleaned,
            date_offset=setting.date_offset,
        )

    # What holds for the file

    def _setting(self, values: list[bytes], pixels: int) -> _Setting:
        """Return what holds for a file; raises DicomError when it cannot be cleaned."""
        encoding = self._reader.encoding
        study = b"" if values[_PATIENT_ID].strip(b"\0 ") else values[_STUDY]
        raw = _setting_values(values)
        key = (encoding, study, raw)
        setting = self._settings.get(key)
        if setting is None:
            setting = self._settings[key] = self._make_setting(encoding, study, raw)
        _check_uids(values)
        if pixels < 0 and setting.rules.pixel_data_required:
            raise DicomError("pixel_data_missing")
        return setting

    def _make_setting(self, encoding: int, study: bytes, raw: Sequence[bytes]) -> _Setting:
        sop_class, charset, patient_id, issuer, name, birth_date, mime_type = raw
        sop_class_uid = sop_class.strip(b"\0 ").decode("ascii", "replace")
        self._check_sop_class(sop_class_uid)
        rules = self._profile.rules(sop_class_uid)
        if rules.refused:
            raise DicomError(rules.refused, 0x00080016)
        if not rules.storage:
            raise DicomError("sop_class_not_supported", 0x00080016)
        charsets = parse_charsets(charset)
        patient = self._pseudonyms.patient(
            *(_text(value, charsets) for value in (patient_id, issuer, name, birth_date, study))
        )
        self._per_patient = np.array([kind.per_patient for kind in rules.kinds], np.uint8)
        self._per_patient.setflags(write=False)
        shared_key = (encoding, sop_class, charset, mime_type)
        shared = self._shared.setdefault(shared_key, 2 * len(self._shared))
        return _Setting(
            rules=rules,
            context=Context(
                patient=patient,
                charsets=charsets,
                explicit=encoding != IMPLICIT_LITTLE,
                big_endian=encoding == EXPLICIT_BIG,
                mime_type=mime_type.strip(b"\0 ").decode("ascii", "replace"),
                sop_class=sop_class_uid,
            ),
            shared=shared,
            patient=2 * len(self._settings) + 1,
            date_offset=self._pseudonyms.date_offset(patient),
            markers=self._markers[encoding],
        )

    def _check_sop_class(self, sop_class_uid: str) -> None:
        is_directory = self._reader.n_rows and int(self._reader.table[0, TAG]) >> 16 == 4
        if not sop_class_uid and is_directory:
            self._reader.media_storage_sop_class = _DIRECTORY
        if not sop_class_uid:
            raise DicomError("no_sop_class_uid", 0x00080016)

    # The stages

    def _decide(self, setting: _Setting) -> int:
        reader, rules, memo = self._reader, setting.rules, self._memo
        stamp = memo.next_file()
        if len(self._misses) < len(reader.table):
            self._misses = np.zeros((len(reader.table), 4), np.int64)
            self._segments = np.zeros((2 * len(reader.table) + 1, 3), np.int64)
        return int(
            kernel.decide_actions(
                *(reader.header, reader.table, reader.n_rows),
                *(rules.general_keys, rules.general, rules.iod_keys, rules.iod, rules.private),
                *(self._per_patient, setting.shared, setting.patient, stamp),
                *(memo.slots, memo.entries, memo.arena, memo.active),
                *(self._misses, self._counts, self._contexts),
            )
        )

    def _replace(self, setting: _Setting, n_misses: int) -> int:
        """Resolve the values that the memo does not hold; return the number of active needles."""
        memo = self._memo
        n_active = int(self._counts[kernel.N_ACTIVE])
        if not n_misses:
            return n_active
        cells, kinds = self._reader.cells, setting.rules.kinds
        seen: dict[tuple[int, int, bytes], int] = {}
        for row, kind, context, code in self._misses[:n_misses].tolist():
            raw = self._raw(row)
            entry = seen.get((kind, context, raw))
            if entry is None:
                result, needles = resolve(
                    kinds[kind], raw, setting.context, self._pseudonyms, self._profile.registry
                )
                entry = memo.add(code, kind, context, raw, result, needles)
                n_active = memo.activate(entry, n_active)
                seen[kind, context, raw] = entry
            cells[row * N_COLUMNS + ENTRY] = entry
        return n_active

    def _raw(self, row: int) -> bytes:
        """Return the value of a leaf as it stands in the file, b"" when it is not loaded."""
        cells = self._reader.cells
        at = row * N_COLUMNS
        if cells[at + FLAGS] & (BULK | SEQUENCE):
            return b""
        start = cells[at + VALUE]
        return self._reader.view[start : start + cells[at + LENGTH]].tobytes()

    def _check(self, fd: int, setting: _Setting, n_active: int, pixels: int) -> int:
        """Clean kept elements that hold identifying values of this file; return how many."""
        reader, memo = self._reader, self._memo
        if not n_active:
            return 0
        rows = self._leaks.find_rows(
            reader.header, reader.table, reader.n_rows, memo, n_active, pixels
        )
        if reader.header_has_gaps:
            rows += self._leaks.find_bulk_rows(
                fd, reader.table, reader.n_rows, memo, n_active, pixels
            )
        for row in rows:
            self._clean(setting, row)
        return len(rows)

    def _clean(self, setting: _Setting, row: int) -> None:
        table = self._reader.table
        path: list[int] = []
        parent = int(table[row, PARENT])
        while parent >= 0:
            if table[parent, FLAGS] & SEQUENCE:
                path.append(int(table[parent, TAG]))
            parent = int(table[parent, PARENT])
        rules = setting.rules
        context = rules.context_of(tuple(reversed(path)))
        operation, kind = rules.clean(int(table[row, TAG]), context)
        table[row, OPERATION] = operation
        if operation is Operation.REPLACE:
            result, _ = resolve(
                rules.kinds[kind], b"", setting.context, self._pseudonyms, self._profile.registry
            )
            table[row, ENTRY] = self._memo.add(-1, kind, 0, b"", result, ())

    def _assemble(self, setting: _Setting, values: list[bytes], instance: str) -> list[Chunk]:
        """Return what the output consists of; ranges refer to the source."""
        reader, totals, markers = self._reader, self._totals, setting.markers
        meta = file_meta(
            values[PLACE["sop_class_uid"]].rstrip(b"\0 "),
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
            self._grow_output(len(meta) + int(totals[assembly.NEEDED]))
        if status != assembly.DONE:
            raise DicomError("item_too_long")
        n_segments = int(totals[assembly.N_SEGMENTS])
        if reader.inflated is not None:
            return self._deflated(len(meta), n_segments, reader.inflated)
        if n_segments == 1:
            return [self._output_view[: int(totals[assembly.OUT_END])]]
        chunks: list[Chunk] = []
        for source, start, length in self._segments[:n_segments].tolist():
            in_file = source == assembly.FROM_SOURCE
            chunks.append((start, length) if in_file else self._output_view[start : start + length])
        return chunks

    def _deflated(self, meta_length: int, n_segments: int, inflated: bytearray) -> list[Chunk]:
        parts: list[bytes | bytearray | memoryview] = []
        for source, start, length in self._segments[:n_segments].tolist():
            held = memoryview(inflated) if source == assembly.FROM_SOURCE else self._output_view
            parts.append(held[start : start + length])
        parts[0] = parts[0][meta_length:]
        return [self._output_view[:meta_length], deflate(parts)]

    def _grow_output(self, needed: int) -> None:
        self._output = np.zeros(needed + needed // 4, np.uint8)
        self._output_view = memoryview(self._output)

    # What the manifest says

    def _result(self, row: int) -> bytes:
        """Return the new value of a replaced element, without padding."""
        if row < 0:
            return b""
        cells = self._reader.cells
        entry = cells[row * N_COLUMNS + ENTRY]
        if entry < 0 or cells[row * N_COLUMNS + OPERATION] != kernel.REPLACE:
            return b""
        return self._memo.results[entry].strip(b"\0 ")

    def _pseudonyms_of(self, setting: _Setting, found: list[list[int]]) -> tuple[str, ...]:
        results = b"/".join([self._result(found[place][0]) for place in _NAMED]).decode("ascii")
        return (setting.context.patient, *results.split("/"))

    def _public(self, values: list[bytes], found: list[list[int]]) -> tuple[bytes, ...]:
        cells = self._reader.cells
        public = [values[place] for place in _PUBLIC]
        for number, place in enumerate(_PUBLIC):
            row = found[place][0]
            if row >= 0 and cells[row * N_COLUMNS + OPERATION]:
                public[number] = self._result(row)
        return tuple(public)

    def _path(self, pseudonyms: tuple[str, ...]) -> str:
        patient, _, study, series, instance, _ = pseudonyms
        return self._template.format(
            patient=patient,
            study=study or _NOTHING,
            series=series or _NOTHING,
            instance=instance,
        )


def check_template(template: str) -> str:
    """Return the template; raises UsageError unless it makes one safe relative path for each instance."""
    fields = dict.fromkeys(("patient", "study", "series", "instance"), "A")
    try:
        path = template.format(**fields)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise UsageError("the template may hold {patient}, {study}, {series}, {instance}") from None
    if "{instance}" not in template:
        raise UsageError("the template must hold {instance}")
    if path.startswith("/") or any(part in {"", ".", ".."} for part in path.split("/")):
        raise UsageError("the template must give a path below the target")
    return template


def _check_uids(values: list[bytes]) -> None:
    if not values[_INSTANCE].strip(b"\0 "):
        raise DicomError("no_sop_instance_uid", 0x00080018)
    for place in (_STUDY, _SERIES, _INSTANCE):
        if b"\\" in values[place]:
            raise DicomError("uid_with_several_values", int(WANTED[place]))


def _text(raw: bytes, charsets: tuple[str, ...]) -> str:
    text = decode(raw, charsets)
    return (raw.decode("latin_1") if text is None else text).strip(" \0")


def _unreadable(error: OSError) -> str:
    reasons = {FileNotFoundError: "not_found", PermissionError: "no_permission"}
    return reasons.get(type(error), "read_error")
