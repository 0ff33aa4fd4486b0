"""How much of the frames was masked, from the boxes in the research manifest."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.pixels.masked_box import ELSEWHERE

# Upper ends of the classes of an instance's masked share, in per cent of all its pixels.
_ENDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
_READ: Final = ("rows", "columns", "number_of_frames", "masks")

Rows = list[tuple[Any, ...]]


def masked_counts(outputs: pa.Table) -> Rows:
    """Return instances and frames that were examined and masked, [] when none was."""
    counts: Rows = []
    for name in ("frames_examined", "frames_masked"):
        column = outputs.column(name)
        word = name.replace("frames_", "")
        counts.append((f"instances {word}", len(column) - column.null_count))
        counts.append((f"frames {word}", pc.sum(column).as_py() or 0))
    return counts if any(number for _, number in counts) else []


def masked_shares(outputs: pa.Table) -> Rows:
    """Return instances with masks by the share of their pixels that lies inside boxes.

    Boxes of a frame that overlap count twice, a share over 100 % as 100 %; those of overlays and
    icons do not count.
    """
    masked = outputs.select(list(_READ)).filter(pc.is_valid(outputs.column("masks")))
    classes: Counter[float] = Counter()
    for row in masked.to_pylist():
        area = sum(
            (box["bottom"] - box["top"])
            * (box["right"] - box["left"])
            * (box["last_frame"] - box["first_frame"] + 1)
            for box in row["masks"]
            if not (box["reason"] or "").startswith(ELSEWHERE)
        )
        whole = (row["rows"] or 0) * (row["columns"] or 0) * (row["number_of_frames"] or 1)
        share = min(100.0, 100.0 * area / whole) if whole else 100.0
        classes[next(end for end in _ENDS if share <= end)] += 1
    return [(f"up to {end:g} %", classes[end]) for end in _ENDS] if classes else []


def reasons(outputs: pa.Table) -> Rows:
    """Return the boxes by why they were filled, the most frequent reason first."""
    boxes = pc.list_flatten(outputs.column("masks").combine_chunks())
    if not len(boxes):
        return []
    counted = pc.value_counts(pc.struct_field(boxes, "reason")).to_pylist()
    return sorted(
        ((one["values"] or "not given", one["counts"]) for one in counted),
        key=lambda row: (-row[1], row[0]),
    )
