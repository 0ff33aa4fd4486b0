"""References of outputs to instances of SOURCE that have no output.

Only the instances without an output are held in memory, and the references of one partition after
another: an archive has a thousand times more references than it has quarantined files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.columns import digest_of_uid, has_output
from fastdeid.manifest import REFERENCES
from fastdeid.settling import Settled
from fastdeid.tables import schema
from fastdeid.verdicts import WITH_OUTPUT, Verdict
from fastdeid.workspace import Workspace

_UID: Final = "original_sop_instance_uid"
_WHY: Final = ("verdict", "reason", "reason_tag", "reason_offset")
_ROW: Final = "row"
_TARGET: Final = {
    _UID: pa.string(),
    "verdict": pa.string(),
    "reason": pa.string(),
    "reason_tag": pa.string(),
    "reason_offset": pa.int64(),
    _ROW: pa.int64(),
}
# A duplicate's output is its twin's.
_WITH_OUTPUT: Final = pa.array(sorted({*WITH_OUTPUT, Verdict.DUPLICATE}), pa.string())

_Numbers = npt.NDArray[np.int64]


def find_dangling(workspace: Workspace, settled: Settled) -> pa.Table:
    """Return the rows of LINK/references.parquet, in the order of the plan.

    An input whose SOP Instance UID could not be read is not known as anybody's target.
    """
    missing = _without_output(settled)
    found = [schema(REFERENCES).empty_table()]
    if missing.num_rows:
        uids = missing.column(_UID).to_pylist()
        digests = np.array(
            [digest_of_uid(uid.encode("ascii", "replace")) for uid in uids], np.int64
        )
        # Of several files with one UID the first stands for all.
        known, first = np.unique(digests, return_index=True)
        for number in range(workspace.n_partitions):
            references = workspace.read_references(number)
            if references is not None:
                found.append(
                    _dangling(workspace, settled, number, references, missing, known, first)
                )
    return pa.concat_tables(found).combine_chunks()


def _without_output(settled: Settled) -> pa.Table:
    """Return the instances that have no output, neither of their own nor a twin's."""
    candidates = [pa.table({name: pa.array([], kind) for name, kind in _TARGET.items()})]
    for first, part in settled.parts():
        rows = part.table
        written = pc.is_in(rows.column("verdict"), value_set=_WITH_OUTPUT)
        wanted = pc.and_(pc.invert(written), pc.is_valid(rows.column(_UID)))
        places = np.flatnonzero(np.asarray(wanted))
        if len(places):
            lost = rows.select([name for name in _TARGET if name != _ROW]).take(pa.array(places))
            candidates.append(lost.append_column(_ROW, pa.array(places + first)).select(_TARGET))
    lost = pa.concat_tables(candidates).combine_chunks()
    if not lost.num_rows:
        return lost
    # Of two files with one UID, one may have an output.
    asked = pc.unique(lost.column(_UID))
    standing = []
    for _, part in settled.parts():
        uids = part.table.column(_UID)
        written = pc.is_in(part.table.column("verdict"), value_set=_WITH_OUTPUT)
        stand = uids.filter(pc.and_(written, pc.is_in(uids, value_set=asked)))
        standing.append(pc.unique(stand))
    twins = pa.concat_arrays(standing)
    return lost.filter(pc.invert(pc.is_in(lost.column(_UID), value_set=twins)))


def _dangling(  # noqa: PLR0917
    workspace: Workspace,
    settled: Settled,
    number: int,
    references: pa.Table,
    missing: pa.Table,
    known: _Numbers,
    first: _Numbers,
) -> pa.Table:
    """Return the rows of one partition, ordered by referrer and target."""
    rows = settled.part(number).table
    stands = np.asarray(has_output(rows.column("verdict")))
    referrers = np.asarray(references.column("row")).astype(np.int64)
    digests = np.asarray(references.column("target"))
    places = np.minimum(np.searchsorted(known, digests), len(known) - 1)
    hits = (known[places] == digests) & stands[referrers]
    referrers, targets = referrers[hits], first[places[hits]]
    order = np.lexsort((targets, referrers))
    referring, target = pa.array(referrers[order]), missing.take(pa.array(targets[order]))
    paths = workspace.partition(number).column("path").take(referring).to_pylist()
    targeted = map(workspace.plan.path_of, target.column(_ROW).to_pylist())
    columns = {
        "source_path": _texts(paths),
        "output_path": rows.column("output_path").take(referring),
        "referenced_sop_instance_uid": target.column(_UID),
        "referenced_source_path": _texts(targeted),
        **{name: target.column(name) for name in _WHY},
    }
    declared = schema(REFERENCES)
    return pa.table([columns[name] for name in declared.names], schema=declared)


def _texts(paths: Iterable[bytes]) -> pa.Array:
    return pa.array([path.decode("utf-8", "replace") for path in paths], pa.string())
