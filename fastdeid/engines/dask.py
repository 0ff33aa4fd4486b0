"""Partitions as tasks of a Dask cluster that is there already: each hands back its summary."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any, Final

from fastdeid.engines import shares, verifying
from fastdeid.engines.stop import Stop, signals
from fastdeid.errors import FastdeidError, KeyFileError, UsageError
from fastdeid.files import resolved
from fastdeid.folders import LINK_TABLE_SUFFIX
from fastdeid.keys import is_file
from fastdeid.progress import Reporter, Silent
from fastdeid.summary import Summary
from fastdeid.verification.parts import Part, Verification
from fastdeid.verification.request import Request, absolute

PathLike = str | os.PathLike[str]

_POLL_SECONDS: Final = 0.5
# Partitions per thread of the cluster, so that the threads end together.
_PER_THREAD: Final = 8


def run(
    source: PathLike,
    target: PathLike,
    *,
    key: PathLike,
    scheduler: str,
    link_table: PathLike | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> Summary:
    """De-identify SOURCE into TARGET on a Dask cluster and return what it came to.

    scheduler: its address, tcp://HOST:PORT. The workers find SOURCE, TARGET, the link table and the
    key's file under the same paths. The others: see `local.run` and `shares.plan`.

    Raises UsageError when Dask is not installed or the scheduler does not answer, Stopped after
    SIGTERM or SIGUSR1, and what `shares.plan` raises. The same call goes on.
    """
    started = time.monotonic()
    work = resolved(link_table or f"{resolved(target)}{LINK_TABLE_SUFFIX}")
    if not is_file(key):
        raise KeyFileError("the workers of a cluster read the key's file: name one")
    reporter = reporter or Silent()
    client = _connect(scheduler)
    try:
        with signals() as stop:
            n_threads = sum(client.nthreads().values()) or 1
            options.setdefault("partitions", _PER_THREAD * n_threads)
            planned = shares.plan(
                source, work, target=target, key=key, reporter=reporter, **options
            )
            reporter.begin(planned.files, planned.bytes)
            done = _do(client, planned, os.path.abspath(key), stop, reporter)
            reporter.end()
            stop.check()
        summary = shares.finalise(work, key=key, reporter=reporter)
        summary.workers = n_threads
        summary.wall_seconds = max(time.monotonic() - started, 1e-9)
        summary.files_per_second = sum(one.files for one in done) / summary.wall_seconds
        read = sum(one.bytes_read for one in done)
        summary.megabytes_per_second = read / summary.wall_seconds / 1e6
        return summary
    finally:
        client.close()


def verify(request: Request, *, scheduler: str) -> Verification:
    """Verify a release on a Dask cluster, see `verifying.verify`.

    scheduler, and what the workers find where: as in `run`. Raises what `run` and `verify` raise.
    """
    if not is_file(request.key):
        raise KeyFileError("the workers of a cluster read the key's file: name one")
    started = time.monotonic()
    client = _connect(scheduler)
    try:
        n_parts = _PER_THREAD * (sum(client.nthreads().values()) or 1)
        futures = client.map(
            _verify_part, range(n_parts), request=absolute(request), of=n_parts, pure=False
        )
        try:
            parts = [_result(future) for future in futures]
        finally:
            client.cancel(futures)
    finally:
        client.close()
    done = verifying.merge(request, n_parts, parts)
    done.wall_seconds = time.monotonic() - started
    return done


def _connect(scheduler: str) -> Any:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise UsageError("Dask is not installed: pip install 'fastdeid[dask]'") from None
    try:
        return distributed.Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise UsageError("the scheduler does not answer; --scheduler tcp://HOST:PORT") from None


def _do(
    client: Any,
    planned: shares.Planned,
    key: str,
    stop: Stop,
    reporter: Reporter,
) -> list[Summary]:
    """Do all partitions; ends early, without the ones that have not begun, when asked to stop."""
    futures = client.map(
        _partition,
        range(planned.partitions),
        work=planned.work,
        key_file=key,
        pure=False,
    )
    waiting, done = set(futures), list[Summary]()
    size = 0
    try:
        while waiting and not stop.requested:
            ended = {one for one in waiting if one.done()}
            waiting -= ended
            for one in ended:
                summary: Summary = _result(one)
                done.append(summary)
                size += summary.bytes_read
            reporter.update(sum(one.files for one in done), size)
            if not ended:
                time.sleep(_POLL_SECONDS)
    finally:
        client.cancel(list(waiting))
    return done


def _result(future: Any) -> Any:
    try:
        return future.result()
    except FastdeidError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the worker has raised
        raise FastdeidError(f"a task of Dask has failed: {type(error).__name__}") from None


def _partition(number: int, *, work: str, key_file: str) -> Summary:
    """Do one partition, in a thread of a worker of the cluster."""
    return shares.run_partition(work, number, key=key_file, workers=0)


def _verify_part(number: int, *, request: Request, of: int) -> Part:
    """Verify one part, in a thread of a worker of the cluster."""
    return verifying.check_part(request, number, of, workers=0)
