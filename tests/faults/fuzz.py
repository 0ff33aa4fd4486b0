"""`python -m tests.faults.fuzz`: mutations of seed files, by the million, over compiled kernels.

Coverage cannot be seen in compiled kernels; `guided` lets it guide the Python code around them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.faults.damage import seeds
from tests.faults.hostile import MEMORY, SECONDS, Victim, everything

# Generated, see `write_corpus`; what a fuzzer has found is added by hand, with a test.
CORPUS: Final = Path(__file__).with_name("fuzz_corpus")
PICTURES: Final = Path(__file__).with_name("fuzz_pictures")
_BASELINE: Final = "1.2.840.10008.1.2.4.50"
_AT_ONCE: Final = 32
_TOLD: Final = 50_000
_LENGTHS: Final = (0, 1, 2, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
TOKENS: Final = (
    *(b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00"),
    *(
        b"SQ\0\0",
        b"UN\0\0",
        b"OB\0\0",
        b"PN",
        b"UI",
        b"DA",
        b"\\",
        b"^",
        b"=",
        b"\x1b$B",
        b"\x1b(B",
    ),
    *(b"\x08\x00\x05\x00", b"\x02\x00\x10\x00", b"\xff\xff\xff\xff", b"\x09\x00\x10\x00"),
)


def corpus() -> list[bytes]:
    """Return the seeds: files of the corpus folder."""
    return [path.read_bytes() for path in sorted(CORPUS.iterdir())]


def write_corpus() -> None:
    """Write the corpus folder anew: seeds of the study-level corpus, small hostile files."""
    CORPUS.mkdir(exist_ok=True)
    hostile = [data for _, data in everything() if len(data) < 2048]
    for number, data in enumerate((*seeds(), *hostile[:: len(hostile) // 34])):
        (CORPUS / f"{number:03}").write_bytes(data)
    PICTURES.mkdir(exist_ok=True)
    for number, data in enumerate(pictures()):
        (PICTURES / f"{number:03}").write_bytes(data)


def pictures() -> Iterator[bytes]:
    """Yield an image with a name in its pixels in each kind of coding."""
    from tests.codecs.coding import CASES
    from tests.codecs.jpegs import coded
    from tests.pixels import test_coded_files as whole
    from tests.pixels.encapsulating import file_of

    more, _, grey = whole.PICTURES["8 bits"]
    _, _, colour = whole.PICTURES["RGB"]
    for case in CASES.values():
        frame = case.encode(grey, whole.layout_of(more))
        yield file_of([frame], case.uid, n_fragments=1, **more)
    for samples, options in ((grey, {}), (colour, {}), (grey, {"progressive": True})):
        frame = coded(samples, **options)
        yield file_of([frame], _BASELINE, n_fragments=1, **_attributes(samples))


def _attributes(samples: Any) -> dict[str, Any]:
    if samples.ndim == 2:
        return {"LossyImageCompression": "01"}
    return {
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
        "PhotometricInterpretation": "YBR_FULL_422",
        "LossyImageCompression": "01",
    }


def mutate(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """Return data with one to eight changes."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
        at = draw.randrange(len(changed) + 1)
        kind = draw.randrange(8)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = draw.randrange(256)
        elif kind == 2:
            changed[at : at + 4] = draw.choice(_LENGTHS).to_bytes(4, "little")
        elif kind == 3:
            changed[at : at + 2] = (draw.choice(_LENGTHS) & 0xFFFF).to_bytes(2, "little")
        elif kind == 4:
            token = draw.choice(TOKENS)
            changed[at : at + draw.choice((0, len(token)))] = token
        elif kind == 5:
            del changed[at : at + draw.randrange(1, 64)]
        elif kind == 6:
            changed[at:at] = changed[at : at + draw.randrange(1, 256)]
        else:
            other = draw.choice(others)
            begin = draw.randrange(len(other))
            changed[at : at + draw.randrange(64)] = other[begin : begin + draw.randrange(1, 256)]
    return bytes(changed)


def compiled(folder: Path, executions: int, seed: int) -> dict[str, object]:
    """Mutate blindly, as many times; return the figures."""
    import resource

    draw = random.Random(seed)
    others = corpus()
    victim = Victim(folder)
    verdicts: Counter[str] = Counter()
    faults: list[str] = []
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    done = 0
    while done < executions:
        batch = [mutate(draw.choice(others), others, draw) for _ in range(_AT_ONCE)]
        done += len(batch)
        try:
            costs = victim.process_all(batch)
        except Exception as error:  # noqa: BLE001
            faults.append(f"{type(error).__name__} {keep(victim, batch)}")
            continue
        verdicts.update(f"{one.outcome.verdict} {one.outcome.reason}".strip() for one in costs)
        slowest = max(slowest, costs[0].seconds)
        if costs[0].seconds > SECONDS:
            faults.append(f"{costs[0].seconds:.1f} s {keep(victim, batch)}")
        if done % _TOLD < _AT_ONCE:
            print(f"{done:,} executions, {len(faults)} faults", file=sys.stderr, flush=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before << 10
    if grown > MEMORY:
        faults.append(f"{grown >> 20} MiB more memory")
    return {
        "executions": done,
        "seed": seed,
        "seconds": round(time.monotonic() - began),
        "verdicts": dict(verdicts.most_common()),
        "slowest batch of 32, CPU seconds": round(slowest, 3),
        "memory above baseline, MiB": grown >> 20,
        "faults": faults,
    }


def keep(victim: Victim, batch: list[bytes]) -> str:
    """Keep the file of a batch that fails alone; return where."""
    for data in batch:
        try:
            if victim.process(data).seconds <= SECONDS:
                continue
        except Exception as error:  # noqa: BLE001
            print(type(error).__name__, error, file=sys.stderr)
        handle, name = tempfile.mkstemp(prefix="fastdeid-fuzz-")
        os.write(handle, data)
        os.close(handle)
        return name
    return "only together"


def main() -> int:
    """Print the figures as JSON; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write-corpus", action="store_true")
    given = parser.parse_args()
    if given.write_corpus:
        write_corpus()
        return 0
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        done = compiled(Path(folder), given.executions, given.seed)
    print(json.dumps(done, indent=2))
    return 1 if done["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
