"""`python -m bench.plan_memory MILLIONS`: memory and time of a plan of synthetic entries.

No file is made: what `os.scandir` yields is invented, a series of 200 files in a folder, five to a
patient. What is measured is the walk, the plan and its file; a real file system adds its own time.
"""

from __future__ import annotations

import os
import resource
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from fastdeid import plan, plan_file
from fastdeid.draft import Draft
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing

_FILES, _SERIES = 200, 5


class _Entry(SimpleNamespace):
    def is_dir(self, **_: bool) -> bool:
        return bool(self.folder)

    def stat(self, **_: bool) -> Any:
        return SimpleNamespace(st_mode=stat.S_IFREG, st_size=526_000, st_mtime_ns=time.time_ns())


def entries(path: bytes, n_patients: int) -> Iterator[_Entry]:
    """Yield what a folder of the invented archive holds."""
    depth = path.removeprefix(b"/invented").count(b"/")
    if depth == 0:
        names, folder = (b"Doe^Jane%07d" % n for n in range(n_patients)), True
    elif depth == 1:
        names, folder = (b"1.2.840.113619.2.55.%d" % n for n in range(_SERIES)), True
    else:
        names, folder = (b"IM%06d" % n for n in range(_FILES)), False
    for name in names:
        yield _Entry(name=name, folder=folder)


def main(millions: float) -> None:
    """Plan so many million entries and print what it took."""
    n_patients = round(millions * 1e6 / _FILES / _SERIES)

    @contextmanager
    def scandir(path: bytes) -> Iterator[Iterator[_Entry]]:
        yield entries(path, n_patients)

    real = os.scandir
    os.scandir = scandir  # type: ignore[assignment]
    sealing = Sealing(Pseudonyms(bytes(range(32))))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        draft = Draft(b"/invented", folder, sealing)
        walked = time.monotonic()
        os.scandir = real
        cost = plan.cost_of(draft.n_files, draft.size)
        cuts = plan.cut(plan.pieces(draft.batches()), cost, 0, plan.share_limit(cost, 400))
        shares = plan.share(cuts, 400)
        path = os.path.join(folder, "plan.parquet")
        options: Any = {"shares": shares, "digest": draft.digest, "sync": True}
        plan_file.write_plan_file(path, sealing, draft.batches(), cuts, **options)
        ended = time.monotonic()
        size = os.path.getsize(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{draft.n_files:,} entries, {len(cuts.sizes):,} commits, {len(shares) - 1} partitions")
    print(f"walk {walked - started:.1f} s, cut and written {ended - walked:.1f} s, {size:,} bytes")
    print(f"largest memory {after / 1024:.0f} MiB, {before / 1024:.0f} MiB of it before the walk")


if __name__ == "__main__":
    main(float(sys.argv[1]))
