"""Many needles searched for at once: what `kernels.multisearch` needs, made from Python objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.kernels import multisearch as kernel

# Shortest needles of the two ways of searching: every byte looked at, or every fourth.
SHORTEST: Final = 3
SHORTEST_SPARSE: Final = 7
_SPARSE: Final = 4
# Bits of the filter: 16 to 32 for each anchor, at most one MiB.
_LEAST_LOG, _MOST_LOG = 16, 23


class Hit(NamedTuple):
    """A needle (its number) that stands in a text at byte `place`."""

    place: int
    needle: int


class Automaton:
    """Finds every place of every needle in any ASCII case.

    sparse: needles have SHORTEST_SPARSE bytes or more, which makes the search several times faster;
    else SHORTEST.
    """

    def __init__(self, needles: Sequence[bytes], *, sparse: bool) -> None:
        self.lengths = [len(value) for value in needles]
        shortest = SHORTEST_SPARSE if sparse else SHORTEST
        if any(length < shortest for length in self.lengths):
            raise ValueError(f"a needle has fewer than {shortest} bytes")
        self._width, self._stride = (_SPARSE, _SPARSE) if sparse else (SHORTEST, 1)
        self._span = self._width + self._stride - 1
        anchors = _anchors(needles, self._span, self._stride)
        starts = np.cumsum([0, *self.lengths])
        table = np.zeros((len(needles), 2), np.int64)
        table[:, kernel.START] = starts[:-1]
        table[:, kernel.LENGTH] = self.lengths
        arena = np.frombuffer(bytearray(b"".join(needles)), np.uint8)
        self._log = min(max((16 * len(anchors)).bit_length(), _LEAST_LOG), _MOST_LOG)
        heads = np.zeros(1 << self._log >> 2, np.int32)
        links = np.zeros(len(anchors), np.int32)
        entries = np.zeros(len(anchors), np.uint64)
        bloom = np.zeros(1 << self._log >> 6, np.uint64)
        tables = (heads, links, entries, bloom)
        kernel.index_anchors(arena, table, anchors, self._width, self._span, self._log, *tables)
        self._tables = (arena, table, anchors, *tables)
        self._hits = np.zeros((len(anchors) + 1024, 2), np.int64)

    def find(self, text: npt.NDArray[np.uint8], start: int = 0, end: int = -1) -> Iterator[Hit]:
        """Yield the hits that lie within text[start:end].

        text: shape (n,), C order, not writable. end: by default that of the text.
        """
        end = len(text) if end < 0 else end
        first = start
        while True:
            n = kernel.find_all(
                *(text, start, end, first, self._width, self._stride, self._span, self._log),
                *(*self._tables, self._hits),
            )
            complete = n if n >= 0 else int(self._hits[-1, kernel.PLACE])
            for place, needle in self._hits[:complete].tolist():
                yield Hit(place, needle)
            if n >= 0:
                return
            first = -1 - n


def _anchors(values: Sequence[bytes], span: int, stride: int) -> npt.NDArray[np.int64]:
    """Return the anchors of needles: of a few words each, those that the fewest share.

    So 1.2.840.10008., with which so many UIDs begin, is not what a search stops at.
    """
    spans = [_spans(value.lower(), span) for value in values]
    shared = Counter(word for words in spans for word in words)
    rows = []
    for number, words in enumerate(spans):
        best = min(words, key=lambda word: shared[word])
        rows += [(number, words[best] + offset, offset) for offset in range(stride)]
    return np.array(rows, np.int64).reshape(-1, 3)


def _spans(value: bytes, span: int) -> dict[bytes, int]:
    """Return a few words of a needle with their places: at its end, its middle and its start."""
    last = len(value) - span
    return {value[at : at + span]: at for at in (last, last // 2, 0)}
