"""Region rules: tests on attributes, boxes, and what lies outside ultrasound regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.errors import ProfileError
from fastdeid.pixels.masks import Box
from fastdeid.pixels.regions import find_boxes, known_rules, outside_regions, parse_rules

OVERLAY = "Siemens MedCom Object Graphics"
RULE = """
[[rule]]
name = "banner"
credit = "site"
when = [[
  { attribute = "Manufacturer", contains = ["acme", "apex"] },
  { attribute = "Rows", equals = ["100"] },
], [{ attribute = "ImageType", ends_with = ["SAVE"] }]]
boxes = [[0, 0, 10, 200]]
"""


def boxes_for(text: str, rows: int = 100, columns: int = 150, **values: str) -> list[Box]:
    return [box for box, _ in find_boxes(parse_rules(text), values.get, rows, columns)]


def test_all_tests_of_one_alternative_must_hold() -> None:
    assert boxes_for(RULE, Manufacturer="ACME Inc.", Rows="100") == [Box(0, 0, 10, 150)]
    assert boxes_for(RULE, Manufacturer="ACME Inc.", Rows="200") == []
    assert boxes_for(RULE, ImageType="DERIVED\\SCREEN SAVE ") == [Box(0, 0, 10, 150)]
    assert boxes_for(RULE) == []


def test_boxes_are_scaled_only_where_the_rule_says_so() -> None:
    scaled = RULE + "scaled_from = [50, 200]\n"
    assert boxes_for(scaled, ImageType="SAVE") == [Box(0, 0, 20, 150)]


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ('equals = ["x"]', {"X": True, "xy": False, "": False}),
        ('contains = ["x"]', {"yXy": True, "y": False}),
        ('starts_with = ["x"]', {"xy": True, "yx": False}),
        ('contains = ["x"], negated = true', {"yXy": False, "y": True, "": True}),
        ("is_empty = true", {"": True, " ": True, "y": False}),
        ("is_empty = false", {"": False, "y": True}),
    ],
)
def test_operators(operator: str, holds: dict[str, bool]) -> None:
    rule = '[[rule]]\nname = "n"\ncredit = "c"\nboxes = [[0, 0, 1, 1]]\n'
    rule += f'when = [[{{ attribute = "Modality", {operator} }}]]\n'
    assert {value: bool(boxes_for(rule, Modality=value)) for value in holds} == holds


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Rows"', '"Rowz"'),
        ('equals = ["100"]', "is_odd = true"),
        ('equals = ["100"]', 'equals = ["1"], contains = ["2"]'),
        ("[0, 0, 10, 200]", "[0, 9, 10, 9]"),
        ("boxes =", "box ="),
        ('credit = "site"', ""),
        ("when = [[", "when = [[], ["),
    ],
)
def test_what_is_not_understood_is_an_error(old: str, new: str) -> None:
    with pytest.raises(ProfileError):
        parse_rules(RULE.replace(old, new))


def test_the_known_devices_are_usable_and_credited() -> None:
    rules = known_rules()
    assert len(rules.rule) > 90
    assert all(rule.credit for rule in rules.rule)
    assert rules.attributes()["Manufacturer"] == 0x00080070
    values = {"Modality": "US", "Manufacturer": "GE Healthcare", "ManufacturerModelName": "LOGIQE9"}
    assert find_boxes(rules, values.get, 720, 960)
    assert find_boxes(rules, {"Modality": "CT", "Manufacturer": "GE"}.get, 512, 512) == []


@pytest.mark.parametrize(
    ("values", "size", "box"),
    [
        # Of the recipe alone, of the script alone, and of overlays.
        (
            {"Modality": "US", "Manufacturer": "ESAOTE", "ManufacturerModelName": "6100"},
            (608, 790),
            (0, 0, 52, 790),
        ),
        (
            {"ManufacturerModelName": "Lumify", "Manufacturer": "Philips"},
            (768, 1024),
            (0, 0, 35, 768),
        ),
        (
            {"Modality": "PET/CT", "Manufacturer": "SIEMENS", "OverlayDescription": OVERLAY},
            (512, 512),
            (0, 0, 90, 512),
        ),
        ({"Modality": "US", "Manufacturer": "nobody"}, (480, 640), None),
    ],
)
def test_known_rules_hold_for_their_devices_alone(
    values: dict[str, str], size: tuple[int, int], box: tuple[int, int, int, int] | None
) -> None:
    values = {**values, "Rows": str(size[0]), "Columns": str(size[1])}
    boxes = [found for found, _ in find_boxes(known_rules(), values.get, *size)]
    assert boxes == ([] if box is None else [Box(*box)])


BOX = st.builds(
    lambda top, left, high, wide: Box(top, left, top + high, left + wide),
    *[st.integers(-2, 9)] * 2,
    *[st.integers(0, 9)] * 2,
)


@given(st.lists(BOX, max_size=4))
def test_outside_is_all_that_no_region_covers(regions: list[Box]) -> None:
    rows, columns = 8, 9
    inside, outside = np.zeros((2, rows, columns), int)
    for region in regions:
        inside[
            max(region.top, 0) : max(region.bottom, 0), max(region.left, 0) : max(region.right, 0)
        ] = 1
    for box in outside_regions(regions, rows, columns):
        outside[box.top : box.bottom, box.left : box.right] += 1
    assert np.array_equal(outside, 1 - inside if inside.any() else np.zeros_like(inside))
