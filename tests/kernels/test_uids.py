"""New UIDs in compiled code are those of hashlib; the memo holds them as if Python had put them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastdeid.kernels import uids as kernel
from fastdeid.kernels.elements import ENTRY, FLAGS, LENGTH, LONG, N_COLUMNS, VALUE
from fastdeid.kernels.rules import N_MISS_COLUMNS
from fastdeid.lookup import place_uids
from fastdeid.memo import Memo
from fastdeid.pseudonyms import Pseudonyms
from tests.kernels import naive

KEY: Final = bytes(range(32))
REGISTRY: Final = frozenset({b"1.2.840.10008.1.2", b"1.2.840.10008.1.1"})
KIND: Final = 5
UIDS: Final = st.text(".0123456789", min_size=1, max_size=66).map(lambda uid: uid.encode())
VALUES: Final = st.lists(
    st.one_of(
        UIDS,
        st.builds(lambda uid, end: uid + end, UIDS, st.sampled_from([b"\0", b" ", b"  \0"])),
        st.sampled_from(
            [*sorted(REGISTRY), b"1.2.840.10008.1.2\0", b"1.2\\3.4", b"", b" \0", b" 1.2"]
        ),
        st.binary(max_size=66),
    ),
    max_size=12,
)


class Mapping:
    """The kernel run on some values, one in each row."""

    def __init__(self, values: Sequence[bytes], memo: Memo, kinds: Sequence[int]) -> None:
        self.table = np.zeros((len(values), N_COLUMNS), np.int64)
        self.table[:, ENTRY] = -1
        self.misses = np.zeros((len(values), N_MISS_COLUMNS), np.int64)
        at = 1
        for row, (value, kind) in enumerate(zip(values, kinds, strict=True)):
            self.table[row, [VALUE, LENGTH]] = at, len(value)
            # Two codes only, so that the memo meets values with the same hash.
            self.misses[row] = row, kind, 2, len(value) % 2, 3
            at += len(value)
        self.header = np.frombuffer(bytearray(b"." + b"".join(values)), np.uint8)
        self.memo = memo

    def run(self) -> list[int]:
        """Return the rows that are left."""
        state, work = np.zeros(8, np.uint64), np.zeros(40, np.uint64)
        kernel.absorb_key(np.frombuffer(KEY, np.uint8), state, work)
        state.setflags(write=False)
        memo, n = self.memo, len(self.misses)
        memo.reserve(n, n * kernel.MOST_BYTES)
        n_left = kernel.map_uids(
            *(self.header, self.table, self.misses, n, KIND, state, place_uids(REGISTRY), 8, 2),
            *(memo.slots, memo.entries, memo.arena, memo.needles, memo.used, work),
        )
        rows: list[int] = self.misses[:n_left, 0].tolist()
        return rows


@given(values=VALUES)
@example(values=[b"1.2.3", b"1.2.3", b"1.2.3\0"])
def test_single_uids_are_mapped_and_all_else_is_left(values: list[bytes]) -> None:
    memo = Memo()
    mapping = Mapping(values, memo, [KIND] * len(values))
    wanted = naive.map_uids(values, KEY, REGISTRY)
    assert mapping.run() == [row for row, new in enumerate(wanted) if new is None]
    for row, new in enumerate(wanted):
        entry = int(mapping.table[row, ENTRY])
        assert (memo.result(entry) if entry >= 0 else None) == new
    known = {value for value, new in zip(values, wanted, strict=True) if new is not None}
    assert int(memo.used[kernel.N_ENTRIES]) == len(known)


@given(values=VALUES)
def test_the_original_becomes_a_needle_unless_it_is_short(values: list[bytes]) -> None:
    memo = Memo()
    mapping = Mapping(values, memo, [KIND] * len(values))
    mapping.run()
    for row, value in enumerate(values):
        uid = value.strip(b" \0")
        numbers = memo.needles_of(mapping.table[row : row + 1]).tolist()
        if mapping.table[row, ENTRY] < 0 or len(uid) < 8:
            assert numbers == []
            continue
        ((start, length, boundary),) = memo.needles[numbers].tolist()
        assert (memo.arena[start : start + length].tobytes(), boundary) == (uid, 2)


def test_what_the_memo_holds_is_not_mapped_again() -> None:
    memo = Memo()
    Mapping([b"1.2.3.4"], memo, [KIND]).run()
    again = Mapping([b"1.2.3.4", b"1.2.3.5"], memo, [KIND, KIND])
    assert again.run() == []
    assert again.table[:, ENTRY].tolist() == [0, 1]


def test_values_of_another_kind_and_long_ones_are_left() -> None:
    mapping = Mapping([b"1.2.3", b"1.2.4", b"1.2.5"], Memo(), [KIND, KIND + 1, KIND])
    mapping.table[2, FLAGS] = LONG
    assert mapping.run() == [1, 2]


@pytest.mark.parametrize("length", [1, 31, 32, 64])
def test_a_key_of_any_length_is_that_of_hashlib(length: int) -> None:
    key = bytes(range(1, length + 1))
    state, work = np.zeros(8, np.uint64), np.zeros(40, np.uint64)
    kernel.absorb_key(np.frombuffer(key, np.uint8), state, work)
    # The chaining value of no message is not public: two keys with one would give one digest.
    other = np.zeros(8, np.uint64)
    kernel.absorb_key(np.frombuffer(key[:-1] + b"\xff", np.uint8), other, work)
    assert state.tolist() != other.tolist()
    assert naive.absorb_key(key).digest() != naive.absorb_key(key[:-1] + b"\xff").digest()


@given(uid=UIDS.filter(lambda uid: len(uid) <= 64))
def test_the_project_key_gives_the_same_uid_in_python_and_in_compiled_code(uid: bytes) -> None:
    pseudonyms = Pseudonyms(KEY)
    (new,) = naive.map_uids([uid], pseudonyms.uid_key, ())
    assert new is not None
    assert new.rstrip(b"\0") == pseudonyms.uid(uid)
