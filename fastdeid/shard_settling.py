"""Output paths that several rows lead to, where outputs stand in shards: what stays, what goes.

Partitions do not see each other's shards, so all versions of an instance are there when all are
committed. The first one in the order of the plan stays; shards with others are written again
without them, under another name, and the old ones go when the tables name the new ones.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable

import pyarrow as pa

from fastdeid.shards import Place, are_equal, rewrite, settled_name
from fastdeid.storage import DIFFERENT, NEW, SAME
from fastdeid.workspace import Part, Workspace

_NAMES = ("shard", "shard_offset", "output_size")


class ShardSettling:
    """Compares the outputs of rows, and takes those out of shards that have no row any more.

    read: returns a partition.
    """

    def __init__(self, workspace: Workspace, read: Callable[[int], Part]) -> None:
        self._workspace = workspace
        self._read = read
        self._left_out: set[Place] = set()

    def states(self, rows: list[int]) -> list[str]:
        """Return how each row's output compares with that of the first one."""
        places = [self._place(row) for row in rows]
        first, states = places[0], [NEW]
        for place in places[1:]:
            if place == first:
                states.append(SAME)
                continue
            self._left_out.add(place)
            root = self._workspace.settings.target
            states.append(SAME if are_equal(root, first, place) else DIFFERENT)
        return states

    def _place(self, row: int) -> Place:
        number = bisect.bisect_right(self._workspace.starts, row) - 1
        table = self._read(number).table
        at = row - self._workspace.starts[number]
        return Place(*(table.column(name)[at].as_py() for name in _NAMES))

    def move(self) -> dict[int, tuple[str, int]]:
        """Write shards without what is left out; return the new places of rows."""
        moved: dict[int, tuple[str, int]] = {}
        for shard in sorted({place.shard for place in self._left_out}):
            # The name says which partition it is of.
            number = int(shard.partition("-")[0])
            rows = list(_rows_in(self._read(number).table, shard))
            members = sorted({place for _, place in rows})
            kept = [place not in self._left_out for place in members]
            offsets = rewrite(self._workspace.settings.target, shard, members, kept)
            first = self._workspace.starts[number]
            for at, place in rows:
                if place.offset in offsets:
                    moved[first + at] = (settled_name(shard), offsets[place.offset])
        return moved


def _rows_in(table: pa.Table, shard: str) -> list[tuple[int, Place]]:
    columns = (table.column(name).to_pylist() for name in _NAMES)
    places = enumerate(zip(*columns, strict=True))
    return [(at, Place(*values)) for at, values in places if values[0] == shard]
