"""The figures of a report, read from the tables of a run. Nothing here is a value of a patient.

Of the link table only columns that are declared public are read, and counts and checks of others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import files, manifest
from fastdeid.columns import has_output
from fastdeid.crosswalk import LARGEST_OFFSET
from fastdeid.errors import InputError, KeyFileError
from fastdeid.pseudonyms import MAXIMUM_SHIFT_DAYS, Pseudonyms
from fastdeid.reporting.masked import masked_counts, masked_shares
from fastdeid.reporting.masked import reasons as mask_reasons
from fastdeid.sealing import Sealing
from fastdeid.workspace import Settings, Workspace

# Cells with fewer patients are small: the usual threshold of health statistics.
SMALL_CELL: Final = 11
_CELL: Final = ("modality", "body_part_examined", "manufacturer")
_BREAKDOWNS: Final = (
    *("modality", "transfer_syntax_uid", "sop_class_uid", "body_part_examined", "manufacturer"),
    "photometric_interpretation",
)
_COUNTS: Final = ("n_removed", "n_emptied", "n_replaced", "n_cleaned")
_INSTANCES: Final = (
    *("verdict", "reason", "reason_tag", "source_size", "output_size", "pixel_length"),
    *("trailing_length", "patient", "date_offset", *_COUNTS),
)
# Fewer offsets than this are not drawn: a bar must not tell anybody's.
LEAST_OFFSETS: Final = 100

Rows = list[tuple[Any, ...]]


class Count(msgspec.Struct, frozen=True):
    """Elements of one operation: in all, and per output the median and the most."""

    operation: str
    total: int
    median: float
    most: int


class Figures(msgspec.Struct, kw_only=True):
    """What a report shows.

    verdicts, reasons: (name, files), reasons with verdict, reason and tag. breakdowns: by column of
    the research manifest, (value, files, patients). graph: (what, number). dates: (check, result).
    offsets: counts of patients over the range of offsets in equal parts; none for few patients.
    small: (values of a cell, patients), the smallest first. stages: (name, seconds). progress:
    (seconds since the first commit, files, bytes) at each commit of a partition. references: of
    outputs to instances without an output, (verdict, reason, number). masked, shares, masks: see
    `masked`.
    """

    settings: Settings
    files: int
    verdicts: Rows
    reasons: Rows
    sizes: Rows
    counts: list[Count]
    cleaned: int
    breakdowns: dict[str, Rows]
    graph: Rows
    dates: Rows
    offsets: list[int]
    small: Rows
    n_small: int
    stages: Rows
    progress: Rows
    references: Rows
    masked: Rows = []
    shares: Rows = []
    masks: Rows = []
    workers: int = 0


def read_figures(link_table: str, pseudonyms: Pseudonyms) -> Figures:
    """Return the figures of the run whose link table is in a folder.

    Raises InputError when a table cannot be read, UsageError when there is no run, KeyFileError
    when it had another project key.
    """
    sealing = Sealing(pseudonyms)
    workspace = Workspace(os.path.join(link_table, "work"), sealing)
    settings = workspace.settings
    if settings.key_id != pseudonyms.key_id:
        raise KeyFileError("this run had another project key")
    rows = _read(sealing, os.path.join(link_table, manifest.INSTANCES_FILE), list(_INSTANCES))
    released = _read(sealing, os.path.join(settings.target, manifest.MANIFEST_FILE), None)
    outputs = released.filter(has_output(released.column("status")))
    small = _small_cells(outputs)
    stages, progress = _throughput(workspace)
    return Figures(
        settings=settings,
        files=rows.num_rows,
        verdicts=_sorted(_counted(rows, ["verdict"])),
        reasons=_sorted(_counted(rows, ["verdict", "reason", "reason_tag"], valid="reason")),
        sizes=_sizes(rows),
        counts=_counts(outputs),
        cleaned=int(pc.sum(pc.greater(outputs.column("n_cleaned"), 0)).as_py() or 0),
        breakdowns={name: _breakdown(outputs, name) for name in _BREAKDOWNS},
        graph=_graph(outputs),
        dates=_dates(rows, by_site=bool(settings.crosswalk)),
        offsets=_offsets(rows),
        small=small,
        n_small=len(small),
        stages=stages,
        progress=progress,
        references=_references(sealing, link_table),
        masked=masked_counts(outputs),
        shares=masked_shares(outputs),
        masks=mask_reasons(outputs),
    )


def _read(sealing: Sealing, path: str, columns: list[str] | None) -> pa.Table:
    name = os.path.basename(path)
    try:
        return sealing.read_table(path, columns)
    except FileNotFoundError:
        raise InputError(f"there is no {name}: is the run finished?") from None
    except (pa.ArrowException, OSError, ValueError):
        raise InputError(f"{name} cannot be read") from None


def _counted(table: pa.Table, keys: list[str], *, valid: str = "") -> Rows:
    if valid:
        table = table.filter(pc.is_valid(table.column(valid)))
    counted = table.group_by(keys).aggregate([([], "count_all")])
    return [(*(one[key] or "" for key in keys), one["count_all"]) for one in counted.to_pylist()]


def _sorted(rows: Rows) -> Rows:
    """Return rows with the largest last column first."""
    return sorted(rows, key=lambda row: (-row[-1], row[:-1]))


def _sizes(rows: pa.Table) -> Rows:
    names = {
        "bytes of input": "source_size",
        "bytes of output": "output_size",
        "bytes of pixel data": "pixel_length",
        "bytes behind data sets, dropped": "trailing_length",
    }
    return [(title, pc.sum(rows.column(name)).as_py() or 0) for title, name in names.items()]


def _counts(outputs: pa.Table) -> list[Count]:
    counts = []
    for name in _COUNTS:
        column = outputs.column(name)
        median = pc.approximate_median(column).as_py()
        total, most = pc.sum(column).as_py() or 0, pc.max(column).as_py() or 0
        counts.append(Count(name.removeprefix("n_"), total, median or 0.0, most))
    return counts


def _breakdown(outputs: pa.Table, name: str) -> Rows:
    counted = outputs.group_by([name]).aggregate([([], "count_all"), ("patient", "count_distinct")])
    rows = [
        (one[name] or "not given", one["patient_count_distinct"], one["count_all"])
        for one in counted.to_pylist()
    ]
    return [(value, files, patients) for value, patients, files in _sorted(rows)]


def _graph(outputs: pa.Table) -> Rows:
    columns = {
        "patients": "patient",
        "studies": "study_instance_uid",
        "series": "series_instance_uid",
        "instances": "sop_instance_uid",
        "frames of reference": "frame_of_reference_uid",
    }
    rows: Rows = [
        (title, pc.count_distinct(outputs.column(name)).as_py()) for title, name in columns.items()
    ]
    for one, many in (("patient", "studies"), ("study", "series"), ("series", "instances")):
        inner, outer = columns[many], "patient" if one == "patient" else f"{one}_instance_uid"
        grouped = outputs.group_by([outer]).aggregate([(inner, "count_distinct")])
        counts = grouped.column(f"{inner}_count_distinct")
        most = pc.max(counts).as_py() or 0
        rows.append((f"{many} per {one}, median", pc.approximate_median(counts).as_py() or 0))
        rows.append((f"{many} per {one}, most", most))
    return rows


def _patients(rows: pa.Table) -> pa.Table:
    known = rows.filter(pc.is_valid(rows.column("date_offset")))
    return known.group_by(["patient", "date_offset"]).aggregate([])


def _dates(rows: pa.Table, *, by_site: bool) -> Rows:
    """Return checks of the date offsets, which are PHI: never an offset itself.

    by_site: they may come from the site's crosswalk.
    """
    pairs = _patients(rows)
    offsets = np.asarray(pairs.column("date_offset"), np.int64)
    patients = pc.count_distinct(pairs.column("patient")).as_py()
    largest = int(np.abs(offsets).max()) if len(offsets) else 0
    checks = {
        "every patient has one offset": patients == pairs.num_rows,
        "no offset is 0": bool((offsets != 0).all()),
        "every offset is within the range": largest
        <= (LARGEST_OFFSET if by_site else MAXIMUM_SHIFT_DAYS),
        "patients do not share one offset": len(offsets) < 3 or len(np.unique(offsets)) > 1,
    }
    return [("patients with an offset", f"{patients:,}")] + [
        (title, "yes" if holds else "NO") for title, holds in checks.items()
    ]


def _offsets(rows: pa.Table) -> list[int]:
    offsets = np.asarray(_patients(rows).column("date_offset"), np.int64)
    if len(offsets) < LEAST_OFFSETS:
        return []
    most = max(MAXIMUM_SHIFT_DAYS, int(np.abs(offsets).max()))
    counts, _ = np.histogram(np.abs(offsets), bins=10, range=(0, most + 1))
    return [int(count) for count in counts]


def _small_cells(outputs: pa.Table) -> Rows:
    cells = outputs.group_by(list(_CELL)).aggregate([("patient", "count_distinct")])
    rows = [
        (*(one[name] or "not given" for name in _CELL), one["patient_count_distinct"])
        for one in cells.to_pylist()
    ]
    small = [row for row in rows if row[-1] < SMALL_CELL]
    return sorted(small, key=lambda row: (row[-1], row[:-1]))


def _throughput(workspace: Workspace) -> tuple[Rows, Rows]:
    """Return seconds by stage, and what had been committed when."""
    seconds: dict[str, float] = {}
    commits = []
    for number in range(workspace.n_partitions):
        part = workspace.read_part(number)
        if part is None:
            continue
        for stage, spent in part.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
        size = pc.sum(part.table.column("source_size")).as_py() or 0
        commits.append((workspace.committed(number), part.table.num_rows, size))
    return list(seconds.items()), _accumulated(commits)


def _accumulated(commits: Iterable[tuple[float, int, int]]) -> Rows:
    rows: Rows = []
    files = size = 0
    first = 0.0
    for at, n_files, n_bytes in sorted(commits):
        first = first or at
        files, size = files + n_files, size + n_bytes
        rows.append((at - first, files, size))
    return rows


def _references(sealing: Sealing, link_table: str) -> Rows:
    path = os.path.join(link_table, manifest.REFERENCES_FILE)
    if not files.exists(path):
        return []
    rows = _read(sealing, path, ["verdict", "reason"])
    return _sorted(_counted(rows, ["verdict", "reason"]))
