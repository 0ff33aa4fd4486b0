"""Reader, decide and assemble without anything around them, under rules of the test's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import Final

import numpy as np

from fastdeid import lookup
from fastdeid.dicom.reader import Reader
from fastdeid.kernels import assemble as assembly
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import ENTRY, MAX_DEPTH, OPERATION
from fastdeid.memo import Memo
from fastdeid.tags import VR_NAMES
from tests.builders import Element, Node, Sequence
from tests.dicom.reading import new_reader
from tests.kernels.scanning import ONLY
from tests.runs import basic_profile

_RULED_BY_VR: Final = 8
_NO_INSERTS: Final = np.zeros((0, 3), np.int64)
_NO_BYTES: Final = np.zeros(0, np.uint8)


class KeepingRules:
    """Rules that keep every attribute of PS3.6 and every item; private elements go all the same."""

    def __init__(self) -> None:
        self.general_keys = basic_profile().general_keys
        self.general = np.zeros((len(self.general_keys), 3), np.int32)
        self.general[:] = kernel.KEEP, -1, _RULED_BY_VR
        self.iod_keys, self.iod = lookup.place_keys({})
        self.private = np.zeros((len(VR_NAMES), 3), np.int32)
        self.private[:] = kernel.REMOVE, -1, 0
        self.traits = np.zeros(1, np.uint8)
        for array in vars(self).values():
            array.setflags(write=False)

    def decide(self, reader: Reader) -> int:
        """Write the operations into the reader's table; return the number of values to resolve."""
        memo = Memo()
        misses = np.zeros((reader.n_rows, kernel.N_MISS_COLUMNS), np.int64)
        return int(
            kernel.decide_actions(
                *(reader.header, reader.table, reader.files, ONLY),
                *(self.general_keys, self.general, self.iod_keys, self.iod, self.private),
                *(self.traits, 0, 1, memo.slots, memo.entries, memo.arena),
                *(misses, np.zeros(MAX_DEPTH + 2, np.int64)),
            )
        )


def assemble(reader: Reader, fd: int) -> bytes:
    """Return the data set that the operations in the reader's table ask for."""
    memo = Memo()
    all_totals = np.zeros((1, assembly.N_TOTALS), np.int64)
    totals = all_totals[0]
    meta_ends = np.zeros(1, np.int64)
    meta_ends.setflags(write=False)
    segments = np.zeros((2 * reader.n_rows + 1, 3), np.int64)
    size = 1 << 16
    while True:
        out = np.zeros(size, np.uint8)
        assembly.assemble_data_sets(
            *(reader.header, reader.table, reader.files, ONLY, 0, 0, memo.entries, memo.arena),
            *(_NO_INSERTS, _NO_BYTES, _NO_BYTES, meta_ends, out, segments),
            *(np.zeros(MAX_DEPTH, np.int64), all_totals),
        )
        status = totals[assembly.STATUS]
        if status != assembly.BUFFER_FULL:
            break
        size = int(totals[assembly.NEEDED])
    assert status == assembly.DONE
    parts = []
    for kind, start, length in segments[: totals[assembly.N_SEGMENTS]].tolist():
        if kind == assembly.FROM_BUFFER:
            parts.append(out[start : start + length].tobytes())
        elif reader.inflated is not None:
            parts.append(bytes(reader.inflated[start : start + length]))
        else:
            parts.append(os.pread(fd, length, start))
    return b"".join(parts)


def pass_through(data: bytes, rules: KeepingRules | None) -> bytes:
    """Return the data set of a file after its way through; without rules everything is kept."""
    reader = new_reader()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        reader.read(file.fileno(), len(data))
        if rules is None:
            reader.table[: reader.n_rows, OPERATION] = kernel.KEEP
            reader.table[: reader.n_rows, ENTRY] = -1
        else:
            assert rules.decide(reader) == 0
        return assemble(reader, file.fileno())


def public(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the nodes without private elements, at any depth."""
    kept: list[Node] = []
    for node in nodes:
        if node.tag >> 16 & 1:
            continue
        if isinstance(node, Element):
            kept.append(node)
        else:
            items = tuple((public(content), undefined) for content, undefined in node.items)
            kept.append(Sequence(node.tag, items, node.undefined, node.vr))
    return tuple(kept)
