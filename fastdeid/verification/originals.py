"""What a released file must not hold: the originals of its patient, in every form they may have.

Written apart from `fastdeid.needles`, which searches while a file is made: what one of the two
overlooks, the other one may find.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Final, NamedTuple

from fastdeid.profiles.tables import read_terms

# What may not stand beside a needle.
ANYWHERE, NO_LETTERS, NO_DIGITS, NO_ALPHANUMERICS = range(4)

NAME, PATIENT, IDENTIFIER, PHRASE, DATE, UID = (
    *("name", "patient", "identifier", "phrase", "date", "uid"),
)

_WHOLE_NAME: Final = 5
_SHORTEST: Final = {PATIENT: 4, IDENTIFIER: 4, PHRASE: 6, UID: 8}
_SHORTEST_NUMBER: Final = 6
_LONG_FORMS: Final = 6
_UNIQUE_NUMBER: Final = 10
# PS3.5 section 6.2: ^ and = part a person name, the rest parts it where people type names.
_SEPARATORS: Final = re.compile(r"[\s^=,._\-/\\;:()\[\]\"&+]+")
_APOSTROPHES: Final = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}\N{ACUTE ACCENT}]")
_WORD: Final = re.compile(r"[^\W\d_]{5,}")
_JOINTS: Final = ("^", " ", ", ", ",", "_", "-", ".", "")
# Parts of names that everybody may have.
_TITLES: Final = frozenset(
    """
    DR MD PHD MSC BSC PROF MRS MISS SIR HERR FRAU DIPL ING MED JUN III VAN VON DER DEN
    """.split()
)
# Scanners are delivered with the maker's name as institution; it stays in Manufacturer.
_MAKERS: Final = frozenset(
    """
    AGFA CANON CARESTREAM ELEKTA FUJIFILM HITACHI HOLOGIC KODAK MINDRAY PHILIPS SAMSUNG SHIMADZU
    SIEMENS TOSHIBA VARIAN
    """.split()
)
_TRANSCRIPTIONS: Final = (
    {"ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "œ": "oe", "ü": "ue", "å": "aa", "ß": "ss"},
    {"ø": "o", "ß": "ss", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"},
)
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_LONG_MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)
_YEARS: Final = range(1850, 2100)
# PS3.5 section 6.1.2.5: ESC, intermediate characters, one final character.
_ESCAPE: Final = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")
_DAY: Final = re.compile(r"(?<!\d)(\d{4})([.\-/]?)(\d{2})\2(\d{2})")


class Original(NamedTuple):
    """One original value. kind: NAME, PATIENT (an ID), IDENTIFIER, PHRASE, DATE or UID."""

    kind: str
    value: str


class Needle(NamedTuple):
    """Bytes to search for in any ASCII case, what may not stand beside them, and what they are.

    inside_terms: they may stand inside a word of the standard, which is no finding then: Prima in
    PRIMARY.
    """

    value: bytes
    boundary: int
    kind: str
    inside_terms: bool = False


def find_needles(originals: Iterable[Original], codecs: Iterable[str] = ()) -> list[Needle]:
    """Return every form of some originals, each once.

    codecs: Python's names of the character sets that the patient's files declare.
    """
    found: dict[tuple[bytes, int], Needle] = {}
    used = tuple(dict.fromkeys(codecs))
    for original in dict.fromkeys(originals):
        for text, boundary, inside in _texts(original):
            narrow, wide = _encodings(text, used)
            forms = [(raw, boundary, inside) for raw in sorted(narrow | wide)]
            if original.kind in {NAME, PATIENT} and len(text) >= _LONG_FORMS:
                # Neighbours are wrapped as well, so nothing can be said of them.
                wrapped = {form for raw in narrow for form in _wrapped(raw)}
                forms += [(raw, ANYWHERE, False) for raw in sorted(wrapped)]
            for raw, limit, may_be_term in forms:
                if len(raw) >= 3:
                    needle = Needle(raw, limit, original.kind, may_be_term)
                    found.setdefault((raw.lower(), limit), needle)
    return list(found.values())


def find_whole_needles(originals: Iterable[Original]) -> list[Needle]:
    """Return the forms of whole names, IDs and UIDs that are long enough to be nobody else's.

    What is searched for in the outputs of other patients: a part of a name is too common there.
    """
    found: dict[bytes, Needle] = {}
    for kind, value in dict.fromkeys(originals):
        texts = [value.strip()]
        if kind == NAME:
            parts = [part for part in _SEPARATORS.split(value) if part][:2]
            texts = [text for text, _, _ in _pairs(parts) if _weight(text) >= _SHORTEST[UID]]
        elif value.isdigit() and len(value) < _UNIQUE_NUMBER:
            continue
        for text in texts:
            if len(text) >= _SHORTEST[UID]:
                for raw in {text.encode("utf-8", "replace"), text.encode("utf-16-le")[:-1]}:
                    boundary = NO_LETTERS if kind == NAME else NO_ALPHANUMERICS
                    found.setdefault(raw.lower(), Needle(raw, boundary, kind))
    return list(found.values())


# Texts ---------------------------------------------------------------------------------------

_Texts = Iterator[tuple[str, int, bool]]


def _texts(original: Original) -> _Texts:
    """Yield the texts that give an original away, their boundaries, and `inside_terms`."""
    kind, value = original
    if kind == NAME:
        for one in value.split("\\"):
            yield from _names(one.strip(" \0"))
    elif kind == DATE:
        yield from _dates(value)
    elif kind == UID:
        if len(value) >= _SHORTEST[UID]:
            yield value, NO_DIGITS, False
    else:
        for one in value.split("\\"):
            yield from _identifier(kind, one.strip(" \0\t\r\n"))


def _identifier(kind: str, value: str) -> _Texts:
    if kind == PHRASE:
        known = value.upper() in _MAKERS or _is_term(value)
        if len(value) >= _SHORTEST[PHRASE] and not known:
            yield value, NO_ALPHANUMERICS, False
        return
    digits = re.sub(r"[\s()/.+\-]", "", value)
    forms = [value, value.lstrip("0")]
    if digits != value and len(digits) >= 7:  # typed without joints
        forms.append(digits)
    if kind == PATIENT:
        forms += re.findall(r"\d{6,}", value)
    for form in dict.fromkeys(forms):
        number = form.isdigit()
        shortest = _SHORTEST_NUMBER if number and kind != PATIENT else _SHORTEST[PATIENT]
        if len(form) >= shortest and form.strip("0") and not _is_term(form):
            yield form, NO_DIGITS if number else NO_ALPHANUMERICS, False


def _names(value: str) -> _Texts:
    parts = [part for part in dict.fromkeys(_SEPARATORS.split(value)) if part]
    weak: list[str] = []
    for part in parts:
        if any(letter.isdigit() for letter in part):
            yield from _numbered(part)
            continue
        long = _weight(part) >= _WHOLE_NAME
        common = _is_term(part) or part.upper() in _TITLES
        if not long or common:
            weak.append(part)
        if _weight(part) >= 3 and not common:
            for form in _name_forms(part):
                yield form, ANYWHERE if long else NO_LETTERS, long
    # The name as a whole, in both orders: what is searched for in samples of pixels, too.
    yield from _pairs(parts[:2])
    yield from _pairs(weak[:6])


def _numbered(part: str) -> _Texts:
    """Yield a part of a name that holds digits, and the words in it."""
    yield from _identifier(IDENTIFIER, part)
    for word in _WORD.findall(part):
        if not _is_term(word):
            yield word, ANYWHERE, True


def _pairs(parts: list[str]) -> _Texts:
    for first, second in permutations(parts, 2):
        if _weight(first) + _weight(second) >= _WHOLE_NAME:
            for joint in _JOINTS:
                yield first + joint + second, NO_LETTERS, False


def _weight(part: str) -> int:
    """Return the letters of a name part; a syllable or word character of East Asia counts 3."""
    return sum(3 if ord(letter) >= 0x1100 else 1 for letter in part if letter.isalpha())


def _name_forms(part: str) -> Iterable[str]:
    """Return a part as it stands and as it is typed without accents and apostrophes."""
    pieces = [piece for piece in _APOSTROPHES.split(part) if piece]
    bare = "".join(pieces)
    forms = [part, bare, *(piece for piece in pieces if _weight(piece) >= _WHOLE_NAME)]
    if not bare.isascii():
        for letters in _TRANSCRIPTIONS:
            plain = "".join(letters.get(letter, letter) for letter in bare.lower())
            plain = "".join(
                letter
                for letter in unicodedata.normalize("NFKD", plain)
                if not unicodedata.combining(letter)
            )
            if plain.isascii():
                forms.append(plain)
    return dict.fromkeys(
        form for form in forms if (len(form) >= 3 or form == part) and not _is_term(form)
    )


def _dates(value: str) -> _Texts:
    """Yield the days of DA and DT values in the forms that people type."""
    for match in _DAY.finditer(value):
        try:
            day = dt.date(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            continue
        if day.year not in _YEARS:
            continue
        y, m, d = f"{day.year:04}", f"{day.month:02}", f"{day.day:02}"
        yield y + m + d, NO_DIGITS, False
        for joint in "-./_ ":
            for order in ((y, m, d), (d, m, y), (m, d, y)):
                yield joint.join(order), NO_DIGITS, False
        for joint in "./":
            yield joint.join((str(day.day), str(day.month), y)), NO_DIGITS, False
            yield joint.join((str(day.month), str(day.day), y)), NO_DIGITS, False
        for joint in "./-":
            yield joint.join((d, m, y[2:])), NO_DIGITS, False
            yield joint.join((m, d, y[2:])), NO_DIGITS, False
        for month in (_MONTHS[day.month - 1], _LONG_MONTHS[day.month - 1]):
            for typed in dict.fromkeys((d, str(day.day))):
                yield f"{typed} {month} {y}", NO_ALPHANUMERICS, False
                yield f"{typed}. {month} {y}", NO_ALPHANUMERICS, False
                yield f"{typed}-{month}-{y}", NO_ALPHANUMERICS, False
                yield f"{month} {typed}, {y}", NO_ALPHANUMERICS, False
                yield f"{month} {typed} {y}", NO_ALPHANUMERICS, False


def _is_term(value: str) -> bool:
    return value.upper() in read_terms()


# Bytes ---------------------------------------------------------------------------------------

# Character sets in which a name stays searchable text whatever the file declares.
_ALWAYS: Final = ("utf-8", "latin-1", "cp1252", "cp437", "mac_roman")


def _encodings(text: str, codecs: tuple[str, ...]) -> tuple[set[bytes], set[bytes]]:
    """Return a text in the declared character sets, UTF-8 and Latin-1; and in UTF-16.

    Letters beyond ASCII are matched only in the case they stand in, so both cases are given. UTF-16
    without the NUL at its outer end is the same in both byte orders as far as Latin-1 goes.
    """
    spellings = [text]
    if not text.isascii():
        spellings += [text.upper(), text.lower(), text.title()]
        spellings += [unicodedata.normalize(form, text) for form in ("NFD", "NFC")]
    narrow: set[bytes] = set()
    wide: set[bytes] = set()
    for spelling in dict.fromkeys(spellings):
        for codec in ("ascii",) if spelling.isascii() else (*codecs, *_ALWAYS):
            try:
                narrow.add(_ESCAPE.sub(b"", spelling.encode(codec)))
            except (UnicodeEncodeError, LookupError):
                continue
        if not spelling.isascii():
            utf8 = spelling.encode("utf-8", "replace")
            # UTF-8 taken for Latin-1 and written as UTF-8 once more.
            narrow.add(utf8.decode("latin-1").encode("utf-8"))
        little = spelling.encode("utf-16-le", "replace")
        if all(ord(letter) < 0x100 for letter in spelling):
            wide.add(little[:-1])
        else:
            wide |= {little, spelling.encode("utf-16-be", "replace")}
    return narrow, wide


def _wrapped(raw: bytes) -> set[bytes]:
    """Return a value as base64, hexadecimal, percent-encoded and with swapped bytes."""
    found = {raw.hex().encode("ascii")}
    if not raw.isalnum():
        found.add(
            b"".join(b"%c" % byte if chr(byte).isalnum() else b"%%%02X" % byte for byte in raw)
        )
    for shift in range(3):
        # Without the characters that depend on neighbours.
        code = base64.b64encode(bytes(shift) + raw)
        first = -(-shift * 8 // 6)
        inner = code[first : (shift + len(raw)) * 8 // 6]
        if len(inner) >= 8:
            found.add(inner)
    # Swapped digits are a number like any other.
    for shift in range(0 if raw.isdigit() else 2):
        whole = raw[shift : shift + (len(raw) - shift) // 2 * 2]
        swapped = bytearray(whole)
        swapped[0::2], swapped[1::2] = whole[1::2], whole[0::2]
        if len(swapped) >= 6:
            found.add(bytes(swapped))
    return found
