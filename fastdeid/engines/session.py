"""One start of a run on this machine: what was found, what is left, who does it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fastdeid import __version__, convert, plan
from fastdeid.engines.pool import Pool
from fastdeid.engines.stop import Stop
from fastdeid.engines.worker import Files, Job, Setup, Task
from fastdeid.errors import FastdeidError
from fastdeid.folders import Paths
from fastdeid.progress import COMPILING, Reporter, patience
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import load_profile
from fastdeid.summary import PartitionSummary, Summary, merge
from fastdeid.workspace import Settings

_MESSAGES: Final = {
    convert.RESUMED: "going on with an interrupted run",
    convert.CHANGED: "SOURCE has changed since the last start: planned anew",
    convert.FINISHED: "SOURCE has not changed and every output is there: nothing to do",
}


class Session:
    """One start of a run."""

    def __init__(
        self,
        *,
        paths: Paths,
        key: bytes,
        profile: str,
        workers: int,
        sync: bool,
        reporter: Reporter,
        stop: Stop,
        started: float,
        make: Callable[..., Any] | None,
    ) -> None:
        compiled = load_profile(profile)
        self._settings = Settings(
            source=paths.source,
            target=paths.target,
            link_table=paths.link_table,
            profile=profile,
            profile_version=compiled.version,
            profile_digest=compiled.digest,
            options=tuple(compiled.options),
            method=compiled.method,
            key_id=Pseudonyms(key).key_id,
            fastdeid_version=__version__,
            sync=sync,
        )
        self._workspace = convert.open_workspace(paths)
        self._key = key
        self._make = make
        self._workers = workers
        self._reporter = reporter
        self._stop = stop
        self._deaths = 0
        self._started = started

    def run(self) -> Summary:
        """Plan, run what is left, finalise.

        Raises Stopped when a stop was requested.
        """
        workspace = self._workspace
        convert.check_settings(workspace, self._settings)
        convert.create_folders(workspace, self._settings)
        with workspace.lock():
            state = convert.make_plan(workspace, self._workers)
            if state in _MESSAGES:
                self._reporter.say(_MESSAGES[state])
            if state == convert.FINISHED:
                return self._unchanged()
            if state != convert.NEW:
                convert.sweep(self._settings.target)
            done = self._partitions(convert.unfinished_partitions(workspace, state))
            self._stop.check()
            if self._deaths:
                convert.sweep(self._settings.target)
            setup = self._setup(workspace.folder)
            summary = convert.finish(workspace, setup.processor)
            convert.keep_finished(workspace, summary)
        return self._rated(summary, done)

    def dry_run(self) -> Summary:
        """Judge every file of SOURCE; nothing is written, so equal instances are not compared."""
        entries = plan.table(os.fsencode(self._settings.source))
        sizes = entries.column("size").to_pylist()
        starts = plan.cut(sizes, self._workers)
        tasks: list[Task] = []
        for number, (first, after) in enumerate(itertools.pairwise(starts)):
            rows = entries.slice(first, after - first)
            paths, reasons = (rows.column(name).to_pylist() for name in ("path", "reason"))
            tasks.append(Files(number, paths, reasons, sizes[first:after]))
        done = self._do("", tasks, entries.num_rows, sum(sizes))
        self._stop.check()
        summary = merge(done)
        summary.state = "dry run"
        summary.profile = f"{self._settings.profile} {self._settings.profile_version}"
        return self._rated(summary, done)

    def _partitions(self, numbers: list[int]) -> list[PartitionSummary]:
        starts = self._workspace.starts
        sizes = self._workspace.entries().column("size").to_numpy()
        files = sum(starts[number + 1] - starts[number] for number in numbers)
        size = sum(int(sizes[starts[n] : starts[n + 1]].sum()) for n in numbers)
        return self._do(self._workspace.folder, numbers, files, size)

    def _setup(self, folder: str) -> Setup:
        return Setup(self._settings, self._key, folder, self._make)

    def _do(
        self, folder: str, tasks: Sequence[Task], files: int, size: int
    ) -> list[PartitionSummary]:
        if not tasks:
            return []
        self._reporter.begin(files, size)
        work = self._in_workers if self._workers else self._in_process
        try:
            return list(work(self._setup(folder), tasks))
        finally:
            self._reporter.end()

    def _in_workers(self, setup: Setup, tasks: Sequence[Task]) -> Iterator[PartitionSummary]:
        with Pool(setup, self._workers, self._stop, self._reporter) as pool:
            yield from pool.run(tasks)
            self._deaths += pool.deaths

    def _in_process(self, setup: Setup, tasks: Sequence[Task]) -> Iterator[PartitionSummary]:
        with patience(self._reporter, COMPILING):
            job = Job(setup)
        files = size = 0

        def tick(more_files: int, more_bytes: int) -> None:
            self._reporter.update(files + more_files, size + more_bytes)

        try:
            for task in tasks:
                if self._stop.requested:
                    return
                summary = job.run(task, tick)
                files += sum(summary.outcomes.values())
                size += summary.bytes_planned
                yield summary
        finally:
            job.close()

    def _unchanged(self) -> Summary:
        finished = convert.read_finished(self._workspace)
        if finished is None:
            raise FastdeidError("the summary has gone while it was read")
        finished.summary.state = "unchanged"
        return finished.summary

    def _rated(self, summary: Summary, done: Sequence[PartitionSummary]) -> Summary:
        seconds = max(time.monotonic() - self._started, 1e-9)
        summary.workers = self._workers
        summary.files_per_second = sum(sum(one.outcomes.values()) for one in done) / seconds
        summary.megabytes_per_second = sum(one.bytes_planned for one in done) / seconds / 1e6
        summary.wall_seconds = seconds
        return summary
