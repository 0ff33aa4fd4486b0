"""Elements of a data set with their places, written so that input and output can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

CONTENT_SEQUENCE = 0x0040A730


class Place(NamedTuple):
    """An element and where it stands.

    path: keywords parted by dots, items in brackets; an item of Content Sequence is named by its
    concept, so that a path survives the removal of other items. chain: tags from the data set down
    to the element. creators: private creator of each tag of the chain, "" when standard.
    concepts: (code value, scheme, value type) of each content item on the way.
    """

    path: str
    chain: tuple[int, ...]
    creators: tuple[str, ...]
    concepts: tuple[tuple[str, str, str], ...]
    element: DataElement


def walk(data_set: Dataset) -> Iterator[Place]:
    """Yield every element of a data set, sequences before what is in them."""
    yield from _walk(data_set, "", (), (), ())


def _walk(
    data_set: Dataset,
    prefix: str,
    chain: tuple[int, ...],
    creators: tuple[str, ...],
    concepts: tuple[tuple[str, str, str], ...],
) -> Iterator[Place]:
    for element in data_set:
        tag = int(element.tag)
        name, creator = _name(data_set, element)
        place = Place(
            *(prefix + name, (*chain, tag), (*creators, creator), concepts, element),
        )
        yield place
        if element.VR != "SQ":
            continue
        seen: Counter[str] = Counter()
        for number, item in enumerate(element.value):
            label, below = str(number), concepts
            if tag == CONTENT_SEQUENCE:
                concept = concept_of(item)
                stem = f"{concept[0]}:{concept[2]}"
                label, below = f"{stem}#{seen[stem]}", (*concepts, concept)
                seen[stem] += 1
            inside = f"{place.path}[{label}]."
            yield from _walk(item, inside, place.chain, place.creators, below)


def concept_of(item: Dataset) -> tuple[str, str, str]:
    """Return code value, scheme and value type of a content item."""
    names = item.get("ConceptNameCodeSequence") or [Dataset()]
    name = names[0]
    return (
        str(name.get("CodeValue", "")),
        str(name.get("CodingSchemeDesignator", "")),
        str(item.get("ValueType", "")),
    )


def _name(data_set: Dataset, element: DataElement) -> tuple[str, str]:
    tag = element.tag
    if not tag.is_private:
        # Repeating groups share a keyword and stand apart by their group.
        repeated = tag.group & 0xFF00 in {0x5000, 0x6000} and tag.group != 0x6000
        keyword = "" if repeated else element.keyword
        return keyword or f"({tag.group:04X},{tag.element:04X})", ""
    if tag.is_private_creator:
        return f"({tag.group:04X},creator {str(element.value).strip()})", ""
    place = (tag.group, tag.element >> 8)
    creator = str(data_set[place].value).strip() if place in data_set else ""
    return f"({tag.group:04X},{creator},{tag.element & 0xFF:02X})", creator
