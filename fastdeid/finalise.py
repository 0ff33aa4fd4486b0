"""The end of a run: prove every partition, settle shared output paths, write the tables.

The tables depend on SOURCE, profile and key alone: not on the partitions, the workers, their order,
or on how often the run was stopped. The rows go through partition by partition: what is held is
ordered by what it grows with in `settling`, `streams`, `tables.Identities` and `dangling`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fastdeid import files, manifest
from fastdeid.columns import has_output, pixel_counts
from fastdeid.dangling import find_dangling
from fastdeid.replaced import replaced_file
from fastdeid.settling import Again, Settled
from fastdeid.streams import Sorting, rechunked
from fastdeid.summary import Summary, summarise, tally
from fastdeid.tables import (
    MANIFEST_ORDER,
    Identities,
    instances_table,
    manifest_rows,
    manifest_table,
    repeating_columns,
    schema,
)
from fastdeid.workspace import Workspace

ROW_GROUP: Final = 65_536


def finalise(workspace: Workspace, again: Again) -> Summary:
    """Write the link table and the research manifest, and return the summary.

    again: de-identifies a file again, overwriting what stands there or not; called
    only when instances share an output path and must be compared.

    Raises OutputError when what a partition came to cannot be read, or a table cannot be written.
    """
    settled = Settled(workspace, again)
    totals = _Totals()
    # Compression runs outside the interpreter's lock, so that two threads use two cores.
    with ThreadPoolExecutor(2) as threads:
        manifested = threads.submit(_write_manifest, workspace, settled)
        threads.submit(_write_instances, workspace, settled, totals).result()
        manifested.result()
    dangling = find_dangling(workspace, settled)
    name = os.path.join(workspace.settings.link_table, manifest.REFERENCES_FILE)
    _write_parquet(name, manifest.REFERENCES, [dangling], workspace)
    return totals.summary(dangling.num_rows)


class _Totals:
    """What all partitions came to."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._faults: list[str] = []
        self._pixels: Counter[str] = Counter()
        self._read = self._written = 0

    def add(self, rows: pa.Table, seconds: dict[str, float], faults: list[str]) -> None:
        """Count one partition."""
        verdicts = rows.column("verdict")
        self._outcomes.update(tally(verdicts.to_pylist(), rows.column("reason").to_pylist()))
        self._seconds.update(seconds)
        self._faults.extend(faults)
        self._read += pc.sum(rows.column("source_size")).as_py() or 0
        ok = rows.column("output_size").filter(has_output(verdicts))
        self._written += pc.sum(ok).as_py() or 0
        self._pixels.update(pixel_counts(rows))

    def summary(self, dangling_references: int) -> Summary:
        """Return the summary of the run."""
        return summarise(
            self._outcomes,
            dict(self._seconds),
            bytes_read=self._read,
            bytes_written=self._written,
            faults=self._faults,
            dangling_references=dangling_references,
            pixels=dict(self._pixels),
        )


def _write_instances(workspace: Workspace, settled: Settled, totals: _Totals) -> None:
    """Write the tables of the link table that every row goes into."""
    link_table = workspace.settings.link_table
    identities = Identities()

    def tables() -> Iterator[pa.Table]:
        for first, part in settled.parts():
            totals.add(part.table, part.seconds, part.faults)
            identities.add(part.table)
            paths = workspace.plan.rows(first, first + part.table.num_rows).column("path")
            yield instances_table(paths, part.table)

    name = os.path.join(link_table, manifest.INSTANCES_FILE)
    _write_parquet(name, manifest.INSTANCES, tables(), workspace)
    name = os.path.join(link_table, manifest.IDENTITIES_FILE)
    _write_parquet(name, manifest.IDENTITIES, [identities.table()], workspace)


def _write_manifest(workspace: Workspace, settled: Settled) -> None:
    settings = workspace.settings
    profile = f"{settings.profile} {settings.profile_version}"
    options = " ".join(settings.options)
    rows = Sorting(MANIFEST_ORDER, files.scratch(workspace.folder))
    for _, part in settled.parts():
        rows.add(manifest_rows(part.table))
    tables = (manifest_table(group, profile, options) for group in rows.sorted())
    name = os.path.join(settings.target, manifest.MANIFEST_FILE)
    _write_parquet(name, manifest.MANIFEST, tables)


def _write_parquet(
    path: str,
    table: manifest.Table,
    pieces: Iterable[pa.Table],
    private: Workspace | None = None,
) -> None:
    """Write a table; one of the link table is encrypted as its run says, and mode 0600."""
    encryption = None
    if private is not None:
        master = private.settings.link_table_key
        encryption = private.sealing.encryption(table, schema(table).names, master)
    with (
        replaced_file(path, mode=0o666 if private is None else 0o600) as file,
        pq.ParquetWriter(
            file,
            schema(table),
            compression="zstd",
            use_dictionary=repeating_columns(table),
            encryption_properties=encryption,
        ) as writer,
    ):
        # Groups of one size, so that no byte depends on how the rows came.
        groups = rechunked(pieces, repeat(ROW_GROUP))
        for rows in chain([next(groups, schema(table).empty_table())], groups):
            writer.write_table(rows, row_group_size=ROW_GROUP)
