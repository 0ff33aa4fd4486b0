"""Verification on one machine: tasks in worker processes, findings put together."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final

import msgspec

from fastdeid.engines.local import available_cpus
from fastdeid.errors import FastdeidError, KeyFileError, ProfileError, UsageError
from fastdeid.keys import read_key
from fastdeid.project import pseudonyms_of
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, load_profile
from fastdeid.sealing import Sealing
from fastdeid.verification import dciodvfy
from fastdeid.verification.findings import KINDS, Finding
from fastdeid.verification.release import Release
from fastdeid.verification.tasks import Result, Setup, Task, Verifier
from fastdeid.workspace import Workspace

PathLike = str | os.PathLike[str]

RESIDUAL: Final = 9
_WORK: Final = "work"
_SHOWN: Final = 200


class Verification(msgspec.Struct):
    """What a verification came to.

    verified, outputs: files looked into, and files of the release. n_chance: hits between samples
    of pixels that are likely to be chance, see `verification.chance`. unresolved: references to
    instances that are not in the release.
    """

    findings: list[Finding]
    outputs: int
    verified: int
    bytes: int
    n_chance: int
    references: int
    unresolved: int
    compared_with_source: bool
    dciodvfy: bool
    wall_seconds: float
    exit_code: int


def verify(
    target: PathLike,
    *,
    link_table: PathLike,
    key: PathLike,
    source: PathLike | None = None,
    sample: str | float | None = None,
    workers: int | None = None,
    profile: str | None = None,
    crosswalk: PathLike | None = None,
    use_dciodvfy: bool = True,
) -> Verification:
    """Prove that a finished release holds no original and is what its link table says.

    target, link_table, key: as in the run. source: the folder that was de-identified; with it the
    originals that the link table does not hold (dates, institutions, other names) are searched
    for, pixel data and UIDs are compared, and dciodvfy, when installed, judges both. sample:
    a number of outputs, or a share below 1 of them. workers: processes, 0 for none but this one,
    None for one per CPU. profile, crosswalk: where these files of the run are now.

    Raises UsageError, InputError, ProfileError, KeyFileError, see errors.py.
    """
    started = time.monotonic()
    folder, links = os.path.realpath(target), os.path.realpath(link_table)
    if not os.path.isdir(folder):
        raise UsageError("TARGET is not a folder")
    if source is not None and not os.path.isdir(source):
        raise UsageError("SOURCE is not a folder")
    secret = read_key(key)
    settings = Workspace(os.path.join(links, _WORK)).settings
    if Pseudonyms(secret).key_id != settings.key_id:
        raise KeyFileError("this release was made with another project key")
    pseudonyms = pseudonyms_of(settings, secret, os.path.realpath(crosswalk) if crosswalk else "")
    named = profile or settings.profile
    compiled = load_profile(named)
    if compiled.digest != settings.profile_digest:
        raise ProfileError("the profile is not the one that this release was made with")
    release = Release(folder, links, compiled.registry, Sealing(pseudonyms))
    setup = Setup(
        target=folder,
        source="" if source is None else os.path.realpath(source),
        profile=named,
        key=secret,
        dciodvfy=use_dciodvfy and source is not None and dciodvfy.is_installed(),
        everybody=release.everybody(),
    )
    paths = release.outputs.column("output_path").to_pylist()
    chosen = choose(paths, sample)
    findings = set(release.find(pseudonyms))
    results = _results(setup, compiled, release.tasks(chosen), workers)
    return _summed(results, findings, setup, release, started=started)


def choose(paths: list[str], sample: str | float | None) -> list[bool]:
    """Return which outputs are verified: the same ones whenever the same sample is asked for.

    Raises UsageError for a sample that is neither a number nor a share.
    """
    if sample is None:
        return [True] * len(paths)
    try:
        size = float(str(sample).removesuffix("%")) / (100 if str(sample).endswith("%") else 1)
    except ValueError:
        raise UsageError("--sample takes a number of files, or a share such as 0.1") from None
    if not 0 < size < float("inf"):
        raise UsageError("--sample takes a number of files, or a share such as 0.1")
    number = round(size) if size >= 1 and not str(sample).endswith("%") else size * len(paths)
    order = sorted(
        range(len(paths)),
        key=lambda row: hashlib.md5(paths[row].encode(), usedforsecurity=False).digest(),
    )
    taken = set(order[: max(1, round(number))])
    return [row in taken for row in range(len(paths))]


def _summed(
    results: Iterable[Result],
    findings: set[Finding],
    setup: Setup,
    release: Release,
    *,
    started: float,
) -> Verification:
    instances = release.instances()
    verified = size = chance = 0
    references: set[str] = set()
    for result in results:
        findings.update(result.findings)
        references.update(result.references)
        verified += result.n_files
        size += result.n_bytes
        chance += result.n_chance
    return Verification(
        findings=sorted(findings),
        outputs=release.outputs.num_rows,
        verified=verified,
        bytes=size,
        n_chance=chance,
        references=len(references),
        unresolved=len(references - instances),
        compared_with_source=bool(setup.source),
        dciodvfy=setup.dciodvfy,
        wall_seconds=time.monotonic() - started,
        exit_code=RESIDUAL if findings else 0,
    )


# Processes -----------------------------------------------------------------------------------

_WORKER: dict[str, Verifier] = {}


def _begin(setup: Setup) -> None:
    _WORKER["verifier"] = Verifier(setup, load_profile(setup.profile))


def _do(task: Task) -> Result:
    return _WORKER["verifier"].run(task)


def _results(
    setup: Setup, profile: Profile, tasks: Iterator[Task], workers: int | None
) -> Iterator[Result]:
    """Yield the results of all tasks; a few tasks per worker are under way at a time."""
    number = available_cpus() if workers is None else workers
    if not number:
        verifier = Verifier(setup, profile)
        yield from (verifier.run(task) for task in tasks)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fastdeid.engines.verifying"])
    with ProcessPoolExecutor(number, context, _begin, (setup,)) as pool:
        waiting: set[Future[Result]] = set()
        try:
            for task in tasks:
                waiting.add(pool.submit(_do, task))
                if len(waiting) >= 3 * number:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in done)
            for one in waiting:
                yield one.result()
        except BrokenProcessPool:
            raise FastdeidError("a worker has ended (killed, or out of memory?)") from None
        finally:
            pool.shutdown(cancel_futures=True)


# Text ----------------------------------------------------------------------------------------


def as_json(done: Verification) -> str:
    """Return a verification as JSON text."""
    return json.dumps(msgspec.to_builtins(done), indent=2)


def as_text(done: Verification) -> Iterator[str]:
    """Yield the lines of a report: findings first, at most a few hundred, then numbers."""
    for one in done.findings[:_SHOWN]:
        place = f" at byte {one.offset}" if one.offset >= 0 else ""
        what = f" ({one.what})" if one.what else ""
        yield f"{one.kind}{what}: {one.path or 'the release'} {one.tag}{place}".rstrip()
    if len(done.findings) > _SHOWN:
        yield f"... and {len(done.findings) - _SHOWN:,} more, see --json"
    for kind, number in sorted(Counter(one.kind for one in done.findings).items()):
        yield f"{number:>8,}  {kind}: {KINDS[kind]}"
    numbers: dict[str, Any] = {
        "outputs": done.outputs,
        "verified": done.verified,
        "bytes searched": done.bytes,
        "hits by chance in samples": done.n_chance,
        "references": done.references,
        "of them leaving the release": done.unresolved,
    }
    for title, number in numbers.items():
        yield f"{title:<40}{number:>16,}"
    yield f"{'seconds':<40}{done.wall_seconds:>16,.2f}"
    if not done.compared_with_source:
        yield "without --source: dates, institutions, other names are checked by the profile only"
    yield "nothing found" if not done.findings else f"{len(done.findings):,} findings"
