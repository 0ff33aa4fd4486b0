"""Search of an output for everything that identifies: its texts, and its bytes in any encoding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from pydicom.charset import convert_encodings

from tests.corpus.outputs import Pair
from tests.corpus.people import Person, plain

_SHORTEST_RAW: Final = 5
_CASE_MATTERS: Final = 3
_SHORTEST_WORD: Final = 4
_DATES: Final = frozenset({"DA", "DT", "TM"})
_NOT_TEXT: Final = frozenset({"SQ", "UI", "DS", "IS", *_DATES})


def people_words(person: Person) -> set[str]:
    """Return the names of a patient and of a hospital's people one by one."""
    hospital = person.hospital
    words = set(person.components)
    for name in (hospital.referring, hospital.reading, hospital.performing, hospital.operator):
        words.add(name.split("^")[0])
    words.add(hospital.stranger.split()[-1])
    for word in list(words):
        words |= {part for part in re.split(r"[ '-]", word) if len(part) >= _SHORTEST_WORD}
    return words - set(person.ambiguous)


def fold(text: str) -> str:
    """Return a text without accents and case."""
    return plain(text).casefold()


@cache
def _pattern(needle: str) -> re.Pattern[str]:
    text = needle if len(needle) <= _CASE_MATTERS else fold(needle)
    # An underscore parts words here.
    return re.compile(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])")


def stands_in(needle: str, text: str, folded: str) -> bool:
    """Tell whether a text holds a needle, as a word or words of its own."""
    return bool(_pattern(needle).search(text if len(needle) <= _CASE_MATTERS else folded))


def text_hits(pair: Pair, needles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (path, needle) for each text element of an output that holds a needle."""
    wanted = list(needles)
    for path, place in pair.places.items():
        if place.element.VR in _NOT_TEXT or isinstance(place.element.value, bytes):
            continue
        text = str(place.element.value)
        folded = fold(text)
        yield from ((path, needle) for needle in wanted if stands_in(needle, text, folded))


def raw_hits(pair: Pair, needles: Iterable[str]) -> set[str]:
    """Return the needles that stand anywhere in the bytes of an output, in any usual encoding."""
    lowered = pair.output.lower()
    declared = pair.source_places.get("SpecificCharacterSet")
    values = declared.element.value if declared else None
    encodings = {"utf-8", "utf-16-le", "latin-1", *convert_encodings(values)}
    found = set()
    for needle in needles:
        if len(needle) < _SHORTEST_RAW and needle.isascii():
            continue
        forms = {_encoded(form, name) for form in (needle, plain(needle)) for name in encodings}
        searched = lowered
        # A phrase that must stay may hold a name inside a word of its own: Maria in mamaria.
        for phrase in {
            one.phrase for one in pair.file.answers.kept if fold(needle) in fold(one.phrase)
        }:
            for name in encodings:
                searched = searched.replace(_encoded(phrase, name).lower() or bytes(9999), b"")
        if any(form and form.lower() in searched for form in forms):
            found.add(needle)
    return found


def _encoded(text: str, encoding: str) -> bytes:
    try:
        raw = text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return b""
    # ISO 2022 encoders return to ASCII behind the text.
    raw = raw.removesuffix(b"\x1b(B")
    return raw if len(raw) >= _CASE_MATTERS else b""
