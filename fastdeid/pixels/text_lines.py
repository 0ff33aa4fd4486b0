"""Boxes around lines of text, and one box for those that tell of the same place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

# The box around two may hold so much more than what boxes cover in it.
SLACK: Final = 1.03


class TextLine(NamedTuple):
    """A box with text, end exclusive, and the mean likelihood of its place."""

    top: int
    left: int
    bottom: int
    right: int
    score: float


class _Cover:
    """What boxes cover together, asked by the places of their edges.

    edges: those of rows and of columns, ascending. places: the boxes by numbers of their edges,
    shape (n, 4).
    """

    def __init__(self, boxes: Places) -> None:
        self.edges = [np.unique(boxes[:, side::2]) for side in (0, 1)]
        self.places = np.stack(
            [np.searchsorted(self.edges[side % 2], boxes[:, side]) for side in range(4)], 1
        )
        covered = np.zeros([edges.size - 1 for edges in self.edges], np.bool_)
        for top, left, bottom, right in self.places.tolist():
            covered[top:bottom, left:right] = True
        samples = covered * np.multiply.outer(*(np.diff(edges) for edges in self.edges))
        self._sums = np.zeros([edges.size for edges in self.edges], np.int64)
        self._sums[1:, 1:] = samples.cumsum(0).cumsum(1)

    def covered(self, places: Places) -> Places:
        """Return how many samples of boxes are covered."""
        top, left, bottom, right = places.T
        sums = self._sums
        found: Places = (
            sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        )
        return found

    def samples(self, places: Places) -> Places:
        """Return how many samples boxes have."""
        top, left, bottom, right = places.T
        rows, columns = self.edges
        found: Places = (rows[bottom] - rows[top]) * (columns[right] - columns[left])
        return found

    def boxes(self, places: Places) -> Places:
        """Return boxes by their samples."""
        return np.stack([self.edges[side % 2][places[:, side]] for side in range(4)], 1)


def joined(boxes: Places, slack: float = SLACK) -> tuple[Places, list[list[int]]]:
    """Return fewer boxes that cover the given ones, shape (n, 4), and which these are in each.

    Two become one where the box around both holds at most `slack` times what boxes cover in it.
    """
    cover = _Cover(boxes)
    places, remain = cover.places, np.ones(len(boxes), np.bool_)
    members = [[number] for number in range(len(boxes))]
    for number in range(len(boxes)):
        while remain[number]:
            own = places[number]
            hulls = np.concatenate(
                [np.minimum(places[:, :2], own[:2]), np.maximum(places[:, 2:], own[2:])], 1
            )
            alike = remain & (cover.samples(hulls) <= slack * cover.covered(hulls))
            alike[number] = False
            if not alike.any():
                break
            other = int(alike.argmax())
            remain[other] = False
            places[number] = hulls[other]
            members[number] += members[other]
    stay = np.flatnonzero(remain)
    return cover.boxes(places[stay]), [members[number] for number in stay.tolist()]


def merged(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return lines that cover the given ones, in fewer boxes; the largest score of each counts."""
    if not lines:
        return []
    boxes, members = joined(np.array([line[:4] for line in lines], np.int64))
    return [
        TextLine(top, left, bottom, right, max(lines[number].score for number in inside))
        for (top, left, bottom, right), inside in zip(boxes.tolist(), members, strict=True)
    ]
