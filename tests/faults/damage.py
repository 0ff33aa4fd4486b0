"""`python -m tests.faults.damage`: cut seed files at every byte, turn over every byte."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from tests.corpus import archive
from tests.faults.hostile import MEMORY, SECONDS, Victim, bombs, everything

N_SEEDS: Final = 30
_HEAD: Final = 4096
_AT_ONCE: Final = 32


def seeds() -> list[bytes]:
    """Return files of the study-level corpus: many kinds, encodings and character sets."""
    whole = sorted((file.data for file in archive.build()), key=len)[1:]
    step = (len(whole) - 1) // (N_SEEDS - 1)
    return [whole[number * step] for number in range(N_SEEDS)]


def damaged(data: bytes, stride: int = 1) -> Iterator[bytes]:
    """Yield every proper prefix, and the file with each byte of its first 4 KiB turned over."""
    for length in range(0, len(data), stride):
        yield data[:length]
    for at in range(0, min(len(data), _HEAD), stride):
        yield data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def campaign(folder: Path, stride: int) -> dict[str, object]:
    """Process all of them; return the figures."""
    victim = Victim(folder)
    verdicts: Counter[str] = Counter()
    faults: list[str] = []
    slowest = 0.0
    before = _peak()
    for number, seed in enumerate(seeds()):
        files = damaged(seed, stride)
        while batch := list(islice(files, _AT_ONCE)):
            try:
                costs = victim.process_all(batch)
            except Exception as error:  # noqa: BLE001
                faults.append(f"seed {number}: {type(error).__name__}")
                continue
            verdicts.update(str(cost.outcome.verdict) for cost in costs)
            slowest = max(slowest, costs[0].seconds)
            if costs[0].seconds > SECONDS:
                faults.append(f"seed {number}: {costs[0].seconds:.1f} s")
    grown = _peak() - before
    if grown > MEMORY:
        faults.append(f"{grown >> 20} MiB more memory")
    for name, data in (*everything(), *bombs()):
        try:
            cost = victim.process(data)
        except Exception as error:  # noqa: BLE001
            faults.append(f"{name}: {type(error).__name__}")
            continue
        verdicts[f"hostile, {cost.outcome.verdict}"] += 1
        if cost.seconds > SECONDS:
            faults.append(f"{name}: {cost.seconds:.1f} s")
    return {
        "files": sum(verdicts.values()),
        "verdicts": dict(verdicts),
        "slowest batch of 32, CPU seconds": round(slowest, 3),
        "memory above baseline, MiB": (_peak() - before) >> 20,
        "faults": faults,
    }


def _peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> int:
    """Print the figures as JSON; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    given = parser.parse_args()
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        done = campaign(Path(folder), given.stride)
    print(json.dumps(done, indent=2))
    return 1 if done["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
