"""Names that no header knows: of hospitals, by the word Hospital, and of people behind "for"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastdeid.identity import PARTICLES, PLACE, Identity
from fastdeid.passages import Passage, Span
from fastdeid.vocabulary import Vocabulary

_MOST_WORDS: Final = 4
# In front of these stands the name: Mercy Hospital.
_BEHIND: Final = frozenset(
    """
    hospital hospitals clinic clinics infirmary sanatorium klinik klinikum krankenhaus spital
    ziekenhuis kliniek polyclinic
    """.split()
)
# Behind these: Klinikum Neustadt, Ospedale San Carlo.
_BEFORE: Final = frozenset(
    """
    hospital klinikum krankenhaus spital hopital clinique clinica ospedale ospedali policlinico
    ziekenhuis chu chru umc
    """.split()
)
# They stand inside such names.
_INSIDE: Final = frozenset(
    """
    general memorial regional university universitario universitaria universitatsklinikum community
    county city st saint sankt san santa santo sainte medical childrens veterans royal national
    central municipal clinico clinic s
    """.split()
)
_SAINTS: Final = frozenset("st saint sankt san santa santo sainte".split())
_FOR: Final = frozenset("for fur fuer pour voor para".split())


def find_houses(passage: Passage, vocabulary: Vocabulary) -> Iterator[Span]:
    """Yield names of hospitals: words in capitals that are not clinical, beside Hospital."""
    words = set(passage.words)
    if words.isdisjoint(_BEHIND) and words.isdisjoint(_BEFORE):
        return
    tokens = passage.tokens
    for number, (start, end, word) in enumerate(tokens):
        if word in _BEHIND:
            first = _run(passage, vocabulary, number, -1)
            if first != number:
                yield Span(tokens[first][0], end, PLACE)
                continue
        if word in _BEFORE:
            last = _run(passage, vocabulary, number, 1)
            if last != number:
                yield Span(start, tokens[last][1], PLACE)


def _run(passage: Passage, vocabulary: Vocabulary, number: int, step: int) -> int:
    """Return the number of the furthest unknown word in capitals that is joined to a token."""
    tokens = passage.tokens
    furthest = number
    for at in range(number + step, number + step * (_MOST_WORDS + 1), step):
        if not 0 <= at < len(tokens):
            break
        left, right = sorted((at, at - step))
        start, end, word = tokens[at]
        gap = passage.folded[tokens[left][1] : tokens[right][0]]
        if gap not in {" ", "-", "'", ". "} or not word.isalpha():
            break
        saint = word in _SAINTS and step < 0 and furthest == at + 1 != number
        if saint or _is_name(passage, vocabulary, start, end, word):
            furthest = at
        elif word not in _INSIDE and word not in PARTICLES:
            break
    return furthest


def find_people_behind_for(
    passage: Passage, identity: Identity, vocabulary: Vocabulary
) -> Iterator[Span]:
    """Yield two or three words in capitals behind "for" that are not clinical: for Ada Lovelace."""
    if _FOR.isdisjoint(passage.words):
        return
    tokens = passage.tokens
    for number, (_, _, word) in enumerate(tokens):
        if word not in _FOR:
            continue
        last = number
        for at in range(number + 1, min(number + _MOST_WORDS, len(tokens))):
            start, end, following = tokens[at]
            gap = passage.folded[tokens[at - 1][1] : start]
            initial = len(following) == 1 and last > number and following.isalpha()
            name = _is_name(passage, vocabulary, start, end, following)
            if gap not in {" ", ". ", "-"} or not (name or initial):
                break
            if following in identity.words:  # `mentions` finds it
                break
            last = at
        if last > number + 1:
            yield Span(tokens[number + 1][0], tokens[last][1], "person name")


def _is_name(passage: Passage, vocabulary: Vocabulary, start: int, end: int, word: str) -> bool:
    """Tell whether a word may be a name: in capitals, and not clinical."""
    written = passage.as_written(start, end)
    return (
        len(word) > 2
        and word.isalpha()
        and written[:1].isupper()
        and word not in _INSIDE
        and not vocabulary.knows_halves(word)
        and not passage.digit_at(end)
    )
