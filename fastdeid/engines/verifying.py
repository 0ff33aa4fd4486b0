"""Verification on one machine, of a whole release or a part of it: tasks in worker processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final

import msgspec

from fastdeid.engines.local import available_cpus
from fastdeid.errors import FastdeidError, UsageError
from fastdeid.files import resolved
from fastdeid.folders import LINK_TABLE_SUFFIX
from fastdeid.rules import Profile, load_profile
from fastdeid.verification.findings import KINDS
from fastdeid.verification.parts import (
    RESIDUAL,
    Part,
    Verification,
    add_up,
    put_together,
    read_parts,
    write_part,
)
from fastdeid.verification.request import Request, open_release
from fastdeid.verification.tasks import Result, Setup, Task, Verifier

__all__ = ["RESIDUAL", "Verification", "as_json", "as_text", "merge", "verify"]

PathLike = str | os.PathLike[str]

_SHOWN: Final = 200


def verify(
    target: PathLike,
    *,
    key: PathLike,
    link_table: PathLike | None = None,
    source: PathLike | None = None,
    sample: str | float | None = None,
    workers: int | None = None,
    profile: str | None = None,
    crosswalk: PathLike | None = None,
    use_dciodvfy: bool = True,
    use_ocr: bool = False,
) -> Verification:
    """Prove that a finished release holds no original and is what its link table says.

    target, link_table, key: as in the run. source: the folder or archive that was de-identified;
    with it the originals that the link table does not hold (dates, institutions, other names) are
    searched for, pixel data and UIDs are compared, and dciodvfy, when installed, judges both.
    sample: a number of outputs, or a share below 1 of them. workers: processes, 0 for none but this
    one, None for one per CPU. profile, crosswalk: where these files of the run are now. use_ocr:
    read text in masked frames and in a sample of the others, see `verification.second_look`.

    Raises UsageError, InputError, ProfileError, KeyFileError, see errors.py.
    """
    request = as_request(
        target,
        key=key,
        link_table=link_table,
        source=source,
        sample=sample,
        profile=profile,
        crosswalk=crosswalk,
        use_dciodvfy=use_dciodvfy,
        use_ocr=use_ocr,
    )
    return verify_all(request, workers)


def verify_all(request: Request, workers: int | None = None) -> Verification:
    """Verify a release on this machine, see `verify`."""
    started = time.monotonic()
    opened = open_release(request)
    results = _results(opened.setup, opened.profile, opened.tasks(), workers)
    return put_together([add_up(results, request, opened)], opened, started=started)


def as_request(
    target: PathLike,
    *,
    key: PathLike,
    link_table: PathLike | None = None,
    source: PathLike | None = None,
    sample: str | float | None = None,
    profile: str | None = None,
    crosswalk: PathLike | None = None,
    use_dciodvfy: bool = True,
    use_ocr: bool = False,
) -> Request:
    """Return what is asked for, the link table being beside TARGET unless it is named."""
    return Request(
        target=os.fspath(target),
        link_table=os.fspath(link_table or resolved(target) + LINK_TABLE_SUFFIX),
        key=os.fspath(key),
        source="" if source is None else os.fspath(source),
        sample="" if sample is None else str(sample),
        profile=profile or "",
        crosswalk="" if crosswalk is None else os.fspath(crosswalk),
        dciodvfy=use_dciodvfy,
        ocr=use_ocr,
    )


def check_part(request: Request, number: int, of: int, workers: int | None = None) -> Part:
    """Verify one of so many parts of a release and return what it came to.

    number: 0 to of - 1. Raises what `verify` raises.
    """
    if not 0 <= number < of:
        raise UsageError(f"there is no part {number} of {of}: the first is 0")
    opened = open_release(request)
    tasks = opened.tasks(opened.share(number, of))
    results = _results(opened.setup, opened.profile, tasks, workers)
    return add_up(results, request, opened, number, of)


def verify_part(request: Request, number: int, of: int, workers: int | None = None) -> Part:
    """Verify one of so many parts, and keep what it came to for `merge`.

    Doing it again is harmless. Raises what `verify` raises, and OutputError.
    """
    part = check_part(request, number, of, workers)
    write_part(resolved(request.link_table), part)
    return part


def merge(request: Request, of: int, parts: list[Part] | None = None) -> Verification:
    """Put the parts of a verification together, and verify what concerns the release as a whole.

    parts: all of them; by default those that `verify_part` has kept. Raises IncompleteError when
    some are missing, and what `verify` raises.
    """
    started = time.monotonic()
    opened = open_release(request)
    if parts is None:
        parts = read_parts(resolved(request.link_table), of, opened.release.digest())
    return put_together(parts, opened, started=started)


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
    if done.frames_read or done.n_unread:
        yield f"{'frames read with OCR':<40}{done.frames_read:>16,}"
        yield f"{'  with text that the run did not seek':<40}{done.frames_with_text:>16,}"
        yield f"{'images that could not be read':<40}{done.n_unread:>16,}"
    if done.n_unchecked:
        yield f"{'masked, but no codec to look at it':<40}{done.n_unchecked:>16,}"
    yield f"{'seconds':<40}{done.wall_seconds:>16,.2f}"
    if not done.compared_with_source:
        yield "without --source: dates, institutions, other names are checked by the profile only"
    yield "nothing found" if not done.findings else f"{len(done.findings):,} findings"
