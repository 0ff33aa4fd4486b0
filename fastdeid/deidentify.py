"""Instances: bytes in, bytes and manifest rows out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter
from typing import Final

from fastdeid import files, references
from fastdeid.archives.members import ArchiveError, Member
from fastdeid.archives.opening import Archives
from fastdeid.dicom.batch import BATCH, BatchReader
from fastdeid.dicom.encodings import EXPLICIT_BIG
from fastdeid.dicom.loaded import Loaded
from fastdeid.dicom.reader import Reader
from fastdeid.digests import digest_chunks, digest_file
from fastdeid.errors import DicomError
from fastdeid.fetching import FetchedJob, fetch, fill
from fastdeid.input_types import Input
from fastdeid.jobs import Job, by_markers, by_setting, close_source
from fastdeid.kernels import assemble as assembly
from fastdeid.kernels.elements import ENCODING, LENGTH, N_COLUMNS, TAG
from fastdeid.naming import DEFAULT_TEMPLATE, naming
from fastdeid.object_tree import ObjectTree, outputs
from fastdeid.objects import Info
from fastdeid.outcome import Outcome
from fastdeid.pixel_jobs import PixelJobs
from fastdeid.pixels.judgement import Judgement
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rewrite import Rewriter
from fastdeid.rules import Profile
from fastdeid.shards import NOWHERE, ShardTree
from fastdeid.storage import Chunk
from fastdeid.tags import MEDIA_STORAGE_DIRECTORY_STORAGE
from fastdeid.verdicts import Verdict

STAGES: Final = ("open", "scan", "decide", "replace", "check", "pixels", "assemble", "write")

# Requests to an object store that wait at the same time.
_REQUESTS: Final = 8

_DIRECTORY: Final = MEDIA_STORAGE_DIRECTORY_STORAGE.encode("ascii")
_DIRECTORY_GROUP: Final = 0x0004
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Deidentifier:
    """De-identifies files under one profile and key.

    target: folder of the output tree, None to write nothing. template: of output paths, with the
    fields patient, study, series and instance. digests: compute the digests of input and
    output, which reads all of both. pixels: how far to look into pixel data. scratch: folder for
    long members of archives, as files without names; None for the system's. shard_bytes: put
    outputs into tar archives of so many bytes, 0 for files of their own.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        target: str | os.PathLike[str] | None,
        *,
        template: str = DEFAULT_TEMPLATE,
        digests: bool = False,
        pixels: PixelMode = PixelMode.OFF,
        scratch: str | None = None,
        shard_bytes: int = 0,
    ) -> None:
        self._shards = ShardTree(os.fspath(target), shard_bytes) if target and shard_bytes else None
        self._target = self._shards or outputs(target, scratch)
        self._scratch = scratch
        self._threads: ThreadPoolExecutor | None = None
        self._naming = naming(template)
        self._digests = digests
        self._archives = Archives(scratch)
        self._reader = Reader(profile.dictionary_keys, profile.dictionary_vrs)
        self._batch = BatchReader(profile.dictionary_keys, profile.dictionary_vrs)
        self._rewriter = Rewriter(profile, pseudonyms)
        folder = None if target is None else files.scratch(os.fspath(target))
        self._pixels = PixelJobs(profile.settings, pixels, folder)
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._lap = 0.0

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent per stage so far."""
        return dict(self._seconds)

    def close(self) -> None:
        """Close what is open."""
        self._archives.close()
        if self._threads is not None:
            self._threads.shutdown()
        if self._target is not None:
            self._target.close()

    def begin(self, partition: int) -> None:
        """Begin a partition: what is published from now on belongs to it."""
        if self._shards is not None:
            self._shards.begin(partition)

    def commit(self) -> None:
        """Let all outputs of the partition appear. Raises OutputError."""
        if self._shards is not None:
            self._shards.commit()

    def process(self, source_path: Input, *, overwrite: bool = False) -> Outcome:
        """De-identify one file, as `process_many` does."""
        return self.process_many([source_path], overwrite=overwrite)[0]

    def process_many(
        self, source_paths: Sequence[Input], *, overwrite: bool = False
    ) -> list[Outcome]:
        """De-identify files and publish the outputs; return what became of each.

        overwrite: replace a different file that stands at an output path. Bad input is an outcome,
        never an error. Raises OutputError when the target cannot be written.
        """
        outcomes: list[Outcome] = []
        for start in range(0, len(source_paths), BATCH):
            paths = source_paths[start : start + BATCH]
            held: list[Outcome | None] = [None] * len(paths)
            self._process_batch(paths, held, overwrite=overwrite)
            outcomes += [one for one in held if one is not None]
        return outcomes

    def _process_batch(
        self, paths: Sequence[Input], outcomes: list[Outcome | None], *, overwrite: bool
    ) -> None:
        self._lap = perf_counter()
        jobs: list[Job] = []
        try:
            for place, opened in enumerate(self._open_all(paths)):
                if isinstance(opened, Job):
                    jobs.append(opened)
                else:
                    outcomes[place] = opened
            self._end_stage("open")
            ordinary = self._batch.read([job.fd for job in jobs], [job.size for job in jobs])
            for number in ordinary:
                jobs[number].number = number
            if ordinary:
                together = [jobs[number] for number in ordinary]
                self._rewrite(self._batch, together, outcomes, overwrite=overwrite)
            for number in sorted(set(range(len(jobs))).difference(ordinary)):
                self._process_alone(jobs[number], outcomes, overwrite=overwrite)
        finally:
            for job in jobs:
                job.close()

    def _open_all(self, paths: Sequence[Input]) -> Iterable[Job | Outcome]:
        """Open files one after another; objects at once: they wait for the store together."""
        if not paths or not isinstance(paths[0], Info):
            return map(self._open, count(), paths)
        return list(self._waiting().map(self._open, count(), paths))

    def _open(self, place: int, path: Input) -> Job | Outcome:
        """Open a file or a member of an archive, or tell why it cannot be read."""
        if isinstance(path, bytes):
            return _open(place, path)
        if isinstance(path, Info):
            return self._fetch(place, path)
        return self._unpack(place, path)

    def _fetch(self, place: int, info: Info) -> Job | Outcome:
        try:
            return fetch(place, info, self._scratch)
        except DicomError as error:
            return Outcome(Verdict.QUARANTINED, error.reason, source_size=info.size)
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error))

    def _unpack(self, place: int, member: Member) -> Job | Outcome:
        try:
            # Whether the archive has changed is asked here, not when the output is whole.
            return Job(place, self._archives.open(member), member.size)
        except ArchiveError as error:
            return Outcome(Verdict.UNREADABLE, error.reason, source_size=member.size)
        except OSError as error:
            return Outcome(Verdict.UNREADABLE, _unreadable(error))

    def _process_alone(self, job: Job, outcomes: list[Outcome | None], *, overwrite: bool) -> None:
        """Process a file that is not ordinary, whatever it takes to read it."""
        try:
            self._read_alone(job)
        except (DicomError, OSError) as error:
            outcomes[job.place] = _refused(self._reader, job, error)
            return
        self._rewrite(self._reader, [job], outcomes, overwrite=overwrite)

    def _read_alone(self, job: Job) -> None:
        """Read a file; the rest of an object only where its start does not tell what it is."""
        try:
            self._reader.read(job.fd, job.size)
        except DicomError as error:
            if not isinstance(job, FetchedJob) or error.reason == "not_dicom" or job.is_whole:
                raise
            job.fill()
            self._reader.read(job.fd, job.size)

    def _rewrite(
        self, loaded: Loaded, jobs: list[Job], outcomes: list[Outcome | None], *, overwrite: bool
    ) -> None:
        """Take files that are loaded through all further stages."""
        rewriter = self._rewriter
        rewriter.find_facts(loaded, jobs)
        if self._threads is not None:
            list(self._threads.map(fill, jobs))
        self._end_stage("scan")
        groups = by_setting(job for job in jobs if job.error is None)
        for group in groups:
            n_misses = rewriter.decide(loaded, group)
            self._end_stage("decide")
            rewriter.replace(loaded, group, n_misses)
            rewriter.decide_again(loaded, group)
            self._end_stage("replace")
        living = [job for job in jobs if job.error is None]
        if living:
            rewriter.check(loaded, living)
            rewriter.look_into_pixels(loaded, living)
            self._end_stage("check")
            self._treat_pixels(loaded, living)
            living = [job for job in living if job.error is None]
        if living:
            rewriter.describe(loaded, living)
        for group in groups:
            self._write(loaded, group, outcomes, overwrite=overwrite)
        for job in jobs:
            if job.error is not None:
                outcomes[job.place] = _refused(loaded, job, job.error)

    def _treat_pixels(self, loaded: Loaded, jobs: list[Job]) -> None:
        if self._pixels.is_on:
            for job in self._pixels.treat(loaded, jobs):
                self._rewriter.use_treated(loaded, job)
            self._end_stage("pixels")

    def _write(
        self, loaded: Loaded, jobs: list[Job], outcomes: list[Outcome | None], *, overwrite: bool
    ) -> None:
        """Assemble and publish those files of one setting that have no error."""
        for alike in by_markers(job for job in jobs if job.error is None):
            for assembled in self._rewriter.assemble(loaded, alike):
                self._end_stage("assemble")
                if isinstance(self._target, ObjectTree):
                    self._put(loaded, assembled, outcomes, overwrite=overwrite)
                    self._end_stage("write")
                    continue
                for job, chunks in assembled:
                    outcomes[job.place] = self._publish(loaded, job, chunks, overwrite=overwrite)
                self._end_stage("write")

    def _put(
        self,
        loaded: Loaded,
        assembled: list[tuple[Job, list[Chunk]]],
        outcomes: list[Outcome | None],
        *,
        overwrite: bool,
    ) -> None:
        """Publish outputs as objects, at once: they wait for the store together."""

        def put(one: tuple[Job, list[Chunk]]) -> Outcome | None:
            return self._publish(loaded, *one, overwrite=overwrite)

        for (job, _), outcome in zip(assembled, self._waiting().map(put, assembled), strict=True):
            outcomes[job.place] = outcome

    def _waiting(self) -> ThreadPoolExecutor:
        """Return the threads that wait for an object store."""
        self._threads = self._threads or ThreadPoolExecutor(_REQUESTS)
        return self._threads

    def _publish(
        self, loaded: Loaded, job: Job, chunks: list[Chunk], *, overwrite: bool
    ) -> Outcome | None:
        """Write one output and return its outcome, None with an error in the job."""
        described, found, number, totals = job.described, job.found, job.number, job.totals
        patient, _, study, series, _, _ = described.shared.pseudonyms
        path = self._naming(patient, study, series, described.instance)
        published = source_digest = output_digest = ""
        place = NOWHERE
        try:
            if self._target is not None:
                published = self._target.publish(
                    path, chunks, job.fd, modified_ns=job.modified_ns, overwrite=overwrite
                )
                if self._shards is not None:
                    place = self._shards.place
            if self._digests:
                source_digest = digest_file(job.fd, job.size)
                output_digest = digest_chunks(chunks, job.fd)
        except (DicomError, OSError) as error:
            job.error = error
            return None
        treated = job.treated
        is_unsure = treated is not None and treated.judgement == Judgement.REVIEW
        return Outcome(
            Verdict.REVIEW if is_unsure else Verdict.OK,
            path=path,
            published=published,
            source_size=job.size,
            output_size=sum([chunk[1] if type(chunk) is tuple else len(chunk) for chunk in chunks]),
            pixel_length=_pixel_length(loaded, job),
            trailing_length=loaded.trailing_lengths[number],
            transfer_syntax=loaded.syntaxes[number],
            big_endian=loaded.state(number, ENCODING) == EXPLICIT_BIG,
            shared=described.shared,
            original_instance=found.instance,
            instance=described.instance,
            instance_number=described.instance_number,
            n_removed=totals[assembly.N_REMOVED],
            n_emptied=totals[assembly.N_EMPTIED],
            n_replaced=totals[assembly.N_REPLACED],
            n_cleaned=job.n_cleaned,
            source_digest=source_digest,
            output_digest=output_digest,
            references=job.references,
            frames_examined=treated.n_frames if treated is not None and treated.examined else 0,
            frames_masked=0 if treated is None else treated.n_masked,
            masks=() if treated is None else treated.boxes,
            shard=place.shard,
            shard_offset=place.offset,
        )

    def _end_stage(self, stage: str) -> None:
        now = perf_counter()
        self._seconds[stage] += now - self._lap
        self._lap = now


def _open(place: int, path: bytes) -> Job | Outcome:
    """Open a file, or tell why it cannot be read."""
    try:
        fd = os.open(path, _OPEN)
    except OSError as error:
        return Outcome(Verdict.UNREADABLE, _unreadable(error))
    try:
        status = os.fstat(fd)
    except OSError as error:
        close_source(fd)
        return Outcome(Verdict.UNREADABLE, _unreadable(error))
    if not stat.S_ISREG(status.st_mode):
        close_source(fd)
        return Outcome(Verdict.UNREADABLE, "not_a_regular_file", source_size=status.st_size)
    return Job(place, fd, status.st_size, status.st_mtime_ns)


def _pixel_length(loaded: Loaded, job: Job) -> int:
    """Return the bytes of pixel data in the output."""
    if job.treated is not None and job.treated.replacement is not None:
        return job.treated.replacement.length
    pixels = job.found.pixels
    return 0 if pixels < 0 else loaded.cells[pixels * N_COLUMNS + LENGTH]


def _refused(loaded: Loaded, job: Job, error: DicomError | OSError) -> Outcome:
    """Return the outcome of a file that ended with an error."""
    size = job.size
    if isinstance(error, OSError):
        return Outcome(Verdict.UNREADABLE, _unreadable(error), source_size=size)
    rows = loaded.rows(job.number)
    is_read = rows.stop > rows.start
    in_directory = is_read and loaded.cells[rows.start * N_COLUMNS + TAG] >> 16 == _DIRECTORY_GROUP
    if loaded.media_storage_sop_class(job.number).rstrip(b"\0 ") == _DIRECTORY or in_directory:
        return Outcome(Verdict.DICOMDIR, "dicomdir", source_size=size)
    if error.reason == "not_dicom":
        return Outcome(Verdict.NOT_DICOM, error.reason, source_size=size)
    outcome = Outcome(Verdict.QUARANTINED, error.reason, error.tag, error.offset, source_size=size)
    if isinstance(loaded, Reader) and not is_read:
        rows = slice(0, loaded.n_understood)
    uid = references.find_own(loaded, rows)
    if uid:
        # Others may refer to it: at the end of the run that is told.
        outcome.original_instance = uid
    return outcome


def _unreadable(error: OSError) -> str:
    reasons = {FileNotFoundError: "not_found", PermissionError: "no_permission"}
    return reasons.get(type(error), "read_error")
