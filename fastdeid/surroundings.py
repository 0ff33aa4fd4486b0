"""Words beside what goes that would dangle without it: for, call, Patient:, Dr., Hospital."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fastdeid.identity import HONORIFICS, PLACE
from fastdeid.passages import Passage, Span

CONNECTING: Final = "connecting word"
_LONGEST_GAP: Final = 4
# They stand in front of a name, a number or a date.
_BEFORE: Final = frozenset(
    """
    for by from of to with at on in per via and und et y e ed
    von vom fur fuer bei durch mit am zu zum zur
    par pour de du des d del dela al chez avec le la el il lo
    para por da do dos das com di dal dalla della dello con
    voor van door bij met te het
    call phone tel telephone telefon fon telefono telefone tele fax mobile mobil mobiel handy cell
    pager beeper ext extension durchwahl tlf movil cel celular gsm contact contacto contatto email
    mail
    dob born birth birthdate geb geboren geburtsdatum gebdat nee ne nacido nacida nato nata nascido
    nascida geboortedatum ddn bday
    patient patientin patiente paciente paziente pat pt name nom nombre nome naam surname firstname
    lastname nachname vorname prenom apellido apellidos cognome achternaam
    referring referrer referred ref zuweiser zuweisender uberweiser physician arzt arztin medico
    medecin radiologist radiologe radiologue tech technologist technician mtra mta operator attn
    requester requesting anfordernd anforderer anfordernder wohnhaft residing adresse address
    aanvrager zuw tfno nac nasc dat
    ore hora heure solicitada solicitado richiesta richiesto aangevraagd demande cf
    nir relu lu vu dicte tecnico enfermera enfermero manipulateur manip infirmiere staff laborant
    read seen performed reported dictated ordered requested reviewed signed scanned verified
    approved
    date datum fecha data time uhr at um dated
    mrn acc accession accessionno acn pid patid patientid id ids fallnr fallnummer fall patnr
    patientennr patientennummer auftragsnr auftragsnummer auftrag nhs nhsno ssn nip nhc ipp iep
    bsn cpr
    hn uhid dni nie curp cpf csn fin case visit encounter chart file order req requisition folder
    dossier
    barcode account acct policy insurance no nr num number nummer numero aktenzeichen
    versicherungsnr versichertennr kvnr medical-record record
    prof professor professeur profesor doctor doctora docteur doktor dottore dottoressa drs dra dott
    dottssa drssa drin dr herr herrn frau mme mlle madame monsieur mademoiselle senor senora
    senorita profssa prim primarius ssa sra srta sig sigra signor signora dhr mevr mevrouw meneer
    mijnheer miss mister med
    habil hc phil rer univ priv doz dipl ing
    """.split()
)
# Connecting words only as they are written.
_ALSO_TERMS: Final = frozenset(("op", "a", "n"))
# Titles that are also something else: only directly in front of a person.
_TITLES: Final = frozenset("pr mr mrs ms sr m fr hr mw don dona dom st".split())
_PERSON_RULES: Final = frozenset(("title", "label", "name", "person name", "part of a name"))
# They stand behind a name.
_SUFFIXES: Final = frozenset("jr sr ii iii iv md phd msc do np pa rn facr esq".split())
_SUFFIXES_ALSO_TERMS: Final = frozenset(("pa", "sr", "do", "np", "ii", "iii", "iv"))
# They stand behind something at the beginning of a text.
_LEADING: Final = frozenset("and und et y ed".split())
_MEASURED: Final = frozenset(("date", "time", "known date"))
_PLACES: Final = frozenset(
    """
    hospital hospitals clinic clinics clinica clinique klinik kliniken klinikum krankenhaus spital
    hopital ospedale ziekenhuis university universitat universitaire universite universita
    universitair universitatsklinikum universitatsklinik universitatsspital uni institute institut
    instituto istituto center centre zentrum centro praxis memorial general healthcare health
    policlinico poliklinik healthineers medical department dept abteilung chu chr umc
    san santa santo sankt saint sainte st
    """.split()
)


def with_surroundings(passage: Passage, spans: Iterable[Span]) -> list[Span]:
    """Return the spans, and those of words that only introduce or complete one of them."""
    marked = list(spans)
    tokens = passage.tokens
    rules = rules_of_tokens(passage, marked)
    for number in range(len(tokens) - 1, -1, -1):
        rule = rules[number]
        if rule and number and not rules[number - 1] and _goes_before(passage, number - 1, rule):
            start, end, _ = tokens[number - 1]
            marked.append(Span(start, end, CONNECTING))
            rules[number - 1] = rule
    for number, rule in enumerate(rules[:-1]):
        if rule and not rules[number + 1] and _goes_behind(passage, number + 1, rule, rules):
            start, end, word = tokens[number + 1]
            if word == "x":  # an extension, x4711
                end = tokens[number + 2][1]
                rules[number + 2] = rule
            marked.append(Span(start, end, CONNECTING))
            rules[number + 1] = rule
    marked += _honorifics(passage, marked)
    return marked


def rules_of_tokens(passage: Passage, spans: list[Span]) -> list[str]:
    """Return for each token the rule of the span that covers it, "" for none."""
    rules = []
    ordered = sorted(spans)
    at = 0
    furthest: Span | None = None
    for start, end, _ in passage.tokens:
        while at < len(ordered) and ordered[at].start < end:
            if furthest is None or ordered[at].end > furthest.end:
                furthest = ordered[at]
            at += 1
        covers = furthest is not None and furthest.end > start
        rules.append(furthest.rule if covers and furthest is not None else "")
    return rules


def _goes_before(passage: Passage, number: int, rule: str) -> bool:
    start, end, word = passage.tokens[number]
    following = passage.tokens[number + 1][0]
    gap = passage.folded[end:following]
    if len(gap) > _LONGEST_GAP or "\n" in gap or ")" in gap or not gap:
        return False
    if rule == PLACE and word in _PLACES:
        return gap in {" ", "-"}
    if word in {"pd", "oa", "ca"}:  # Privatdozent, Oberarzt, Chefarzt; proton density and so on
        return passage.tokens[number + 1][2] in {"dr", "prof"}
    if word in _ALSO_TERMS:
        # Dutch for on, French for at, and n\xb0.
        written = passage.as_written(start, end + 1)
        return written in {"\xe0 ", "n\xb0"} or (
            written.islower() and word == "op" and rule.endswith("date")
        )
    if word in _TITLES:
        return rule in _PERSON_RULES and _is_title(passage, start, end)
    if len(word) < 3 and not passage.as_written(start, end).islower():
        return word not in _ALSO_TERMS and word in _BEFORE and len(word) > 1
    if gap.startswith(".") and word in {"in", "of", "and", "on", "to", "with"}:
        return False  # the end of a sentence
    return word in _BEFORE and "/" not in gap


def _is_title(passage: Passage, start: int, end: int) -> bool:
    return passage.folded[end : end + 1] == "." or passage.as_written(start, end).istitle()


def _goes_behind(passage: Passage, number: int, rule: str, rules: list[str]) -> bool:
    tokens = passage.tokens
    start, end, word = tokens[number]
    gap = passage.folded[tokens[number - 1][1] : start]
    if rule == PLACE and word in _PLACES:
        return gap in {" ", "-"}
    if word == "x":
        following = tokens[number + 1] if number + 1 < len(tokens) else (0, 0, "")
        is_number = following[2].isdecimal() and following[0] == end and len(following[2]) > 2
        return gap == " " and is_number and not rules[number + 1] and rule not in _MEASURED
    if rule in _PERSON_RULES and word in _SUFFIXES:
        return "," in gap or (word not in _SUFFIXES_ALSO_TERMS and gap in {" ", ". "})
    return word in _LEADING and gap.isspace() and all(rules[:number])


def _honorifics(passage: Passage, spans: list[Span]) -> list[Span]:
    folded = passage.folded
    if folded.isascii():
        return []
    return [
        Span(span.end, span.end + len(honorific), CONNECTING)
        for span in spans
        for honorific in HONORIFICS
        if folded.startswith(honorific, span.end)
    ]
