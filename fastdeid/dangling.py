"""References of outputs to instances of SOURCE that have no output.

Only the instances without an output are held in memory, and the references of one partition after
another: an archive has a thousand times more references than it has quarantined files.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.columns import digest_of_uid
from fastdeid.manifest import REFERENCES
from fastdeid.tables import schema
from fastdeid.verdicts import Verdict
from fastdeid.workspace import Workspace

_UID: Final = "original_sop_instance_uid"
# A duplicate's output is its twin's.
_WITH_OUTPUT: Final = pa.array([Verdict.OK.value, Verdict.DUPLICATE.value])

_Numbers = npt.NDArray[np.int64]


def find_dangling(workspace: Workspace, paths: pa.ChunkedArray, rows: pa.Table) -> pa.Table:
    """Return the rows of LINK/references.parquet, in the order of the plan.

    paths: the binary paths below SOURCE. rows: the final columns of all partitions, in the same
    order. An input whose SOP Instance UID could not be read is not known as anybody's target.
    """
    missing = _without_output(rows)
    pairs = _pairs(workspace, rows, missing) if len(missing) else np.zeros((0, 2), np.int64)
    referrers, targets = pa.array(pairs[:, 0]), pa.array(pairs[:, 1])
    columns = {
        "source_path": _texts(paths, referrers),
        "output_path": rows.column("output_path").take(referrers),
        "referenced_sop_instance_uid": rows.column(_UID).take(targets),
        "referenced_source_path": _texts(paths, targets),
        **{
            name: rows.column(name).take(targets)
            for name in ("verdict", "reason", "reason_tag", "reason_offset")
        },
    }
    declared = schema(REFERENCES)
    return pa.table([columns[name] for name in declared.names], schema=declared)


def _without_output(rows: pa.Table) -> _Numbers:
    """Return the rows of instances that have no output, neither of their own nor a twin's."""
    uids = rows.column(_UID)
    written = pc.is_in(rows.column("verdict"), value_set=_WITH_OUTPUT)
    candidates = pc.and_(pc.invert(written), pc.is_valid(uids))
    places = np.flatnonzero(np.asarray(candidates))
    if not len(places):
        return places
    # Of two files with one UID, one may have an output.
    values = uids.take(pa.array(places))
    stand = uids.filter(pc.and_(written, pc.is_in(uids, value_set=pc.unique(values))))
    has_output: npt.NDArray[np.bool_] = np.asarray(pc.is_in(values, value_set=pc.unique(stand)))
    return places[~has_output]


def _pairs(workspace: Workspace, rows: pa.Table, missing: _Numbers) -> _Numbers:
    """Return (referring row, target row), shape (n, 2), ascending."""
    uids = rows.column(_UID).take(pa.array(missing)).to_pylist()
    digests = np.array([digest_of_uid(uid.encode("ascii", "replace")) for uid in uids], np.int64)
    # Of several files with one UID the first stands for all.
    known, first = np.unique(digests, return_index=True)
    stands = np.asarray(pc.equal(rows.column("verdict"), Verdict.OK.value))
    found = [np.zeros((0, 2), np.int64)]
    for number, start in enumerate(workspace.starts[:-1]):
        references = workspace.read_references(number)
        if references is None:
            continue
        referrers = np.asarray(references.column("row")).astype(np.int64) + start
        targets = np.asarray(references.column("target"))
        places = np.minimum(np.searchsorted(known, targets), len(known) - 1)
        hits = (known[places] == targets) & stands[referrers]
        found.append(np.stack([referrers[hits], missing[first[places[hits]]]], axis=1))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _texts(paths: pa.ChunkedArray, places: pa.Array) -> pa.Array:
    raw = paths.take(places).to_pylist()
    return pa.array([path.decode("utf-8", "replace") for path in raw], pa.string())
