"""A study through the whole de-identifier under some options of Table E.1-1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pydicom
import pytest
from pydicom.dataset import Dataset

from fastdeid.deidentify import Deidentifier
from fastdeid.errors import ProfileError
from fastdeid.outcome import Outcome
from tests.options.profiles import with_options
from tests.runs import PSEUDONYMS
from tests.scenarios.studies import save


class Done(NamedTuple):
    """One file: what it was, what became of it, and the bytes of the output."""

    source: Path
    outcome: Outcome
    path: Path

    @property
    def data(self) -> bytes:
        """Return the bytes of the output."""
        return self.path.read_bytes()

    @property
    def data_set(self) -> Dataset:
        """Return the output as pydicom reads it."""
        return pydicom.dcmread(self.path)


def deidentify(folder: Path, options: Iterable[str], data_sets: Iterable[Dataset]) -> list[Done]:
    """De-identify data sets under basic with options; skip the test where one cannot run yet."""
    source, target = folder / "source", folder / "target"
    source.mkdir(parents=True, exist_ok=True)
    try:
        deidentifier = Deidentifier(with_options(options), PSEUDONYMS, target)
    except ProfileError as error:
        pytest.skip(str(error))
    done = []
    for number, data_set in enumerate(data_sets):
        path = save(data_set, source / f"{number:03}.dcm")
        outcome = deidentifier.process(bytes(path))
        assert outcome.reason == ""
        done.append(Done(path, outcome, target / outcome.path))
    deidentifier.close()
    return done


def content_items(data_set: Dataset) -> Iterator[Dataset]:
    """Yield every content item below the root, in order."""
    for item in data_set.get("ContentSequence", []):
        yield item
        yield from content_items(item)


def concept(item: Dataset) -> str:
    """Return the code value of the concept name, "" for none."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""
