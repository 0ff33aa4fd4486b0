"""Twins of the kernels that decide: what happens to each row, and which texts are looked up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from tests.kernels.naive_scan import Row

KEEP, REMOVE, EMPTY, REPLACE = range(4)
BY_TYPE, REMOVE_WHEN_ABSENT, HOLDS_ITEMS, RULED_BY_VR = 1, 2, 4, 8
LONG_VALUES: Final = frozenset("OB OD OF OL OV OW UN UT".split())


class Rule(NamedTuple):
    """What happens to an attribute. kind: -1 none. flags: the four bits of a rule."""

    operation: int
    kind: int
    flags: int


class Place(NamedTuple):
    """An attribute in one context of an IOD. operation: -1 for the general one."""

    operation: int
    kind: int
    child: int


class Rules(NamedTuple):
    """Rules by tag and by (context, tag); by VR, the kind of a value whose attribute tells nothing.

    betraying: VRs that may not stand in an attribute that is kept for having another VR.
    """

    general: Mapping[int, Rule]
    places: Mapping[tuple[int, int], Place]
    kind_of_vr: Mapping[str, int]
    betraying: Collection[str]


class Decision(NamedTuple):
    """Operation of a row, and kind of the value to resolve, -1 when nothing is resolved."""

    operation: int
    kind: int


def decide_actions(rows: Sequence[Row], rules: Rules) -> list[Decision]:
    """Return the decision on every row.

    What stands below a sequence that is not kept goes with it, and is learned from all the same.
    Values that are longer than one may rely on to be loaded are not learned from.
    """
    decisions: list[Decision] = []
    contexts: dict[int, int] = {}
    for number, row in enumerate(rows):
        goes = row.parent >= 0 and decisions[row.parent].operation != KEEP
        context = contexts.get(row.parent, 0)
        if row.item:
            contexts[number] = context
            decisions.append(Decision(REMOVE if goes else KEEP, -1))
            continue
        operation, kind, contexts[number] = _rule(row, context, rules)
        operation = REMOVE if goes else operation
        learns = not row.sequence and row.length > 0 and not is_long(row)
        decisions.append(Decision(operation, kind if learns or operation == REPLACE else -1))
    return decisions


def is_long(row: Row) -> bool:
    """Tell whether a value may be left unloaded."""
    return not row.sequence and row.vr in LONG_VALUES and (row.fragments or row.length > 4096)


def _rule(row: Row, context: int, rules: Rules) -> tuple[int, int, int]:
    group, number = divmod(row.tag, 0x10000)
    nothing_known = REMOVE, rules.kind_of_vr[row.vr], -1
    if group % 2:
        return nothing_known
    if number == 0 or group < 8:
        return REMOVE, -1, -1
    tag = row.tag & 0xFF00FFFF if group >> 8 in {0x50, 0x60} else row.tag
    rule = rules.general.get(tag)
    if rule is None or (not row.sequence and _is_disguised(row, rule, rules)):
        return nothing_known
    if context < 0 or not (rule.flags & BY_TYPE or row.sequence):
        return rule.operation, rule.kind, -1
    place = rules.places.get((context, tag))
    if place is None:
        absent = rule.flags & REMOVE_WHEN_ABSENT
        return REMOVE if absent else rule.operation, rule.kind, -1
    if place.operation < 0:
        return rule.operation, rule.kind, place.child
    return place


def _is_disguised(row: Row, rule: Rule, rules: Rules) -> bool:
    if rule.flags & HOLDS_ITEMS:
        return row.length > 0
    return rule.operation == KEEP and not rule.flags & RULED_BY_VR and row.vr in rules.betraying


def find_texts(
    rows: Sequence[Row],
    operations: Sequence[int],
    entries: Sequence[int],
    *,
    kept: bool,
    texts: Collection[str],
) -> list[int]:
    """Return the numbers of the rows whose texts are looked up in the memo.

    These are all that are to be replaced and have no entry; and those in VRs of text that are kept
    with a loaded value, where `kept` asks for them.
    """
    found = []
    for number, (row, operation, entry) in enumerate(zip(rows, operations, entries, strict=True)):
        has_value = row.length > 0 and not (row.item or row.sequence or is_long(row))
        is_kept = kept and operation == KEEP and row.vr in texts and has_value
        if is_kept or (operation == REPLACE and entry < 0):
            found.append(number)
    return found
