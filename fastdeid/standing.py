"""Which files must stand below TARGET for the outputs that some rows promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastdeid.shards import END, padded
from fastdeid.verdicts import WITH_OUTPUT

COLUMNS = ("verdict", "output_path", "output_size", "shard", "shard_offset")


class Files:
    """The files of outputs: their own, or the shards that they stand in."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}

    def add(self, rows: Any) -> Iterator[tuple[str, int]]:
        """Yield path and size of outputs with files of their own. rows: a table with COLUMNS."""
        columns = (rows.column(name).to_pylist() for name in COLUMNS)
        for verdict, path, size, shard, offset in zip(*columns, strict=True):
            if verdict not in WITH_OUTPUT:
                continue
            if shard is None:
                yield path, size
            else:
                end = offset + padded(size) + END
                self._ends[shard] = max(end, self._ends.get(shard, 0))

    def shards(self) -> Iterator[tuple[str, int]]:
        """Yield path and size of the shards of all rows so far."""
        yield from self._ends.items()
