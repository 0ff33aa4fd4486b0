"""The memo: what was resolved once is found again, however it has grown, until it is forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid import memo as memo_module
from fastdeid.kernels import rules as kernel
from fastdeid.kernels import search, uids
from fastdeid.memo import MOST_BYTES, MOST_PASSING, Memo
from fastdeid.tags import VR_NAMES
from tests.builders import element, encode
from tests.kernels.naive_rules import Rule, Rules
from tests.kernels.scanning import Scanned
from tests.kernels.test_rules import Deciding


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every memo of the test start small, so that it must grow."""
    monkeypatch.setattr(memo_module, "_FIRST_ENTRIES", 4)
    monkeypatch.setattr(memo_module, "_FIRST_BYTES", 16)
    monkeypatch.setattr(memo_module, "_FIRST_NEEDLES", 2)


def deciding(memo: Memo) -> Deciding:
    """Return rules that learn from (0010,0010) and replace (0010,0020), with this memo."""
    rules = Rules(
        {0x00100010: Rule(0, 0, 8), 0x00100020: Rule(3, 1, 8)}, {}, dict.fromkeys(VR_NAMES, -1), ()
    )
    one = Deciding(rules, [False, True])
    one.memo = memo
    return one


def scanned(name: bytes, patient_id: bytes) -> Scanned:
    raw = element(0x00100010, "PN", name) + element(0x00100020, "LO", patient_id)
    return Scanned(raw + encode([]), 0, 1)


def learn(one: Deciding, table: Scanned, patient: int) -> list[int]:
    """Resolve what the memo does not hold: a result and a needle per value; return the entries."""
    entries = []
    for row, kind, context, code in one.run(table, 2, patient):
        at, length = table.table[row, [3, 4]].tolist()
        raw = table.data[at : at + length]
        needles = [(raw, 0), (b"also " + raw, 1)]
        entries.append(one.memo.add(code, kind, context, raw, result=raw[::-1], needles=needles))
    return entries


def stored(memo: Memo, entry: int) -> tuple[bytes, bytes, list[tuple[bytes, int]]]:
    """Return key, result and needles of an entry as the kernels find them."""
    row = memo.entries[entry]

    def cut(start: int, length: int) -> bytes:
        return memo.arena[start : start + length].tobytes()

    first = int(row[kernel.FIRST_NEEDLE])
    needles = memo.needles[first : first + int(row[kernel.N_NEEDLES])].tolist()
    return (
        cut(int(row[kernel.KEY]), int(row[kernel.KEY_LENGTH])),
        cut(int(row[kernel.RESULT]), int(row[kernel.RESULT_LENGTH])),
        [(cut(start, length), boundary) for start, length, boundary in needles],
    )


def test_a_memo_grows_without_losing_anything(small: None) -> None:
    memo = Memo()
    one = deciding(memo)
    values = [f"name {number} ".encode() for number in range(300)]
    known = {}
    for number, value in enumerate(values):
        known[value] = learn(one, scanned(value, b"id"), patient=7 if number % 2 else 5)[0]
    for value, entry in known.items():
        assert stored(memo, entry) == (value, value[::-1], [(value, 0), (b"also " + value, 1)])
        assert memo.result(entry) == value[::-1]
        table = scanned(value, b"id")
        assert one.run(table, 2, 5) == []
        assert int(table.table[0, 9]) == entry
    # 300 names, and the same ID for two patients.
    assert int(memo.used[uids.N_ENTRIES]) == 302


@given(values=st.lists(st.binary(max_size=6), max_size=40))
def test_a_value_is_found_by_its_bytes_its_kind_and_its_patient(values: list[bytes]) -> None:
    one = deciding(Memo())
    resolved: set[tuple[int, bytes, int]] = set()
    for number, value in enumerate(values):
        patient = 5 + 2 * (number % 2)
        name, patient_id = (0, value, 2), (1, value, patient)
        # An empty name teaches nothing; an empty ID is replaced all the same.
        wanted = {key for key in (name, patient_id) if key[1] or key[0]} - resolved
        assert len(learn(one, scanned(value, value), patient)) == len(wanted)
        resolved |= wanted


def test_values_with_one_hash_are_told_apart() -> None:
    memo = Memo()
    one = deciding(memo)
    table = scanned(b"A", b"id")
    ((_, kind, context, code), _) = one.run(table, 2, 5)
    memo.add(code, kind, context, b"B", result=b"other")
    memo.add(code, kind, context + 2, b"A", result=b"other")
    memo.add(code, kind + 1, context, b"A", result=b"other")
    memo.add(code, kind, context, b"AA", result=b"other")
    assert len(one.run(table, 2, 5)) == 2
    entry = memo.add(code, kind, context, b"A", result=b"this")
    assert [miss[0] for miss in one.run(table, 2, 5)] == [1]
    assert int(table.table[0, 9]) == entry


def test_an_entry_without_a_hash_is_never_found() -> None:
    memo = Memo()
    one = deciding(memo)
    entry = memo.add(-1, 0, 2, b"A", result=b"once")
    assert memo.result(entry) == b"once"
    assert len(one.run(scanned(b"A", b"id"), 2, 5)) == 2


def test_the_needles_of_a_file_are_those_of_its_values_each_once() -> None:
    memo = Memo()
    one = deciding(memo)
    learn(one, scanned(b"Doe^Jane", b"id"), 5)
    table = Scanned(element(0x00100010, "PN", b"Doe^Jane") * 3, 0, 1)
    one.run(table, 2, 5)
    assert memo.needles_of(table.table[: table.n_rows]).tolist() == [0, 1]
    table = Scanned(element(0x00100010, "PN", b"Roe^"), 0, 1)
    one.run(table, 2, 5)
    assert memo.needles_of(table.table[: table.n_rows]).tolist() == []


def test_a_grown_memo_still_finds_every_needle(small: None) -> None:
    memo = Memo()
    for n in range(5):
        memo.add(n, 0, 0, b"x", result=b"", needles=[(b"abc%d" % n, 0)] * n)
    text = np.frombuffer(bytearray(b"..abc4.."), np.uint8)
    active = np.arange(memo.used[uids.N_NEEDLES])
    assert len(active) == 10
    found = search.find_needle(
        *(text, 0, 8, 3, memo.arena, memo.needles, active, 10, memo.heads, memo.links)
    )
    assert found >= 6


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_ENTRIES"])
def test_a_memo_that_is_too_large_starts_anew_with_the_next_file(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo_module, limit, 10)
    memo = Memo()
    one = deciding(memo)
    stamps = set()
    for number in range(100):
        memo.make_room()
        table = scanned(b"name %d" % number, b"id")
        learn(one, table, 5)
        assert memo.used[uids.N_ENTRIES] <= 12
        stamps.add(memo.next_stamps(2))
        # Within the file at hand, what was resolved is known.
        assert one.run(table, 2, 5) == [] or memo.used[uids.N_ENTRIES] <= 2
    assert len(stamps) == 100
    assert len(memo.arena) == memo_module._FIRST_BYTES


def test_long_results_that_pass_do_not_make_the_memo_forget() -> None:
    memo = Memo()
    memo.add(7, 1, 0, b"remembered", result=b"new")
    for _ in range(2 * MOST_BYTES // 100_000):  # Siemens CSA headers of 100 KB
        memo.add(-1, 0, 0, b"", result=bytes(100_000))
        memo.make_room()
    assert memo.generation == 1
    assert memo.result(0) == b"new"
    for _ in range(MOST_PASSING // 100_000):
        memo.add(-1, 0, 0, b"", result=bytes(100_000))
    memo.make_room()
    assert memo.generation == 2
