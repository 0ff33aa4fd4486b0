"""What happens to each row of one layout: blocks, items, and the creators of what stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from fastdeid.codes import Operation
from fastdeid.kernels.elements import IS_ITEM, SEQUENCE
from fastdeid.private_rows import PrivateRow, read_creator
from fastdeid.private_values import TYPED_VRS, Verdict
from fastdeid.profiles.tables import read_dictionary
from fastdeid.rules import Rules

# PS3.5 section 7.8.1: odd groups that are not private.
_ILLEGAL_GROUPS: Final = frozenset({1, 3, 5, 7, 0xFFFF})
# What may become of a standard attribute in a kept private sequence. Other replacements make items
# or documents, which nothing asks for there.
_REPLACED: Final = frozenset(
    "accession cap_age clean dummy map_uid patient_id patient_name shift".split()
)


class Decision(NamedTuple):
    """What happens to one row: `replace` and `vr` as in `kinds.Kind`, "" unless it is replaced.

    replace "csa": the value is what `csa.scrub` returns, and the element goes where that is None.
    """

    row: int
    operation: Operation
    replace: str
    vr: str


class Plan(NamedTuple):
    """Decisions on all files of one layout, in the order of the rows.

    roots: for each decision the row of the item in which it, or the outermost private sequence
    around it, stands; -1 for none. () when that is -1 for all. reasons: row -> why.
    """

    decisions: list[Decision]
    roots: Sequence[int]
    reasons: dict[int, str]


_Decide = Callable[[PrivateRow, str], Verdict]
# Where an item stands: in no kept private sequence, in one, or in one that goes.
_OUTSIDE, _INSIDE, _GONE = range(3)


class Planner:
    """Makes the plan of one layout.

    decide: gives the verdict on a private element whose creator is known.
    """

    def __init__(
        self,
        rows: list[PrivateRow],
        rules: Rules,
        decide: _Decide,
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._decide = decide
        self._creators = find_creators(rows)
        self._places: dict[int, int] = {}
        self._roots: dict[int, int] = {}
        self._decisions: list[tuple[Decision, int]] = []
        self._reasons: dict[int, str] = {}
        self._blocks_kept: set[tuple[int, int, int]] = set()

    def plan(self) -> Plan:
        """Decide on every row, and on the creators by what is kept of their blocks."""
        for row in self._rows:
            place = self._places.get(row.parent, _OUTSIDE)
            root = self._roots[row.number] = self._roots.get(row.parent, row.parent)
            if row.flags & IS_ITEM:
                self._places[row.number] = place
                if place == _INSIDE:
                    self._add(row, root, Verdict(Operation.KEEP, "", "", "item of a kept sequence"))
                elif place == _OUTSIDE:
                    self._roots[row.number] = row.number
            elif place == _GONE:
                self._places[row.number] = _GONE
            elif row.tag >> 16 & 1:
                self._private(row, root)
            elif place == _INSIDE:
                self._standard(row, root)
        for (parent, group, block), (row, creator) in self._creators.items():
            if creator and (parent, group, block) in self._blocks_kept:
                self._add(
                    row,
                    self._roots.get(parent, parent),
                    Verdict(Operation.KEEP, "", "", "creator of a block that is kept"),
                )
        self._decisions.sort()
        roots = [root for _, root in self._decisions]
        return Plan(
            [decision for decision, _ in self._decisions],
            roots if any(root >= 0 for root in roots) else (),
            self._reasons,
        )

    def _private(self, row: PrivateRow, root: int) -> None:
        group, block = row.tag >> 16, row.tag >> 8 & 0xFF
        key = (row.parent, group, block)
        if row.tag & 0xFFFF < 0x1000 or group in _ILLEGAL_GROUPS:
            self._places[row.number] = _GONE
            is_creator = (row.parent, group, row.tag & 0xFFFF) in self._creators
            nothing = "private creator of nothing that is kept"
            self._reasons[row.number] = nothing if is_creator else "private, of no creator"
            return
        _, creator = self._creators.get(key, (row, ""))
        if not creator:
            self._places[row.number] = _GONE
            self._reasons[row.number] = "private, of no creator"
            return
        verdict = self._decide(row, creator)
        self._places[row.number] = _INSIDE if verdict.operation is Operation.KEEP else _GONE
        self._reasons[row.number] = verdict.reason
        if verdict.operation is not Operation.REMOVE:
            self._blocks_kept.add(key)
            self._add(row, root, verdict)

    def _standard(self, row: PrivateRow, root: int) -> None:
        """Decide on a standard attribute in a kept private sequence, which no IOD describes."""
        operation, kind = self._rules.decide(row.tag, -1)
        replace, vr = "", ""
        if operation is Operation.REPLACE:
            replace, vr = self._rules.kinds[kind].replace, self._rules.kinds[kind].vr
        if _is_disguised(row) or (replace and replace not in _REPLACED):
            operation = Operation.REMOVE
        verdict = Verdict(operation, replace, vr, "standard attribute in a private sequence")
        self._reasons[row.number] = verdict.reason
        self._places[row.number] = _INSIDE if operation is Operation.KEEP else _GONE
        if operation is not Operation.REMOVE:
            self._add(row, root, verdict)

    def _add(self, row: PrivateRow, root: int, verdict: Verdict) -> None:
        self._decisions.append((Decision(row.number, *verdict[:3]), root))
        self._reasons[row.number] = verdict.reason


def _is_disguised(row: PrivateRow) -> bool:
    """Tell whether the VR of a standard attribute hides what it holds."""
    attribute = read_dictionary().find(row.tag)
    if attribute is None or bool(row.flags & SEQUENCE) != (attribute.vr == "SQ"):
        return True
    return row.vr in TYPED_VRS and row.vr not in attribute.vr.split(" or ")


def find_creators(rows: Iterable[PrivateRow]) -> dict[tuple[int, int, int], tuple[PrivateRow, str]]:
    """Return (item, group, block) -> row and name of its creator, name "" when it is not clear."""
    found: dict[tuple[int, int, int], tuple[PrivateRow, str]] = {}
    for row in rows:
        block = row.tag & 0xFFFF
        if not row.tag >> 16 & 1 or not 0x10 <= block <= 0xFF or row.flags & (SEQUENCE | IS_ITEM):
            continue
        key = (row.parent, row.tag >> 16, block)
        name = "" if key in found else read_creator(row.value)
        found[key] = (row, name)
    return found
