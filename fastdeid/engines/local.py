"""The engine of one machine: plan, partitions in worker processes, finalise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastdeid.engines.stop import signals
from fastdeid.errors import UsageError
from fastdeid.interrupts import held_back
from fastdeid.naming import DEFAULT_TEMPLATE, check_template
from fastdeid.pixels.modes import PixelMode
from fastdeid.progress import Reporter, Silent

if TYPE_CHECKING:
    from fastdeid.summary import Summary

PathLike = str | os.PathLike[str]


def available_cpus() -> int:
    """Return the number of CPUs that this process may use: affinity and SLURM_CPUS_PER_TASK."""
    try:
        number = len(os.sched_getaffinity(0))
    except AttributeError:
        number = os.cpu_count() or 1
    allotted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return max(1, min(number, int(allotted))) if allotted.isdigit() else number


def _number(workers: int | None) -> int:
    if workers is not None and workers < 0:
        raise UsageError("the number of workers cannot be negative")
    return available_cpus() if workers is None else workers


def run(
    source: PathLike,
    target: PathLike,
    *,
    key: PathLike,
    profile: str = "basic",
    link_table: PathLike | None = None,
    workers: int | None = None,
    dry_run: bool = False,
    template: str = DEFAULT_TEMPLATE,
    sync: bool = True,
    digests: bool = False,
    link_table_key: str = "project",
    crosswalk: PathLike | None = None,
    shared_subjects: bool = False,
    pixels: str = PixelMode.EXAMINE,
    shard_bytes: int = 0,
    reporter: Reporter | None = None,
    make: Callable[..., Any] | None = None,
) -> Summary:
    """De-identify the folder tree SOURCE into TARGET and return what it came to.

    key: the project key's file. profile: name or path. link_table: its folder, by default beside
    TARGET. workers: processes, 0 for none but this one, None for one per CPU. dry_run: judge every
    file and write nothing. template: of output paths, see `naming`. sync: outputs are on disk
    before their partition counts as done. digests: record those of inputs and outputs. crosswalk,
    shared_subjects: see `project`. link_table_key: see `sealing`. pixels: see `PixelMode`.
    shard_bytes: outputs go into tar archives of at most so many bytes, see `shards`. make: for
    tests.
    An interrupted run is continued by the same call. KeyboardInterrupt ends it at once, SIGTERM or
    SIGUSR1 with Stopped when the partitions at hand are committed.
    Raises UsageError, InputError, OutputError, ProfileError, KeyFileError, see errors.py.
    """
    started = time.monotonic()
    n_workers = _number(workers)
    check_template(template)
    with signals() as stop:
        if n_workers:
            from fastdeid.engines.server import SERVER

            SERVER.start()  # Its imports take longer than planning, and run at the same time.
        with held_back():
            from fastdeid.folders import resolve_paths
            from fastdeid.keys import read_key
            from fastdeid.project import site_names
        paths = resolve_paths(source, target, link_table, key=key, crosswalk=crosswalk)
        secret = read_key(key)
        with held_back():
            from fastdeid.engines.session import Session, settings_for
        options: Any = {"sync": sync, "digests": digests, "pixels": pixels}
        options |= {"link_table_key": link_table_key, "template": template}
        options["shard_bytes"] = shard_bytes
        names = site_names(crosswalk, shared_subjects=shared_subjects)
        settings = settings_for(paths, secret, profile, names=names, **options)
        watched: Any = {"reporter": reporter or Silent(), "stop": stop, "started": started}
        session = Session(settings, secret, workers=n_workers, make=make, **watched)
        return session.dry_run() if dry_run else session.run()
