"""Words that introduce people and identifiers: titles, labels and connecting words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fastdeid.identity import NAME, PARTICLES, Identity
from fastdeid.passages import Passage, Span
from fastdeid.patterns import ABBREVIATION
from fastdeid.vocabulary import Vocabulary

_MOST_NAMES: Final = 4
# English, German, French, Spanish, Portuguese, Italian, Dutch. Those of the second list are also
# something else (MR, MS, MRS, SR, PD), so they count as written: Mr Smith, MR. SMITH.
_TITLES: Final = frozenset(
    """
    prof professor professeur profesor doctor doctora docteur doktor dottore dottoressa drs dra dott
    dottssa drssa drin herr herrn frau mme mlle madame monsieur mademoiselle senor senora senorita
    profssa prim primarius sra srta sig sigra signor signora dhr mevr mevrouw meneer mijnheer miss
    mister missus
    """.split()
)
_TITLES_AS_WRITTEN: Final = frozenset("dr pr mr mrs ms sr m fr hr mw pd oa don dona dom".split())
# Behind these a full stop is asked for, whatever the case.
_TITLES_WITH_STOP: Final = frozenset("m fr sr hr mw oa pd".split())
_MORE_TITLES: Final = frozenset(
    "med habil hc phil rer nat dent univ priv doz dipl ing dr prof mag".split()
)
_NAME_LABELS: Final = frozenset(
    """
    patient patientin patiente paciente paziente pat pt name names nom nombre nome naam surname
    firstname lastname nachname vorname familienname prenom apellido apellidos cognome achternaam
    referring referrer ref zuweiser zuweisender uberweiser ueberweiser physician arzt arztin medico
    medecin arts radiologist radiologe radiologue tech technologist technician mtra mta mtr mtar
    operator attn attention signed requester anforderer prescripteur tecnico enfermera enfermero
    manipulateur manip infirmiere operateur operador operatore laborant staff
    """.split()
)
# By whom: "read by J. Smith".
_DONE: Final = frozenset(
    """
    read seen performed reported dictated ordered requested reviewed signed scanned verified
    approved
    """.split()
)
_STRONG_IDS: Final = frozenset(
    """
    mrn mrno acc accession accessionno accno acn pid patid patientid fallnr fallnummer patnr
    patientennr
    patientennummer auftragsnr auftragsnummer nhs nhsno ssn nip nhc ipp iep bsn cpr hn uhid dni nie
    curp cpf csn aktenzeichen versicherungsnr versichertennr kvnr mpi medrec emr urn ur hospnum nir
    """.split()
)
_WEAK_IDS: Final = frozenset(
    """
    id ids no nr num number nummer numero case visit encounter chart file exam order req requisition
    folder dossier cartella processo auftrag fall fin barcode account acct policy insurance study
    untersuchung historia
    """.split()
)
_BEHIND_LABEL: Final = re.compile(r"\s?[:=]")
# "no" is a number only in "No. 4711".
_BEHIND_NO: Final = frozenset(".:#")
_WITHIN_NAMES: Final = frozenset((" ", ".", ". ", "-", "^", "_", ", ", "'"))
_FEWEST_DIGITS: Final = {True: 2, False: 4}
_ID_VALUE: Final = re.compile(
    r"[\s.:#=\-_/]{0,4}(?:(?:nr|no|num|number|nummer|numero|id|ids|clinica|is)\b[\s.:#=\-_/]{0,4})?"
    r"([a-z]{0,6}[\-/.]?\d[^\W_]*(?:[\-/._](?=[^\W_]*\d)[^\W_]+){0,6})"
)
_HASHES: Final = re.compile(r"#\s?[a-z]{0,3}\d{4,}[\w\-]{0,40}")
_CALLS: Final = frozenset(
    """
    call phone tel telephone telefon fon telefono telefone tele fax mobile mobil mobiel handy cell
    pager beeper ext extension durchwahl dw tlf movil cel celular portable port gsm contact
    contacto contatto sip
    """.split()
)
_NUMBER: Final = re.compile(r"[\s.:#=]{0,3}(\+?\(?\d[\d \-/().]{1,24}\d)(?!\w)")
_ANY_TRIGGER: Final = (
    _TITLES | _TITLES_AS_WRITTEN | _NAME_LABELS | _STRONG_IDS | _WEAK_IDS | _CALLS | {"by"}
)


def find_introduced(passage: Passage, identity: Identity, vocabulary: Vocabulary) -> list[Span]:
    """Return the spans of names and numbers behind a title or a label, without these."""
    spans: list[Span] = []
    if not _ANY_TRIGGER.isdisjoint(passage.words):
        finder = _Finder(passage, identity, vocabulary)
        for number, (_, end, word) in enumerate(passage.tokens):
            if word in _ANY_TRIGGER:
                spans += finder.find(number, end, word)
    if "#" in passage.folded:
        spans += [
            Span(*match.span(), "labelled identifier") for match in _HASHES.finditer(passage.folded)
        ]
    return spans


class _Finder:
    """What titles and labels introduce in one passage."""

    def __init__(self, passage: Passage, identity: Identity, vocabulary: Vocabulary) -> None:
        self._passage = passage
        self._identity = identity
        self._vocabulary = vocabulary

    def find(self, number: int, end: int, word: str) -> Iterator[Span]:
        """Yield what the trigger at a token introduces."""
        folded = self._passage.folded
        if self._is_title(number, word):
            yield from self._names(number, "title")
        elif self._is_label(number, end, word):
            yield from self._names(number, "label")
        strong = word in _STRONG_IDS
        if strong or word in _WEAK_IDS:
            match = _ID_VALUE.match(folded, end)
            sure = word != "no" or folded[end : end + 1] in _BEHIND_NO
            if match and sure and sum(map(str.isdigit, match[1])) >= _FEWEST_DIGITS[strong]:
                yield Span(match.start(1), match.end(1), "labelled identifier")
        elif word in _CALLS:
            match = _NUMBER.match(folded, end)
            if match and sum(map(str.isdigit, match[1])) >= 3:
                yield Span(match.start(1), match.end(1), "phone")

    def _is_label(self, number: int, end: int, word: str) -> bool:
        if word == "by":
            return number > 0 and self._passage.tokens[number - 1][2] in _DONE
        return word in _NAME_LABELS and _BEHIND_LABEL.match(self._passage.folded, end) is not None

    def _is_title(self, number: int, word: str) -> bool:
        passage = self._passage
        start, end, _ = passage.tokens[number]
        if word in _TITLES:
            return True
        if word not in _TITLES_AS_WRITTEN:
            return False
        stop = passage.folded[end : end + 1] == "."
        if word in _TITLES_WITH_STOP:
            return stop
        written = passage.as_written(start, end)
        if word == "dr" and not stop and written.isupper():
            return self._may_be_name(number + 1)
        return stop or written.istitle() or (word == "dr" and written.islower())

    def _may_be_name(self, number: int) -> bool:
        """Tell whether a token is a name as far as words go."""
        tokens = self._passage.tokens
        if number >= len(tokens):
            return False
        word = tokens[number][2]
        if len(word) < 2 or not word.isalpha() or self._passage.digit_at(tokens[number][1]):
            return False
        following = tokens[number + 1][2] if number + 1 < len(tokens) else ""
        if (word, following) in self._vocabulary.phrases:
            return False
        known = self._identity.words.get(word) == NAME
        return known or not (self._vocabulary.knows(word) and word not in PARTICLES)

    def _names(self, number: int, rule: str) -> Iterator[Span]:
        """Yield the words behind a title or a label that are names."""
        passage, tokens = self._passage, self._passage.tokens
        n_names = 0
        pending: list[Span] = []
        for at in range(number + 1, min(number + 12, len(tokens))):
            start, end, word = tokens[at]
            gap = passage.folded[tokens[at - 1][1] : start]
            if not self._joins(gap, first=n_names == 0):
                return
            if n_names == 0 and (word in _MORE_TITLES or word in _TITLES):
                continue
            stop = passage.folded[end : end + 1] == "."
            if ABBREVIATION.match(passage.folded, start):
                break
            initial = len(word) == 1 and word.isalpha() and (stop or n_names == 0)
            if word in PARTICLES or initial:
                pending.append(Span(start, end, rule))
            elif self._may_be_name(at) and self._continues(start, end, n_names, gap):
                yield from pending
                pending.clear()
                yield Span(start, end, rule)
                n_names += 1
                if n_names == _MOST_NAMES:
                    return
            else:
                break
        if n_names:
            yield from (span for span in pending if span.end - span.start == 1)

    def _joins(self, gap: str, *, first: bool) -> bool:
        if first:
            return len(gap) <= 3 and set(" .:=\t'").issuperset(gap)
        return gap in _WITHIN_NAMES

    def _continues(self, start: int, end: int, n_names: int, gap: str) -> bool:
        """Tell whether a word goes on with the name before it."""
        if n_names == 0:
            return True
        written = self._passage.as_written(start, end)
        if "," in gap or "." in gap:
            return False
        return not written[:1].islower()
