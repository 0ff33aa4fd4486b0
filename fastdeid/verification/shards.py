"""The shards of a release: every byte of them belongs to an output of the link table."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

import pyarrow as pa

from fastdeid.shards import END, header_of, is_shard, padded
from fastdeid.verification.findings import Finding

_COLUMNS = ("output_path", "output_size", "shard", "shard_offset")
_Member = tuple[int, str, int]


def names_of(outputs: pa.Table) -> set[str]:
    """Return the names of the shards that outputs stand in."""
    return {name for name in outputs.column("shard").to_pylist() if name}


def find_in_shards(target: str, outputs: pa.Table) -> Iterator[Finding]:
    """Yield what is wrong with shards besides the outputs in them.

    Members without a row, headers that say more than path and length, bytes between members.
    """
    members: defaultdict[str, list[_Member]] = defaultdict(list)
    for path, size, shard, offset in zip(
        *(outputs.column(name).to_pylist() for name in _COLUMNS), strict=True
    ):
        if shard:
            members[shard].append((offset, path, size))
    for shard in sorted(members):
        if not is_shard(shard):
            yield Finding("", "table_differs")
            continue
        try:
            yield from _find(os.path.join(target, shard), shard, sorted(members[shard]))
        except OSError:
            yield Finding(shard, "missing")


def _find(path: str, shard: str, members: list[_Member]) -> Iterator[Finding]:
    with open(path, "rb") as file:
        end = 0
        for offset, name, size in members:
            header = header_of(name, size)
            file.seek(end)
            if end + len(header) != offset or file.read(len(header)) != header:
                yield Finding(shard, "shard_differs", "", end)
                return
            end = offset + padded(size)
            file.seek(offset + size)
            if file.read(padded(size) - size).strip(b"\0"):
                yield Finding(shard, "shard_differs", "", offset + size)
        file.seek(end)
        if file.read(END + 1) != bytes(END):
            yield Finding(shard, "shard_differs", "", end)
