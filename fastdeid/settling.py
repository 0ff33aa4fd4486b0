"""Output paths that several files of SOURCE lead to: the first in the order of the plan has it.

The others are duplicates of it, or collisions with it. In memory stand 8 bytes for each file, and
some 300 for each file whose path is not its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import manifest
from fastdeid.columns import has_output, part_table
from fastdeid.input_types import Input
from fastdeid.inputs import inputs_of
from fastdeid.outcome import Outcome
from fastdeid.shard_settling import ShardSettling
from fastdeid.verdicts import WITH_OUTPUT, Verdict
from fastdeid.workspace import Part, Workspace

TARGET_OCCUPIED: Final = "target_occupied"
SAME_INSTANCE: Final = "same_instance_different_bytes"
_STANDS: Final = ("new", "same")

# Process a file again, overwriting what stands there or not.
Again = Callable[[Input, bool], Outcome]
_Changes = dict[int, Outcome]
_Read = Callable[[int], Part]
_Verdicts = dict[int, tuple[str, str]]


# Rows that are held in memory, at about 1 KB each.
_MOST_HELD: Final = 65_536


class Settled:
    """The rows of all partitions, with what is settled about shared output paths.

    again: de-identifies a file again; called only where instances must be compared.

    Raises OutputError when what a partition came to cannot be read.
    """

    def __init__(self, workspace: Workspace, again: Again) -> None:
        self._workspace = workspace
        self._changes: _Changes = {}
        self._verdicts: _Verdicts = {}
        # The first partitions are read once; the others as often as they are asked for.
        self._held: dict[int, Part] = {}
        n_held = 0
        for number in range(workspace.n_partitions):
            n_held += workspace.starts[number + 1] - workspace.starts[number]
            if n_held > _MOST_HELD:
                break
            self._held[number] = read_part(workspace, number)
        self._shards = ShardSettling(workspace, self._read)
        for group in _shared_paths(workspace, self._read):
            self._settle(group, again)
        self._moved = self._shards.move()
        touched = self._changes.keys() | self._verdicts.keys() | self._moved.keys()
        self._touched = np.array(sorted(touched), np.int64)

    def parts(self) -> Iterator[tuple[int, Part]]:
        """Yield the first row of each partition, and the partition with its final rows."""
        for number, first in enumerate(self._workspace.starts[:-1]):
            yield first, self.part(number)

    def part(self, number: int) -> Part:
        """Return a partition with its final rows."""
        part = self._read(number)
        first, after = self._workspace.starts[number : number + 2]
        at = slice(*np.searchsorted(self._touched, (first, after)))
        if at.start == at.stop:
            return part
        rows = self._patched(part.table, first, self._touched[at].tolist())
        return Part(rows, part.seconds, part.faults)

    def _read(self, number: int) -> Part:
        held = self._held.get(number)
        return read_part(self._workspace, number) if held is None else held

    def _settle(self, group: list[tuple[int, str]], again: Again) -> None:
        rows = [row for row, _ in group]
        states = [state for _, state in group]
        if self._workspace.settings.shard_bytes:
            self._verdicts.update(_verdicts(rows, self._shards.states(rows)))
            return
        # Racing workers may both report "new"; a part of an interrupted start may be out of date.
        if states[0] not in _STANDS or "different" in states or states.count("new") > 1:
            fresh = _compare_again(self._workspace, rows, again)
            self._changes.update(fresh)
            states = [_state(fresh[row]) for row in rows]
        self._verdicts.update(_verdicts(rows, states))

    def _patched(self, table: pa.Table, first: int, touched: list[int]) -> pa.Table:
        """Return rows with new outcomes and verdicts; a collision has no output and no content."""
        at = np.asarray(touched) - first
        old = table.take(pa.array(at)).to_pylist()
        places = [row for row in touched if row in self._changes]
        if places:
            new = part_table([self._changes[row] for row in places]).to_pylist()
            by_row = dict(zip(places, new, strict=True))
            old = [by_row.get(row, values) for row, values in zip(touched, old, strict=True)]
        for row, values in zip(touched, old, strict=True):
            if row in self._verdicts:
                _set_verdict(values, *self._verdicts[row])
            elif row in self._moved:
                values["shard"], values["shard_offset"] = self._moved[row]
        patch = pa.Table.from_pylist(old, schema=table.schema)
        mask = np.zeros(table.num_rows, bool)
        mask[at] = True
        columns = [
            pc.replace_with_mask(column.combine_chunks(), pa.array(mask), fill.combine_chunks())
            for column, fill in zip(table.columns, patch.columns, strict=True)
        ]
        return pa.table(columns, schema=table.schema)


def read_part(workspace: Workspace, number: int) -> Part:
    """Return a partition. Raises OutputError when what it came to cannot be read."""
    part = workspace.require_part(number)
    return Part(part.table.replace_schema_metadata(None), part.seconds, part.faults)


def _shared_paths(workspace: Workspace, read: _Read) -> Iterator[list[tuple[int, str]]]:
    """Yield the files of each output path that needs a look: row, ascending, and `published`."""
    # Equal digests only ask for a look: 64 bits are enough.
    digests: list[Any] = [np.zeros(0, np.uint64)]
    different = False
    for number in range(workspace.n_partitions):
        table, ok = _ok_rows(read(number))
        paths = table.column("output_path").filter(ok).to_pylist()
        short = b"".join([_digest(path)[:8] for path in paths])
        digests.append(np.frombuffer(short, np.uint64))
        states = table.column("published").filter(ok)
        different = different or "different" in pc.unique(states).to_pylist()
    every = np.concatenate(digests)
    digests.clear()
    every.sort()
    shared = np.unique(every[1:][every[1:] == every[:-1]])
    if len(shared) or different:
        yield from _groups(workspace, read, shared)


def _groups(
    workspace: Workspace, read: _Read, shared: npt.NDArray[np.uint64]
) -> Iterator[list[tuple[int, str]]]:
    found: dict[bytes, list[tuple[int, str]]] = {}
    for number, first in enumerate(workspace.starts[:-1]):
        table, ok = _ok_rows(read(number))
        rows = np.flatnonzero(np.asarray(ok)) + first
        paths = [_digest(path) for path in table.column("output_path").filter(ok).to_pylist()]
        states = table.column("published").filter(ok).to_pylist()
        short = np.frombuffer(b"".join([path[:8] for path in paths]), np.uint64)
        is_shared = np.isin(short, shared).tolist()
        for row, path, state, look in zip(rows.tolist(), paths, states, is_shared, strict=True):
            if look or state == "different":
                found.setdefault(path, []).append((row, state or ""))
    for group in found.values():
        if len(group) > 1 or group[0][1] == "different":
            yield group


def _ok_rows(part: Part) -> tuple[pa.Table, Any]:
    return part.table, has_output(part.table.column("verdict")).combine_chunks()


def _digest(path: str) -> bytes:
    return blake2b(path.encode(), digest_size=16).digest()


def _state(row: Outcome) -> str:
    """Return how a row was published, "" when it has come to nothing since."""
    return row.published if row.verdict in WITH_OUTPUT else ""


def _compare_again(workspace: Workspace, group: list[int], again: Again) -> _Changes:
    """Process the rows of one output path again, the first one first, and return the outcomes.

    Workers race for a shared path, so the file that stands there may be a later row's: then the
    first row's takes its place. A file that none of the rows has written is never touched.
    """
    source = os.fsencode(workspace.settings.source)
    paths = {row: inputs_of(source, workspace.plan.rows(row, row + 1))[0] for row in group}
    fresh = {row: again(paths[row], False) for row in group}
    ok = [row for row in group if fresh[row].verdict in WITH_OUTPUT]
    ours = any(fresh[row].published in _STANDS for row in ok)
    if ok and ours and fresh[ok[0]].published not in _STANDS:
        fresh[ok[0]] = again(paths[ok[0]], True)
        fresh.update({row: again(paths[row], False) for row in ok[1:]})
    return fresh


def _verdicts(group: list[int], states: list[str]) -> _Verdicts:
    """Return verdict and reason of the rows of one output path, where they are not ok."""
    group = [row for row, state in zip(group, states, strict=True) if state]
    states = [state for state in states if state]
    if states and states[0] not in _STANDS:
        return dict.fromkeys(group, (Verdict.COLLISION, TARGET_OCCUPIED))
    verdicts: _Verdicts = {}
    for row, state in zip(group[1:], states[1:], strict=True):
        if state in _STANDS:
            verdicts[row] = (Verdict.DUPLICATE, "")
        else:
            verdicts[row] = (Verdict.COLLISION, SAME_INSTANCE)
    return verdicts


_WITHOUT_OUTPUT: Final = frozenset(column.name for column in manifest.MANIFEST.columns) - frozenset(
    (*manifest.PSEUDONYM_FIELDS, "n_removed", "n_emptied", "n_replaced", "n_cleaned")
)


def _set_verdict(values: dict[str, Any], verdict: str, reason: str) -> None:
    values["verdict"] = str(verdict)
    values["reason"] = reason or None
    values["shard"] = values["shard_offset"] = None
    if verdict == Verdict.COLLISION:
        kept = ("reason", "transfer_syntax_uid", "pixel_length")
        for name in _WITHOUT_OUTPUT & values.keys() - set(kept):
            values[name] = None
        values["output_size"] = 0
