"""`python -m bench.partition_cost`: what a partition costs besides its files, kernels loaded.

Partitions of one small file each, one after another in this process, as `fastdeid partition` does
them: open the plan, make a de-identifier, write, flush, commit. The file's own share is in it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import pydicom
import pydicom.data

from fastdeid.engines import shares
from fastdeid.keys import write_key

_WARM: Final = 3


def build(folder: Path, number: int) -> None:
    """Write files of 39 KB, each in a folder of its own."""
    image = pydicom.dcmread(str(pydicom.data.get_testdata_file("CT_small.dcm")))
    for at in range(number):
        image.PatientID, image.SOPInstanceUID = f"MRN{at}", f"1.2.3.{at}"
        (folder / str(at)).mkdir(parents=True)
        image.save_as(folder / str(at) / "image")


def measure(place: Path, number: int, *, sync: bool) -> list[tuple[float, float]]:
    """Return wall and CPU seconds of each partition, warmed up before."""
    build(place / "source", number + _WARM)
    key = place / "key"
    write_key(str(key))
    work = place / "work"
    shares.plan(
        place / "source",
        work,
        target=place / "out",
        key=key,
        partitions=number + _WARM,
        pixels="off",
        sync=sync,
    )
    found = []
    for at in range(number + _WARM):
        begun = time.perf_counter(), time.process_time()
        shares.run_partition(work, at, workers=0)
        found.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    return found[_WARM:]


def main() -> None:
    """Print milliseconds: the fastest partition and the one in the middle."""
    parser = argparse.ArgumentParser(prog="python -m bench.partition_cost", description=__doc__)
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="on what the flushes are to be measured")
    options = parser.parse_args()
    for sync in (True, False):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = measure(Path(folder), options.partitions, sync=sync)
        for name, values in zip(("wall", "CPU"), zip(*found, strict=True), strict=True):
            fast, middle = min(values) * 1e3, statistics.median(values) * 1e3
            flushes = "flushed" if sync else "no flush"
            print(
                f"{flushes:<9} {name:<4} fastest {fast:6.1f} ms, median {middle:6.1f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
