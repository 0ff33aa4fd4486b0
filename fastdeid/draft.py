"""What a walk of SOURCE has found, before it is cut: in memory, or in files where that is too much.

The files (PHI) let a walk that was interrupted go on behind the last of them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import files, plan
from fastdeid.listing import Entry
from fastdeid.replaced import replaced_file
from fastdeid.sealing import Sealing

SEGMENT: Final = 262_144
_BATCH: Final = 65_536
PREFIX: Final = "draft-"
_SOURCE: Final = b"fastdeid.source"
# A walk is not continued after so long: too much of SOURCE may have changed behind it.
_FRESH_SECONDS: Final = 86_400.0


class Draft:
    """All entries of SOURCE in the order of the plan.

    source: the folder. folder: for files; what a walk that was interrupted has left there is used.
    sealing: what the files are encrypted with. segment: rows held in memory, and rows per file.

    n_files, size: number of entries and sum of their sizes. digest: of all entries, in hexadecimal.
    resumed: whether a walk was continued.
    """

    def __init__(
        self, source: bytes, folder: str, sealing: Sealing, *, segment: int = SEGMENT
    ) -> None:
        self._source = source
        self._folder = folder
        self._sealing = sealing
        self._segment = segment
        self._names: list[str] = []
        self._held: list[pa.RecordBatch] = []
        self.resumed = False
        try:
            self._walk(self._last())
        except OSError:
            # A folder on the way to the last entry has gone: begin anew.
            self.remove()
            self._walk(None)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows, of plan.SCHEMA."""
        for name in self._names:
            yield from self._read(name)[0]
        yield from self._held

    def remove(self) -> None:
        """Remove the files."""
        remove_drafts(self._folder)
        self._names = []

    def _last(self) -> Entry | None:
        """Find the files of a walk that was interrupted; return the last entry."""
        last = None
        while True:
            name = f"{PREFIX}{len(self._names):05d}.arrow"
            path = os.path.join(self._folder, name)
            try:
                batches, source = self._read(name)
                fresh = time.time() - files.modified(path) < _FRESH_SECONDS
            except (OSError, ValueError):
                return last
            if source != self._source or not fresh:
                return last
            self._names.append(name)
            last = Entry(*(column[-1].as_py() for column in batches[-1].columns))

    def _walk(self, after: Entry | None) -> None:
        self.resumed = after is not None
        self._n_files = self._size = 0
        self._hashes = [hashlib.blake2b(digest_size=16) for _ in plan.SCHEMA]
        for batch in self.batches():
            self._count(batch)
        found = plan.walk(self._source, after, files.scratch(self._folder))
        for batch in _batches(found, min(_BATCH, self._segment)):
            self._count(batch)
            self._held.append(batch)
            if sum(one.num_rows for one in self._held) >= self._segment:
                self._write()

    def _count(self, batch: pa.RecordBatch) -> None:
        paths, sizes, times, reasons, places = batch.columns
        self._n_files += batch.num_rows
        self._size += pc.sum(sizes).as_py() or 0
        columns = [
            # No path holds the byte between them.
            b"\0".join([*paths.to_pylist(), b""]),
            *(np.asarray(column, "<i8").tobytes() for column in (sizes, times, places)),
            "\0".join([*reasons.to_pylist(), ""]).encode(),
        ]
        for column, digest in zip(columns, self._hashes, strict=True):
            digest.update(column)

    @property
    def n_files(self) -> int:
        """Number of entries."""
        return self._n_files

    @property
    def size(self) -> int:
        """Bytes of all entries together."""
        return self._size

    @property
    def digest(self) -> str:
        """Digest of all entries."""
        digests = b"".join(one.digest() for one in self._hashes)
        return hashlib.blake2b(digests, digest_size=16).hexdigest()

    def _write(self) -> None:
        name = f"{PREFIX}{len(self._names):05d}.arrow"
        schema = plan.SCHEMA.with_metadata({_SOURCE: self._source})
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, schema, options=options) as writer:
            for batch in self._held:
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
        with replaced_file(os.path.join(self._folder, name)) as file:
            file.write(self._sealing.seal(sink.getvalue(), name))
        self._names.append(name)
        self._held = []

    def _read(self, name: str) -> tuple[list[pa.RecordBatch], bytes]:
        """Return the rows of a file, and the SOURCE they are of."""
        content = self._sealing.unseal(files.read(os.path.join(self._folder, name)), name)
        table = pa.ipc.open_file(pa.py_buffer(content)).read_all()
        source: bytes = (table.schema.metadata or {}).get(_SOURCE, b"")
        return table.replace_schema_metadata(None).to_batches(), source


def remove_drafts(folder: str) -> None:
    """Remove what walks have left in a folder."""
    for name in files.names(folder):
        if name.startswith(PREFIX):
            files.remove(os.path.join(folder, name))


def _batches(entries: Iterable[Entry], size: int) -> Iterator[pa.RecordBatch]:
    held: list[Entry] = []
    for entry in entries:
        held.append(entry)
        if len(held) >= size:
            yield _batch(held)
            held = []
    if held:
        yield _batch(held)


def _batch(entries: list[Entry]) -> pa.RecordBatch:
    columns = zip(*entries, strict=True)
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, plan.SCHEMA, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=plan.SCHEMA)
