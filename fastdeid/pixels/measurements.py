"""Tell lines of measurements, settings, lateralities and orientations from all others.

What is not understood is none: every word must be known, and every number stand behind a key or in
front of a unit. Dates, times, identifiers, ages and names do not parse.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from typing import Final, NamedTuple

from fastdeid.calendar_words import MONTHS
from fastdeid.profiles.tables import FOLDER

_LONGEST: Final = 80
_LONGEST_WORD: Final = 12
_MOST_DIGITS: Final = 4
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
# A zero in front begins an identifier, a day or an age; a third part makes a date or an address.
_PLAIN_NUMBER: Final = re.compile(rf"(?:0|[1-9]\d{{0,{_MOST_DIGITS - 1}}})(?:[.,]\d{{1,4}})?")
_TIMES: Final = frozenset("x\N{MULTIPLICATION SIGN}")
_JOINTS: Final = _TIMES | frozenset("/-")
_BETWEEN: Final = frozenset(":=.()[]<>~+-*#\N{PLUS-MINUS SIGN}")
_MARKS: Final = (
    _BETWEEN | _JOINTS | frozenset(",;|_\N{EMPTY SET}\N{LATIN SMALL LETTER O WITH STROKE}")
)
_INDICES: Final = frozenset("123456789")
_CHUNK: Final = re.compile(r"[a-z0-9]+")
# What OCR takes for one another in small letters.
_CONFUSED: Final = str.maketrans("0q1i582mng", "oollsbzhhc")
_YEARS: Final = range(1900, 2100)


class _Words(NamedTuple):
    """Known words, in lower case, by what they may be."""

    units: frozenset[str]
    keys: frozenset[str]
    words: frozenset[str]
    alike: dict[str, str]

    def knows(self, word: str) -> bool:
        """Tell whether it is any of them."""
        return word in self.units or word in self.keys or word in self.words


class _Token(NamedTuple):
    """A part of a line. kind: "number", "word" or "mark"."""

    kind: str
    text: str


@functools.cache
def _known() -> _Words:
    table = tomllib.loads((FOLDER / "measurements.toml").read_text("utf-8"))
    units, keys, words = (
        frozenset(table[name].split()) - MONTHS for name in ("units", "keys", "words")
    )
    alike: dict[str, set[str]] = {}
    for word in units | keys | words:
        if len(word) > 1 and _CHUNK.fullmatch(word):
            alike.setdefault(_alike(word), set()).add(word)
    single = {
        form: min(found) for form, found in alike.items() if len(found) == 1 or found <= units
    }
    return _Words(units, keys, words, single)


def is_measurement(text: str) -> bool:
    """Tell whether a line says nothing but measurements, settings, lateralities, orientations."""
    folded = unicodedata.normalize("NFKC", text).lower().strip()
    if not 0 < len(folded) <= _LONGEST:
        return False
    tokens = _tokens(folded)
    if tokens is None:
        return False
    known = _known()
    said = [token.text for token in tokens if token.kind == "word"]
    has_number = any(token.kind == "number" for token in tokens)
    if not has_number:
        # A key says nothing without its number, and may be a name: Max.
        return bool(said) and all(word in known.words for word in said)
    return _numbers_are_attached(tokens, known)


def _tokens(folded: str) -> list[_Token] | None:
    """Return the parts of a line, None where one of them is not known."""
    known = _known()
    tokens: list[_Token] = []
    at = 0
    while at < len(folded):
        letter = folded[at]
        if letter == " ":
            at += 1
            continue
        word = _word_at(folded, at, known)
        length = len(word)
        number = _NUMBER.match(folded, at)
        confused, letters = _confused_at(folded, at, known)
        if confused and (letters > max(length, 2) or not (word or number)):
            word, length, number = confused, letters, None
        if word and not (number and tokens and tokens[-1].text in _JOINTS):
            token = _Token("word", word)
        elif number:
            token, length = _Token("number", number[0]), len(number[0])
        elif letter in _MARKS:
            token, length = _Token("mark", letter), 1
        else:
            return None
        tokens.append(token)
        at += length
    return tokens


def _word_at(folded: str, at: int, known: _Words) -> str:
    """Return the longest known word that begins at a place and does not end within letters."""
    for end in range(min(len(folded), at + _LONGEST_WORD), at, -1):
        word = folded[at:end]
        if not known.knows(word):
            continue
        behind = folded[end : end + 1]
        if not behind.isalpha() or word[-1].isdigit():
            return word
    return ""


def _alike(word: str) -> str:
    """Return a word with letters that OCR takes for one another as one of them."""
    return word.translate(_CONFUSED)


def _confused_at(folded: str, at: int, known: _Words) -> tuple[str, int]:
    """Return the one known word that the letters at a place may have been, and their number.

    A digit in front begins a number, and a second one is no mistake.
    """
    chunk = _CHUNK.match(folded, at)
    if chunk is None or chunk[0][0].isdigit() or sum(map(str.isdigit, chunk[0])) > 1:
        return "", 0
    return known.alike.get(_alike(chunk[0]), ""), len(chunk[0])


def _numbers_are_attached(tokens: list[_Token], known: _Words) -> bool:
    """Tell whether every number stands behind a key or in front of a unit, or is n x m or n/m."""
    # Calipers are numbered: 1 Dist 12.3 mm.
    at = int(tokens[0].text in _INDICES and tokens[1:2] != [] and tokens[1].text in known.keys)
    while at < len(tokens):
        if tokens[at].kind != "number":
            at += 1
            continue
        end = at + 1
        while end + 1 < len(tokens) and tokens[end].text in _JOINTS:
            if tokens[end + 1].kind != "number":
                break
            end += 2
        if not _is_attached(tokens, at, end, known):
            return False
        at = end
    return True


def _is_attached(tokens: list[_Token], first: int, end: int, known: _Words) -> bool:
    numbers = [token.text for token in tokens[first:end:2]]
    joints = {token.text for token in tokens[first + 1 : end : 2]}
    if not all(_PLAIN_NUMBER.fullmatch(number) for number in numbers):
        return False
    if len(numbers) > (3 if joints <= _TIMES else 2):
        return False
    behind = tokens[end] if end < len(tokens) else None
    if behind is not None and (behind.kind == "number" or _goes_on(tokens, end)):
        return False
    if behind is not None and behind.kind == "word" and behind.text in known.units:
        return True
    before = first - 1
    while before >= 0 and tokens[before].kind == "mark" and tokens[before].text in _BETWEEN:
        before -= 1
    if before >= 0 and tokens[before].kind == "word" and tokens[before].text in known.keys:
        return True
    if len(numbers) == 2 and joints == {"/"}:
        return not _may_be_date(*numbers)
    return len(numbers) > 1 and joints <= _TIMES


def _goes_on(tokens: list[_Token], at: int) -> bool:
    """Tell whether a colon or a full stop joins the number to one behind it: a time, a version."""
    return (
        tokens[at].text in {":", "."} and at + 1 < len(tokens) and tokens[at + 1].kind == "number"
    )


def _may_be_date(first: str, second: str) -> bool:
    """Tell whether n/m may be a day and a month, or a month and a year."""
    if not (first.isdecimal() and second.isdecimal()):
        return False
    a, b = int(first), int(second)
    is_day = (a <= 31 and b <= 12) or (a <= 12 and b <= 31)
    has_year = (a in _YEARS and b <= 12) or (b in _YEARS and a <= 12)
    return is_day or has_year or (a <= 12 and b <= 99)
