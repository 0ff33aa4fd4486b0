"""What the leak check searches for: the identifying values of one file, as they look in text.

A form that is missing here is a leak that is not found; a form that is also ordinary text costs a
kept element. So names are searched by their parts, identifiers and dates only as whole tokens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import permutations
from typing import Final, NamedTuple

from fastdeid.dates import days_of
from fastdeid.dicom import text
from fastdeid.profiles.tables import read_terms

ANYWHERE, NOT_IN_LETTERS, NOT_IN_DIGITS, NOT_IN_WORD = range(4)

_SHORTEST: Final = 3  # bytes of any needle
_WHOLE_NAME: Final = 5  # letters from which a name is searched inside other words, too
_SHORTEST_NAME: Final = 3
_SHORTEST_IDENTIFIER: Final = 4
_SHORTEST_NUMBER: Final = 6  # digits of a step or study number: shorter ones are ordinary DS and IS
_SHORTEST_PHRASE: Final = 6
SHORTEST_UID: Final = 8
_YEARS: Final = range(1850, 2100)

# PS3.5 section 6.2: ^ and = part a person name, the rest parts it where people type names.
_NAME_SEPARATORS: Final = re.compile(r"[\s^=,._\-/\\;:()\[\]\"]+")
_APOSTROPHES: Final = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}]")
_LONG_WORD: Final = re.compile(r"[^\W\d_]{5,}")
_JOINTS: Final = ("^", " ", ", ", ",", "_", "-", "")
_JOINTS_OF_NAMES: Final = ("^", ", ", ",")
_SEPARATORS: Final = re.compile(r"[\s()/.+\-_,:]+")
_LETTERS_OR_DIGITS: Final = re.compile(r"\d+|[^\W\d_]+")
# Parts of names that everybody may have.
_TITLES: Final = frozenset(
    "DR MD PHD MSC BSC PROF MRS MISS SIR HERR FRAU DIPL ING MED JUN III VAN VON DER DEN".split()
)
# Scanners are delivered with the maker's name as institution; it also stands in Manufacturer.
_MAKERS: Final = frozenset(
    """
    AGFA CANON CARESTREAM ELEKTA FUJIFILM HITACHI HOLOGIC KODAK MINDRAY PHILIPS SAMSUNG SHIMADZU
    SIEMENS TOSHIBA VARIAN
    """.split()
)
_DATE_FORMS: Final = (
    *("%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y"),
)
_SPACE_JOINTS: Final = ("-", " ", ".")
_LONGEST_FILLED: Final = 12  # digits to which numbers are filled up with zeros
_GROUPS: Final = (2, 3, 4)  # digits that are written together in a long number
# Not those of strftime, which are the locale's.
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# How a letter is typed without it: the matching of needles knows no ASCII case.
_EXPANSIONS: Final = str.maketrans(
    dict(
        zip("äæöøœüåßÄÆÖØŒÜÅ", "ae ae oe oe oe ue aa ss ae ae oe oe oe ue aa".split(), strict=True)
    )
)
_SINGLE_LETTERS: Final = str.maketrans(
    {"ø": "o", "Ø": "O", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d"}
)


class Needle(NamedTuple):
    """Bytes to search for, at least 3, in any ASCII case.

    boundary: ANYWHERE; NOT_IN_LETTERS, no ASCII letter beside it; NOT_IN_DIGITS, no digit beside
    it and no full stop between it and a digit; NOT_IN_WORD, neither letter nor digit beside it.
    """

    value: bytes
    boundary: int


def find_needles(harvest: str, raw: bytes, charsets: tuple[str, ...]) -> list[Needle]:
    """Return what to search for because of one original value.

    harvest: "name", "patient", "identifier", "phrase", "date" or "uid", as in `kinds.Kind`.
    """
    if harvest == "uid":
        found = _uids(raw)
    elif harvest == "date":
        found = _dates(raw)
    else:
        found = _from_text(harvest, raw, charsets)
    return list(dict.fromkeys(needle for needle in found if len(needle.value) >= _SHORTEST))


def _uids(raw: bytes) -> Iterator[Needle]:
    for value in raw.split(b"\\"):
        uid = value.strip(b" \0")
        if len(uid) >= SHORTEST_UID:
            yield Needle(uid, NOT_IN_DIGITS)


def _dates(raw: bytes) -> Iterator[Needle]:
    """Search the days of DA and DT values, also in the forms that people type.

    Forms with the name of a month are too many to search for each: the year alone is searched for,
    and `leaks` looks whether the day stands beside it.
    """
    for day in days_of(raw):
        if day.year in _YEARS:
            for form in _DATE_FORMS:
                yield Needle(day.strftime(form).encode("ascii"), NOT_IN_DIGITS)
            if day.day < 10 or day.month < 10:
                for typed in ("{0}.{1}.{2}", "{0}/{1}/{2}", "{1}/{0}/{2}"):
                    written = typed.format(day.day, day.month, day.year)
                    yield Needle(written.encode("ascii"), NOT_IN_DIGITS)
            month = _MONTHS[day.month - 1]
            for typed in ("%d {} %Y", "%d-{}-%Y", "{} %d, %Y", "%d-{}-%y", "%d{}%y"):
                written = day.strftime(typed.format(month))
                yield Needle(written.encode("ascii"), NOT_IN_WORD)
            yield Needle(b"%04d" % day.year, NOT_IN_DIGITS)


def _from_text(harvest: str, raw: bytes, charsets: tuple[str, ...]) -> Iterator[Needle]:
    value = text.decode(raw, charsets)
    if value is None:  # not in its declared character set: what it most likely is
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError:
            value = raw.decode("latin_1")
    for one in (part.strip(" \0\t\r\n") for part in value.split("\\")):
        if harvest == "name":
            yield from _names(one, charsets)
        elif harvest == "phrase":
            known = one.upper() in _MAKERS or is_defined_term(one)
            if len(one) >= _SHORTEST_PHRASE and not known:
                yield from _spell(one, NOT_IN_WORD, charsets)
        else:
            yield from _identifiers(one, charsets, patient=harvest == "patient")


def _identifiers(value: str, charsets: tuple[str, ...], *, patient: bool) -> Iterator[Needle]:
    for form in dict.fromkeys(_identifier_forms(value, patient=patient)):
        if form.isdigit():
            shortest = _SHORTEST_IDENTIFIER if patient else _SHORTEST_NUMBER
            boundary = NOT_IN_DIGITS
        else:
            shortest, boundary = _SHORTEST_IDENTIFIER, NOT_IN_WORD
        if len(form) >= shortest and form.strip("0") and not is_defined_term(form):
            yield from _spell(form, boundary, charsets)


def _identifier_forms(value: str, *, patient: bool) -> Iterator[str]:
    """Yield how an identifier may be written; that of a patient in more ways, as it is one only."""
    yield from (value, value.lstrip("0"))
    squeezed = _SEPARATORS.sub("", value)
    if patient and value.isdigit() and len(value.lstrip("0")) >= _SHORTEST_IDENTIFIER:
        yield from (value.lstrip("0").zfill(n) for n in range(len(value) + 1, _LONGEST_FILLED + 1))
    if len(squeezed) < _SHORTEST_NUMBER or not any(map(str.isdigit, squeezed)):
        return
    yield from (squeezed, squeezed.lstrip("0"))
    if not patient or not squeezed.isascii():
        return
    if squeezed != value:
        yield from (_SEPARATORS.sub(joint, value) for joint in _SPACE_JOINTS)
    number = squeezed.lstrip("0")
    if not number.isdigit():
        parts = _LETTERS_OR_DIGITS.findall(squeezed)
        if len(parts) == 2:
            yield from (joint.join(parts) for joint in _SPACE_JOINTS)
        yield from (part.lstrip("0") for part in parts if len(part) > _SHORTEST_NUMBER)
        return
    for form in dict.fromkeys((squeezed, number)) if len(number) >= _SHORTEST_NUMBER else ():
        for size in _GROUPS:
            for first in dict.fromkeys((size, len(form) % size or size)):
                rest = range(first, len(form), size)
                groups = [form[:first], *(form[at : at + size] for at in rest)]
                yield from (joint.join(groups) for joint in _SPACE_JOINTS)


def _names(value: str, charsets: tuple[str, ...]) -> Iterator[Needle]:
    parts = [part for part in dict.fromkeys(_NAME_SEPARATORS.split(value)) if part]
    weak = []
    for part in parts:
        if any(character.isdigit() for character in part):
            yield from _identifiers(part, charsets, patient=False)
            for word in _LONG_WORD.findall(part):
                if not is_defined_term(word):
                    yield from _spell(word, ANYWHERE, charsets)
            continue
        weight = _weight(part)
        common = is_defined_term(part) or part.upper() in _TITLES
        if weight < _WHOLE_NAME or common:
            weak.append((part, weight >= _SHORTEST_NAME and not common))
        if weight >= _SHORTEST_NAME and not common:
            boundary = ANYWHERE if weight >= _WHOLE_NAME else NOT_IN_LETTERS
            for form in _name_forms(part):
                yield from _spell(form, boundary, charsets)
    yield from _pairs(weak, charsets)


def _pairs(parts: list[tuple[str, bool]], charsets: tuple[str, ...]) -> Iterator[Needle]:
    """Search pairs of parts that are too short, or too common, to be searched alone.

    A part that is searched alone (the flag) is found in a pair, too, unless nothing joins the two.
    The first pair is searched with every joint all the same: short needles do not count in values
    that are bytes.
    """
    for (i, (first, alone)), (j, (second, also_alone)) in permutations(enumerate(parts[:6]), 2):
        letters = _weight(first) + _weight(second)
        joints: tuple[str, ...] = ("",) if (alone or also_alone) and i + j > 1 else _JOINTS
        if _is_term_and_initial(first, second):
            joints = _JOINTS_OF_NAMES
        for joint in joints:
            if letters + len(joint) >= _WHOLE_NAME:
                yield from _spell(first + joint + second, NOT_IN_LETTERS, charsets)


def _is_term_and_initial(first: str, second: str) -> bool:
    """Tell whether a pair may be two words of an examination: Rectum^R in "Rectum r/o fistula"."""
    return any(
        len(initial) == 1 and is_defined_term(term)
        for initial, term in ((first, second), (second, first))
    )


def _weight(part: str) -> int:
    """Return the letters of a name part; a syllable or word character of East Asia counts 3."""
    return sum(3 if ord(letter) >= 0x1100 else 1 for letter in part if letter.isalpha())


def _name_forms(part: str) -> Iterable[str]:
    """Return a part as it stands, as it is typed without accents and apostrophes, and its core."""
    pieces = _APOSTROPHES.split(part)
    bare = "".join(pieces)
    forms = [part, bare, *(piece for piece in pieces if _weight(piece) >= _WHOLE_NAME)]
    for form in [form for form in forms if not form.isascii()]:
        plain = (_bare(form.translate(_SINGLE_LETTERS)), _bare(form.translate(_EXPANSIONS)))
        forms += [one for one in plain if one.isascii()]
    return dict.fromkeys(form for form in forms if len(form) >= _SHORTEST_NAME or form == part)


def _bare(value: str) -> str:
    decomposed = unicodedata.normalize("NFKD", value)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _spell(value: str, boundary: int, charsets: tuple[str, ...]) -> Iterator[Needle]:
    """Yield `value` in its character sets, UTF-8, Latin-1 and UTF-16.

    UTF-16 without the NUL at its outer end is the same in both byte orders as far as Latin-1 goes.
    Letters beyond ASCII are only matched in the case they stand in, so both cases are given.
    """
    spellings = [value]
    if not value.isascii():
        spellings += [value.upper(), value.lower(), unicodedata.normalize("NFD", value)]
    for spelling in dict.fromkeys(spellings):
        forms = text.encodings_of(spelling, charsets)
        forms.add(spelling.encode("utf-8", "replace"))
        if all(ord(letter) < 0x100 for letter in spelling):
            forms.add(spelling.encode("latin_1"))
            forms.add(spelling.encode("utf-16-le")[:-1])
        else:
            forms |= {spelling.encode(f"utf-16-{order}", "replace") for order in ("le", "be")}
        for form in sorted(forms):
            yield Needle(form, boundary)


@cache
def _terms() -> frozenset[str]:
    return read_terms()


def is_defined_term(value: str) -> bool:
    """Tell whether a value is a word that kept elements hold by the standard: MR, HEAD, AXIAL."""
    return value.upper() in _terms()
