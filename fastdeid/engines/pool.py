"""Worker processes on one machine: hands out tasks, replaces workers that died."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerProcess
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from fastdeid.engines.stop import Stop
from fastdeid.errors import FastdeidError
from fastdeid.progress import COMPILING, Reporter, patience

if TYPE_CHECKING:
    from fastdeid.engines.worker import Setup, Task
    from fastdeid.summary import PartitionSummary

_PRELOAD: Final = "fastdeid.engines.preload"
_POLL_SECONDS: Final = 0.25
_GRACE_SECONDS: Final = 3.0
_ATTEMPTS: Final = 3


def start_server() -> None:
    """Start the process that workers are forked from; returns while it still imports.

    It is used again by later runs of the same process.
    """
    # Processes own the cores: a thread pool in each worker would only be in the way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    multiprocessing.get_context("forkserver").set_forkserver_preload([_PRELOAD])
    forkserver.ensure_running()


class WorkerError(FastdeidError):
    """A worker reported an error that ends the run, with its exit code."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Worker:
    """One process, its pipe, and the task it has."""

    def __init__(self, setup: Setup) -> None:
        from fastdeid.engines.worker import work

        context = multiprocessing.get_context("forkserver")
        self.pipe, theirs = context.Pipe()
        self.process: ForkServerProcess = context.Process(
            target=work, args=(theirs, setup), daemon=True
        )
        self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.files = self.size = 0

    def give(self, task: Task) -> None:
        """Hand out a task. A worker that is dead already is noticed when its pipe is read."""
        self.task = task
        self.files = self.size = 0
        try:
            self.pipe.send(task)
        except ConnectionError:
            return

    def end(self) -> None:
        """Close the pipe, which ends the worker after the file at hand."""
        self.pipe.close()

    def join(self, seconds: float) -> None:
        """Wait for the end, and enforce it when it does not come."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class Pool:
    """Up to `size` workers. A context manager: leaving it ends them, wherever they are.

    deaths: number of workers that ended without being told to.
    """

    def __init__(self, setup: Setup, size: int, stop: Stop, reporter: Reporter) -> None:
        self._setup = setup
        self._size = size
        self._stop = stop
        self._reporter = reporter
        self._workers: list[_Worker] = []
        self._attempts: Counter[int] = Counter()
        self._done_files = self._done_size = 0
        self.deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.join(_GRACE_SECONDS)
        self._workers.clear()

    def run(self, tasks: Sequence[Task]) -> Iterator[PartitionSummary]:
        """Yield the summaries of all tasks as they are done, in any order.

        Ends early when a stop is requested, as soon as the tasks at hand are done.

        Raises WorkerError when a worker reports an error, FastdeidError when a task has ended its
        worker three times.
        """
        waiting = deque(tasks)
        with patience(self._reporter, COMPILING):
            while len(self._workers) < min(self._size, len(waiting)):
                self._workers.append(_Worker(self._setup))
        while True:
            self._hand_out(waiting)
            busy = [worker for worker in self._workers if worker.task is not None]
            if not busy:
                return
            ready = connection.wait([worker.pipe for worker in busy], _POLL_SECONDS)
            for worker in [worker for worker in busy if worker.pipe in ready]:
                summary = self._receive(worker, waiting)
                if summary is not None:
                    yield summary
            self._report()

    def _hand_out(self, waiting: deque[Task]) -> None:
        for worker in self._workers:
            if worker.task is None and waiting and not self._stop.requested:
                worker.give(waiting.popleft())

    def _receive(self, worker: _Worker, waiting: deque[Task]) -> PartitionSummary | None:
        from fastdeid.engines.worker import Failed, Progress

        try:
            message = worker.pipe.recv()
        except (EOFError, ConnectionError):
            self._replace(worker, waiting)
            return None
        if isinstance(message, Failed):
            raise WorkerError(message.exit_code, message.message)
        if isinstance(message, Progress):
            worker.files, worker.size = message.files, message.size
            return None
        summary: PartitionSummary = message
        worker.task = None
        worker.files = worker.size = 0
        self._done_files += sum(summary.outcomes.values())
        self._done_size += summary.bytes_planned
        return summary

    def _replace(self, worker: _Worker, waiting: deque[Task]) -> None:
        self.deaths += 1
        self._workers.remove(worker)
        worker.end()
        worker.join(_GRACE_SECONDS)
        if worker.task is None:
            return
        number = worker.task if isinstance(worker.task, int) else worker.task.number
        self._attempts[number] += 1
        if self._attempts[number] >= _ATTEMPTS:
            raise FastdeidError(
                f"partition {number} has ended its worker {_ATTEMPTS} times "
                "(killed, or out of memory?)"
            )
        waiting.appendleft(worker.task)
        self._workers.append(_Worker(self._setup))

    def _report(self) -> None:
        files = self._done_files + sum(worker.files for worker in self._workers)
        size = self._done_size + sum(worker.size for worker in self._workers)
        self._reporter.update(files, size)
