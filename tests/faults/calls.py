"""`python -m tests.faults.calls`: let the n-th system call of a run fail, for every n.

A library (calls.c) is preloaded that counts calls from the moment a run begins. libfiu, which the
idea is from, fails calls at random or all of them, and does not know linkat, copy_file_range and
syncfs.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.ground import Ground

CALLS: Final = (
    *("write", "fsync", "syncfs", "rename", "link", "open", "close", "copy", "read", "mkdir"),
    "unlink",
)
ERRORS: Final = tuple(
    getattr(errno, name) for name in ("EIO", "ENOSPC", "EDQUOT", "EINTR", "ESTALE")
)
# Calls that may have been done although they report a failure, as on NFS.
DONE: Final = ("rename", "link")
CLEAN: Final = 10_000


class Fault(NamedTuple):
    """The call that fails: its kind, which one, the error, and whether it is done nevertheless."""

    call: str
    number: int
    error: int
    done: bool = False

    def __str__(self) -> str:
        done = " though done" if self.done else ""
        return f"{self.call} {self.number} {errno.errorcode[self.error]}{done}"


def build(folder: Path) -> Path:
    """Compile the library; raises OSError and CalledProcessError without a compiler."""
    library = folder / "calls.so"
    source = Path(__file__).with_name("calls.c")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


def arm(fault: Fault) -> None:
    """Let a call of this process fail, which the library is preloaded into."""
    process = ctypes.CDLL(None)
    process.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    process.fault_arm(fault.call.encode(), fault.number, fault.error, int(fault.done))


def count(ground: Ground, call: str) -> int:
    """Return how many calls of a kind an undisturbed run makes."""
    seen = ctypes.CDLL(None).fault_seen
    seen.restype = ctypes.c_long
    target = ground.target()
    arm(Fault(call, 0, errno.EIO))
    ground.run_here(target, 0)
    number = int(seen())
    arm(Fault("", 0, 0))
    ground.remove(target)
    return number


def faults_of(ground: Ground, fault: Fault, codes: dict[int, int]) -> list[str]:
    """Run with one failing call, then again; return what was wrong. codes: counts exit codes."""
    target = ground.target()
    code = ground.run(target, prepare=lambda: arm(fault))
    codes[code] = codes.get(code, 0) + 1
    # What is no fault of fastdeid is not told as one.
    wrong = [f"exit code {code}: {ground.said(target)[-300:]}"] if code in {1, 2} else []
    if code == ground.exit_code:
        # The run says that it is whole.
        wrong += ground.faults_after_the_end(target, code)
    else:
        if code in {0, 3}:
            wrong.append(f"exit code {code}")
        # Where an input could not be read, another copy of the instance may stand in its place.
        wrong += [] if code == 5 else ground.faults_after_a_kill(target)
    if not wrong or code != ground.exit_code:
        wrong += ground.faults_after_the_end(target, ground.run(target))
    said = ground.said(target)
    if "Traceback" in said:
        wrong.append("traceback: " + said.strip().splitlines()[-1][-200:])
    ground.remove(target)
    return [f"{fault}: {one}" for one in wrong]


def choose(ground: Ground, calls: Sequence[str], stride: int) -> Iterator[Fault]:
    """Yield the faults to try: every stride-th number, the errors in turn when it is above 1."""
    turn = 0
    for call in calls:
        total = count(ground, call)
        for number in range(1, total + 1):
            turn += 1
            if number % stride and number < total:
                continue
            errors = ERRORS if stride == 1 else (ERRORS[turn % len(ERRORS)],)
            for error in errors:
                yield Fault(call, number, error)
            if call in DONE:
                yield Fault(call, number, errno.EIO, done=True)


def main() -> int:
    """Print the figures as JSON; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1, help="only every so many-th call")
    parser.add_argument("--call", nargs="*", choices=CALLS, default=CALLS)
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=0, help="images with text, looked into")
    parser.add_argument("--members", type=int, default=0, help="images in each of three archives")
    parser.add_argument("--shards", action="store_true", help="outputs go into tar files")
    given = parser.parse_args()
    if "fault_arm" not in os.environ.get("FASTDEID_FAULTS", ""):
        with tempfile.TemporaryDirectory() as folder:
            preloaded = {"LD_PRELOAD": str(build(Path(folder))), "FASTDEID_FAULTS": "fault_arm"}
            command = [sys.executable, "-m", "tests.faults.calls", *sys.argv[1:]]
            return subprocess.run(command, env=os.environ | preloaded, check=False).returncode
    tried: dict[str, int] = {}
    codes: dict[int, int] = {}
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        options = {"n_pictures": given.pictures, "n_members": given.members}
        options |= {"shard_bytes": 2000, "most_files": 5} if given.shards else {}
        ground = Ground(Path(folder), n_patients=1, n_files=given.files, long=200_000, **options)
        for fault in choose(ground, given.call, given.stride):
            tried[fault.call] = tried.get(fault.call, 0) + 1
            found = faults_of(ground, fault, codes)
            faults += found
            for one in found:
                print(one, file=sys.stderr, flush=True)
    print(json.dumps({"tried": tried, "exit codes": codes, "faults": faults}, indent=2))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
