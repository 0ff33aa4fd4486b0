"""The file of the plan: its rows, encrypted, in groups that are read at once."""

from __future__ import annotations

import bisect
import itertools
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fastdeid.plan import SCHEMA, Cuts
from fastdeid.replaced import replaced_file
from fastdeid.sealing import Sealing
from fastdeid.streams import rechunked

# Rows that are read at once: the file's footer must not grow with every partition.
GROUP: Final = 65_536
_CUT: Final = b"fastdeid.cut"


class _Cut(msgspec.Struct, frozen=True):
    """What the file says besides its rows."""

    plan_id: str
    digest: str
    starts: list[int]
    sizes: list[int]
    shares: list[int]


def write_plan_file(
    path: str,
    sealing: Sealing,
    batches: Iterable[pa.RecordBatch],
    cuts: Cuts,
    *,
    shares: list[int],
    digest: str,
    sync: bool,
) -> None:
    """Write a plan.

    batches: rows of plan.SCHEMA. shares: first partition of each share, then the number of
    partitions. digest: of all rows, see `draft`.

    Raises OutputError when it cannot be written.
    """
    cut = _Cut(secrets.token_hex(8), digest, cuts.starts, cuts.sizes, shares)
    schema = SCHEMA.append(pa.field("partition", pa.int32()))
    schema = schema.with_metadata({_CUT: msgspec.json.encode(cut)})
    options = {
        "compression": "zstd",
        "use_dictionary": ["reason", "partition"],
        "encryption_properties": sealing.encrypt_columns(schema.names),
    }
    tables = (pa.Table.from_batches([batch]) for batch in batches)
    first = 0
    with (
        replaced_file(path, sync=sync) as file,
        pq.ParquetWriter(file, schema, **options) as writer,
    ):
        for group in rechunked(tables, _row_groups(cuts.starts)):
            at = np.arange(first, first + group.num_rows)
            numbers = np.searchsorted(cuts.starts, at, side="right") - 1
            rows = group.append_column("partition", pa.array(numbers.astype(np.int32)))
            writer.write_table(rows.cast(schema), row_group_size=rows.num_rows)
            first += rows.num_rows


def _row_groups(starts: list[int]) -> Iterator[int]:
    """Yield how many rows stand in each row group: those of whole partitions, about GROUP."""
    first = 0
    for start, after in itertools.pairwise(starts):
        if after - first > GROUP and start > first:
            yield start - first
            first = start
    if starts[-1] > first:
        yield starts[-1] - first


class PlanFile:
    """A plan that was written.

    id: of this plan alone. digest: of all rows. starts: first row of every partition, then the
    number of rows. sizes: bytes of every partition. shares: first partition of every share, then
    the number of partitions.

    Raises OSError, pa.ArrowInvalid, KeyError and msgspec.DecodeError when there is no whole plan.
    """

    def __init__(self, path: str, sealing: Sealing) -> None:
        self._file = sealing.parquet_file(path, memory_map=True)
        cut = msgspec.json.decode(self._file.schema_arrow.metadata[_CUT], type=_Cut)
        self.id = cut.plan_id.encode()
        self.digest = cut.digest
        self.starts = cut.starts
        self.sizes = cut.sizes
        self.shares = cut.shares
        groups = range(self._file.num_row_groups)
        sizes = [self._file.metadata.row_group(number).num_rows for number in groups]
        # First row of each row group, and the group that was read last.
        self._groups = list(itertools.accumulate(sizes, initial=0))
        self._group: tuple[int, pa.Table] = (-1, SCHEMA.empty_table())

    @property
    def n_shares(self) -> int:
        """Number of shares."""
        return len(self.shares) - 1

    def rows(self, first: int, after: int) -> pa.Table:
        """Return the rows from `first` to `after` of one partition, columns of plan.SCHEMA."""
        if first == after:
            return SCHEMA.empty_table()
        number = bisect.bisect_right(self._groups, first) - 1
        if self._group[0] != number:
            # Partitions go by ascending number: the next one is mostly in the same group.
            table = self._file.read_row_group(number, columns=SCHEMA.names, use_threads=False)
            self._group = (number, table.replace_schema_metadata(None))
        return self._group[1].slice(first - self._groups[number], after - first)

    def path_of(self, row: int) -> bytes:
        """Return the path below SOURCE of a row."""
        path: bytes = self.rows(row, row + 1).column("path")[0].as_py()
        return path
