"""`python -m tests.faults.kills`: kill whole process groups at random moments, look, go on."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.ground import Ground


def campaign(ground: Ground, moments: int, seed: int) -> dict[str, object]:
    """Kill runs at so many moments; return the figures."""
    draw = random.Random(seed)
    landed = {0: 0, 2: 0}
    faults: list[str] = []
    seconds = {0: ground.seconds, 2: ground.seconds * 1.5}
    killed = told = 0
    while killed < moments:
        workers = draw.choice((0, 2))
        target = ground.target()
        # Some runs are killed again and again.
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            began = time.monotonic()
            code = ground.kill(target, workers, draw.random() * seconds[workers])
            # How long a run takes depends on what else the machine does.
            spent = time.monotonic() - began
            seconds[workers] = spent if code >= 0 else seconds[workers] * 1.03
            if code >= 0:
                faults += [f"exit code {code} of a run"] * (code != ground.exit_code)
                break
            landed[workers] += 1
            killed += 1
            faults += ground.faults_after_a_kill(target)
        faults += ground.faults_after_the_end(target, ground.run(target, draw.choice((0, 2))))
        if "Traceback" in ground.said(target):
            faults.append("a traceback")
        if len(faults) > told:
            print(*faults[told:], ground.said(target)[-500:], sep="\n", file=sys.stderr)
        told = len(faults)
        ground.remove(target)
        print(f"{killed} kills, {len(faults)} faults", file=sys.stderr, flush=True)
    return {
        "moments": killed,
        "of them in one process": landed[0],
        "of them with two workers": landed[2],
        "faults": faults,
    }


@contextlib.contextmanager
def chosen(folder: Path, what: str, pictures: int) -> Iterator[Ground]:
    """Yield the ground of a campaign: outputs in files, in shards, or in an object store."""
    options: dict[str, Any] = {"n_pictures": pictures}
    if what == "store":
        from tests.faults.stores import StoreGround
        from tests.storage.s3_server import running

        options |= {"n_patients": 1, "n_files": 8, "n_members": 2, "most_files": 6}
        with running(folder / "server.log") as server:
            yield StoreGround(folder, server, long=9 << 20, **options)
        return
    if what == "shards":
        options |= {"n_members": 8, "shard_bytes": 12_000, "most_files": 24, "long": 200_000}
    yield Ground(folder, n_patients=4, n_files=40, **options)


def main() -> int:
    """Print the figures as JSON; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--outputs", choices=("files", "shards", "store"), default="files")
    parser.add_argument("--pictures", type=int, default=0, help="images with text, looked into")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        chosen(Path(folder), given.outputs, given.pictures) as ground,
    ):
        done = campaign(ground, given.moments, given.seed)
    print(json.dumps(done, indent=2))
    return 1 if done["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
