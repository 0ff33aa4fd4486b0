"""Attribute Types of one IOD by place: PS3.3 modules merged into contexts.

A context is a set of items with the same attributes: context 0 is the data set itself, another
number stands for the items of some sequence in it.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from fastdeid import tags
from fastdeid.codes import TYPES
from fastdeid.profiles.tables import read_types

_PIXELS: Final = (tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA, tags.PIXEL_DATA)


class Place(NamedTuple):
    """An attribute in a context: its Type there, and the context of its items or -1."""

    attribute_type: str
    child: int


class Iod:
    """The attributes of one IOD.

    places: one dict, tag -> Place, per context. complete: the tables hold every module of the IOD,
    so that an attribute without a place is not part of it. pixel_data_required: a mandatory module
    has it.
    """

    def __init__(self, name: str) -> None:
        types = read_types()
        modules = types.iods[name]
        self.name = name
        self.complete = all(module in types.modules for module, _ in modules)
        roots = [(types.modules[m], usage) for m, usage in modules if m in types.modules]
        self.places = _merge(frozenset(node for node, _ in roots))
        self.pixel_data_required = any(
            tag in _PIXELS
            for node, usage in roots
            if usage == "M"
            for tag, _, _ in types.nodes[node]
        )

    def attribute_type(self, tag: int, context: int) -> str:
        """Return the Type (see codes.TYPES) of `tag` in a context, "?" in an unknown context."""
        if context < 0:
            return "?"
        place = self.places[context].get(tag)
        if place is not None:
            return place.attribute_type
        return "3" if self.complete else "?"


def _merge(root: frozenset[int]) -> list[dict[int, Place]]:
    """Return the contexts below the union of some nodes, the root as context 0.

    Where two modules give an attribute, the stricter Type holds for both.
    """
    nodes = read_types().nodes
    numbers = {root: 0}
    order = [root]
    contexts: list[dict[int, Place]] = []
    for group in order:
        strictest: dict[int, int] = {}
        children: dict[int, set[int]] = {}
        for node in group:
            for tag, attribute_type, child in nodes[node]:
                rank = TYPES.index(attribute_type)
                strictest[tag] = min(rank, strictest.get(tag, rank))
                if child >= 0:
                    children.setdefault(tag, set()).add(child)
        places = {}
        for tag, rank in strictest.items():
            number = -1
            if tag in children:
                items = frozenset(children[tag])
                if items not in numbers:
                    numbers[items] = len(order)
                    order.append(items)
                number = numbers[items]
            places[tag] = Place(TYPES[rank], number)
        contexts.append(places)
    return contexts


@cache
def find_iod(sop_class_uid: str) -> Iod | None:
    """Return the IOD of a SOP Class, None when PS3.3's tables do not know it."""
    name = read_types().sop_classes.get(sop_class_uid)
    return None if name is None else Iod(name)
