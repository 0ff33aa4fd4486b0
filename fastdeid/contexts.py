"""Contexts of one IOD, split where a profile's rules tell sequence paths apart.

Items with the same attributes share a context (see `fastdeid.iods`). A rule for one path needs the
items on this path in contexts of their own, also where the IOD does not have the sequence.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastdeid.iods import Iod, Place


class Contexts:
    """The contexts of an IOD, or of an unknown one.

    places: tag -> Place, per context. unknown: contexts of sequences that the IOD does not have.
    leaves: (context, tag) of each path.
    """

    def __init__(self, iod: Iod | None, paths: Iterable[tuple[int, ...]] = ()) -> None:
        self._iod = iod
        self.places: list[dict[int, Place]] = [{}] if iod is None else iod.places
        self.unknown: set[int] = {0} if iod is None else set()
        self.leaves: dict[tuple[int, int], tuple[int, ...]] = {}
        self._owned: dict[tuple[int, ...], int] = {(): 0}
        ordered = sorted(paths, key=len)
        if ordered:
            self.places = [dict(self.places[0]), *self.places[1:]]
        for path in ordered:
            self.leaves[self._own(path[:-1]), path[-1]] = path

    def attribute_type(self, tag: int, context: int) -> str:
        """Return the Type (see codes.TYPES) of `tag` in a context, "?" in an unknown context."""
        if context < 0 or context in self.unknown or self._iod is None:
            return "?"
        place = self.places[context].get(tag)
        if place is not None:
            return place.attribute_type
        return "3" if self._iod.complete else "?"

    def child(self, context: int, tag: int) -> int:
        """Return the context of the items of a sequence, -1 unknown."""
        place = self.places[context].get(tag) if context >= 0 else None
        return -1 if place is None else place.child

    def _own(self, path: tuple[int, ...]) -> int:
        """Return the context of the items that a path leads to, and no other path."""
        number = self._owned.get(path)
        if number is not None:
            return number
        parent = self._own(path[:-1])
        child = self.child(parent, path[-1])
        number = self._owned[path] = len(self.places)
        if child < 0:
            self.unknown.add(number)
        self.places.append({} if child < 0 else dict(self.places[child]))
        attribute_type = self.attribute_type(path[-1], parent)
        self.places[parent][path[-1]] = Place(attribute_type, number)
        return number
