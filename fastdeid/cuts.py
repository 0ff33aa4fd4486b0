"""Cut marked spans out of a text and tidy what stood around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ALPHANUMERIC: Final = re.compile(r"[^\W_]")
_SEPARATORS: Final = (
    " \t\r\n\f,;:/\\|_-\N{EN DASH}\N{EM DASH}^=*#&+~<>\N{NO-BREAK SPACE}"
    "\u3000\u3001\uff0c\uff1a\uff1b\uff0f\u30fb"
)
_PAIRS: Final = frozenset(
    [
        *("()", "[]", "{}", '""', "''"),
        *("\uff08\uff09", "\u300c\u300d", "\u300e\u300f", "\u3010\u3011", "\u300a\u300b"),
        "\xab\xbb",
        "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}",
        "\N{DOUBLE LOW-9 QUOTATION MARK}\N{LEFT DOUBLE QUOTATION MARK}",
        "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}",
    ]
)
_STOPS: Final = frozenset(".!?")
_PAUSES: Final = frozenset(".!?,;:")
_LEADING: Final = _SEPARATORS + ".!?"


def merge(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in ascending order, joined where no letter or digit stands between them."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged:
            first, last = merged[-1]
            between = text[last:start]
            if start <= last or ("\n" not in between and not _ALPHANUMERIC.search(between)):
                merged[-1] = (first, max(last, end))
                continue
        merged.append((start, end))
    return merged


def cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return `text` without the spans, nor the separators and brackets that only they needed.

    "" when no letter or digit is left. All that does not touch a cut stays as it is.
    """
    segments = []
    at = 0
    for start, end in merge(text, spans):
        segments.append(text[at:start])
        at = end
    segments.append(text[at:])
    worth = [number for number, segment in enumerate(segments) if _ALPHANUMERIC.search(segment)]
    if not worth:
        return ""
    # Before the first segment with content, and behind the last, no separator joins anything.
    first, last = worth[0], worth[-1]
    if first > 0:
        segments[first] = segments[first].lstrip(_LEADING)
    done = []
    current = segments[first]
    for following in segments[first + 1 : last + 1]:
        left, current = _join(current, following)
        done.append(left)
    if last + 1 < len(segments):
        current, closing = _without_brackets(current, segments[last + 1])
        current = current.rstrip(_SEPARATORS) + closing.lstrip(_LEADING)
    return "".join(done) + current


def _join(before: str, after: str) -> tuple[str, str]:
    """Return the neighbours of a cut, the first with what joins them."""
    before, after = _without_brackets(before, after)
    left, right = before.rstrip(_SEPARATORS), after.lstrip(_SEPARATORS)
    gap = _gap(before[len(left) :], after[: len(after) - len(right)])
    if right[:1] in _STOPS:
        if left[-1:] not in _PAUSES:
            return left, right
        right = right[1:].lstrip(" ")
    if not gap and left[-1:].isalnum() and right[:1].isalnum():
        gap = " "
    return left + gap if left else gap.lstrip("\r\n"), right


def _without_brackets(before: str, after: str) -> tuple[str, str]:
    """Drop brackets and quotes that enclosed nothing but the cut."""
    while True:
        left, right = before.rstrip(_SEPARATORS + "."), after.lstrip(_SEPARATORS + ".")
        if left and right and left[-1] + right[0] in _PAIRS:
            before, after = left[:-1], right[1:]
        else:
            return before, after


def _gap(before: str, after: str) -> str:
    """Return what stands between the neighbours of a cut."""
    for gap in (before, after):
        if "\n" in gap or "\r" in gap:
            return gap
    if before == after or not after:
        return before
    if not before:
        return after
    if before.isspace() or after.isspace():
        return before if before.isspace() else after
    return before
