"""Tables that are longer than memory: cut anew, and sorted through files without names."""

from __future__ import annotations

import bisect
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

# Rows that are sorted in memory, and rows that are read of each sorted run at a time.
RUN: Final = 262_144
_STEP: Final = 8_192
_PLACE: Final = "place"


def rechunked(tables: Iterable[pa.Table], sizes: Iterable[int]) -> Iterator[pa.Table]:
    """Yield the rows of tables in tables of given sizes; the last one may be shorter."""
    source = iter(tables)
    held: list[pa.Table] = []
    n_held = 0
    for size in sizes:
        while n_held < size and (table := next(source, None)) is not None:
            held.append(table)
            n_held += table.num_rows
        if not n_held:
            return
        whole = pa.concat_tables(held)
        yield whole.slice(0, size).combine_chunks()
        held = [whole.slice(size)]
        n_held = held[0].num_rows


class Sorting:
    """Rows that come in any order and go in the order of some columns, nulls last.

    Of rows that are equal in all of them, the one that came first goes first. folder: for the
    files of what does not fit into memory, None for the system's. run: rows that do.
    """

    def __init__(self, keys: Sequence[str], folder: str | None, *, run: int = RUN) -> None:
        self._keys = [*keys, _PLACE]
        self._folder = folder
        self._run = run
        self._held: list[pa.Table] = []
        self._n_held = self._n_rows = 0
        self._files: list[Any] = []

    def add(self, rows: pa.Table) -> None:
        """Take more rows; all have the same columns."""
        places = range(self._n_rows, self._n_rows + rows.num_rows)
        self._held.append(rows.append_column(_PLACE, pa.array(places, pa.int64())))
        self._n_rows += rows.num_rows
        self._n_held += rows.num_rows
        if self._n_held >= self._run:
            self._files.append(self._write(self._sorted()))

    def sorted(self) -> Iterator[pa.Table]:
        """Yield all rows in order, once."""
        if not self._files:
            if self._held:
                yield self._sorted().drop_columns([_PLACE])
            return
        if self._held:
            self._files.append(self._write(self._sorted()))
        try:
            for rows in self._merged([_Run(file, self._keys) for file in self._files]):
                yield rows.drop_columns([_PLACE])
        finally:
            for file in self._files:
                file.close()

    def _sorted(self) -> pa.Table:
        rows = pa.concat_tables(self._held)
        self._held, self._n_held = [], 0
        return self._in_order(rows)

    def _in_order(self, rows: pa.Table) -> pa.Table:
        order = pc.sort_indices(rows, [(name, "ascending") for name in self._keys])
        return rows.take(order).combine_chunks()

    def _write(self, rows: pa.Table) -> Any:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `sorted`
        with pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=_STEP)
        file.flush()
        return file

    def _merged(self, runs: list[_Run]) -> Iterator[pa.Table]:
        """Yield rows up to the least of the last rows at hand, again and again."""
        while runs := [run for run in runs if run.fill()]:
            bound = min(run.last() for run in runs)
            yield self._in_order(pa.concat_tables([run.up_to(bound) for run in runs]))


class _Run:
    """A sorted file, read step by step."""

    def __init__(self, file: Any, keys: Sequence[str]) -> None:
        self._source = pa.memory_map(f"/proc/self/fd/{file.fileno()}")
        self._reader = pa.ipc.open_file(self._source)
        self._keys = keys
        self._next = 0
        self._rows: Any = None

    def fill(self) -> bool:
        """Have rows at hand; return whether there are any."""
        while self._rows is None or not self._rows.num_rows:
            if self._next == self._reader.num_record_batches:
                return False
            self._rows = self._reader.get_batch(self._next)
            self._next += 1
        return True

    def last(self) -> tuple[Any, ...]:
        """Return what the last row at hand sorts by."""
        return self._key(self._rows.num_rows - 1)

    def up_to(self, bound: tuple[Any, ...]) -> pa.Table:
        """Give the rows at hand that are not behind the bound."""
        number = bisect.bisect_right(range(self._rows.num_rows), bound, key=self._key)
        given = self._rows.slice(0, number)
        self._rows = self._rows.slice(number)
        return pa.Table.from_batches([given])

    def _key(self, row: int) -> tuple[Any, ...]:
        values = (self._rows.column(name)[row].as_py() for name in self._keys)
        return tuple((value is None, "" if value is None else value) for value in values)
