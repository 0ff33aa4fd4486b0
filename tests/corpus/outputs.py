"""A finished run read back: outputs paired with the files of the corpus by the link table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from tests.corpus.answers import File
from tests.corpus.walking import Place, walk
from tests.link_tables import read_link_table


@dataclass
class Pair:
    """A file of the corpus and what became of it; `output` is b"" where there is none."""

    file: File
    verdict: str
    output_path: str
    output: bytes

    @cached_property
    def source_places(self) -> dict[str, Place]:
        """Return the elements of the input by path."""
        return _places(self.file.data)

    @cached_property
    def data_set(self) -> Dataset:
        """Return the output as pydicom reads it."""
        return pydicom.dcmread(io.BytesIO(self.output))

    @cached_property
    def places(self) -> dict[str, Place]:
        """Return the elements of the output by path."""
        return {place.path: place for place in walk(self.data_set)}


@cache
def _places(data: bytes) -> dict[str, Place]:
    return {place.path: place for place in walk(pydicom.dcmread(io.BytesIO(data)))}


def pairs(files: list[File], target: Path, link_table: Path, key: bytes | Path) -> Iterator[Pair]:
    """Yield every file of the corpus with its output; a file that no row names has no verdict."""
    rows = {}
    for row in read_link_table(link_table / "instances.parquet", key).to_pylist():
        path = row["source_path_bytes"] or row["source_path"].encode()
        rows[path] = row
    for file in files:
        row = rows.get(file.path, {"verdict": "missing", "output_path": None})
        output = b""
        if row["verdict"] == "ok":
            output = (target / row["output_path"]).read_bytes()
        yield Pair(file, row["verdict"], row["output_path"] or "", output)


def write(files: list[File], folder: Path) -> None:
    """Write the corpus below a folder."""
    for file in files:
        path = bytes(folder) + b"/" + file.path
        place = Path(path.decode("utf-8", "surrogateescape"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
