"""Bytes per CPU second of the raw search of `fastdeid verify`, by number of needles.

    python -m bench.search --patients 50 --uids 2000

Makes needles of made-up patients and UIDs and searches bytes of several kinds on one core.
"""

from __future__ import annotations

import argparse
import random
import string
import time
from typing import Any

import numpy as np

from fastdeid.verification.automaton import SHORTEST_SPARSE, Automaton
from fastdeid.verification.originals import (
    DATE,
    NAME,
    PATIENT,
    PHRASE,
    UID,
    Original,
    find_needles,
)

_HEADER = (
    rb"DERIVED\PRIMARY\AXIAL 2.25.12345678901 120 20240301 Siemens 0.75 1.2.840.10008.5.1.4.1.1.2 "
)


def needles(n_patients: int, n_uids: int) -> list[bytes]:
    """Return the long needles of patients with a name, an ID, a date and an institution each."""
    draw = random.Random(1)

    def word(length: int) -> str:
        return "".join(draw.choices(string.ascii_lowercase, k=length)).title()

    found = [
        Original(UID, f"1.2.826.0.1.3680043.10.7.{draw.randrange(10**6)}.{number}")
        for number in range(n_uids)
    ]
    for _ in range(n_patients):
        day = f"{draw.randrange(1930, 2020):04}{draw.randrange(1, 13):02}{draw.randrange(1, 29):02}"
        found += [
            Original(NAME, f"{word(7)}^{word(6)}"),
            Original(PATIENT, f"{draw.randrange(10**8):08}"),
            Original(DATE, day),
            Original(PHRASE, f"{word(6)} {word(8)} Klinik"),
        ]
    forms = (one.value for one in find_needles(found))
    return [value for value in forms if len(value) >= SHORTEST_SPARSE]


def texts(size: int) -> dict[str, Any]:
    """Return bytes of several kinds, `size` of each."""
    draw = np.random.default_rng(0)
    slices = 1000 + 300 * np.sin(np.arange(size // 2) / 512) + draw.normal(0, 20, size // 2)
    header = _HEADER * (size // len(_HEADER))
    return {
        "random, as compressed pixels": draw.integers(0, 256, size, dtype=np.uint8),
        "16-bit samples": slices.astype(np.uint16).view(np.uint8),
        "8-bit samples among the digits": draw.normal(50, 6, size).astype(np.uint8),
        "background": np.zeros(size, np.uint8),
        "headers": np.frombuffer(bytearray(header), np.uint8),
    }


def main() -> None:
    """Print megabytes per CPU second, the best of five passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--uids", type=int, default=800)
    parser.add_argument("--megabytes", type=int, default=32)
    options = parser.parse_args()
    values = needles(options.patients, options.uids)
    automaton = Automaton(values, sparse=True)
    print(f"{len(values):,} needles")
    for kind, text in texts(options.megabytes << 20).items():
        text.setflags(write=False)
        passes = []
        for _ in range(5):
            start = time.process_time()
            n_hits = sum(1 for _ in automaton.find(text))
            passes.append(time.process_time() - start)
        print(f"{kind:<32}{len(text) / min(passes) / 1e6:>8,.0f} MB/s{n_hits:>8,} hits")


if __name__ == "__main__":
    main()
