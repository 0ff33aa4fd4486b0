"""Mode strict: find everything in a text that is not known to be clinical."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from fastdeid.passages import Passage, Span
from fastdeid.patterns import ABBREVIATION, is_measurement, is_unit
from fastdeid.report_words import is_grade, read_words
from fastdeid.surroundings import rules_of_tokens
from fastdeid.vocabulary import Vocabulary

UNKNOWN: Final = "unknown word"
_LONGEST_NUMBER: Final = 4
# Between the parts of one expression: C3/C4, 10:1, 512 x 512, p.a.
_NUMERIC: Final = frozenset((".", "/", "-", ",", ":", " "))
_CLOSE: Final = frozenset(("", "/", "-", "x", " x ", ":", ".", " -", "=", "+"))
_SIDES: Final = frozenset("lrcw")
_PARTICLES: Final = frozenset(
    (first, second)
    for first, seconds in (
        *(("van", "der den de het"), ("von", "der den dem"), ("de", "la los las"), ("in", "het")),
        *(("op", "den de het"), ("aan", "den de het"), ("da", "la"), ("zu", "der")),
    )
    for second in seconds.split()
)
_ELISION: Final = re.compile(r"[^\w]")
# In front of an apostrophe, French and Italian.
_ARTICLES: Final = frozenset(
    """
    l d n s j c m qu jusqu lorsqu un all dall dell nell sull coll quell quest sant anch
    """.split()
)


def find_unknown(passage: Passage, spans: Iterable[Span], vocabulary: Vocabulary) -> list[Span]:
    """Return the words and numbers outside `spans` that are not clinical.

    Numbers stay up to three digits beside a clinical word, and up to four joined to letters or in
    front of a unit: C5, b1000, 120 kV.
    """
    gone = rules_of_tokens(passage, list(spans))
    tokens = passage.tokens
    clinical = _find_clinical(passage, vocabulary)
    unknown = []
    for number, (_, end, word) in enumerate(tokens):
        if gone[number]:
            clinical[number] = False
        elif word.isdecimal():
            continue
        elif not clinical[number]:
            unknown.append(Span(_with_particles(passage, number), end, UNKNOWN))
    for number, (start, end, word) in enumerate(tokens):
        if word.isdecimal() and not gone[number] and not _stays(passage, number, clinical):
            unknown.append(Span(start, end, UNKNOWN))
    return sorted(unknown)


def _with_particles(passage: Passage, number: int) -> int:
    """Return where an unknown word begins, with the two particles of a name before it."""
    tokens = passage.tokens
    if number > 1 and (tokens[number - 2][2], tokens[number - 1][2]) in _PARTICLES:
        return tokens[number - 2][0]
    return tokens[number][0]


def _find_clinical(passage: Passage, vocabulary: Vocabulary) -> list[bool]:
    """Tell of each token whether it is clinical, by itself or by those beside it."""
    tokens, words, report = passage.tokens, passage.words, read_words()
    clinical = [
        word in _SIDES
        or report.knows(word, vocabulary)
        or (word in report.lower and passage.as_written(start, end).islower())
        or _is_elided(passage, number, vocabulary)
        for number, (start, end, word) in enumerate(tokens)
    ]
    for number in range(len(words)):
        clinical[number] = clinical[number] or _is_called(words, number, clinical)
    for number, pair in enumerate(pairwise(words)):
        if pair in vocabulary.phrases or (pair in report.pairs and _is_close(passage, number)):
            clinical[number] = clinical[number + 1] = True
    for number, (start, *_) in enumerate(tokens[:-1]):
        if ABBREVIATION.match(passage.folded, start):
            clinical[number] = clinical[number + 1] = True
    for number in range(len(tokens)):
        clinical[number] = clinical[number] or _is_joined(passage, number, clinical)
    for number in range(len(words)):
        clinical[number] = clinical[number] or _is_kind(passage, number, clinical)
    return clinical


def _is_called(words: list[str], number: int, clinical: list[bool]) -> bool:
    """Tell whether a word is the name of a disease, or a grade behind a clinical word."""
    if read_words().belongs(words, number):
        return True
    return (
        number > 0 and clinical[number - 1] and len(words[number]) > 1 and is_grade(words[number])
    )


def _is_elided(passage: Passage, number: int, vocabulary: Vocabulary) -> bool:
    """Tell whether a word is a clinical one behind an article: l'abdomen, dell'arto."""
    start, end, _ = passage.tokens[number]
    article, mark, word = _ELISION.sub("'", passage.folded[start:end]).partition("'")
    return bool(mark) and article in _ARTICLES and read_words().knows(word, vocabulary)


def _is_kind(passage: Passage, number: int, clinical: list[bool]) -> bool:
    """Tell whether a letter tells the kind of what stands beside it: hepatitis B, T wave, E/A.

    In front of an unknown word it is an initial; so is a capital with a full stop.
    """
    tokens, folded = passage.tokens, passage.folded
    start, end, word = tokens[number]
    if len(word) != 1:
        return False
    small = passage.as_written(start, end).islower()
    following = tokens[number + 1] if number + 1 < len(tokens) else (len(folded), 0, "")
    gap = folded[end : following[0]]
    if number == 0 or not _is_behind(passage, number, clinical, small=small):
        stands = number == 0 or clinical[number - 1]
        return stands and gap == " " and bool(following[2]) and clinical[number + 1]
    if not following[2] or gap[:1] in {",", ";", ":", ")"} or folded[start - 1] == "/":
        return True
    is_letter = len(following[2]) == 1 and (small or gap == "/")
    return clinical[number + 1] or following[2].isdecimal() or is_letter


def _is_behind(passage: Passage, number: int, clinical: list[bool], *, small: bool) -> bool:
    """Tell whether a letter, small or a capital, is joined to something clinical before it."""
    _, last, word = passage.tokens[number - 1]
    gap = passage.folded[last : passage.tokens[number][0]]
    if len(word) == 1 and not word.isdecimal():
        joined = gap == "/" or (small and gap in {" ", ".", ". "})
    else:
        joined = gap in {" ", "-"}
    return joined and (clinical[number - 1] or (small and word.isdecimal()))


def _is_close(passage: Passage, number: int) -> bool:
    """Tell whether one sign stands between a token and the next: s/p, Z.n."""
    tokens = passage.tokens
    return passage.folded[tokens[number][1] : tokens[number + 1][0]] in {"/", ".", ". "}


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
