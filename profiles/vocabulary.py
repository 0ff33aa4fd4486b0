"""Generate the words that clinical descriptions are made of. Development-time only.

Sources: the code meanings of PS3.16 that pydicom carries, without animal breeds and taxonomy; the
words of the keywords of PS3.6; `protocol_words.txt`, written by hand. Names that stand in meanings
(Parkinson, Dixon, White) prove nothing clinical, so they are left out as single words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from fastdeid.letters import expand, fold

# Schemes of species, numbers and units.
_NOT_CLINICAL: Final = frozenset("ITIS_TSN PUBCHEM_CID NEU UCUM MDC LN".split())
# CID 7480 to 7489 are breeds and their registries.
_BREEDS: Final = range(7480, 7490)
# Beside a name these prove nothing: "CT of Wall".
_JOINTS: Final = frozenset("and of or than the at not may finding color page estimation".split())
_WORD: Final = re.compile(r"[^\W\d_]+")
_KEYWORD_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")


def words_text(keywords: Iterable[str], terms: Iterable[str]) -> str:
    """Return the vocabulary as lines of kind and words: "term", "word" or "phrase".

    keywords: of PS3.6. terms: of `defined_terms.csv`.
    """
    sections = read_sections(Path(__file__).parent / "protocol_words.txt", lines="phrases")
    names = spellings(sections["names"])
    stay = spellings(sections["terms"]) | {term.lower() for term in terms} - names
    meanings = list(_meanings())
    found = {fold(word) for meaning in meanings for word in _WORD.findall(meaning)}
    found |= {part.lower() for keyword in keywords for part in _KEYWORD_PART.findall(keyword)}
    found = {word for word in found if len(word) > 1} - names
    found |= spellings(sections["words"]) - stay
    phrases = {*sections["phrases"], *_phrases(meanings, names)}
    lines = [f"term {word}" for word in sorted(stay)]
    lines += [f"word {word}" for word in sorted(found - stay)]
    lines += [f"phrase {phrase}" for phrase in sorted(phrases)]
    return "\n".join(lines) + "\n"


def read_sections(file: Path, lines: str = "") -> dict[str, list[str]]:
    """Return the words of each section of a list, under "" those before the first one.

    lines: the section of which each line is one entry.
    """
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            sections[name] = []
        elif line and not line.startswith("#"):
            sections[name] += [line] if lines and name == lines else line.split()
    return sections


def spellings(words: Iterable[str]) -> set[str]:
    """Return words folded, and with umlauts as two letters."""
    return {form for word in words for form in (fold(word), expand(word))}


def _meanings() -> Iterator[str]:
    from pydicom.sr._concepts_dict import concepts

    schemes: Any = concepts
    for scheme, by_keyword in schemes.items():
        if scheme in _NOT_CLINICAL:
            continue
        for codes in by_keyword.values():
            for meaning, contexts in codes.values():
                if "breed" not in meaning.lower() and not any(c in _BREEDS for c in contexts):
                    yield meaning


def _phrases(meanings: Iterable[str], names: set[str]) -> set[str]:
    """Return pairs of words of which one is also a name: white matter, Lateral Wall."""
    found = set()
    for meaning in meanings:
        words = re.findall(r"[\w/]+", fold(meaning))
        for first, second in pairwise(words):
            pair = first + second
            if not pair.isalpha() or (first in names) == (second in names):
                continue
            other = second if first in names else first
            if len(other) > 2 and other not in _JOINTS:
                found.add(f"{first} {second}")
    return found
