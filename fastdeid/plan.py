"""The plan: every entry of SOURCE in a fixed order, cut into partitions.

The order is folder by folder, the files of a folder before its subfolders, each by the bytes of
their names; it depends on SOURCE alone. Where the cuts lie depends on the number of workers and
changes no result.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

import pyarrow as pa

from fastdeid.errors import InputError

MAX_FILES: Final = 1024
MAX_BYTES: Final = 2 << 30
# A file costs about 0.1 ms and a byte about 1 ns: costs of a partition are counted in ns.
_COST_PER_FILE: Final = 100_000
# Committing a partition takes 2 ms; below 60 files that would show.
_LEAST_COST: Final = 60 * _COST_PER_FILE
# The share of the remaining work that the next partition takes, per worker: large partitions
# first, small ones last, so that the workers end together.
_SHARE: Final = 3
_FLUSH: Final = 65_536

SCHEMA: Final = pa.schema(
    [
        pa.field("path", pa.large_binary()),
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("reason", pa.string()),
    ]
)


class Entry(NamedTuple):
    """One entry of SOURCE: path below it, size in bytes, time of change in ns.

    reason: why the entry is listed but not opened; "" for a regular file.
    """

    path: bytes
    size: int
    modified_ns: int
    reason: str


_SPECIAL_FILES: Final = (
    (stat.S_ISLNK, "symbolic_link"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
NOT_REGULAR: Final = frozenset(reason for _, reason in _SPECIAL_FILES)


def walk(source: bytes) -> Iterator[Entry]:
    """Yield every entry of SOURCE that is not a folder, and every folder that cannot be read.

    Symbolic links are listed, never followed; files are never opened.

    Raises InputError when SOURCE itself cannot be read.
    """
    try:
        with os.scandir(source):
            pass
    except OSError as error:
        raise InputError(f"SOURCE cannot be read: {error.strerror}") from None
    prefix = len(source.rstrip(b"/")) + 1
    folders = [source.rstrip(b"/")]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder or b"/") as entries:
                found = sorted(entries, key=_name_of)
        except OSError:
            yield Entry(folder[prefix:], 0, 0, "unreadable_folder")
            continue
        subfolders = []
        for entry in found:
            if _is_folder(entry):
                subfolders.append(folder + b"/" + entry.name)
            else:
                yield _entry(entry, folder[prefix:])
        folders.extend(reversed(subfolders))


def _name_of(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _entry(entry: os.DirEntry[bytes], folder: bytes) -> Entry:
    path = folder + b"/" + entry.name if folder else entry.name
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        # Gone since, or not allowed: opening it will say which.
        return Entry(path, 0, 0, "")
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return Entry(path, status.st_size, status.st_mtime_ns, "")
    reason = next((reason for is_kind, reason in _SPECIAL_FILES if is_kind(mode)), "device")
    return Entry(path, 0, 0, reason)


def table(source: bytes) -> pa.Table:
    """Return all entries of SOURCE as a table of SCHEMA, in the order of the plan."""
    batches = []
    entries: list[Entry] = []
    for entry in walk(source):
        entries.append(entry)
        if len(entries) >= _FLUSH:
            batches.append(_batch(entries))
            entries = []
    batches.append(_batch(entries))
    return pa.Table.from_batches(batches, SCHEMA).combine_chunks()


def _batch(entries: list[Entry]) -> pa.RecordBatch:
    columns = list(zip(*entries, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def cut(sizes: list[int], workers: int) -> list[int]:
    """Return the first row of every partition, and the number of rows as the last element.

    sizes: bytes of every file, in the order of the plan. A partition has at most MAX_FILES files
    and, unless one file alone is longer, MAX_BYTES bytes.
    """
    starts = [0]
    remaining = sum(sizes) + len(sizes) * _COST_PER_FILE
    limit = _limit(remaining, workers)
    cost = total = 0
    for row, size in enumerate(sizes):
        full = row - starts[-1] >= MAX_FILES or total + size > MAX_BYTES or cost >= limit
        if full and row > starts[-1]:
            starts.append(row)
            remaining -= cost
            limit = _limit(remaining, workers)
            cost = total = 0
        cost += size + _COST_PER_FILE
        total += size
    if sizes:
        starts.append(len(sizes))
    return starts


def _limit(remaining: int, workers: int) -> int:
    return max(remaining // (_SHARE * max(workers, 1)), _LEAST_COST)
