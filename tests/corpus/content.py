"""Table E.3.4-1 of PS3.15 read anew: what becomes of a content item when content is cleaned."""

from __future__ import annotations

import csv
from collections.abc import Collection
from functools import cache

from tests.conftest import REPOSITORY
from tests.corpus.table import DATES, MODIFIED_DATES, Effect, effect
from tests.corpus.walking import CONTENT_SEQUENCE, Place

_TEXT_VALUE = 0x0040A160
_VALUES = {_TEXT_VALUE, 0x0040A123, 0x0040A121, 0x0040A122, 0x0040A120, 0x0040A124}
_REFERENCED = 0x00081199


@cache
def _table() -> dict[tuple[str, str, str], dict[str, str]]:
    path = REPOSITORY / "profiles" / "ps3_15_table_e3_4_1.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["code_value"], row["coding_scheme"], row["value_type"]): row
            for row in csv.DictReader(file)
        }


def content_effect(
    place: Place, options: Collection[str], declared: Collection[str] = ()
) -> Effect:
    """Return what must become of an element, those of content items by their concept."""
    wanted = effect(place, options, declared)
    inside = CONTENT_SEQUENCE in place.chain[:-1]
    if not inside or "clean_structured_content" not in options or wanted is Effect.GO:
        return wanted
    actions = [_action(concept, options) for concept in place.concepts]
    value = place.chain[-1] in _VALUES and place.chain[-2] == CONTENT_SEQUENCE
    if "X" in actions:
        return Effect.GO if value else Effect.FREE
    if _REFERENCED in place.chain:
        return Effect.FREE
    return _value(place, actions[-1], options) if value else wanted


def _value(place: Place, action: str, options: Collection[str]) -> Effect:
    vr = place.element.VR
    if vr == "UI":
        return Effect.KEEP if action == "K" else Effect.MAP
    if vr == "PN" or action == "D":
        return Effect.GO
    if vr in DATES:
        return Effect.SHIFT if MODIFIED_DATES in options else Effect.GO
    return Effect.KEEP if action == "K" else Effect.CLEAN


def _action(concept: tuple[str, str, str], options: Collection[str]) -> str:
    """Return K, C, D or X, by the options and else by the basic profile; "" for an unlisted one."""
    row = _table().get(concept)
    if row is None:
        return ""
    chosen = {row.get(name, "") for name in options}
    for action in "KC":
        if action in chosen:
            return action
    return row["basic"].split("/")[-1]
