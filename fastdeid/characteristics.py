"""What a file says of its own private elements: (0008,0300), PS3.3 section C.12.1.

Private Data Element Characteristics Sequence names blocks by group and private creator, and says
which of their elements identify and what to do with these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from fastdeid.kernels.elements import BIG_ENDIAN, IS_ITEM, SEQUENCE
from fastdeid.private_rows import PrivateRow, read_creator
from fastdeid.tags import VR_NUMBERS

CHARACTERISTICS_SEQUENCE: Final = 0x00080300
_GROUP: Final = 0x00080301
_CREATOR: Final = 0x00080302
_STATUS: Final = 0x00080303
_NONIDENTIFYING: Final = 0x00080304
_ACTIONS: Final = 0x00080305
_IDENTIFYING: Final = 0x00080306
_ACTION: Final = 0x00080307
_ELEMENT: Final = 0x00080308
_VR: Final = 0x0008030A
_DEFINITIONS: Final = 0x00080310

_ALL: Final = frozenset(range(256))


class Characteristics(NamedTuple):
    """Of one block: elements that do not identify, actions on others, and VRs that are defined."""

    safe: frozenset[int]
    actions: dict[int, str]
    vrs: dict[int, tuple[str, ...]]

    def action(self, element: int) -> str:
        """Return "K" for an element that does not identify, else D, Z, X or U of (0008,0307)."""
        return self.actions.get(element, "K" if element in self.safe else "X")


class _Item(NamedTuple):
    """The rows of one item: single values by tag, and the items of its sequences by tag."""

    values: dict[int, PrivateRow]
    items: dict[int, list[_Item]]


def read_characteristics(rows: Iterable[PrivateRow]) -> dict[tuple[int, str], Characteristics]:
    """Return (group, creator) -> what the file says of the block.

    A block of which the file says two things gets the stricter of both. What cannot be read, or is
    not one of the enumerated values, makes an element identifying.
    """
    found: dict[tuple[int, str], Characteristics] = {}
    for item in _top_items(rows):
        groups = _numbers(item.values.get(_GROUP))
        creator = read_creator(item.values[_CREATOR].value) if _CREATOR in item.values else ""
        if len(groups) != 1 or not creator:
            continue
        key = (groups[0], creator)
        said = _characteristics(item)
        found[key] = _stricter(found[key], said) if key in found else said
    return found


def _top_items(rows: Iterable[PrivateRow]) -> list[_Item]:
    """Return the items of every (0008,0300) of the data set itself."""
    items: dict[int, _Item] = {}
    sequences: dict[int, list[_Item]] = {}
    top: list[_Item] = []
    for row in rows:
        if row.flags & IS_ITEM:
            if row.parent in sequences:
                items[row.number] = _Item({}, defaultdict(list))
                sequences[row.parent].append(items[row.number])
        elif row.parent < 0 and row.tag == CHARACTERISTICS_SEQUENCE and row.flags & SEQUENCE:
            sequences[row.number] = top
        elif row.parent in items:
            if row.flags & SEQUENCE:
                sequences[row.number] = items[row.parent].items[row.tag]
            else:
                # An attribute that stands twice says nothing.
                stands = row.tag in items[row.parent].values
                items[row.parent].values[row.tag] = row._replace(value=None) if stands else row
    return top


def _characteristics(item: _Item) -> Characteristics:
    status = _text(item.values.get(_STATUS))
    safe: frozenset[int] = frozenset()
    if status == "SAFE":
        safe = _ALL
    elif status == "MIXED":
        safe = frozenset(_numbers(item.values.get(_NONIDENTIFYING))) & _ALL
    actions: dict[int, str] = {}
    for asked in item.items.get(_ACTIONS, []):
        action = _text(asked.values.get(_ACTION))
        elements = _numbers(asked.values.get(_IDENTIFYING))
        if not elements:
            # Something identifies, and it is not said what.
            safe = frozenset()
        for element in elements:
            known = action if action in {"D", "Z", "X", "U"} else "X"
            actions[element] = known if actions.get(element, known) == known else "X"
    return Characteristics(safe, actions, _defined_vrs(item))


def _defined_vrs(item: _Item) -> dict[int, tuple[str, ...]]:
    vrs: dict[int, tuple[str, ...]] = {}
    for definition in item.items.get(_DEFINITIONS, []):
        elements = _numbers(definition.values.get(_ELEMENT))
        vr = _text(definition.values.get(_VR))
        if len(elements) == 1 and vr in VR_NUMBERS and vr:
            vrs[elements[0]] = (vr,)
    return vrs


def _stricter(one: Characteristics, other: Characteristics) -> Characteristics:
    actions = one.actions | other.actions
    for element in one.actions.keys() & other.actions.keys():
        if one.actions[element] != other.actions[element]:
            actions[element] = "X"
    return Characteristics(one.safe & other.safe, actions, one.vrs | other.vrs)


def _numbers(row: PrivateRow | None) -> tuple[int, ...]:
    """Return the values of an element of VR US, () where they cannot be read."""
    if row is None or row.vr not in {"US", "UN"} or not row.value or len(row.value) % 2:
        return ()
    # UN is always little endian (PS3.5 section 6.2.2).
    order = "big" if row.flags & BIG_ENDIAN and row.vr == "US" else "little"
    value = row.value
    return tuple(
        int.from_bytes(value[at : at + 2], order)  # type: ignore[arg-type]
        for at in range(0, len(value), 2)
    )


def _text(row: PrivateRow | None) -> str:
    """Return the value of an element of VR CS, "" where it cannot be read."""
    if row is None or row.value is None:
        return ""
    return row.value.decode("latin_1").strip(" \0")
