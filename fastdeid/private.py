"""Which private elements are safe to keep: the option Retain Safe Private, PS3.15 section E.3.10.

A private attribute is named by its creator and the last two digits of its element number, in
whatever block the creator has reserved. Blocks are reserved anew in each data set and item (PS3.5
section 7.8.1). What is not known to be safe is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from fastdeid.characteristics import Characteristics, read_characteristics
from fastdeid.codes import Operation
from fastdeid.dicom.reader import Reader, cells_of
from fastdeid.kernels.elements import IS_ITEM, LONG, N_COLUMNS, OPERATION, SEQUENCE
from fastdeid.kernels.private import STARTS_AS_ITEM, pack_private
from fastdeid.private_rows import PrivateRow, creator_name, read_creator, unpack_rows
from fastdeid.profiles.private_tables import PrivateAttribute, read_private_table
from fastdeid.profiles.tables import read_dictionary
from fastdeid.rules import Rules

# `element` of a PrivateAttribute that stands for every element of its creator in a group.
WHOLE_BLOCK: Final = -1

# Image and series header; "SIEMENS CSA NON-IMAGE" and the others hold data that nothing reads.
_CSA_BLOCK: Final = ("SIEMENS CSA HEADER", 0x0029)
_CSA_ELEMENTS: Final = frozenset({0x10, 0x20})

# PS3.5 section 7.8.1: odd groups that are not private.
_ILLEGAL_GROUPS: Final = frozenset({1, 3, 5, 7, 0xFFFF})

# VRs by what their values can hold. A value is taken for the attribute of a table only when its own
# VR can hold no more than the VR in the table.
_NUMBERS: Final = frozenset("AT DS FD FL IS SL SS SV UL US UV".split())
_BYTES: Final = frozenset("OB OD OF OL OV OW".split())
_TEXT: Final = frozenset("AE AS CS LO LT SH ST UC UR UT".split())
_TYPED: Final = frozenset("DA DT PN TM UI".split())
_DATES: Final = frozenset("DA DT TM".split())
_NEEDS_VR: Final = _TYPED | {"SQ"}
# VRs of a table, and the VRs that a value of such an attribute may have in a file.
_ALLOWED: Final = (
    (_NUMBERS, _NUMBERS | _DATES),
    (_BYTES, _BYTES | _NUMBERS),
    (_TEXT, _TEXT | _TYPED | _NUMBERS),
)

# How a replaced value is made by its VR; other VRs are kept as they are.
_BY_VR: Final = {"UI": "map_uid", "PN": "dummy", "AS": "cap_age"}
# What may become of a standard attribute in a kept private sequence. Other replacements make items
# or documents, which nothing asks for there.
_REPLACED: Final = frozenset(
    "accession cap_age clean dummy map_uid patient_id patient_name shift".split()
)
_MOST_LAYOUTS: Final = 1 << 12


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


def safe_attributes(sources: Iterable[str]) -> list[PrivateAttribute]:
    """Return the safe private attributes of sources ("standard", "tcia").

    Raises TableError for an unknown source.
    """
    return [row for source in sources for row in read_private_table(source).rows]


class PrivateRules:
    """Decides on the private elements of one file after another.

    attributes: what is safe to keep, WHOLE_BLOCK for all of a creator in a group; an attribute that
    is given twice keeps the VRs of both. dates: "remove", "shift" or "keep" values that are dates.
    uids: "map" or "keep". declared: whether what the file itself says in (0008,0300) holds.
    csa: whether Siemens CSA headers are kept, scrubbed.
    """

    def __init__(
        self,
        attributes: Iterable[PrivateAttribute],
        *,
        dates: str = "remove",
        uids: str = "map",
        declared: bool = True,
        csa: bool = False,
    ) -> None:
        self._safe: dict[tuple[str, int, int], tuple[str, ...]] = {}
        for creator, group, element, vrs in attributes:
            key = (creator_name(creator), group, element)
            held = self._safe.get(key, vrs)
            # No VR at all stands for any VR.
            self._safe[key] = (*held, *vrs) if held and vrs else ()
        self._dates = dates
        self._uids = uids
        self._declared = declared
        self._csa = csa
        self._plans: dict[Rules, dict[bytes, Plan]] = {}
        self._packed = np.zeros(1 << 14, np.uint8)
        self._view = self._packed.data

    def find(self, reader: Reader, rules: Rules) -> list[Decision]:
        """Return what happens to the rows of a file that are private or stand below a private one.

        Rows that are not in the list are removed. The element table must have been decided: what
        stands in items that the rules remove is left out.
        """
        plan = self._plan(reader, rules)
        if plan is None:
            return []
        if not plan.roots:
            return plan.decisions
        cells = cells_of(reader.table)
        return [
            decision
            for decision, root in zip(plan.decisions, plan.roots, strict=True)
            if root < 0 or cells[root * N_COLUMNS + OPERATION] == Operation.KEEP
        ]

    def explain(self, reader: Reader, rules: Rules) -> dict[int, str]:
        """Return row -> why it is kept or goes, without any value of the file."""
        plan = self._plan(reader, rules)
        return {} if plan is None else plan.reasons

    def _plan(self, reader: Reader, rules: Rules) -> Plan | None:
        size = pack_private(reader.header, reader.table, reader.n_rows, self._packed)
        if not size:
            return None
        if size < 0:
            self._packed = np.zeros(-2 * size, np.uint8)
            self._view = self._packed.data
            size = pack_private(reader.header, reader.table, reader.n_rows, self._packed)
        key = self._view[:size].tobytes()
        known = self._plans.setdefault(rules, {})
        plan = known.get(key)
        if plan is None:
            if len(known) >= _MOST_LAYOUTS:
                known.clear()
            plan = known[key] = self._make(unpack_rows(key), rules)
        return plan

    def _make(self, rows: list[PrivateRow], rules: Rules) -> Plan:
        declared = read_characteristics(rows) if self._declared else {}
        return _Planner(rows, rules, self._decide, declared).plan()

    def _decide(
        self, row: PrivateRow, creator: str, declared: Characteristics | None
    ) -> tuple[Operation, str, str, str]:
        """Return operation, replacement, VR and reason for a private element of a known creator."""
        group, element = row.tag >> 16, row.tag & 0xFF
        if self._csa and (creator, group) == _CSA_BLOCK and element in _CSA_ELEMENTS:
            operation = Operation.REMOVE if row.flags & SEQUENCE else Operation.REPLACE
            return operation, "csa", row.vr, "Siemens CSA header, scrubbed"
        if declared is not None:
            action = declared.action(element)
            vrs = declared.vrs.get(element) or self._vrs(creator, group, element) or ()
            reason = f"(0008,0300) of the file: {action}"
        else:
            found = self._vrs(creator, group, element)
            if found is None:
                return Operation.REMOVE, "", "", "private, not known to be safe"
            action, vrs, reason = "K", found, "known to be safe"
        vr = true_vr(row, vrs)
        if vr is None:
            return Operation.REMOVE, "", "", f"{reason}, but not with this VR"
        return (*self._act(action, vr), reason)

    def _vrs(self, creator: str, group: int, element: int) -> tuple[str, ...] | None:
        """Return the VRs of a safe attribute, () for any, None when it is not known to be safe."""
        found = self._safe.get((creator, group, element))
        return self._safe.get((creator, group, WHOLE_BLOCK)) if found is None else found

    def _act(self, action: str, vr: str) -> tuple[Operation, str, str]:
        """Return operation, replacement and VR that carry out an action on a value."""
        if action == "Z":
            return Operation.EMPTY, "", ""
        if action == "D" and vr not in {"SQ", "UN"}:
            return Operation.REPLACE, "map_uid" if vr == "UI" else "dummy", vr
        if action == "U" and vr == "UI":
            return Operation.REPLACE, "map_uid", vr
        if action != "K":
            return Operation.REMOVE, "", ""
        if vr in _DATES:
            if self._dates == "shift":
                return Operation.REPLACE, "shift", vr
            return Operation.KEEP if self._dates == "keep" else Operation.REMOVE, "", ""
        if vr in _BY_VR and not (vr == "UI" and self._uids == "keep"):
            return Operation.REPLACE, _BY_VR[vr], vr
        return Operation.KEEP, "", ""


def true_vr(row: PrivateRow, vrs: Sequence[str]) -> str | None:
    """Return the VR by which a value is treated, None when it cannot be told.

    vrs: what a table says, () for any. The stricter one of table and file counts: a date in a text
    element is a date. A value whose VR was lost (UN) has that of the table; one that begins as an
    item would is a sequence that was not parsed.
    """
    if row.flags & SEQUENCE:
        return "SQ" if not vrs or "SQ" in vrs else None
    if row.flags & STARTS_AS_ITEM or row.vr == "SQ":
        return None
    if row.vr == "UN":
        if not vrs:
            return None if row.flags & LONG else "UN"
        clear = len(set(vrs)) == 1 or not _NEEDS_VR & set(vrs)
        return vrs[0] if clear and "SQ" not in vrs else None
    if not vrs or row.vr in vrs:
        return row.vr
    found = {_stricter(row.vr, vr) for vr in vrs}
    return next((vr for vr in sorted(found & _TYPED) or sorted(found - {""})), None)


def _stricter(vr: str, listed: str) -> str:
    """Return the VR by which a value of `vr` is treated where a table lists another VR, or ""."""
    if listed in _TYPED:
        return listed if vr in _TEXT else vr if {vr, listed} <= _DATES else ""
    for held, allowed in _ALLOWED:
        if listed in held:
            return vr if vr in allowed else ""
    return ""


_Decide = Callable[[PrivateRow, str, "Characteristics | None"], tuple[Operation, str, str, str]]
# Where an item stands: in no kept private sequence, in one, or in one that goes.
_OUTSIDE, _INSIDE, _GONE = range(3)


class _Planner:
    """Makes the plan of one layout."""

    def __init__(
        self,
        rows: list[PrivateRow],
        rules: Rules,
        decide: _Decide,
        declared: dict[tuple[int, str], Characteristics],
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._decide = decide
        self._declared = declared
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
            root = self._roots.get(row.parent, row.parent)
            if row.flags & IS_ITEM:
                self._places[row.number] = place
                if place == _INSIDE:
                    self._roots[row.number] = root
                    self._add(row, root, (Operation.KEEP, "", "", "item of a kept sequence"))
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
                    (Operation.KEEP, "", "", "creator of a block that is kept"),
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
        verdict = self._decide(row, creator, self._declared.get((group, creator)))
        kept = verdict[0] is not Operation.REMOVE
        self._places[row.number] = _INSIDE if verdict[0] is Operation.KEEP else _GONE
        self._reasons[row.number] = verdict[3]
        if kept:
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
        verdict = (operation, replace, vr, "standard attribute in a private sequence")
        self._reasons[row.number] = verdict[3]
        self._places[row.number] = _INSIDE if operation is Operation.KEEP else _GONE
        if operation is not Operation.REMOVE:
            self._add(row, root, verdict)

    def _add(self, row: PrivateRow, root: int, verdict: tuple[Operation, str, str, str]) -> None:
        self._decisions.append((Decision(row.number, *verdict[:3]), root))
        self._reasons[row.number] = verdict[3]


def _is_disguised(row: PrivateRow) -> bool:
    """Tell whether the VR of a standard attribute hides what it holds."""
    attribute = read_dictionary().find(row.tag)
    if attribute is None or bool(row.flags & SEQUENCE) != (attribute.vr == "SQ"):
        return True
    return row.vr in _TYPED and row.vr not in attribute.vr.split(" or ")


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
