"""The kernels behind the cleaning of texts: who is known in a file, what was cleaned before."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.kernels import elements
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import ENTRY, OPERATION
from fastdeid.kernels.values import pack_entries
from fastdeid.memo import Memo
from fastdeid.tags import VR_NAMES
from tests.builders import EXPLICIT, element, item, sequence
from tests.kernels import naive
from tests.kernels.scanning import ONLY, Scanned, coding_of

TEXTS: Final = frozenset(("LO", "UT"))
IS_TEXT: Final = np.isin(VR_NAMES, list(TEXTS)).astype(np.uint8)
IS_TEXT.setflags(write=False)
KINDS: Final = np.arange(len(VR_NAMES), dtype=np.int64) + 100
KINDS.setflags(write=False)

LONG = element(0x00104000, "UT", b"x" * 5000)
PIECES: Final = (
    element(0x00081030, "LO", b"CT Head "),
    element(0x00081030, "LO", b""),
    element(0x00081048, "PN", b"CT Head "),
    element(0x00104000, "UT", b"CT Head "),
    sequence(0x00081140, [item(element(0x0008103E, "LO", b"MRI "))]),
    sequence(0x00081140, []),
)


@given(data=st.data(), kept=st.booleans(), is_long=st.booleans())
def test_a_text_is_looked_up_by_its_value_vr_and_identity(
    data: st.DataObject, kept: bool, is_long: bool
) -> None:
    pieces = data.draw(st.lists(st.sampled_from(PIECES), max_size=6))
    scanned = Scanned(b"".join(pieces) + LONG * is_long, 0, coding_of(EXPLICIT))
    rows = scanned.result().rows
    n = len(rows)
    some = st.sampled_from([0, 0, 1, 2, 3, 3])
    operations = [0 if r.item else o for r, o in zip(rows, data.draw(_lists(some, n)), strict=True)]
    entries = data.draw(_lists(st.sampled_from([-1, -1, 7]), n))
    scanned.table[:n, OPERATION] = operations
    scanned.table[:n, ENTRY] = entries
    memo = Memo()
    wanted = naive.find_texts(rows, operations, entries, kept=kept, texts=TEXTS)

    misses = _find(scanned, memo, kept=kept)
    assert [miss[kernel.MISS_ROW] for miss in misses] == wanted
    assert scanned.table[:n, ENTRY].tolist() == entries

    known: dict[tuple[str, bytes, bool], int] = {}
    for row, kind, scope, code, file in misses:
        raw = scanned.header[rows[row].value :][: rows[row].length].tobytes()
        is_kept = operations[row] == 0
        assert (kind, scope, file) == (100 + VR_NAMES.index(rows[row].vr), 5 if is_kept else 4, 0)
        assert (code < 0) == (rows[row].sequence or rows[row].length > 4096)
        key = (rows[row].vr, raw, is_kept)
        if code >= 0 and key not in known and data.draw(st.booleans()):
            known[key] = memo.add(code, kind, scope, raw, result=b"clean")

    again = {miss[kernel.MISS_ROW] for miss in _find(scanned, memo, kept=kept)}
    for row in wanted:
        raw = scanned.header[rows[row].value :][: rows[row].length].tobytes()
        entry = known.get((rows[row].vr, raw, operations[row] == 0), -1)
        is_known = entry >= 0 and not rows[row].sequence
        assert (row in again) == (not is_known)
        is_given = is_known and operations[row] == 3
        assert scanned.table[row, ENTRY] == (entry if is_given else entries[row])


def _lists(some: st.SearchStrategy[int], n: int) -> st.SearchStrategy[list[int]]:
    return st.lists(some, min_size=n, max_size=n)


def _find(scanned: Scanned, memo: Memo, *, kept: bool) -> list[list[int]]:
    misses = np.zeros((scanned.n_rows, kernel.N_MISS_COLUMNS), np.int64)
    scopes = np.array([[4, 5 if kept else -1]], np.int64)
    scopes.setflags(write=False)
    n = kernel.find_texts(
        *(scanned.header, scanned.table, scanned.files, ONLY, scopes, IS_TEXT, KINDS),
        *(memo.slots, memo.entries, memo.arena, misses),
    )
    found: list[list[int]] = misses[:n].tolist()
    return found


@given(data=st.data())
def test_the_entries_of_each_file_are_collected_once_and_files_alike_are_told(
    data: st.DataObject,
) -> None:
    kinds = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=8))
    memo = Memo()
    for kind in kinds:
        memo.add(-1, kind, 0, b"", result=b"")
    entry = st.integers(-1, len(kinds) - 1)
    files = data.draw(st.lists(st.lists(entry, max_size=6), min_size=1, max_size=5))
    files += files[-1:] * data.draw(st.integers(0, 2))
    table = np.zeros((sum(map(len, files)), elements.N_COLUMNS), np.int64)
    table[:, ENTRY] = [one for file in files for one in file]
    states = np.zeros((len(files), elements.N_STATE), np.int64)
    states[:, elements.N_ROWS] = np.cumsum([len(file) for file in files])
    states[1:, elements.FIRST_ROW] = states[:-1, elements.N_ROWS]
    wanted = np.array([0, 1, 0, 1], np.uint8)
    numbers = np.arange(len(files), dtype=np.int64)
    for array in (wanted, numbers):
        array.setflags(write=False)
    packed = np.zeros(len(table), np.int64)
    ends, repeats = np.zeros((2, len(files)), np.int64)

    expected = naive.pack_entries(files, kinds, {1, 3})
    stamp = memo.next_stamps(len(files))
    n = pack_entries(table, states, numbers, memo.entries, wanted, stamp, packed, ends, repeats)
    assert packed[:n].tolist() == [one for file in expected for one in file]
    assert ends.tolist() == np.cumsum([len(file) for file in expected]).tolist()
    assert repeats.tolist() == [0, *(int(one == other) for one, other in pairwise(expected))]
