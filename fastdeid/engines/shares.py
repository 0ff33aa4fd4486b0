"""The engine of a cluster: plan, one share of the partitions, finalise, each a process of its own.

WORK is the link table's folder. It, SOURCE and TARGET are where every node finds them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from fastdeid.convert import WORK_FOLDER
from fastdeid.engines.local import available_cpus
from fastdeid.engines.session import Session, settings_for
from fastdeid.engines.stop import Stop, signals
from fastdeid.engines.worker import planned_profile
from fastdeid.errors import KeyFileError, UsageError
from fastdeid.files import resolved
from fastdeid.folders import resolve_paths
from fastdeid.keys import is_file, read_key
from fastdeid.naming import DEFAULT_TEMPLATE, check_template
from fastdeid.pixels.modes import PixelMode
from fastdeid.plan import cost_of, rate_of
from fastdeid.progress import Reporter, Silent
from fastdeid.project import site_names
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.summary import Summary
from fastdeid.workspace import SETTINGS_FILE, Settings, Workspace

PathLike = str | os.PathLike[str]

# By default a partition holds what takes about a minute where reading is not the limit, and there
# are no more than Slurm takes as one array (MaxArraySize is 1001 where nobody has changed it).
_COST: Final = 64_000_000_000
_MOST: Final = 1000


class Planned(msgspec.Struct):
    """A plan for a cluster: number of partitions, files and bytes. state: see convert.make_plan."""

    work: str
    partitions: int
    files: int
    bytes: int
    state: str


def plan(
    source: PathLike,
    work: PathLike,
    *,
    target: PathLike,
    key: PathLike,
    profile: str = "basic",
    partitions: int | None = None,
    partition_bytes: int | None = None,
    template: str = DEFAULT_TEMPLATE,
    sync: bool = True,
    digests: bool = False,
    pixels: str = PixelMode.EXAMINE,
    shard_bytes: int = 0,
    link_table_key: str = "project",
    crosswalk: PathLike | None = None,
    shared_subjects: bool = False,
    reporter: Reporter | None = None,
) -> Planned:
    """Walk SOURCE and cut it into partitions for the tasks of a cluster.

    work: folder of the link table. partitions: how many at most. partition_bytes: about so many
    bytes in each, instead. The others: see `local.run`. A plan that is there, of a SOURCE that has
    not changed, is kept as it is; a walk that was interrupted goes on.

    Raises UsageError, InputError, OutputError, ProfileError, KeyFileError, see errors.py.
    """
    if partitions is not None and partition_bytes is not None:
        raise UsageError("--partitions and --partition-bytes exclude each other")
    if (partitions or 1) < 1 or (partition_bytes or 1) < 1:
        raise UsageError("a plan has at least one partition, of at least one byte")
    check_template(template)
    secret = read_key(key)
    paths = resolve_paths(source, target, work, key=key, crosswalk=crosswalk)
    names = site_names(crosswalk, shared_subjects=shared_subjects)
    options: Any = {"sync": sync, "digests": digests, "pixels": pixels, "shard_bytes": shard_bytes}
    options |= {"link_table_key": link_table_key, "template": template}
    settings = settings_for(paths, secret, profile, names=names, **options)
    if is_file(key):
        settings = msgspec.structs.replace(settings, key_file=os.path.abspath(key))

    def n_shares(n_files: int, size: int) -> int:
        if partition_bytes is not None:
            return max(1, -(-size // partition_bytes))
        return partitions or min(_MOST, 1 + cost_of(n_files, size, rate_of(pixels)) // _COST)

    with signals() as stop:
        session = _session(settings, secret, workers=0, stop=stop, reporter=reporter)
        state = session.plan(n_shares)
    made = session.workspace.plan
    return Planned(paths.link_table, made.n_shares, made.starts[-1], sum(made.sizes), state)


def run_partition(
    work: PathLike,
    number: int | None = None,
    *,
    key: PathLike | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
    make: Callable[..., Any] | None = None,
) -> Summary:
    """Do what is left of one partition, and commit it.

    number: None takes it from the variables of a job array, see `number_of_task`. key: by default
    the file that the plan was made with. workers: processes, None for one per CPU of the task.
    make: see `local.run`.

    Raises Stopped after SIGTERM or SIGUSR1, when the files at hand are committed; the same call
    goes on. Raises what `plan` raises.
    """
    number = number_of_task(os.environ) if number is None else number
    settings, secret = _started(work, key)
    n_workers = available_cpus() if workers is None else workers
    with signals() as stop:
        session = _session(
            settings,
            secret,
            workers=0 if n_workers == 1 else n_workers,
            stop=stop,
            reporter=reporter,
            make=make,
        )
        shares = session.workspace.plan.shares
        if not 0 <= number < len(shares) - 1:
            raise UsageError(f"there is no partition {number}: the plan has {len(shares) - 1}")
        return session.partitions(range(shares[number], shares[number + 1]))


def finalise(
    work: PathLike,
    *,
    key: PathLike | None = None,
    reporter: Reporter | None = None,
    make: Callable[..., Any] | None = None,
) -> Summary:
    """Prove every partition complete, write link table and manifest, return the summary.

    Raises IncompleteError, with the numbers of the partitions that are not complete, before
    anything is changed. Raises what `plan` raises.
    """
    settings, secret = _started(work, key)
    with signals() as stop:
        session = _session(settings, secret, workers=0, stop=stop, reporter=reporter, make=make)
        return session.finalise()


def _started(work: PathLike, key: PathLike | None) -> tuple[Settings, bytes]:
    """Return settings and key of a plan; refuse another key, profile or version."""
    workspace = Workspace(os.path.join(resolved(work), WORK_FOLDER))
    if not workspace.has(SETTINGS_FILE):
        raise UsageError("WORK holds no plan; make one: fastdeid plan SOURCE WORK --target TARGET")
    settings = workspace.settings
    if key is None and not settings.key_file:
        raise KeyFileError("a project key is needed, --key PROJECT.key")
    secret = read_key(settings.key_file if key is None else key)
    if Pseudonyms(secret).key_id != settings.key_id:
        raise KeyFileError("this run was planned with another project key")
    planned_profile(settings.profile, settings.profile_digest)
    from fastdeid import __version__

    if settings.fastdeid_version != __version__:
        raise UsageError("this run was planned with another version of fastdeid")
    # The folder may stand elsewhere on this node.
    return msgspec.structs.replace(settings, link_table=workspace.link_table), secret


def _session(
    settings: Settings,
    secret: bytes,
    *,
    workers: int,
    stop: Stop,
    reporter: Reporter | None,
    make: Callable[..., Any] | None = None,
) -> Session:
    return Session(
        settings,
        secret,
        workers=workers,
        reporter=reporter or Silent(),
        stop=stop,
        started=time.monotonic(),
        make=make,
    )


# Job arrays ----------------------------------------------------------------------------------


class _Array(msgspec.Struct, frozen=True):
    """Variables of a job array. first: the lowest number that the system gives."""

    index: str
    others: tuple[str, ...]
    first: int = 0


_ARRAYS: Final = (
    _Array("SLURM_ARRAY_TASK_ID", ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_COUNT")),
    _Array("PBS_ARRAY_INDEX", ("PBS_ARRAY_ID",)),
    _Array("SGE_TASK_ID", ("SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE"), 1),
    _Array("LSB_JOBINDEX", ("LSB_JOBINDEX_STEP", "LSB_JOBINDEX_END"), 1),
)
# What Grid Engine and LSF say in a job that is no array.
_NO_ARRAY: Final = {"SGE_TASK_ID": "undefined", "LSB_JOBINDEX": "0"}


def number_of_task(environment: Mapping[str, str]) -> int:
    """Return the partition that a task of a job array does.

    Grid Engine and LSF count from 1: their task 1 does partition 0.

    Raises UsageError when there is no array, when its variables are incomplete, or when those of
    two systems are set: then some were inherited, and the number may be somebody else's.
    """
    found: list[int] = []
    for array in _ARRAYS:
        index = environment.get(array.index, "")
        if not index or index == _NO_ARRAY.get(array.index):
            if not index and any(environment.get(name) for name in array.others):
                raise UsageError(f"part of a job array's variables is set, {array.index} is not")
            continue
        if not index.isascii() or not index.isdecimal() or int(index) < array.first:
            raise UsageError(f"{array.index} is not a number of a task")
        found.append(int(index) - array.first)
    if len(found) > 1:
        raise UsageError("variables of several job arrays are set; name the partition")
    if not found:
        names = ", ".join(array.index for array in _ARRAYS)
        raise UsageError(f"name the partition, or run in a job array ({names})")
    return found[0]


def as_array(numbers: list[int]) -> str:
    """Return numbers as Slurm writes them: 0-3,7. They ascend."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)
