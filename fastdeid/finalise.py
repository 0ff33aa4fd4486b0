"""The end of a run: prove every partition, settle shared output paths, write the tables.

The tables depend on SOURCE, profile and key alone: not on the partitions, the workers, their order,
or on how often the run was stopped.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fastdeid import manifest
from fastdeid.columns import part_table
from fastdeid.dangling import find_dangling
from fastdeid.errors import FastdeidError
from fastdeid.outcome import Outcome
from fastdeid.summary import Summary, summarise, tally
from fastdeid.tables import (
    identities_table,
    instances_table,
    manifest_table,
    repeating_columns,
)
from fastdeid.verdicts import Verdict
from fastdeid.workspace import Settings, Workspace, replaced_file

ROW_GROUP: Final = 65_536
TARGET_OCCUPIED: Final = "target_occupied"
SAME_INSTANCE: Final = "same_instance_different_bytes"
_STANDS: Final = ("new", "same")

Again = Callable[[bytes, bool], Outcome]


def finalise(workspace: Workspace, again: Again) -> Summary:
    """Write the link table and the research manifest, and return the summary.

    again: de-identifies a file again, of this path, overwriting what stands there or not; called
    only when instances share an output path and must be compared.

    Raises FastdeidError when a partition has not been committed, OutputError when a table cannot be
    written.
    """
    parts, seconds, faults = _committed(workspace)
    rows = pa.concat_tables(parts).combine_chunks()
    entries = workspace.entries()
    if rows.num_rows != entries.num_rows:
        raise FastdeidError("the parts do not cover the plan")
    rows = _settle(rows, entries, workspace.settings, again)
    dangling = find_dangling(workspace, entries.column("path"), rows)
    _write_tables(workspace, entries.column("path"), rows, dangling)
    ok = np.asarray(pc.equal(rows.column("verdict"), Verdict.OK.value))
    sizes = np.asarray(rows.column("output_size"))
    return summarise(
        tally(rows.column("verdict").to_pylist(), rows.column("reason").to_pylist()),
        seconds,
        bytes_read=int(np.asarray(rows.column("source_size")).sum()),
        bytes_written=int(sizes[ok].sum()),
        faults=faults,
        dangling_references=dangling.num_rows,
    )


def _committed(workspace: Workspace) -> tuple[list[pa.Table], dict[str, float], list[str]]:
    tables = []
    seconds: Counter[str] = Counter()
    faults: list[str] = []
    for number in range(workspace.n_partitions):
        part = workspace.read_part(number)
        if part is None:
            raise FastdeidError(f"partition {number} has not been committed")
        tables.append(part.table.replace_schema_metadata(None))
        seconds.update(part.seconds)
        faults.extend(part.faults)
    return tables or [part_table([])], dict(seconds), faults


# Shared output paths -------------------------------------------------------------------------


def _settle(rows: pa.Table, entries: pa.Table, settings: Settings, again: Again) -> pa.Table:
    """Let the first row of each output path have it; the others are duplicates or collisions."""
    groups = _shared_paths(rows)
    if not groups:
        return rows
    changes: dict[int, Outcome] = {}
    published = rows.column("published").to_pylist()
    verdicts: dict[int, tuple[str, str]] = {}
    for group in groups:
        states = [published[row] for row in group]
        # Racing workers may both report "new"; a part of an interrupted start may be out of date.
        if states[0] not in _STANDS or "different" in states or states.count("new") > 1:
            fresh = _compare_again(group, entries, settings, again)
            changes.update(fresh)
            states = [_state(fresh[row]) for row in group]
        verdicts.update(_verdicts(group, states))
    return _patched(rows, changes, verdicts)


def _state(row: Outcome) -> str:
    """Return how a row was published, "" when it has come to nothing since."""
    return row.published if row.verdict == Verdict.OK else ""


def _shared_paths(rows: pa.Table) -> list[list[int]]:
    """Return the rows, ascending, of each output path that needs a look."""
    encoded = pc.dictionary_encode(rows.column("output_path").combine_chunks())
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = np.asarray(pc.fill_null(encoded.indices, -1))
    taken = np.flatnonzero(
        np.asarray(pc.equal(rows.column("verdict"), Verdict.OK.value)) & (codes >= 0)
    )
    counts = np.bincount(codes[taken], minlength=1)
    different = pc.fill_null(pc.equal(rows.column("published"), "different"), False)
    look = (counts[codes[taken]] > 1) | np.asarray(different)[taken]
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in taken[look].tolist():
        groups[codes[row]].append(row)
    return list(groups.values())


def _compare_again(
    group: list[int], entries: pa.Table, settings: Settings, again: Again
) -> dict[int, Outcome]:
    """Process the rows of one output path again, the first one first, and return the outcomes.

    Workers race for a shared path, so the file that stands there may be a later row's: then the
    first row's takes its place. A file that none of the rows has written is never touched.
    """
    prefix = os.fsencode(settings.source).rstrip(b"/") + b"/"
    paths = {row: prefix + entries.column("path")[row].as_py() for row in group}
    fresh = {row: again(paths[row], False) for row in group}
    ok = [row for row in group if fresh[row].verdict == Verdict.OK]
    ours = any(fresh[row].published in _STANDS for row in ok)
    if ok and ours and fresh[ok[0]].published not in _STANDS:
        fresh[ok[0]] = again(paths[ok[0]], True)
        fresh.update({row: again(paths[row], False) for row in ok[1:]})
    return fresh


def _verdicts(group: list[int], states: list[str]) -> dict[int, tuple[str, str]]:
    """Return verdict and reason of the rows of one output path, where they are not ok."""
    group = [row for row, state in zip(group, states, strict=True) if state]
    states = [state for state in states if state]
    if states and states[0] not in _STANDS:
        return dict.fromkeys(group, (Verdict.COLLISION, TARGET_OCCUPIED))
    verdicts: dict[int, tuple[str, str]] = {}
    for row, state in zip(group[1:], states[1:], strict=True):
        if state in _STANDS:
            verdicts[row] = (Verdict.DUPLICATE, "")
        else:
            verdicts[row] = (Verdict.COLLISION, SAME_INSTANCE)
    return verdicts


def _patched(
    rows: pa.Table, changes: dict[int, Outcome], verdicts: dict[int, tuple[str, str]]
) -> pa.Table:
    """Return the rows with new outcomes and verdicts; a collision has no output and no content."""
    touched = sorted(changes.keys() | verdicts.keys())
    if not touched:
        return rows
    at = np.asarray(touched)
    old = rows.take(pa.array(at)).to_pylist()
    if changes:
        places = sorted(changes)
        new = part_table([changes[row] for row in places]).to_pylist()
        by_row = dict(zip(places, new, strict=True))
        old = [by_row.get(row, values) for row, values in zip(touched, old, strict=True)]
    for row, values in zip(touched, old, strict=True):
        if row in verdicts:
            _set_verdict(values, *verdicts[row])
    patch = pa.Table.from_pylist(old, schema=rows.schema)
    mask = np.zeros(rows.num_rows, bool)
    mask[at] = True
    columns = [
        pc.replace_with_mask(column.combine_chunks(), pa.array(mask), fill.combine_chunks())
        for column, fill in zip(rows.columns, patch.columns, strict=True)
    ]
    return pa.table(columns, schema=rows.schema)


_WITHOUT_OUTPUT: Final = frozenset(column.name for column in manifest.MANIFEST.columns) - frozenset(
    (*manifest.PSEUDONYM_FIELDS, "n_removed", "n_emptied", "n_replaced", "n_cleaned")
)


def _set_verdict(values: dict[str, Any], verdict: str, reason: str) -> None:
    values["verdict"] = str(verdict)
    values["reason"] = reason or None
    if verdict == Verdict.COLLISION:
        kept = ("reason", "transfer_syntax_uid", "pixel_length")
        for name in _WITHOUT_OUTPUT & values.keys() - set(kept):
            values[name] = None
        values["output_size"] = 0


# Tables --------------------------------------------------------------------------------------


def _write_tables(
    workspace: Workspace, paths: pa.ChunkedArray, rows: pa.Table, dangling: pa.Table
) -> None:
    settings = workspace.settings
    profile = f"{settings.profile} {settings.profile_version}"
    options = " ".join(settings.options)

    def write_instances() -> None:
        name = os.path.join(settings.link_table, manifest.INSTANCES_FILE)
        groups = (
            instances_table(
                paths.slice(first, ROW_GROUP), rows.slice(first, ROW_GROUP).combine_chunks()
            )
            for first in range(0, max(rows.num_rows, 1), ROW_GROUP)
        )
        _write_parquet(name, manifest.INSTANCES, groups, workspace)
        name = os.path.join(settings.link_table, manifest.IDENTITIES_FILE)
        _write_parquet(name, manifest.IDENTITIES, [identities_table(rows)], workspace)
        name = os.path.join(settings.link_table, manifest.REFERENCES_FILE)
        _write_parquet(name, manifest.REFERENCES, [dangling], workspace)

    def write_manifest() -> None:
        name = os.path.join(settings.target, manifest.MANIFEST_FILE)
        public = manifest_table(rows, profile, options)
        _write_parquet(name, manifest.MANIFEST, [public])

    # Compression runs outside the interpreter's lock, so that two threads use two cores.
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(write_instances), threads.submit(write_manifest)]:
            done.result()


def _write_parquet(
    path: str,
    table: manifest.Table,
    groups: Iterable[pa.Table],
    private: Workspace | None = None,
) -> None:
    """Write a table; one of the link table is encrypted as its run says, and mode 0600."""
    groups = iter(groups)
    first = next(groups)
    encryption = None
    if private is not None:
        master = private.settings.link_table_key
        encryption = private.sealing.encryption(table, first.schema.names, master)
    with (
        replaced_file(path, mode=0o666 if private is None else 0o600) as file,
        pq.ParquetWriter(
            file,
            first.schema,
            compression="zstd",
            use_dictionary=repeating_columns(table),
            encryption_properties=encryption,
        ) as writer,
    ):
        for rows in (first, *groups):
            writer.write_table(rows, row_group_size=ROW_GROUP)
