"""Mode strict: find everything in a text that is not known to be clinical."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from fastdeid.passages import Passage, Span
from fastdeid.patterns import ABBREVIATION, is_measurement, is_unit
from fastdeid.surroundings import rules_of_tokens
from fastdeid.vocabulary import Vocabulary

UNKNOWN: Final = "unknown word"
_LONGEST_NUMBER: Final = 4
# Between the parts of one expression: C3/C4, 10:1, 512 x 512, p.a.
_NUMERIC: Final = frozenset((".", "/", "-", ",", ":", " "))
_CLOSE: Final = frozenset(("", "/", "-", "x", " x ", ":", ".", " -", "=", "+"))
_SIDES: Final = frozenset("lrcw")


def find_unknown(passage: Passage, spans: Iterable[Span], vocabulary: Vocabulary) -> list[Span]:
    """Return the words and numbers outside `spans` that are not clinical.

    Numbers stay up to three digits beside a clinical word, and up to four joined to letters or in
    front of a unit: C5, b1000, 120 kV.
    """
    gone = rules_of_tokens(passage, list(spans))
    tokens = passage.tokens
    clinical = _find_clinical(passage, vocabulary)
    unknown = []
    for number, (start, end, word) in enumerate(tokens):
        if gone[number]:
            clinical[number] = False
        elif word.isdecimal():
            continue
        elif not clinical[number]:
            unknown.append(Span(start, end, UNKNOWN))
    for number, (start, end, word) in enumerate(tokens):
        if word.isdecimal() and not gone[number] and not _stays(passage, number, clinical):
            unknown.append(Span(start, end, UNKNOWN))
    return sorted(unknown)


def _find_clinical(passage: Passage, vocabulary: Vocabulary) -> list[bool]:
    """Tell of each token whether it is clinical, by itself or by those beside it."""
    tokens = passage.tokens
    clinical = [vocabulary.knows_halves(word) or word in _SIDES for *_, word in tokens]
    for number, pair in enumerate(pairwise(passage.words)):
        if pair in vocabulary.phrases:
            clinical[number] = clinical[number + 1] = True
    for number, (start, *_) in enumerate(tokens[:-1]):
        if ABBREVIATION.match(passage.folded, start):
            clinical[number] = clinical[number + 1] = True
    for number in range(len(tokens)):
        clinical[number] = clinical[number] or _is_joined(passage, number, clinical)
    return clinical


def _is_joined(passage: Passage, number: int, clinical: list[bool]) -> bool:
    """Tell whether a letter is joined to a number or a clinical word: C5, w/o."""
    tokens = passage.tokens
    start, end, word = tokens[number]
    if len(word) != 1:
        return False
    before = number > 0 and passage.folded[tokens[number - 1][1] : start]
    if before == " " and tokens[number - 1][2].isdecimal() and is_unit(word):
        return True
    after = number + 1 < len(tokens) and passage.folded[end : tokens[number + 1][0]]
    return any(
        gap in _CLOSE and (clinical[other] or tokens[other][2].isdecimal())
        for gap, other in ((before, number - 1), (after, number + 1))
        if gap is not False
    )


def _stays(passage: Passage, number: int, clinical: list[bool]) -> bool:
    """Tell whether a number belongs to the words, or to the numbers of a group, beside it."""
    tokens = passage.tokens
    start, end, word = tokens[number]
    if is_measurement(passage, start, end):
        return True
    if len(word) > _LONGEST_NUMBER:
        return False
    for other in (number - 1, number + 1):
        if 0 <= other < len(tokens):
            first, last, neighbour = tokens[other]
            gap = passage.folded[last:start] if other < number else passage.folded[end:first]
            if clinical[other] and not neighbour.isdecimal() and len(gap) <= 1:
                if gap == "" or len(word) < _LONGEST_NUMBER:
                    return True
            elif neighbour.isdecimal() and gap in _NUMERIC and len(word) < 4:
                return True
    return False
