"""Worker processes on one machine: hands out tasks, replaces workers that died."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Final, Self

from fastdeid.engines.server import SERVER
from fastdeid.engines.stop import Stop, Stopped
from fastdeid.engines.worker import Again, Failed, Progress, Setup, Task
from fastdeid.errors import FastdeidError
from fastdeid.input_types import Input
from fastdeid.outcome import Outcome
from fastdeid.progress import COMPILING, PATIENCE_SECONDS, Reporter
from fastdeid.summary import PartitionSummary

_POLL_SECONDS: Final = 0.25
_GRACE_SECONDS: Final = 3.0
# A partition itself finds the file that ends its process, see `attempts`; other tasks cannot.
_ATTEMPTS: Final = 3
_MOST_ATTEMPTS: Final = 64


class WorkerError(FastdeidError):
    """A worker reported an error that ends the run, with its exit code."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Worker:
    """One process, the pipe to it, and the task it has."""

    def __init__(self, setup: Setup) -> None:
        self.pipe = Connection(SERVER.fork())
        self.pid = 0
        self.task: Task | None = None
        self.files = self.size = 0
        self._send(setup)

    def give(self, task: Task) -> None:
        """Hand out a task."""
        self.task = task
        self.files = self.size = 0
        self._send(task)

    def _send(self, message: Setup | Task | None) -> None:
        # A worker that is dead already is noticed when its pipe is read.
        with contextlib.suppress(ConnectionError):
            self.pipe.send(message)

    def end(self) -> None:
        """Tell the worker to end after the file at hand."""
        self._send(None)

    def join(self, deadline: float) -> None:
        """Wait for the end, and enforce it when it does not come in time."""
        with contextlib.suppress(EOFError, ConnectionError):
            while self.pipe.poll(max(deadline - time.monotonic(), 0)):
                self.pipe.recv()
            # The pipe is open, so the process is still the one that sent this number.
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
        self.pipe.close()


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
        self._attempts: Counter[str] = Counter()
        self._started = time.monotonic()
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
        # Whoever is told to go at once does: what a worker leaves half done has no name yet.
        at_once = isinstance(error, Stopped | KeyboardInterrupt)
        deadline = time.monotonic() + (0.0 if at_once else _GRACE_SECONDS)
        for worker in self._workers:
            worker.join(deadline)
        self._workers.clear()

    def run(self, tasks: Sequence[Task]) -> Iterator[PartitionSummary]:
        """Yield the summaries of all tasks as they are done, in any order.

        Ends early when a stop is requested, as soon as the tasks at hand are done.

        Raises WorkerError when a worker reports an error, FastdeidError when a task has ended its
        worker too often.
        """
        for answer in self._answers(tasks):
            if isinstance(answer, PartitionSummary):
                self._done_files += sum(answer.outcomes.values())
                self._done_size += answer.bytes_planned
                yield answer

    def again(self, path: Input, overwrite: bool) -> Outcome:
        """De-identify one file again, in a worker.

        Raises what `run` raises, and Stopped when a stop was requested.
        """
        for answer in self._answers([Again(path, overwrite)]):
            if isinstance(answer, Outcome):
                return answer
        self._stop.check()
        raise FastdeidError("a worker gave no answer")

    def _answers(self, tasks: Sequence[Task]) -> Iterator[PartitionSummary | Outcome]:
        waiting = deque(tasks)
        while len(self._workers) < min(self._size, len(waiting)):
            self._workers.append(_Worker(self._setup))
        while True:
            self._hand_out(waiting)
            busy = [worker for worker in self._workers if self._is_awaited(worker)]
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy], _POLL_SECONDS)
            for worker in [worker for worker in busy if worker.pipe in ready]:
                answer = self._receive(worker, waiting)
                if answer is not None:
                    yield answer
            self._report()

    def _hand_out(self, waiting: deque[Task]) -> None:
        for worker in self._workers:
            if worker.task is None and waiting and not self._stop.requested:
                worker.give(waiting.popleft())

    def _is_awaited(self, worker: _Worker) -> bool:
        # Who asks for a stop does not wait for kernels to be compiled.
        return worker.task is not None and (worker.pid > 0 or not self._stop.requested)

    def _receive(self, worker: _Worker, waiting: deque[Task]) -> PartitionSummary | Outcome | None:
        try:
            message: Progress | Failed | PartitionSummary | Outcome = worker.pipe.recv()
        except (EOFError, ConnectionError):
            self._replace(worker, waiting)
            return None
        if isinstance(message, Failed):
            raise WorkerError(message.exit_code, message.message)
        if isinstance(message, Progress):
            worker.pid, worker.files, worker.size = message.pid, message.files, message.size
            return None
        worker.task = None
        worker.files = worker.size = 0
        return message

    def _replace(self, worker: _Worker, waiting: deque[Task]) -> None:
        self.deaths += 1
        self._workers.remove(worker)
        worker.pipe.close()
        if worker.task is None:
            return
        title = _title(worker.task)
        self._attempts[title] += 1
        blame = isinstance(worker.task, int) and worker.pid
        if self._attempts[title] >= (_MOST_ATTEMPTS if blame else _ATTEMPTS):
            raise FastdeidError(
                f"{title} has ended its worker {self._attempts[title]} times "
                "(killed, or out of memory?)"
            )
        waiting.appendleft(worker.task)
        self._workers.append(_Worker(self._setup))

    def _report(self) -> None:
        files = self._done_files + sum(worker.files for worker in self._workers)
        size = self._done_size + sum(worker.size for worker in self._workers)
        self._reporter.update(files, size)
        waited = time.monotonic() - self._started
        if waited > PATIENCE_SECONDS and not any(worker.pid for worker in self._workers):
            self._reporter.say(COMPILING)
            self._started = math.inf


def _title(task: Task) -> str:
    if isinstance(task, Again):
        return "a file that shares its output path"
    return f"partition {task if isinstance(task, int) else task.number}"
