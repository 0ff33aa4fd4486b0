"""How the value of a private element is treated, by its VR and by the VR that a table gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from fastdeid.codes import Operation
from fastdeid.kernels.elements import LONG, SEQUENCE
from fastdeid.kernels.private import STARTS_AS_ITEM
from fastdeid.private_rows import PrivateRow

# VRs by what their values can hold. A value is taken for the attribute of a table only when its own
# VR can hold no more than the VR in the table.
_NUMBERS: Final = frozenset("AT DS FD FL IS SL SS SV UL US UV".split())
_BYTES: Final = frozenset("OB OD OF OL OV OW".split())
_TEXT: Final = frozenset("AE AS CS LO LT SH ST UC UR UT".split())
TYPED_VRS: Final = frozenset("DA DT PN TM UI".split())
_DATES: Final = frozenset("DA DT TM".split())
_NEEDS_VR: Final = TYPED_VRS | {"SQ"}
# VRs of a table, and the VRs that a value of such an attribute may have in a file.
_ALLOWED: Final = (
    (_NUMBERS, _NUMBERS | _DATES),
    (_BYTES, _BYTES | _NUMBERS),
    (_TEXT, _TEXT | TYPED_VRS | _NUMBERS),
)
# How a kept value is made safe by its VR; values of other VRs stay as they are.
_BY_VR: Final = {"UI": "map_uid", "PN": "dummy", "AS": "cap_age"}


class Verdict(NamedTuple):
    """What happens to one element, how and by which VR its value is replaced, and why."""

    operation: Operation
    replace: str
    vr: str
    reason: str


class Treatment(NamedTuple):
    """How a profile treats kept values: dates "remove", "shift" or "keep", uids "map" or "keep"."""

    dates: str
    uids: str

    def act(self, action: str, vr: str, reason: str) -> Verdict:
        """Return the verdict on a value of `vr`; `action`: K, D, Z, X or U of Table E.1-1a."""
        operation, replace = self._act(action, vr)
        return Verdict(operation, replace, vr if replace else "", reason)

    def keep_unix_time(self, vr: str, reason: str) -> Verdict:
        """Return the verdict on a number of seconds since 1970 that may stay: a date it is."""
        if self.dates == "shift":
            return Verdict(Operation.REPLACE, "shift_unix", vr, reason)
        kept = Operation.KEEP if self.dates == "keep" else Operation.REMOVE
        return Verdict(kept, "", "", reason)

    def _act(self, action: str, vr: str) -> tuple[Operation, str]:
        if action == "Z":
            return Operation.EMPTY, ""
        if action == "D" and vr not in {"SQ", "UN"}:
            return Operation.REPLACE, "map_uid" if vr == "UI" else "dummy"
        if action == "U" and vr == "UI":
            return Operation.REPLACE, "map_uid"
        if action == "K":
            return self._keep(vr)
        return Operation.REMOVE, ""

    def _keep(self, vr: str) -> tuple[Operation, str]:
        if vr in _DATES:
            if self.dates == "shift":
                return Operation.REPLACE, "shift"
            return Operation.KEEP if self.dates == "keep" else Operation.REMOVE, ""
        if vr in _BY_VR and not (vr == "UI" and self.uids == "keep"):
            return Operation.REPLACE, _BY_VR[vr]
        return Operation.KEEP, ""


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
    return next((vr for vr in sorted(found & TYPED_VRS) or sorted(found - {""})), None)


def _stricter(vr: str, listed: str) -> str:
    """Return the VR by which a value of `vr` is treated where a table lists another VR, or ""."""
    if listed in TYPED_VRS:
        return listed if vr in _TEXT else vr if {vr, listed} <= _DATES else ""
    for held, allowed in _ALLOWED:
        if listed in held:
            return vr if vr in allowed else ""
    return ""
