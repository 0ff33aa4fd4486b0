"""No workers: the tasks are done in the process of the caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from fastdeid.engines.stop import Stop
from fastdeid.engines.worker import Again, Job, Setup, Task
from fastdeid.errors import FastdeidError
from fastdeid.input_types import Input
from fastdeid.outcome import Outcome
from fastdeid.partition import no_tick
from fastdeid.progress import COMPILING, Reporter, patience
from fastdeid.summary import PartitionSummary


class InProcess:
    """Does what a pool does, one task after another. A context manager, like a pool."""

    deaths: Final = 0

    def __init__(self, setup: Setup, stop: Stop, reporter: Reporter) -> None:
        self._setup = setup
        self._stop = stop
        self._reporter = reporter
        self._job: Job | None = None
        self._files = self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._job is not None:
            self._job.close()

    def run(self, tasks: Sequence[Task]) -> Iterator[PartitionSummary]:
        """Yield the summaries of all tasks; ends early when a stop is requested."""
        for task in tasks:
            if self._stop.requested:
                return
            answer = self._ready().run(task, self._tick)
            if isinstance(answer, PartitionSummary):
                self._files += sum(answer.outcomes.values())
                self._size += answer.bytes_planned
                yield answer

    def again(self, path: Input, overwrite: bool) -> Outcome:
        """De-identify one file again."""
        self._stop.check()
        answer = self._ready().run(Again(path, overwrite), no_tick)
        if isinstance(answer, Outcome):
            return answer
        raise FastdeidError("a task gave no outcome")

    def _ready(self) -> Job:
        if self._job is None:
            with patience(self._reporter, COMPILING):
                self._job = Job(self._setup)
        return self._job

    def _tick(self, files: int, size: int) -> None:
        self._reporter.update(self._files + files, self._size + size)
