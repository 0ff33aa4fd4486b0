"""IODs as trees of attributes with their Types."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import pytest
from pydicom.datadict import tag_for_keyword

from fastdeid.codes import TYPES
from fastdeid.iods import Iod, find_iod
from fastdeid.profiles.tables import read_types


def test_a_sop_class_has_one_iod_and_an_unknown_one_none() -> None:
    iod = find_iod("1.2.840.10008.5.1.4.1.1.2")
    assert iod is not None
    assert iod.name == "ct-image"
    assert find_iod("1.2.840.10008.5.1.4.1.1.2") is iod
    assert find_iod("1.2.3") is None


def test_an_unknown_context_has_unknown_types() -> None:
    assert Iod("ct-image").attribute_type(0x00080060, -1) == "?"


def test_the_stricter_type_of_two_modules_holds() -> None:
    # PET Image: Acquisition Date is Type 3 in General Image and Type 2 in PET Image.
    assert Iod("positron-emission-tomography-image").attribute_type(0x00080022, 0) == "2"
    # CT Image: Image Type is Type 3 in General Image and Type 1 in CT Image.
    assert Iod("ct-image").attribute_type(0x00080008, 0) == "1"


def test_equal_items_share_a_context() -> None:
    iod = Iod("ct-image")
    codes = {iod.places[0][tag].child for tag in (0x00081032, 0x00082218)}
    assert all(child > 0 for child in codes)
    assert len(iod.places) < 200


@pytest.mark.parametrize("name", sorted(read_types().iods))
def test_types_agree_with_the_tables_they_come_from(name: str) -> None:
    pytest.importorskip("highdicom", reason="highdicom is a development-time dependency")
    modules, iods = source_tables()
    iod = Iod(name)
    strictest: dict[tuple[str, ...], int] = {}
    for module in iods[name]:
        for attribute in modules.get(module["key"], []):
            path = (*attribute["path"], attribute["keyword"])
            rank = TYPES.index(attribute["type"])
            strictest[path] = min(rank, strictest.get(path, rank))
    for path, rank in strictest.items():
        tags = [tag_for_keyword(keyword) or repeating(keyword) for keyword in path]
        context = 0
        for tag in tags[:-1]:
            context = iod.places[context][tag].child
        assert iod.attribute_type(tags[-1], context) == TYPES[rank]


def repeating(keyword: str) -> int:
    """Return the tag of an attribute of group 60xx, which pydicom does not find by keyword."""
    from fastdeid.profiles.tables import read_dictionary

    dictionary = read_dictionary()
    found: dict[str, int] = {}
    for tag in dictionary.tags.tolist():
        attribute = dictionary.find(tag)
        if tag >> 16 == 0x6000 and attribute is not None:
            found[attribute.keyword] = tag
    return found[keyword]


@cache
def source_tables() -> tuple[dict[str, list[dict[str, Any]]], ...]:
    """Return highdicom's modules and IODs."""
    folder = resources.files("highdicom") / "_standard"
    names = ("module_attribute_map", "iod_module_map")
    return tuple(json.loads((folder / f"{name}.json").read_text()) for name in names)
