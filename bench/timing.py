"""Wall time of commands, in pairs, and the peak memory of their processes."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Command = Callable[[Path, Path], list[str]]
"""Source folder and target folder to the arguments of one run."""


class BenchError(Exception):
    """A measured command failed, or a machine lacks what the benchmark needs."""


@dataclass
class Series:
    """Wall seconds of one command over N files and over 2N files, one entry per round."""

    first: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)

    @property
    def marginal_seconds(self) -> float:
        """Return median wall(2N) - median wall(N), seconds for N files."""
        return statistics.median(self.both) - statistics.median(self.first)

    @property
    def fastest_seconds(self) -> float:
        """Return the same of the fastest runs, which other users of the machine disturb least."""
        return min(self.both) - min(self.first)

    def rounds(self) -> list[float]:
        """Return wall(2N) - wall(N) of every round, seconds."""
        return [both - first for first, both in zip(self.first, self.both, strict=True)]


def run(command: list[str], *, accepted: tuple[int, ...] = (0,)) -> float:
    """Run `command` without output and return its wall seconds.

    Raises BenchError with the end of its error output when its exit code is not an accepted one.
    """
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in accepted:
        tail = done.stderr.decode(errors="replace")[-2000:]
        raise BenchError(f"exit code {done.returncode} of {command}:\n{tail}")
    return seconds


def pairs(
    corpus: Path, scratch: Path, commands: dict[str, Command], n_rounds: int
) -> dict[str, Series]:
    """Run every command over `corpus`/first and over `corpus`, A B A B, and return the times.

    Whatever a run writes is below `scratch` and removed between runs, outside the measured time.
    """
    series = {name: Series() for name in commands}
    for _ in range(n_rounds):
        for source, pick in ((corpus / "first", "first"), (corpus, "both")):
            for name, command in commands.items():
                target = fresh(scratch) / "out"
                getattr(series[name], pick).append(run(command(source, target)))
    fresh(scratch)
    return series


def fresh(folder: Path) -> Path:
    """Return `folder`, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def copy_command(source: Path, target: Path) -> list[str]:
    """Return `cp -r`, the yardstick."""
    return ["cp", "-r", str(source), str(target)]


def fastdeid_command(key: Path, workers: int) -> Command:
    """Return the command that de-identifies the headers of a folder: pixels are not looked into."""

    def command(source: Path, target: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "fastdeid", "run", str(source), str(target)),
            *("--key", str(key), "--workers", str(workers), "--json"),
            *("--pixels", "off"),
        ]

    return command


class PeakMemory(threading.Thread):
    """Watch the processes below one process and keep the peak resident set of each, bytes."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[int, int] = {}
        self._root = root
        self._finished = threading.Event()

    def run(self) -> None:
        """Sample every 20 ms until `finish`; the kernel itself keeps each process's peak."""
        while not self._finished.wait(0.02):
            for pid in descendants(self._root):
                self.peaks[pid] = max(self.peaks.get(pid, 0), peak_resident(pid))

    def finish(self) -> int:
        """Stop, and return the largest peak, bytes; 0 when no process was seen."""
        self._finished.set()
        self.join()
        return max(self.peaks.values(), default=0)


def descendants(root: int) -> list[int]:
    """Return the ids of `root` and of all processes below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_text()
            except OSError:
                continue
            # The command in parentheses may hold anything; the parent stands 2 fields behind it.
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found, queue = [root], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def peak_resident(pid: int) -> int:
    """Return the peak resident set of a process in bytes, 0 when it is gone."""
    try:
        lines = Path("/proc", str(pid), "status").read_text().splitlines()
    except OSError:
        return 0
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
