"""One start of a run on this machine: what was found, what is left, who does it."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from fastdeid import __version__, plan
from fastdeid.available import require_available, require_reader
from fastdeid.convert import (
    CHANGED,
    FINISHED,
    NEW,
    RESUMED,
    check_settings,
    create_folders,
    finish,
    is_finished,
    keep_finished,
    make_plan,
    missing_shares,
    open_workspace,
    read_finished,
    sweep,
    sweep_shards,
    unfinished_partitions,
)
from fastdeid.draft import Draft
from fastdeid.engines.inprocess import InProcess
from fastdeid.engines.pool import Pool
from fastdeid.engines.stop import Stop
from fastdeid.engines.worker import Files, Setup, Task
from fastdeid.errors import FastdeidError, IncompleteError, UsageError
from fastdeid.folders import Paths
from fastdeid.inputs import inputs_of
from fastdeid.new_file import as_output_error
from fastdeid.objects import is_remote
from fastdeid.pixels.modes import PixelMode, check_mode
from fastdeid.progress import Reporter
from fastdeid.project import SiteNames
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import load_profile
from fastdeid.sealing import Sealing, check_master
from fastdeid.settings import profile_names
from fastdeid.streams import rechunked
from fastdeid.summary import PartitionSummary, Summary, merge
from fastdeid.workspace import Settings

_MESSAGES: Final = {
    RESUMED: "going on with an interrupted run",
    CHANGED: "SOURCE has changed since the last start: planned anew",
    FINISHED: "SOURCE has not changed and every output is there: nothing to do",
}


def settings_for(
    paths: Paths,
    key: bytes,
    profile: str,
    *,
    template: str,
    sync: bool,
    digests: bool,
    link_table_key: str,
    pixels: str,
    shard_bytes: int = 0,
    names: SiteNames | None = None,
) -> Settings:
    """Return the settings of a run.

    names: the site's own pseudonyms.

    Raises ProfileError when the profile cannot be used, KeyFileError for an unknown link_table_key,
    UsageError or InputError for a crosswalk that is refused or cannot be read, UsageError for an
    unknown mode of pixels.
    """
    compiled = load_profile(profile)
    if shard_bytes and is_remote(paths.target):
        raise UsageError("--shard-tar is for file systems, TARGET is an object store")
    require_available(compiled.settings)
    if check_mode(pixels) is PixelMode.EXAMINE:
        require_reader(compiled.settings)
    check_master(link_table_key)
    digest = "" if names is None else names.read(key)[1]
    return Settings(
        source=paths.source,
        target=paths.target,
        link_table=paths.link_table,
        profile=_whole_path(profile),
        profile_version=compiled.version,
        profile_digest=compiled.digest,
        options=tuple(compiled.options),
        method=compiled.method,
        key_id=Pseudonyms(key).key_id,
        fastdeid_version=__version__,
        sync=sync,
        digests=digests,
        template=template,
        pseudonyms=compiled.settings.pseudonyms,
        link_table_key=link_table_key,
        crosswalk="" if names is None else names.file,
        crosswalk_digest=digest,
        shared_subjects=names is not None and names.shared_subjects,
        pixels=check_mode(pixels),
        shard_bytes=shard_bytes,
    )


def _whole_path(profile: str) -> str:
    """Return a profile as it is found from any working folder: a worker's, or a later command's."""
    is_shipped = profile in profile_names()
    return profile if is_shipped or not os.path.isfile(profile) else os.path.abspath(profile)


class Session:
    """One start of a run, or of a piece of it."""

    def __init__(
        self,
        settings: Settings,
        key: bytes,
        *,
        workers: int,
        reporter: Reporter,
        stop: Stop,
        started: float,
        make: Callable[..., Any] | None,
    ) -> None:
        self._settings = settings
        self.workspace = open_workspace(settings, Sealing(Pseudonyms(key)))
        self._key = key
        self._make = make
        self._workers = workers
        self._reporter = reporter
        self._stop = stop
        self._started = started

    @as_output_error()
    def run(self) -> Summary:
        """Plan, run what is left, finalise.

        Raises Stopped when a stop was requested, InputError when SOURCE cannot be read.
        """
        workspace = self.workspace
        with self._planned(None) as state:
            if state == FINISHED:
                return self._unchanged()
            if state != NEW:
                sweep(self._settings.target)
            numbers = unfinished_partitions(workspace, state)
            with self._crew(workspace.folder) as crew:
                done = self._do(crew, numbers, *self._extent(numbers))
                if crew.deaths:
                    sweep(self._settings.target)
                summary = finish(workspace, crew.again)
            keep_finished(workspace, summary)
            sweep_shards(workspace)
        return self._rated(summary, done)

    def plan(self, n_shares: Callable[[int, int], int]) -> str:
        """Plan for the tasks of a cluster; return what was found, see `convert.make_plan`."""
        with self._planned(n_shares) as state:
            return state

    def partitions(self, numbers: range) -> Summary:
        """Run what is left of some partitions; return what it came to.

        Raises Stopped when a stop was requested.
        """
        with self.workspace.lock(shared=True):
            left = unfinished_partitions(self.workspace, RESUMED, numbers)
            with self._crew(self.workspace.folder) as crew:
                done = self._do(crew, left, *self._extent(left))
        summary = merge(done)
        summary.state = "done" if left else "unchanged"
        return self._rated(summary, done)

    def finalise(self) -> Summary:
        """Finalise a run whose partitions other processes have done.

        Raises IncompleteError when some are missing; then nothing is changed.
        """
        workspace = self.workspace
        with workspace.lock():
            if is_finished(workspace):
                return self._unchanged()
            missing = missing_shares(workspace)
            if missing:
                raise IncompleteError(missing, workspace.plan.n_shares)
            sweep(self._settings.target)
            with self._crew(workspace.folder) as crew:
                summary = finish(workspace, crew.again)
            keep_finished(workspace, summary)
            sweep_shards(workspace)
        return self._rated(summary, [])

    @contextlib.contextmanager
    def _planned(self, n_shares: Callable[[int, int], int] | None) -> Iterator[str]:
        """Hold the run, with a plan."""
        workspace = self.workspace
        check_settings(workspace, self._settings)
        plan.require_readable(os.fsencode(self._settings.source))
        create_folders(workspace, self._settings)
        with workspace.lock():
            draft = self._draft(workspace.folder)
            shares = None if n_shares is None else n_shares(draft.n_files, draft.size)
            state = make_plan(workspace, draft, self._workers, n_shares=shares)
            if state in _MESSAGES:
                self._reporter.say(_MESSAGES[state])
            yield state

    def _draft(self, folder: str) -> Draft:
        return Draft(os.fsencode(self._settings.source), folder, self.workspace.sealing)

    def dry_run(self) -> Summary:
        """Judge every file of SOURCE; nothing is written, so equal instances are not compared."""
        with tempfile.TemporaryDirectory() as folder:
            draft = self._draft(folder)
            rate = plan.rate_of(self._settings.pixels)
            cost = plan.cost_of(draft.n_files, draft.size, rate)
            cuts = plan.cut(plan.pieces(draft.batches()), cost, self._workers, rate=rate)
            tasks = _tasks(os.fsencode(self._settings.source), draft, cuts)
            with self._crew("") as crew:
                done = self._do(crew, tasks, draft.n_files, draft.size)
        summary = merge(done)
        summary.state = "dry run"
        summary.profile = f"{self._settings.profile} {self._settings.profile_version}"
        return self._rated(summary, done)

    def _extent(self, numbers: list[int]) -> tuple[int, int]:
        """Return files and bytes of some partitions."""
        starts, sizes = self.workspace.starts, self.workspace.plan.sizes
        files = sum(starts[number + 1] - starts[number] for number in numbers)
        return files, sum(sizes[number] for number in numbers)

    def _crew(self, folder: str) -> Pool | InProcess:
        setup = Setup(self._settings, self._key, folder, self._make)
        if self._workers:
            return Pool(setup, self._workers, self._stop, self._reporter)
        return InProcess(setup, self._stop, self._reporter)

    def _do(
        self, crew: Pool | InProcess, tasks: Sequence[Task], files: int, size: int
    ) -> list[PartitionSummary]:
        """Do all tasks; raises Stopped when a stop was requested meanwhile."""
        self._reporter.begin(files, size)
        try:
            done = list(crew.run(tasks))
        finally:
            self._reporter.end()
        self._stop.check()
        return done

    def _unchanged(self) -> Summary:
        finished = read_finished(self.workspace)
        if finished is None:
            raise FastdeidError("the summary has gone while it was read")
        sweep_shards(self.workspace)  # a run may be killed between its last two steps
        finished.summary.state = "unchanged"
        return finished.summary

    def _rated(self, summary: Summary, done: Sequence[PartitionSummary]) -> Summary:
        seconds = max(time.monotonic() - self._started, 1e-9)
        summary.workers = self._workers
        summary.files_per_second = sum(sum(one.outcomes.values()) for one in done) / seconds
        summary.megabytes_per_second = sum(one.bytes_planned for one in done) / seconds / 1e6
        summary.wall_seconds = seconds
        return summary


def _tasks(source: bytes, draft: Draft, cuts: plan.Cuts) -> list[Task]:
    """Return the tasks of a dry run."""
    sizes = (after - first for first, after in itertools.pairwise(cuts.starts))
    batches = (pa.Table.from_batches([batch]) for batch in draft.batches())
    return [
        Files(
            number,
            inputs_of(source, rows),
            *(rows.column(name).to_pylist() for name in ("reason", "size")),
        )
        for number, rows in enumerate(rechunked(batches, sizes))
    ]
