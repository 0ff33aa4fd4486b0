"""Corpora of the benchmark: distinct files in folders named as hospitals name them.

Every corpus has two halves, `first` and `second`, of N files each: a run over `first` and a run
over both differ by N files, which is how a marginal cost is measured.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import templates
from bench.templates import MARKERS, Template, uid


@dataclass(frozen=True)
class Corpus:
    """A corpus by name: N files in each half, `per_series` of them in a folder."""

    name: str
    n_files: int
    per_series: int
    template: Callable[[int], Template]
    """Template of the file with this number; files of one variant share theirs."""
    n_repeats: int = 1
    """How often each round is repeated: a run of a few files is over before noise evens out."""

    def scaled(self, share: float) -> Corpus:
        """Return the same corpus with this share of the files."""
        count = max(2, round(self.n_files * share))
        return replace(self, n_files=count)


CORPORA = (
    Corpus("ct", 2_000, 200, lambda _: templates.ct_slice()),
    Corpus("header", 10_000, 50, lambda _: templates.header_heavy()),
    # 50, 67, 83 and 100 MB
    Corpus("multiframe", 4, 1, lambda number: templates.multi_frame(96 + 32 * (number % 4)), 3),
)


def build(corpus: Corpus, folder: Path) -> Path:
    """Write `corpus` below `folder` unless it is there, and return its folder.

    A file `folder`/NAME.complete holds the size that was built; anything else is built anew.
    """
    root, stamp = folder / corpus.name, folder / f"{corpus.name}.complete"
    if stamp.exists() and stamp.read_text() == str(corpus.n_files):
        return root
    stamp.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    cache: dict[int, Template] = {}
    for half, name in enumerate(("first", "second")):
        for number in range(half * corpus.n_files, (half + 1) * corpus.n_files):
            place, data = instance(corpus, number, cache)
            path = root / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    stamp.write_text(str(corpus.n_files))
    return root


def instance(corpus: Corpus, number: int, cache: dict[int, Template]) -> tuple[str, bytes]:
    """Return path below its half and bytes of the file `number`."""
    series = number // corpus.per_series
    patient = series // 2
    variant = number % 4 if corpus.per_series == 1 else 0
    if variant not in cache:
        cache[variant] = corpus.template(number)
    values = instance_values(number, series, patient)
    place = f"Person{patient:05}_MRN{patient:07}/STUDY{patient:05}/SER{series:05}/IM{number:06}"
    return place, cache[variant].render(values)


def instance_values(number: int, series: int, patient: int) -> dict[str, bytes]:
    """Return the value of every slot for one file, each of its marker's width."""
    draw = random.Random(patient)
    day = f"{draw.randrange(1930, 2010)}{draw.randrange(1, 13):02}{draw.randrange(1, 29):02}"
    seconds = number % 86_400
    clock = f"{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}.{number % 10**6:06}"
    texts = {
        "name": f"Zephyr^Person{patient:05}",
        "patient_id": f"MRN{patient:07}",
        "birth_date": day,
        "accession": f"ACC{patient:07}",
        "study": uid(1, 10**9 + patient),
        "series": uid(2, 10**9 + series * 1000),
        "frame_of_reference": uid(3, 10**9 + patient),
        "instance": uid(4, 10**9 + number),
        "source": uid(5, 10**9 + number),
        "time": clock,
        "number": f"{number:07}",
        "position": f"{number % 1000 * 1.25:+010.4f}",
        "samples": f"sample{number:010}",
    }
    values = {name: text.encode() for name, text in texts.items()}
    assert all(len(values[name]) == len(MARKERS[name]) for name in MARKERS)
    return values


def sparse_multi_frame(path: Path, size: int = 4_000_000_000) -> None:
    """Write an enhanced multi-frame file whose `size` bytes of pixel data are a hole.

    size: a multiple of 2 below 2**32 - 1, the most that PixelData of defined length can hold.
    """
    whole = templates.multi_frame(1).render(instance_values(0, 0, 0))
    length = 512 * 512 * 2
    header = bytearray(whole[: len(whole) - length])
    header[-4:] = size.to_bytes(4, "little")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header)
    os.truncate(path, len(header) + size)


def files(root: Path) -> Iterator[Path]:
    """Yield the files below `root`, sorted."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            yield Path(folder, name)
