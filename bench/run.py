"""`python -m bench.run`: measure fastdeid against `cp -r` and a pydicom loop, print a table.

Runs are paired (A B A B) over N and over 2N files, and ratios compare wall(2N) - wall(N), so that
start-up does not hide in them and a slow minute of the machine hits both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import report
from bench.corpora import CORPORA, Corpus, build
from bench.startup import ACCEPTED, measure_memory, measure_start_up
from bench.timing import BenchError, copy_command, fastdeid_command, fresh, pairs, run

# The pydicom loop takes tens of milliseconds a file: it gets fewer, and the report says how many.
N_LOOP = {"ct": 100, "header": 400}
SPARSE_BYTES = 4_000_000_000


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the files, 3 rounds")
    parser.add_argument("--share", type=float, help="share of the files, default 1")
    parser.add_argument("--rounds", type=int, help="rounds of A B A B, default 7")
    parser.add_argument("--only", default="ct,header,multiframe,startup,memory", help="what to run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where corpora stand, default in /dev/shm")
    parser.add_argument("--keep", action="store_true", help="keep the corpora for the next run")
    parser.add_argument("--no-loop", action="store_true", help="leave the pydicom loop out")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args()
    options.share = options.share or (0.1 if options.quick else 1.0)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.only = options.only.split(",")
    return options


def default_folder() -> Path:
    """Return a folder of this user on a memory file system, or else among temporary files."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return parent / f"fastdeid-bench-{os.getuid()}"


def module(name: str, *args: object) -> Any:
    """Run a module of this package in a process of its own and return the JSON it prints."""
    command = [sys.executable, "-m", name, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"exit code {done.returncode} of {command}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def measure_corpus(
    corpus: Corpus, folder: Path, key: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Return everything measured over one corpus, as JSON types."""
    root, scratch = build(corpus, folder), folder / "scratch"
    commands = {"fastdeid": fastdeid_command(key, options.workers), "cp": copy_command}
    series = pairs(root, scratch, commands, options.rounds * corpus.n_repeats)
    result: dict[str, Any] = {
        "n_files": corpus.n_files,
        "n_bytes": sum(path.stat().st_size for path in root.glob("second/**/*") if path.is_file()),
        "fastdeid": asdict(series["fastdeid"]),
        "cp": asdict(series["cp"]),
        "worker": module("bench.worker", root, fresh(scratch), key),
    }
    if corpus.name in N_LOOP and not options.no_loop:
        n_loop = min(N_LOOP[corpus.name], corpus.n_files - 1)
        result["pydicom"] = module("bench.pydicom_loop", root, fresh(scratch), key, n_loop)
    fresh(scratch)
    return result


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all results, as JSON types, in the order in which they were measured."""
    key = folder / "bench.key"
    if not key.exists():
        run([sys.executable, "-m", "fastdeid", "keygen", str(key)])
    results: dict[str, Any] = {"machine": machine(), "workers": options.workers, "corpora": {}}
    scaled = {corpus.name: corpus.scaled(options.share) for corpus in CORPORA}
    smallest = CORPORA[0].scaled(0.01)
    warm_up(smallest, folder, key, options.workers)
    for name in filter(scaled.__contains__, options.only):
        results["corpora"][name] = measure_corpus(scaled[name], folder, key, options)
        print(report.corpus_lines(name, results["corpora"][name]), flush=True)
        if not options.keep:
            shutil.rmtree(folder / name)
            (folder / f"{name}.complete").unlink()
    if "startup" in options.only:
        root, scratch = build(smallest, folder / "small"), folder / "scratch"
        start_up = measure_start_up(root, scratch, key, options.workers, options.rounds)
        results["start_up"] = asdict(start_up)
    if "memory" in options.only:
        results["peak_memory_bytes"] = measure_memory(folder / "scratch", key, SPARSE_BYTES)
    return results


def warm_up(corpus: Corpus, folder: Path, key: Path, workers: int) -> None:
    """Compile the kernels, outside every measured time."""
    target = fresh(folder / "scratch") / "out"
    source = build(corpus, folder / "small")
    run(fastdeid_command(key, workers)(source, target), accepted=ACCEPTED)


def machine() -> dict[str, Any]:
    """Return what a reader of the figures must know about the machine."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_average_at_start": os.getloadavg()[0],
    }


def main() -> None:
    """Build, measure, print, and remove what was built."""
    options = arguments()
    folder = options.folder or default_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        results = measure(options, folder)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(report.table(results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
