"""What a user waits for before the first file, and what a worker needs for a huge one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.corpora import files, sparse_multi_frame
from bench.timing import BenchError, PeakMemory, fastdeid_command, fresh, run

# Exit code 3: some files were quarantined. Not a reason to stop measuring, but said in the report.
ACCEPTED = (0, 3)


@dataclass(frozen=True)
class StartUp:
    """Seconds until `--help` has answered, the first output stands, a run of one file is done."""

    help_seconds: float
    first_file_seconds: float
    one_file_seconds: float


def measure_start_up(
    corpus: Path, scratch: Path, key: Path, workers: int, n_rounds: int
) -> StartUp:
    """Return the medians of `n_rounds` runs over the first folder of `corpus`, kernels warm."""
    source = next(iter(files(corpus / "first"))).parent
    command = fastdeid_command(key, workers)
    single = fresh(scratch / "single")
    name = next(iter(files(source)))
    (single / name.name).write_bytes(name.read_bytes())
    helps, firsts, ones = [], [], []
    for _ in range(n_rounds):
        helps.append(run([sys.executable, "-m", "fastdeid", "--help"]))
        firsts.append(seconds_to_first_file(command(source, fresh(scratch / "run") / "out")))
        ones.append(run(command(single, fresh(scratch / "run") / "out"), accepted=ACCEPTED))
    return StartUp(*map(statistics.median, (helps, firsts, ones)))


def seconds_to_first_file(command: list[str]) -> float:
    """Return the wall seconds from the start of `command` to its first complete output."""
    target = command[command.index("run") + 2]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = None
    while seconds is None and process.poll() is None:
        if has_output(target):
            seconds = time.perf_counter() - start
        time.sleep(0.005)
    process.wait()
    if seconds is None and has_output(target):
        seconds = time.perf_counter() - start
    if seconds is None:
        raise BenchError(f"no output of {command}, exit code {process.returncode}")
    return seconds


def has_output(target: str) -> bool:
    """Tell whether some file below `target` has its final name."""
    return any(name.endswith(".dcm") for _, _, names in os.walk(target) for name in names)


def measure_memory(scratch: Path, key: Path, size: int) -> int:
    """Return the largest peak resident set, bytes, of any process of a run over one sparse file.

    size: bytes of the file's pixel data, which are a hole.
    """
    source = fresh(scratch / "sparse")
    sparse_multi_frame(source / "IM000001", size)
    target = fresh(scratch / "run") / "out"
    command = fastdeid_command(key, 1)(source, target)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    memory = PeakMemory(process.pid)
    memory.start()
    _, message = process.communicate()
    peak = memory.finish()
    if process.returncode != 0:
        raise BenchError(f"exit code {process.returncode} of {command}:\n{message.decode()}")
    fresh(scratch)
    return peak
