"""One worker measured inside: CPU seconds per file and microseconds per stage, as JSON.

`python -m bench.worker CORPUS SCRATCH KEY`. The first half warms memos and kernels, the second half
is measured, so the figure is a marginal cost like the others.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.corpora import files
from fastdeid.deidentify import Deidentifier
from fastdeid.keys import read_key
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import load_profile


def measure(corpus: Path, scratch: Path, key: Path) -> dict[str, object]:
    """Return files, CPU seconds, wall seconds and seconds by stage for `corpus`/second."""
    deidentifier = Deidentifier(load_profile("basic"), Pseudonyms(read_key(key)), scratch / "out")
    deidentifier.process_many([bytes(path) for path in files(corpus / "first")])
    paths = [bytes(path) for path in files(corpus / "second")]
    before = dict(deidentifier.seconds)
    wall, cpu = time.perf_counter(), time.process_time()
    verdicts = [outcome.verdict for outcome in deidentifier.process_many(paths)]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    stages = {name: total - before.get(name, 0.0) for name, total in deidentifier.seconds.items()}
    deidentifier.close()
    return {
        "n_files": len(paths),
        "n_ok": sum(verdict == "ok" for verdict in verdicts),
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "stage_seconds": stages,
    }


if __name__ == "__main__":
    print(json.dumps(measure(*map(Path, sys.argv[1:4]))))
