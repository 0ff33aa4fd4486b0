"""Region rules: on which devices text stands in which boxes, and the regions of ultrasound images.

A rule is data (profiles/regions.toml, or a file of the site): alternatives of tests on attributes,
and boxes. Comparisons disregard case and outer spaces; a value of several parts is one text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from pydicom.datadict import tag_for_keyword

from fastdeid.errors import ProfileError
from fastdeid.pixels.masks import Box

KNOWN: Final = "known"
# Attributes of repeating groups have no single tag: of overlays the first one is asked.
_OF_OVERLAYS: Final = {"OverlayDescription": 0x60000022, "OverlayLabel": 0x60001500}
OPERATORS: Final = ("equals", "contains", "starts_with", "ends_with", "is_empty")


def tag_of(keyword: str) -> int | None:
    """Return the tag of an attribute that rules can ask about, None when there is none."""
    return _OF_OVERLAYS.get(keyword) or tag_for_keyword(keyword)


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A test of one attribute, by its PS3.6 keyword: exactly one operator, any of its values.

    is_empty: whether the attribute must be absent or empty (true) or hold a value (false).
    """

    attribute: str
    equals: list[str] = []
    contains: list[str] = []
    starts_with: list[str] = []
    ends_with: list[str] = []
    is_empty: bool | None = None
    negated: bool = False

    def holds(self, value: str | None) -> bool:
        """Tell whether the test holds for an attribute's value, None when it is absent."""
        text = (value or "").strip(" \0").casefold()
        if self.is_empty is not None:
            return (not text) == self.is_empty
        found = (
            any(text == one.casefold() for one in self.equals)
            or any(one.casefold() in text for one in self.contains)
            or any(text.startswith(one.casefold()) for one in self.starts_with)
            or any(text.endswith(one.casefold()) for one in self.ends_with)
        )
        return found != self.negated


class RegionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Boxes (top, left, bottom, right, end exclusive) of frames for which one of `when` holds.

    when: alternatives, each a list of tests that all hold. credit: who found it. scaled_from: the
    rows and columns that the boxes are for, when they grow and shrink with the frame; otherwise
    boxes are cut to the frame.
    """

    name: str
    credit: str
    when: list[list[Condition]]
    boxes: list[tuple[int, int, int, int]]
    scaled_from: tuple[int, int] | None = None


class RegionRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of rules."""

    rule: list[RegionRule]

    def attributes(self) -> dict[str, int]:
        """Return keyword and tag of all attributes that the rules test."""
        tests = (test for rule in self.rule for tests in rule.when for test in tests)
        names = dict.fromkeys(test.attribute for test in tests)
        return {name: tag for name in names if (tag := tag_of(name)) is not None}


def _check(rule: RegionRule) -> None:
    for test in (test for tests in rule.when for test in tests):
        if tag_of(test.attribute) is None:
            raise ProfileError(f"unknown attribute {test.attribute!r} in rule {rule.name!r}")
        used = [name for name in OPERATORS if getattr(test, name) not in ([], None)]
        if len(used) != 1:
            raise ProfileError(f"a test of rule {rule.name!r} needs exactly one operator")
    if not rule.when or not all(rule.when) or not rule.boxes:
        raise ProfileError(f"rule {rule.name!r} needs tests and boxes")
    for top, left, bottom, right in rule.boxes:
        if not (0 <= top < bottom and 0 <= left < right):
            raise ProfileError(f"a box of rule {rule.name!r} is empty or negative")


def parse_rules(text: str) -> RegionRules:
    """Read rules from TOML. Raises ProfileError; an unknown name is an error."""
    try:
        rules = msgspec.convert(tomllib.loads(text), RegionRules)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileError(f"region rules: {error}") from None
    for rule in rules.rule:
        _check(rule)
    return rules


def load_rules(path: Path) -> RegionRules:
    """Read rules from a file. Raises ProfileError."""
    try:
        return parse_rules(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise ProfileError("region rules cannot be read") from None


def rules_of(names: Iterable[str]) -> RegionRules:
    """Return the rules of files together, "known" for those that come with fastdeid.

    Raises ProfileError.
    """
    found = [known_rules() if name == KNOWN else load_rules(Path(name)) for name in names]
    return RegionRules([rule for rules in found for rule in rules.rule])


def known_rules() -> RegionRules:
    """Return the rules that come with fastdeid."""
    import fastdeid.profiles

    return load_rules(Path(fastdeid.profiles.__path__[0]) / "regions.toml")


def _placed(rule: RegionRule, rows: int, columns: int) -> Iterable[Box]:
    high, wide = rule.scaled_from or (rows, columns)
    for top, left, bottom, right in rule.boxes:
        box = Box(
            top * rows // high,
            left * columns // wide,
            min(-(-bottom * rows // high), rows),
            min(-(-right * columns // wide), columns),
        )
        if box.top < box.bottom and box.left < box.right:
            yield box


def find_boxes(
    rules: RegionRules, value_of: Callable[[str], str | None], rows: int, columns: int
) -> list[tuple[Box, str]]:
    """Return the boxes of every rule that holds, each with the rule's name.

    value_of: the text of an attribute at the top level by keyword, parts joined by a backslash,
    None when absent.
    """
    return [
        (box, rule.name)
        for rule in rules.rule
        if any(all(test.holds(value_of(test.attribute)) for test in tests) for tests in rule.when)
        for box in _placed(rule, rows, columns)
    ]


def outside_regions(regions: Sequence[Box], rows: int, columns: int) -> list[Box]:
    """Return boxes that cover all of a frame but the regions, row band by row band.

    regions: of Sequence of Ultrasound Regions (0018,6011), end exclusive: Region Location Min X0
    and Max X1 are both inside, so right is Max X1 + 1. Without regions the result is empty.
    """
    cut = [
        Box(max(r.top, 0), max(r.left, 0), min(r.bottom, rows), min(r.right, columns))
        for r in regions
    ]
    cut = [region for region in cut if region.top < region.bottom and region.left < region.right]
    if not cut:
        return []
    edges = sorted({0, rows, *(r.top for r in cut), *(r.bottom for r in cut)})
    boxes = []
    for top, bottom in pairwise(edges):
        left = 0
        for region in sorted((r for r in cut if r.top <= top < r.bottom), key=lambda r: r.left):
            if region.left > left:
                boxes.append(Box(top, left, bottom, region.left))
            left = max(left, region.right)
        if left < columns:
            boxes.append(Box(top, left, bottom, columns))
    return boxes
