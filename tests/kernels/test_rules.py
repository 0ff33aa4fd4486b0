"""The decide kernel and its memo against rules in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid import lookup
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import ENTRY, EXPLICIT, MAX_DEPTH, OPERATION
from fastdeid.memo import Memo
from fastdeid.tags import VR_NAMES
from tests.builders import Element, Encoding, Node, element, encode
from tests.kernels import naive, naive_rules
from tests.kernels.damage import PLAIN_ENCODINGS, SAMPLES
from tests.kernels.naive_rules import REMOVE, Decision, Place, Rule, Rules
from tests.kernels.naive_scan import Row
from tests.kernels.scanning import ONLY, Scanned, coding_of
from tests.strategies import data_sets

N_KINDS: Final = 4
KINDS: Final = st.integers(-1, N_KINDS - 1)
CONTEXTS: Final = st.integers(0, 2)
OVERLAY: Final[tuple[Node, ...]] = (
    Element(0x00080000, "UL", bytes(4)),
    Element(0x00041500, "CS", b"A "),
    Element(0x60020010, "US", b"\1\0"),
    Element(0x60020022, "LO", b"x "),
)


@st.composite
def rules_for(draw: st.DrawFn, rows: Sequence[Row]) -> Rules:
    """Draw rules that name most attributes of the rows, in some contexts."""
    tags = sorted({_base_tag(row.tag) for row in rows if not row.item and not row.tag >> 16 & 1})
    general: dict[int, Rule] = {}
    places: dict[tuple[int, int], Place] = {}
    for tag in tags:
        if draw(st.integers(0, 7)):
            operation = draw(st.sampled_from([0, 0, 0, 1, 2, 3]))
            general[tag] = Rule(operation, draw(KINDS), draw(st.integers(0, 15)))
        for context in range(3):
            if draw(st.booleans()):
                place = Place(draw(st.integers(-1, 3)), draw(KINDS), draw(st.integers(-1, 2)))
                places[context, tag] = place
    step = draw(st.integers(1, 7))
    kind_of_vr = {vr: step * n % (N_KINDS + 1) - 1 for n, vr in enumerate(VR_NAMES)}
    return Rules(general, places, kind_of_vr, draw(st.sets(st.sampled_from(VR_NAMES[1:]))))


def _base_tag(tag: int) -> int:
    return tag & 0xFF00FFFF if tag >> 24 in {0x50, 0x60} else tag


class Deciding:
    """The kernel's arrays for one set of rules, and the memo that lives from call to call."""

    def __init__(
        self, rules: Rules, per_patient: Sequence[bool], deferred: Sequence[bool] = ()
    ) -> None:
        tags = np.array(sorted(rules.general), np.uint32)
        self.keys, slots = lookup.place_tags(tags)
        self.general = np.zeros((len(self.keys), 3), np.int32)
        self.general[slots] = np.array(
            [rules.general[tag] for tag in tags.tolist()], np.int32
        ).reshape(-1, 3)
        numbers = {context << 32 | tag: place for (context, tag), place in rules.places.items()}
        self.iod_keys, self.iod = lookup.place_keys({n: (*place,) for n, place in numbers.items()})
        self.private = np.array(
            [[REMOVE, rules.kind_of_vr[vr], vr in rules.betraying] for vr in VR_NAMES], np.int32
        )
        self.per_patient = per_patient
        self.deferred = deferred or [False] * len(per_patient)
        traits = zip(per_patient, self.deferred, strict=True)
        self.traits = np.array(
            [kernel.PER_PATIENT * one + kernel.DEFERRED * other for one, other in traits], np.uint8
        )
        for array in (self.keys, self.general, self.iod_keys, self.iod):
            array.setflags(write=False)
        self.private.setflags(write=False)
        self.traits.setflags(write=False)
        self.memo = Memo()

    def run(self, scanned: Scanned, shared: int, patient: int) -> list[list[int]]:
        """Decide on every row; return the misses: row, kind, context, hash."""
        misses = np.zeros((scanned.n_rows, kernel.N_MISS_COLUMNS), np.int64)
        memo = self.memo
        n_misses = kernel.decide_actions(
            *(scanned.header, scanned.table, scanned.files, ONLY),
            *(self.keys, self.general, self.iod_keys, self.iod, self.private, self.traits),
            *(shared, patient, memo.slots, memo.entries, memo.arena),
            *(misses, np.full(MAX_DEPTH + 2, 77, np.int64)),
        )
        assert not misses[:n_misses, kernel.MISS_FILE].any()
        rows: list[list[int]] = misses[:n_misses, : kernel.MISS_FILE].tolist()
        return rows


def context_of(row: Row, kind: int, deciding: Deciding, shared: int, patient: int) -> int:
    number = patient if deciding.per_patient[kind] else shared
    implicit = row.implicit or row.vr == "UN"
    return number | (kernel.IN_IMPLICIT_VR if implicit else 0)


def raw_of(data: bytes, row: Row) -> bytes:
    has_value = not (row.sequence or naive_rules.is_long(row))
    return data[row.value : row.value + row.length] if has_value else b""


Wanted = tuple[int, int, int, bytes]


def wanted_values(
    scanned: Scanned, decisions: Sequence[Decision], deciding: Deciding, shared: int, patient: int
) -> list[Wanted]:
    """Return row, kind, context and raw value of everything that must be resolved."""
    rows = scanned.result().rows
    return [
        (
            number,
            kind,
            context_of(rows[number], kind, deciding, shared, patient),
            raw_of(scanned.data, rows[number]),
        )
        for number, (_, kind) in enumerate(decisions)
        if kind >= 0 and not deciding.deferred[kind]
    ]


@pytest.mark.parametrize("encoding", PLAIN_ENCODINGS, ids=["explicit", "implicit", "big endian"])
@settings(max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_every_row_is_decided_and_every_value_resolved_once(
    encoding: Encoding, data: st.DataObject
) -> None:
    nodes = data.draw(
        st.one_of(st.sampled_from([*SAMPLES, OVERLAY]), data_sets(max_depth=1, max_size=3))
    )
    scanned = Scanned(encode(nodes, encoding), 0, coding_of(encoding))
    rows = scanned.result().rows
    rules = data.draw(rules_for(rows))
    traits = st.lists(st.booleans(), min_size=4, max_size=4)
    deciding = Deciding(rules, data.draw(traits), data.draw(traits))
    decisions = naive.decide_actions(rows, rules)

    misses = deciding.run(scanned, 2, 5)
    assert scanned.table[: scanned.n_rows, OPERATION].tolist() == [d.operation for d in decisions]
    wanted = wanted_values(scanned, decisions, deciding, 2, 5)
    assert [tuple(miss[:3]) for miss in misses] == [one[:3] for one in wanted]
    assert (scanned.table[: scanned.n_rows, ENTRY] == -1).all()

    known, needles = remember(deciding.memo, misses, wanted, data)
    # Another patient of the same kind of file: what depends on the patient is not known.
    for patient in (5, 7):
        check_known(deciding, scanned, decisions, known, needles, patient=patient)


Known = dict[tuple[int, int, bytes], int]


def remember(
    memo: Memo, misses: list[list[int]], wanted: list[Wanted], data: st.DataObject
) -> tuple[Known, dict[int, int]]:
    """Put some of the misses into the memo; return their entries, and how many needles each has."""
    known: Known = {}
    needles: dict[int, int] = {}
    for miss, (_, kind, context, raw) in zip(misses, wanted, strict=True):
        if (kind, context, raw) not in known and data.draw(st.booleans()):
            values = [(b"needle", 0)] * data.draw(st.integers(0, 2))
            entry = memo.add(miss[3], kind, context, raw, result=raw, needles=values)
            known[kind, context, raw] = entry
            needles[entry] = len(values)
    return known, needles


def check_known(
    deciding: Deciding,
    scanned: Scanned,
    decisions: Sequence[Decision],
    known: Known,
    needles: dict[int, int],
    *,
    patient: int,
) -> None:
    misses = deciding.run(scanned, 2, patient)
    wanted = wanted_values(scanned, decisions, deciding, 2, patient)
    entries = {row: known.get((kind, context, raw), -1) for row, kind, context, raw in wanted}
    assert scanned.table[: scanned.n_rows, ENTRY].tolist() == [
        entries.get(row, -1) for row in range(scanned.n_rows)
    ]
    assert [miss[0] for miss in misses] == [row for row, *_ in wanted if entries[row] < 0]
    met = set(entries.values()) - {-1}
    active = deciding.memo.needles_of(scanned.table[: scanned.n_rows]).tolist()
    assert len(active) == len(set(active)) == sum(needles[one] for one in met)


def test_a_value_too_long_to_be_surely_loaded_is_not_learned_from() -> None:
    rules = Rules({0x00104000: Rule(0, 1, 8)}, {}, dict.fromkeys(VR_NAMES, -1), ())
    for length, n_misses in ((4096, 1), (4098, 0)):
        scanned = Scanned(element(0x00104000, "UT", b"x" * length), 0, EXPLICIT)
        assert len(Deciding(rules, [False] * 4).run(scanned, 0, 1)) == n_misses
