"""A worker process: takes tasks from its pipe until the pipe ends."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from fastdeid import files
from fastdeid.errors import FastdeidError, OutputError, ProfileError
from fastdeid.input_types import Input
from fastdeid.outcome import Outcome
from fastdeid.partition import (
    Processor,
    Tick,
    process_files,
    run_partition,
    since,
    summarise_rows,
)
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, load_profile
from fastdeid.sealing import Sealing
from fastdeid.summary import PartitionSummary, place_of
from fastdeid.workspace import Settings, Workspace

INTERNAL: Final = 1


class Setup(msgspec.Struct, frozen=True):
    """What a worker is made of. Crosses the process boundary by pickle, key included.

    folder: of the workspace, "" for a dry run. make: replaces `make_deidentifier` in tests.
    """

    settings: Settings
    key: bytes
    folder: str
    make: Callable[[Settings, bytes, bool], Processor] | None = None

    def processor(self) -> Processor:
        """Return what de-identifies files."""
        return (self.make or make_deidentifier)(self.settings, self.key, not self.folder)


class Files(msgspec.Struct, frozen=True):
    """A task of a dry run: files to judge without a workspace."""

    number: int
    inputs: list[Input]
    reasons: list[str]
    sizes: list[int]


class Progress(msgspec.Struct, frozen=True):
    """Files and bytes of the task at hand so far; the first one says that the worker is ready."""

    pid: int
    files: int = 0
    size: int = 0


class Again(msgspec.Struct, frozen=True):
    """A task of finalising: de-identify one file again. The answer is its outcome."""

    path: Input
    overwrite: bool


class Failed(msgspec.Struct, frozen=True):
    """The task cannot be done, nor can others: exit code and message without values."""

    exit_code: int
    message: str


Task = int | Files | Again


@functools.lru_cache(2)
def planned_profile(name: str, digest: str) -> Profile:
    """Return the profile that a run was planned with; it is compiled once in a process.

    Raises ProfileError when the profile of that name is another one now.
    """
    profile = load_profile(name)
    if profile.digest != digest:
        raise ProfileError("the profile is not the one that this run was planned with")
    return profile


def make_deidentifier(settings: Settings, key: bytes, dry_run: bool) -> Processor:
    """Return a Deidentifier with the settings of a run.

    Raises ProfileError when the installed profile is not the one the run was planned with,
    UsageError when the crosswalk is not.
    """
    from fastdeid import drawn_key
    from fastdeid.convert import WORK_FOLDER
    from fastdeid.deidentify import Deidentifier
    from fastdeid.project import pseudonyms_of

    profile = planned_profile(settings.profile, settings.profile_digest)
    target = None if dry_run else settings.target
    if settings.pseudonyms == drawn_key.RANDOM:
        workspace = Workspace(os.path.join(settings.link_table, WORK_FOLDER))
        key = os.urandom(len(key)) if dry_run else drawn_key.read(workspace)
    return Deidentifier(
        profile,
        pseudonyms_of(settings, key),
        target,
        template=settings.template,
        digests=settings.digests,
        pixels=PixelMode(settings.pixels),
        scratch=None if dry_run else files.scratch(settings.link_table),
        shard_bytes=settings.shard_bytes,
    )


class Job:
    """Does tasks, in a worker or in the process of the caller."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._workspace = Workspace(setup.folder, Sealing(Pseudonyms(setup.key)))
        self._processor = setup.processor()

    def run(self, task: Task, tick: Tick) -> PartitionSummary | Outcome:
        """Do one task: a partition by its number, the files of a dry run, or one file again."""
        if isinstance(task, int):
            return run_partition(self._workspace, task, self._processor, tick=tick)
        if isinstance(task, Again):
            return self._processor.process_many([task.path], overwrite=task.overwrite)[0]
        before = dict(self._processor.seconds)
        faults: list[str] = []
        rows = process_files(
            self._processor,
            task.inputs,
            task.reasons,
            task.sizes,
            faults=faults,
            tick=tick,
        )
        seconds = since(before, self._processor.seconds)
        return summarise_rows(task.number, rows, sum(task.sizes), seconds, faults)

    def close(self) -> None:
        """Release what is held."""
        self._processor.close()


class _Ended(BaseException):
    """Nobody waits for the task any more: leave nothing half-written, and go."""


def work(connection: Connection) -> None:
    """Be a worker: receive a Setup, then do the tasks that follow, until None or the end.

    A message to a busy worker ends it, as the end of the pipe does, between two files.
    """

    def tick(files: int, size: int) -> None:
        if connection.poll():
            raise _Ended
        connection.send(Progress(os.getpid(), files, size))

    try:
        connection.send(Progress(os.getpid()))
        job = Job(connection.recv())
        while (task := connection.recv()) is not None:
            connection.send(job.run(task, tick))
    except (EOFError, ConnectionError, _Ended):
        return
    except FastdeidError as error:
        _report(connection, Failed(error.exit_code, str(error)))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _report(connection, Failed(OutputError.exit_code, f"the file system reports: {reason}"))
    except Exception as error:  # noqa: BLE001 - the parent reports it, without the message
        _report(connection, Failed(INTERNAL, place_of(error)))


def _report(connection: Connection, failed: Failed) -> None:
    with contextlib.suppress(OSError):
        connection.send(failed)
