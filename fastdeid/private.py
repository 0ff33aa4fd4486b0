"""Which private elements are safe to keep: the option Retain Safe Private, PS3.15 section E.3.10.

A private attribute is named by its creator and the last two digits of its element number, in
whatever block the creator has reserved. Blocks are reserved anew in each data set and item (PS3.5
section 7.8.1). What is not known to be safe is removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from fastdeid.characteristics import Characteristics, read_characteristics
from fastdeid.codes import Operation
from fastdeid.dicom.loaded import Loaded
from fastdeid.kernels.elements import N_COLUMNS, OPERATION, SEQUENCE
from fastdeid.kernels.private import pack_private
from fastdeid.options import (
    RETAIN_FULL_DATES,
    RETAIN_MODIFIED_DATES,
    RETAIN_SAFE_PRIVATE,
    RETAIN_UIDS,
)
from fastdeid.private_plan import Decision, Plan, Planner
from fastdeid.private_rows import PrivateRow, creator_name, unpack_rows
from fastdeid.private_values import Treatment, Verdict, true_vr
from fastdeid.profiles.private_tables import (
    PrivateAttribute,
    read_private_table,
    read_unix_times,
)
from fastdeid.rules import Profile, Rules

__all__ = ["Decision", "PrivateRules", "private_rules", "safe_attributes"]

# Image and series header; "SIEMENS CSA NON-IMAGE" and the others hold data that nothing reads.
_CSA_BLOCK: Final = ("SIEMENS CSA HEADER", 0x0029)
_CSA_ELEMENTS: Final = frozenset({0x10, 0x20})

_MOST_LAYOUTS: Final = 1 << 12


def safe_attributes(sources: Iterable[str]) -> list[PrivateAttribute]:
    """Return the safe private attributes of sources ("standard", "tcia").

    Raises TableError for an unknown source.
    """
    return [row for source in sources for row in read_private_table(source).rows]


def private_rules(profile: Profile) -> PrivateRules | None:
    """Return the private rules of a profile, None when it removes every private element."""
    options, settings = profile.options, profile.settings
    safe = RETAIN_SAFE_PRIVATE in options
    if not (safe or any(override.private for override in settings.overrides)):
        return None
    dates = "keep" if RETAIN_FULL_DATES in options else "remove"
    return PrivateRules(
        safe_attributes(settings.private_sources if safe else ()),
        dates="shift" if RETAIN_MODIFIED_DATES in options else dates,
        uids="keep" if RETAIN_UIDS in options else "map",
        declared=safe,
        csa=safe and settings.csa_headers == "scrub",
    )


class PrivateRules:
    """Decides on the private elements of one file after another.

    A rule of the profile on an attribute goes first, then what the file itself says of the block,
    then the tables.

    attributes: what is safe to keep; an attribute that is given twice keeps the VRs of both. dates:
    "remove", "shift" or "keep" values that are dates. uids: "map" or "keep". declared: whether what
    the file says in (0008,0300) holds. csa: whether Siemens CSA headers are kept, scrubbed.
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
            self._safe[key] = tuple({*held, *vrs}) if held and vrs else ()
        self._unix = {
            (creator_name(one.creator), one.group, one.element): one.vrs
            for one in read_unix_times()
        }
        self._treatment = Treatment(dates, uids)
        self._declared = declared
        self._csa = csa
        self._plans: dict[Rules, dict[bytes, Plan]] = {}
        self._packed = np.zeros(1 << 14, np.uint8)
        self._view = self._packed.data

    def find(self, loaded: Loaded, rows: slice, rules: Rules) -> list[Decision]:
        """Return what happens to rows of the file `rows` that are private, or below a private one.

        Rows that are not in the list are removed. The element table must have been decided: what
        stands in items that the rules remove is left out.
        """
        plan = self._plan(loaded, rows, rules)
        if plan is None:
            return []
        first = rows.start
        decisions = plan.decisions
        if plan.roots:
            cells = loaded.cells
            decisions = [
                decision
                for decision, root in zip(decisions, plan.roots, strict=True)
                if root < 0 or cells[(first + root) * N_COLUMNS + OPERATION] == Operation.KEEP
            ]
        if not first:
            return decisions
        return [
            Decision(first + row, operation, replace, vr)
            for row, operation, replace, vr in decisions
        ]

    def explain(self, loaded: Loaded, rows: slice, rules: Rules) -> dict[int, str]:
        """Return row -> why it is kept or goes, without any value of the file."""
        plan = self._plan(loaded, rows, rules)
        if plan is None:
            return {}
        return {rows.start + row: reason for row, reason in plan.reasons.items()}

    def _plan(self, loaded: Loaded, rows: slice, rules: Rules) -> Plan | None:
        packing = (loaded.header, loaded.table, rows.start, rows.stop)
        size = pack_private(*packing, self._packed)
        if not size:
            return None
        if size < 0:
            self._packed = np.zeros(-2 * size, np.uint8)
            self._view = self._packed.data
            size = pack_private(*packing, self._packed)
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
        site = {
            (creator_name(one.creator), one.group, one.element): action
            for one, action in rules.private_rules.items()
        }

        def decide(row: PrivateRow, creator: str) -> Verdict:
            key = (creator, row.tag >> 16, row.tag & 0xFF)
            return self._decide(row, key, site.get(key, ""), declared.get((key[1], creator)))

        return Planner(rows, rules, decide).plan()

    def _decide(
        self,
        row: PrivateRow,
        key: tuple[str, int, int],
        action: str,
        declared: Characteristics | None,
    ) -> Verdict:
        """Return the verdict on a private element: key (creator, group, last byte of the element).

        action: of a rule of the profile, K or X, "" for none. declared: what the file says.
        """
        vrs = self._safe.get(key)
        if action:
            reason = "rule of the profile"
        elif self._csa and key[:2] == _CSA_BLOCK and key[2] in _CSA_ELEMENTS:
            operation = Operation.REMOVE if row.flags & SEQUENCE else Operation.REPLACE
            return Verdict(operation, "csa", row.vr, "Siemens CSA header, scrubbed")
        elif declared is not None:
            action, reason = declared.action(key[2]), "(0008,0300) of the file"
            vrs = declared.vrs.get(key[2], vrs)
        elif vrs is not None:
            action, reason = "K", "known to be safe"
        else:
            return Verdict(Operation.REMOVE, "", "", "private, not known to be safe")
        unix = self._unix.get(key)
        vr = true_vr(row, vrs or unix or ())
        if vr is None:
            return Verdict(Operation.REMOVE, "", "", f"{reason}, but not with this VR")
        if unix is not None and action == "K":
            return self._treatment.keep_unix_time(vr, f"{reason}, Unix time")
        return self._treatment.act(action, vr, reason)
