"""Express CTP pixel scripts and deid recipes as region rules.

CTP (DicomPixelAnonymizer): a heading, `{ expression }` and boxes (left,top,width,height).
deid: LABEL, lines of tests, `coordinates` left,top,right,bottom or `ctpcoordinates` as in CTP. A
line that begins with `+` must hold as well; of what `||` joins, in a line or from line to line, one
must hold. Values of deid may be alternatives, `A|B`; other signs of regular expressions stand for
themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from pydicom.datadict import keyword_for_tag

from fastdeid.errors import ProfileError
from fastdeid.pixels.regions import Condition, RegionRule, tag_of

_BOX: Final = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)")
_RULE: Final = re.compile(rf"\{{(.*?)\}}\s*((?:{_BOX.pattern}\s*)+)", re.DOTALL)
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<sign>[()+*!])"
    r"|(?P<attribute>\w+|\[[0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\])\s*\.\s*(?P<method>\w+)\s*"
    r'\(\s*"(?P<value>[^"]*)"\s*\))'
)
_METHODS: Final = {
    "equals": "equals",
    "equalsignorecase": "equals",
    "contains": "contains",
    "containsignorecase": "contains",
    "startswith": "starts_with",
    "startswithignorecase": "starts_with",
    "endswith": "ends_with",
    "endswithignorecase": "ends_with",
}
_COORDINATES: Final = re.compile(r"\s*(ctp)?coordinates\s+([\d\s,]+)$")
_ANY_COORDINATES: Final = re.compile(r"\s*(?:ctp|keep|ctpkeep)?coordinates\s+(.*)")
_TESTS: Final = re.compile(
    r"\s*(\+|\|\|)?\s*(contains|equals|missing|empty|present|notcontains|notequals)\s"
)

Alternatives = list[list[Condition]]


ATTRIBUTE: Final = "an attribute that the dictionary does not have"
COMPARISON: Final = "a comparison that region rules do not have"
EXPRESSION: Final = "an expression that region rules cannot say"
NO_TEST: Final = "boxes without a test: they would be masked in every image"
EMPTY_BOXES: Final = "boxes without an extent"
OF_ATTRIBUTE: Final = (
    'coordinates that are no numbers; ultrasound_regions = "mask_outside" in [pixels] keeps what '
    "stands in the regions of (0018,6011)"
)


class Skipped(NamedTuple):
    """A rule that could not be expressed: the number of its line, and why."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


class Imported(NamedTuple):
    """Rules, and those that could not be expressed. n_without_boxes: mask nothing, and are none."""

    rules: list[RegionRule]
    skipped: list[Skipped]
    n_without_boxes: int = 0

    def summary(self) -> str:
        """Return how many of each there are."""
        n_boxes = sum(len(rule.boxes) for rule in self.rules)
        parts = [f"{len(self.rules)} rule(s) with {n_boxes} box(es) imported"]
        parts.append(f"{len(self.skipped)} that cannot be expressed")
        return ", ".join([*parts, f"{self.n_without_boxes} without boxes, which mask nothing"])


class _InexpressibleError(Exception):
    """A rule says something that region rules cannot say: what."""


def _test(attribute: str, operator: str, values: list[str]) -> Condition:
    keyword = attribute
    if attribute.startswith("["):
        keyword = keyword_for_tag(int(attribute[1:5] + attribute[6:10], 16))
    if not keyword or tag_of(keyword) is None:
        raise _InexpressibleError(ATTRIBUTE)
    if operator == "is_empty" or (values == [""] and operator in {"equals", "contains"}):
        return Condition(keyword, is_empty=bool(values))
    return msgspec.convert({"attribute": keyword, operator: values}, Condition)


def _negated(test: Condition) -> Condition:
    if test.is_empty is not None:
        return Condition(test.attribute, is_empty=not test.is_empty)
    return msgspec.structs.replace(test, negated=not test.negated)


class _Expression:
    """A CTP expression: `+` or, `*` and, `!` not, as alternatives of tests."""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._at = 0

    @staticmethod
    def _split(text: str) -> list[re.Match[str]]:
        tokens, at = [], 0
        while text[at:].strip():
            token = _TOKEN.match(text, at)
            if token is None:
                raise _InexpressibleError(EXPRESSION)
            tokens.append(token)
            at = token.end()
        return tokens

    def _sign(self) -> str:
        return self._tokens[self._at]["sign"] or "" if self._at < len(self._tokens) else "end"

    def parse(self) -> Alternatives:
        found = self._either()
        if self._sign() != "end":
            raise _InexpressibleError(EXPRESSION)
        return found

    def _either(self) -> Alternatives:
        found = self._both()
        while self._sign() == "+":
            self._at += 1
            found = found + self._both()
        return found

    def _both(self) -> Alternatives:
        found = self._one()
        while self._sign() == "*":
            self._at += 1
            following = self._one()
            found = [first + second for first in found for second in following]
        return found

    def _one(self) -> Alternatives:
        sign = self._sign()
        if sign in {"+", "*", ")", "end"}:
            raise _InexpressibleError(EXPRESSION)
        token = self._tokens[self._at]
        self._at += 1
        if sign == "(":
            found = self._either()
            if self._sign() != ")":
                raise _InexpressibleError(EXPRESSION)
            self._at += 1
            return found
        if sign == "!":
            inner = self._one()
            if len(inner) != 1 or len(inner[0]) != 1:
                raise _InexpressibleError(EXPRESSION)
            return [[_negated(inner[0][0])]]
        operator = _METHODS.get(token["method"].lower())
        if operator is None:
            raise _InexpressibleError(COMPARISON)
        return [[_test(token["attribute"], operator, [token["value"]])]]


def _from_corner(numbers: list[int], *, extent: bool) -> tuple[int, int, int, int]:
    """Return top, left, bottom, right of left, top and then width, height or right, bottom."""
    left, top, right, bottom = numbers
    return (top, left, top + bottom, left + right) if extent else (top, left, bottom, right)


def _with_extent(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Return boxes that hold something; raises _InexpressibleError where none does."""
    found = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    if not found:
        raise _InexpressibleError(EMPTY_BOXES)
    return found


def _import_ctp(text: str, credit: str) -> Imported:
    rules, skipped, heading = [], [], ""
    at = 0
    for match in _RULE.finditer(text):
        for line in text[at : match.start()].splitlines():
            words = " ".join(line.split()).strip("* ")
            heading = words or heading
        at = match.end()
        boxes = [
            _from_corner([int(number) for number in box.groups()], extent=True)
            for box in _BOX.finditer(match[2])
        ]
        try:
            when = _Expression(match[1]).parse()
            boxes = _with_extent(boxes)
        except _InexpressibleError as error:
            skipped.append(Skipped(text.count("\n", 0, match.start()) + 1, str(error)))
            continue
        rules.append(RegionRule(heading or "region", credit, when, boxes))
    return Imported(rules, skipped)


def _deid_tests(line: str) -> Iterator[Condition]:
    for part in re.split(r"\s*\|\|\s*", line.strip().lstrip("+").strip().removeprefix("||")):
        operator, _, rest = part.strip().partition(" ")
        attribute, _, value = rest.strip().partition(" ")
        values = [one.strip() for one in value.split("|")]
        if operator in {"missing", "empty", "present"}:
            yield _test(attribute, "is_empty", [] if operator == "present" else [""])
        elif operator in {"contains", "equals"}:
            yield _test(attribute, operator, values)
        elif operator in {"notcontains", "notequals"}:
            yield _negated(_test(attribute, operator.removeprefix("not"), values))
        else:
            raise _InexpressibleError(COMPARISON)


def _deid_when(lines: list[str]) -> Alternatives:
    groups: list[list[Condition]] = []
    for line in (line for line in lines if _TESTS.match(line + " ")):
        tests = list(_deid_tests(line))
        if line.strip().startswith("||") and groups:
            groups[-1] += tests
        else:
            groups.append(tests)
    found: Alternatives = [[]]
    for group in groups:
        found = [[*before, test] for before in found for test in group]
    if found == [[]]:
        raise _InexpressibleError(NO_TEST)
    return found


def _import_deid(text: str, credit: str) -> Imported:
    rules, skipped, n_without = [], [], 0
    for block in re.finditer(r"^LABEL\s+(.*)\n((?:(?!LABEL|%).*\n?)*)", text, re.MULTILINE):
        lines = [line.partition("#")[0].rstrip() for line in block[2].splitlines()]
        if not any(_ANY_COORDINATES.match(line) for line in lines):
            n_without += 1
            continue
        name, _, who = block[1].partition("#")
        try:
            when, boxes = _deid_when(lines), _deid_boxes(lines)
        except _InexpressibleError as error:
            skipped.append(Skipped(text.count("\n", 0, block.start()) + 1, str(error)))
            continue
        by = f"{credit}, {who.strip(' ()')}" if who.strip(" ()") else credit
        rules.append(RegionRule(name.strip(), by, when, boxes))
    return Imported(rules, skipped, n_without)


def _deid_boxes(lines: list[str]) -> list[tuple[int, int, int, int]]:
    boxes = []
    for line in lines:
        if not _ANY_COORDINATES.match(line):
            continue
        found = _COORDINATES.match(line)
        numbers = [int(one) for one in found[2].split(",")] if found else []
        if found is None or len(numbers) != 4:
            raise _InexpressibleError(OF_ATTRIBUTE)
        boxes.append(_from_corner(numbers, extent=bool(found[1])))
    return _with_extent(boxes)


def import_rules(text: str, credit: str) -> Imported:
    """Return the region rules of a CTP pixel script or a deid recipe.

    credit: where the file comes from. Comparisons that mind case in CTP do not here. Raises
    ProfileError when the text holds no rule with boxes that can be expressed.
    """
    is_recipe = re.search(r"^FORMAT\s+dicom", text, re.MULTILINE)
    found = _import_deid(text, credit) if is_recipe else _import_ctp(text, credit)
    if not found.rules:
        why = "; ".join(str(one) for one in found.skipped)
        raise ProfileError(f"nothing imported: {why or 'the file has no rules with boxes'}")
    return found


def import_file(path: Path, credit: str) -> Imported:
    """Return the region rules of a file. Raises ProfileError, without the path."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise ProfileError("the file to import cannot be read") from None
    return import_rules(text, credit)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign for sign in escaped if sign.isprintable()) + '"'


def _written(test: Condition) -> str:
    parts = [f"attribute = {_quoted(test.attribute)}"]
    for name in dict.fromkeys(_METHODS.values()):
        values = getattr(test, name)
        if values:
            parts.append(f"{name} = [{', '.join(_quoted(value) for value in values)}]")
    if test.is_empty is not None:
        parts.append(f"is_empty = {str(test.is_empty).lower()}")
    if test.negated:
        parts.append("negated = true")
    return "{ " + ", ".join(parts) + " }"


def write_rules(rules: list[RegionRule]) -> str:
    """Return rules as TOML, as `regions.parse_rules` reads them."""
    blocks = []
    for rule in rules:
        lines = ["[[rule]]", f"name = {_quoted(rule.name)}", f"credit = {_quoted(rule.credit)}"]
        lines.append("when = [")
        for tests in rule.when:
            lines += ["  [", *(f"    {_written(test)}," for test in tests), "  ],"]
        lines.append("]")
        lines.append(f"boxes = [{', '.join(str(list(box)) for box in rule.boxes)}]")
        if rule.scaled_from:
            lines.append(f"scaled_from = {list(rule.scaled_from)}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)
