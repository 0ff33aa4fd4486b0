"""What the headers of a study know of the people, the places and the days in it.

Compiled for `mentions`: every value in the spellings in which people type it. Nothing here knows
clinical words; which mention of a name is none, because it is also a word, is decided per text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import permutations
from typing import Final

from fastdeid.letters import expand, fold, is_ideographic

# How a word of the headers counts in text.
NAME: Final = "name"
PARTICLE: Final = "part of a name"
PLACE: Final = "institution or place"

_SHORTEST_PIECE: Final = 5  # letters of a name that is searched inside other words
_SHORTEST_IDENTIFIER: Final = 4
_SHORTEST_NUMBER: Final = 6  # digits of an identifier that is not the patient's
_SHORTEST_PHRASE: Final = 6
_SHORTEST_PLACE: Final = 4
_MOST_PARTS: Final = 6
# PS3.5 section 6.2: ^ and = part a person name, the rest parts it where people type names.
_NAME_SEPARATORS: Final = re.compile(r"[\s^=,._\-/\\;:()\[\]\"&+]+")
_APOSTROPHES: Final = re.compile(
    "['`\N{ACUTE ACCENT}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}]"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
# Japanese, Chinese and Korean, behind a name.
HONORIFICS: Final = ("先生", "女士", "小姐", "さん", "様", "氏", "殿", "씨", "님")
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")
_CONTRACTIONS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_DAY: Final = re.compile(r"\s*(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
# Parts of names that stand in other texts, too: removed only beside the rest of the name.
PARTICLES: Final = frozenset(
    """
    a abu al am an aus bin bint da das de del della delle den der des di do dos du e el het i ibn im
    in ii iii iv jr la las le les lo los mac mc med of op san sr st sta ste t ten ter the to und van
    ver vom von y z zu zum zur phd md msc bsc mba dr prof mr mrs ms miss herr frau dipl ing do ra
    """.split()
)
# What stands instead of a name.
_NO_NAMES: Final = frozenset(
    """
    anonymous anonymized anonymised anonym anonymus unknown unbekannt none null nil test phantom
    patient patientin name noname unnamed deidentified removed redacted demo sample service physics
    user admin technologist radiologist physician doctor default
    """.split()
)
# Words of institutions that do not say which one.
_GENERIC: Final = frozenset(
    """
    abteilung academic academisch allgemeines ambulanz ambulatory and associates azienda bereich
    care
    center centers central centre centres centro chirurgie city clinic clinica clinical clinics
    clinique clinico college community corporation county department departement departamento
    departement dept diagnostic diagnostica diagnostico diagnostische diagnostik dienst division
    emergency fachbereich facility for foundation general gesundheit group haus health healthcare
    heilkunde hopital hospice hospital hospitalier hospitais hospitals image imagerie imaging
    innere institut institute instituto interventionelle istituto kinder klinik kliniken klinikum
    kreiskrankenhaus krankenhaus laboratory laboratorio main medecine medica medical medicina
    medicine
    medisch medizin medizinische memorial ministry national neurology neurologie neuroradiologie
    neuroradiology nuclear nuklearmedizin nucleaire office oncology onkologie ospedale
    outpatient pediatric pediatrics policlinico poliklinik practice praxis private public radiologia
    radiologic radiological radiologico radiologie radiologische radiologisches radiology regional
    research roentgen rontgen royal sanatorium sanita santo school science sciences section
    service services servicio servizio spital spitals stadt stadtische stadtisches station street
    strasse surgery system systems therapie trust unit universita universitaire universitaria
    universitario universitat universitats universitatsklinik universitatsklinikum
    universitatsspital
    universitatsmedizin
    universidad universidade universite universiteit university urgent veterans ward women zentrum
    zentral ziekenhuis avenue road drive lane boulevard plaza platz weg germany deutschland france
    states united kingdom room raum saal floor building gebaude etage
    """.split()
)
# Scanners are delivered with the maker's name as institution.
_MAKERS: Final = frozenset(
    """
    agfa canon carestream elekta fuji fujifilm ge hitachi hologic kodak mindray philips samsung
    shimadzu siemens healthineers toshiba varian
    """.split()
)
# Left out of abbreviations.
_JOINTS: Final = frozenset(
    "and for fur fuer et e y und of the der die das de du des di del".split()
)
_STEMS: Final = re.compile(
    r"(klinikum|kliniken|klinik|krankenhaus|hospital|spital|zentrum|institut|medizin)$"
)


class Identity:
    """The people, places and days of a study, hashable by what they were made from.

    words: folded word -> NAME, PARTICLE or PLACE. short: names of 3 and 4 letters. initials: first
    letters of name parts. pieces: folded names to find inside and across words. numbers: folded
    identifiers without separators and leading zeros. phrases: folded phrases without separators.
    abbreviations: folded, of institutions. days: dates. pieces, numbers and phrases: longest first.
    """

    __slots__ = (
        *("abbreviations", "days", "initials", "key", "numbers", "phrases", "pieces", "short"),
        "words",
    )

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """Compile pairs of harvest and decoded value, as in `kinds.Kind`.

        harvest: "name" (PN), "patient" (an ID), "identifier" (also phones), "phrase" (institutions,
        departments, addresses), "date" (DA or DT). Others say nothing about people. Values may be
        several, between backslashes.
        """
        self.key = frozenset(values)
        self.words: dict[str, str] = {}
        self.initials: set[str] = set()
        self.abbreviations: set[str] = set()
        self.days: set[dt.date] = set()
        pieces: set[str] = set()
        numbers: set[str] = set()
        phrases: set[str] = set()
        for harvest, value in self.key:
            learned = _learn(harvest, value)
            for word, kind in learned.words.items():
                if kind == NAME or word not in self.words or self.words[word] == PLACE:
                    self.words[word] = kind
            self.initials |= learned.initials
            self.abbreviations |= learned.abbreviations
            self.days |= learned.days
            pieces |= learned.pieces
            numbers |= learned.numbers
            phrases |= learned.phrases
        self.pieces = _longest_first(pieces)
        self.numbers = _longest_first(numbers)
        self.phrases = _longest_first(phrases)
        self.short = _longest_first(
            {word for word, kind in self.words.items() if kind == NAME and len(word) in {3, 4}}
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.key == other.key

    def __bool__(self) -> bool:
        return bool(self.words or self.numbers or self.phrases or self.days)


def _longest_first(values: set[str]) -> tuple[str, ...]:
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


class _Learned:
    """What one value of the headers says, with the fields of an identity."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.initials: set[str] = set()
        self.abbreviations: set[str] = set()
        self.days: set[dt.date] = set()
        self.pieces: set[str] = set()
        self.numbers: set[str] = set()
        self.phrases: set[str] = set()

    def add_name(self, value: str) -> None:
        """Learn a person name."""
        parts = [part for part in dict.fromkeys(_NAME_SEPARATORS.split(value)) if part]
        plain = []
        for part in parts[: 2 * _MOST_PARTS]:
            pieces = _APOSTROPHES.split(part)
            whole = "".join(pieces)
            bare = fold(whole)
            if not bare.isalpha():
                self._add_mixed(bare)
                continue
            if bare in _NO_NAMES:
                continue
            plain.append(bare)
            self.initials.add(bare[0])
            for form in _forms(whole, bare):
                self._add_word(form)
            if len(pieces) > 1:
                self.initials.add(fold(pieces[0]))
                for piece in pieces:
                    if len(piece) > 3:
                        self._add_word(fold(piece))
        self._add_joined(plain[:_MOST_PARTS])

    def _add_word(self, form: str) -> None:
        ideographic = is_ideographic(form[0])
        if form in PARTICLES or (len(form) == 1 and not ideographic):
            self.words.setdefault(form, PARTICLE)
            return
        self.words[form] = NAME
        if ideographic:
            self.pieces.update([form] if len(form) > 1 else [form + h for h in HONORIFICS])
        elif len(form) >= _SHORTEST_PIECE:
            self.pieces.add(form)

    def _add_mixed(self, bare: str) -> None:
        """Learn a part with digits, DOE1: its letters are a name."""
        letters = re.sub(r"[\W\d_]+", "", bare)
        if len(letters) > 2 and letters not in _NO_NAMES:
            self._add_word(letters)

    def _add_joined(self, parts: list[str]) -> None:
        """Learn parts with nothing between them that are too short to be found alone."""
        for first, second in permutations(parts, 2):
            shorter, longer = sorted((len(first), len(second)))
            if is_ideographic(first[0]):
                self.pieces.add(first + second)
            elif shorter > 1 and shorter < _SHORTEST_PIECE:
                if shorter + longer >= _SHORTEST_PIECE:
                    self.pieces.add(first + second)
                else:
                    self.words.setdefault(first + second, NAME)
        if len(parts) > 2:
            for start in range(len(parts)):
                self.pieces.add("".join(parts[start:] + parts[:start]))

    def add_phrase(self, value: str) -> None:
        """Learn an institution, a department or an address."""
        written = _WORD.findall(_APOSTROPHES.sub("", value))
        words = [fold(word) for word in written]
        if _MAKERS.issuperset(words):
            return
        for squeezed in {_squeeze(value), _NOT_ALPHANUMERIC.sub("", expand(value))}:
            if len(squeezed) >= _SHORTEST_PHRASE:
                self.phrases.add(squeezed)
        for word, typed in zip(words, written, strict=True):
            if typed.isupper() and len(typed) > 2 and not value.isupper():
                self.abbreviations.add(word)
            if len(word) >= _SHORTEST_PLACE and word not in _GENERIC and word not in _MAKERS:
                self.words[word] = self.words[expand(typed)] = PLACE
        self.abbreviations.update(_abbreviations(words))
        house = re.search(r"\d+\s*$", value)
        if house and words and len(words) < 4:
            self.numbers.add("".join(word[0] for word in words) + house[0].strip())


@lru_cache(maxsize=4096)
def _learn(harvest: str, text: str) -> _Learned:
    learned = _Learned()
    for value in text.split("\\"):
        if harvest == "name":
            for group in value.split("="):
                learned.add_name(group)
        elif harvest == "patient":
            learned.numbers.update(_identifiers(value, _SHORTEST_IDENTIFIER))
        elif harvest == "identifier":
            learned.numbers.update(_identifiers(value, _SHORTEST_NUMBER))
        elif harvest == "phrase":
            learned.add_phrase(value)
        elif harvest == "date":
            learned.days.update(_days(value))
    return learned


def _squeeze(value: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", fold(value))


def _forms(part: str, bare: str) -> Iterator[str]:
    """Return a part folded, as it is typed without umlauts, and as if ae, oe, ue were umlauts."""
    yield bare
    if not part.isascii():
        yield expand(part)
        if "ß" in part:
            yield fold(part.replace("ß", "s"))
    elif len(bare) > 4:
        for typed, letter in _CONTRACTIONS:
            if typed in bare:
                yield bare.replace(typed, letter)


def _identifiers(value: str, shortest: int) -> Iterator[str]:
    squeezed = _squeeze(value)
    if squeezed.isdigit():
        number = squeezed.lstrip("0")
        if len(number) >= shortest or (len(squeezed) >= shortest and len(number) > 3):
            yield number
        return
    if len(squeezed) >= _SHORTEST_IDENTIFIER and any(map(str.isdigit, squeezed)):
        yield squeezed
        for number in re.findall(r"\d+", squeezed):
            if len(number.lstrip("0")) >= _SHORTEST_NUMBER - 1:
                yield number.lstrip("0")
    elif len(squeezed) >= _SHORTEST_PHRASE:
        yield squeezed


def _days(value: str) -> Iterator[dt.date]:
    match = _DAY.match(value)
    if match is not None:
        try:
            yield dt.date(*(int(part) for part in match.groups()))
        except ValueError:
            return


def _abbreviations(words: list[str]) -> Iterator[str]:
    """Return the initials of an institution, with at most one of them left out: MGH, UKE."""
    for left_out in (_JOINTS, PARTICLES | _JOINTS):
        counted = [word for word in words if word not in left_out]
        initials = ""
        for word in counted:
            stem = _STEMS.search(word)
            initials += word[0] + (stem[0][0] if stem and stem.start() > 2 else "")
        if 3 <= len(initials) == len(counted) <= 5:
            # One more letter of a word, SKMC for Sakuragaoka Medical Center.
            for at, word in enumerate(counted, 1):
                yield from (initials[:at] + letter + initials[at:] for letter in word[1:])
        if 3 <= len(initials) <= 7:
            yield initials
            if len(initials) > 3:
                for out in range(1, len(initials)):
                    yield initials[:out] + initials[out + 1 :]
