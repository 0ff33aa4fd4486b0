"""A Parquet file whose rows are grouped by patient, in an order that tells nothing of the table.

A table ordered by name or by ID would give away the rank of each pseudonym. So rows are first put
into buckets, by a checksum of the pseudonym, then sorted bucket by bucket: memory holds one bucket.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import zlib
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fastdeid.new_file import appear, as_output_error, refuse_existing, sync
from fastdeid.storage import TEMPORARY

ROW_GROUP: Final = 1 << 17
_BUCKET_ROWS: Final = 1 << 17
_BUCKET_BYTES: Final = 1 << 26
_MOST_BUCKETS: Final = 256
_SCATTER: Final = 2_654_435_761 & 0x7FFFFFFF  # Knuth's multiplier, for rows in a row
_KEPT_BYTES: Final = 1 << 19  # of a bucket, in memory before they are written


class GroupedFile:
    """Rows put in as they come, and written grouped when all is well.

    path: of a file that does not exist yet; it appears whole, or not at all. keys: columns to sort
    by, the first one that of the patient. about_rows, about_bytes: how many there will be.

    Raises UsageError when the file exists, OutputError when it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        schema: pa.Schema,
        keys: Sequence[str],
        *,
        about_rows: int,
        about_bytes: int = 0,
    ) -> None:
        self._path = os.path.abspath(path)
        refuse_existing(self._path)
        self._schema = schema
        self._keys = list(keys)
        n_buckets = max(about_rows // _BUCKET_ROWS, about_bytes // _BUCKET_BYTES)
        self._n_buckets = max(1, min(_MOST_BUCKETS, n_buckets))
        self._n_strangers = 0
        self._kept: list[list[pa.RecordBatch]] = [[] for _ in range(self._n_buckets)]
        self._sizes = [0] * self._n_buckets
        self._folder = f"{self._path}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}"
        self._writers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        with as_output_error():
            os.mkdir(self._folder, 0o700)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for writer in self._writers.values():
                with contextlib.suppress(Exception):
                    writer.close()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, rows: pa.RecordBatch, patients: Sequence[str | None], index: Any) -> None:
        """Put rows in.

        rows: of the schema. patients: distinct pseudonyms. index: shape (n_rows,), place of each
        row's patient, -1 for none.
        """
        sums = [zlib.crc32((patient or "").encode("ascii")) for patient in patients]
        sums_of_rows = np.array([*sums, 0], np.int64)[index]
        # Rows without a patient may be most of a table, and fill no bucket of their own.
        strangers = np.flatnonzero(index < 0)
        numbers = np.arange(self._n_strangers, self._n_strangers + len(strangers))
        sums_of_rows[strangers] = numbers * _SCATTER >> 7
        self._n_strangers += len(strangers)
        buckets = sums_of_rows % self._n_buckets
        order = np.argsort(buckets, kind="stable")
        sorted_rows = rows.take(pa.array(order)) if self._n_buckets > 1 else rows
        ends = np.cumsum(np.bincount(buckets, minlength=self._n_buckets)).tolist()
        start = 0
        with as_output_error():
            for bucket, end in enumerate(ends):
                if end > start:
                    self._put(bucket, sorted_rows.slice(start, end - start))
                start = end

    def _put(self, bucket: int, rows: pa.RecordBatch) -> None:
        self._kept[bucket].append(rows)
        self._sizes[bucket] += rows.nbytes
        if self._sizes[bucket] < _KEPT_BYTES:
            return
        if bucket not in self._writers:
            name = os.path.join(self._folder, f"{bucket}.arrow")
            options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            self._writers[bucket] = pa.ipc.new_stream(name, self._schema, options=options)
        merged = pa.Table.from_batches(self._kept[bucket], self._schema).combine_chunks()
        self._writers[bucket].write_table(merged)
        self._kept[bucket] = []
        self._sizes[bucket] = 0

    def finish(self) -> None:
        """Write the file and let it appear under its name."""
        temporary = os.path.join(self._folder, "whole.parquet")
        with as_output_error():
            with pq.ParquetWriter(temporary, self._schema, compression="zstd") as writer:
                for bucket in range(self._n_buckets):
                    writer.write_table(self._read(bucket), row_group_size=ROW_GROUP)
            sync(temporary)
            appear(temporary, self._path)

    def _read(self, bucket: int) -> pa.Table:
        """Return the rows of a bucket, sorted."""
        pieces = self._kept[bucket]
        self._kept[bucket] = []
        writer = self._writers.pop(bucket, None)
        if writer is not None:
            writer.close()
            with pa.ipc.open_stream(os.path.join(self._folder, f"{bucket}.arrow")) as stream:
                pieces = [*stream, *pieces]
            os.unlink(os.path.join(self._folder, f"{bucket}.arrow"))
        rows = pa.Table.from_batches(pieces, self._schema)
        return rows.sort_by([(key, "ascending") for key in self._keys]) if rows.num_rows else rows
