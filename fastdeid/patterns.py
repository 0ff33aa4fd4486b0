"""Numbers and addresses that identify people, whoever they are: dates, times, phones, and so on.

Every expression is bounded, so the time is linear in the length of the text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final

from fastdeid.calendar_words import MONTH_DATES, MONTHS
from fastdeid.identity import NAME, Identity
from fastdeid.passages import Passage, Span
from fastdeid.vocabulary import Vocabulary

_HOSPITAL_WORDS: Final = frozenset(("chu", "chru", "umc"))
_SITES: Final = frozenset("www com org net edu gov info health hospital".split())
_CLOCK_WORDS: Final = frozenset("uhr am pm a p h hrs".split())
_YEARS: Final = range(1850, 2101)
_LONG_RUN: Final = 6  # digits that are no measurement
# A number in front of one of these is a measurement.
_UNITS: Final = frozenset(
    """
    echo echoes echos mm cm um ms s sec secs min mins hz khz mhz ghz t tesla kv kvp kev mev ma mas
    mgy
    gy cgy deg degree degrees slice slices shot shots step steps phase phases frame frames bin bins
    counts count cts kcts cps mbq mci kbq ml cc l kg g view views fps x pixel pixels points spokes
    averages schichten bilder images grad hu
    """.split()
)
# A number behind one of these is one, too.
_PARAMETERS: Final = frozenset(
    """
    te tr ti ta fa b bval bvals bvalue bvalues echo echoes phase phases angle angles level levels
    rib
    ribs window wl ww matrix fov etl version v ver vers rel release software sw syngo numaris ratio
    dilution scale toe toes finger fingers grade grades delay delays flip pitch mtx kernel rippe
    zehen zehe dig digiti ray rays mcp pip dip zoom asl pld venc
    """.split()
)
# Two letters with full stops that are no initials: V.a., Z.n., p.a., i.v.
ABBREVIATION: Final = re.compile(
    r"(?:v\.\s?a|z\.\s?[nb]|p\.\s?[ao]|a\.\s?p|i\.\s?[vam]|d\.\s?[dp]|s\.\s?[cpo]|n\.\s?a)\.?(?![^\W_])"
)
_PARTS: Final = re.compile(
    r"(?<![\d.])(\d{1,4})\s?([-./_]| (?=\d))\s?(\d{1,2})\s?\2\s?(\d{2,4})(?!\d|\.\d)"
    r"(?:[t ,]{1,2}\d{1,2}:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:z|[+-]\d\d:?\d\d)?)?"
)
_TIMES: Final = re.compile(
    r"(?<![\d:.])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,6})?)?(?![\d:])"
    r"(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:uhr|hrs|h)\b)?"
    r"|(?<![\d:.,])(?:[01]?\d|2[0-4])(?:[.:]\d\d)?\s?uhr\b"
    r"|(?<![\w.,/])(?:0?\d|1[0-2])\s?(?:[ap]m\b|[ap]\.m\.)"
    r"|(?<![\w.,/])(?:[01]?\d|2[0-3])\s?h\s?[0-5]\d\b(?!\s?(?:s|m))"
)
_PHONES: Final = re.compile(
    # International, North American, with an area code, in pairs, and seven digits.
    r"(?<![\w+])(?<!\d\.)(?:\+|00)(?=(?:[ \-./()]{0,3}\d){7})"
    r"\d{1,3}(?:[ \-./()]{0,3}\d{1,5}){2,6}(?!\d)"
    r"|(?<![\d.])(?:1[ \-.])?\(?\d{3}\)?[ \-./]{1,2}\d{3}[ \-.]\d{4}(?!\d)"
    r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?"
    r"|(?<![\d.])\(?0\d{1,5}\)?\s?[\-/ ]\s?\d{3,9}(?:[ \-/]\d{1,9}){0,4}(?!\d)"
    r"|(?<![\d.])0[1-9](?:[ .\-]\d\d){4}(?!\d)"
    r"|(?<![\d.])06[ \-]?\d{8}(?!\d)"
    r"|(?<![\w.\-])[2-9]\d\d-\d{4}(?![\d-])"
)
_NATIONAL: Final = re.compile(
    # Social security number of the USA, French NIR, German insurance number.
    r"(?<![\d-])\d{3}-\d\d-\d{4}(?![\d-])"
    r"|\b[12] \d\d \d\d \d\d \d{3} \d{3}(?: \d\d)?\b"
    r"|\b[a-z]\d{9}\b"
)
_FISCAL_CODE: Final = re.compile(r"\b[a-z]{6}\d\d[a-z]\d\d[a-z]\d{3}[a-z]\b")
_SIX_OR_EIGHT: Final = re.compile(r"(?<!\d)(\d{2})(\d{2})(\d{2}|\d{4})(?!\d)")
_PREFIX: Final = re.compile(r"[^\W\d_]{1,4}$")
_RUNS: Final = re.compile(
    r"(?<![\d.,])(?:\d{6,}|\d{2,4}(?:[\-/]\d{2,}){2,5}"
    r"|\d{3,}[\-/]\d{5,}|\d{5,}[\-/]\d+)(?![\d]|[.,]\d)"
)
_UIDS: Final = re.compile(r"(?<![\w.])[0-2](?:\.\d{1,64}){4,62}")
_IPS: Final = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)"
    r"|\b(?:[0-9a-f]{1,4}[:]){5,7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{2}-){5}[0-9a-f]{2}\b"
)
_MAILS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}")
_URLS: Final = re.compile(
    r"(?:https?|ftp)://\S{1,2000}|www\.\S{1,2000}"
    r"|(?<![\w.])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}(?:com|org|net|edu|gov|info|health|hospital)\b"
    r"(?:/\S{0,500})?"
)
# A university hospital and its letters, CHU-SC.
_HOSPITALS: Final = re.compile(r"(?<![^\W_])(?:chu|chru|umc)-[a-z]{2,5}(?![^\W_])")
# A person name as PN has it, in a script that parts words.
_LETTER: Final = r"[^\W\d_\u2e80-\uffff]"
_CARETS: Final = re.compile(
    rf"(?<![\w^]){_LETTER}(?:{_LETTER}|['\-]){{0,63}}\^(?:{_LETTER}(?:{_LETTER}|['\-.]){{0,63}})?"
    rf"(?:\^(?:{_LETTER}(?:{_LETTER}|['\-.]){{0,63}})?){{0,3}}(?:=[^\s=]{{1,100}}){{0,2}}(?![\w^(])"
)


def find_patterns(passage: Passage, identity: Identity, vocabulary: Vocabulary) -> list[Span]:
    """Return the spans of `passage.folded` that have the form of something that identifies.

    Dates that the headers know are found also where the form alone may mean another thing; names
    that they know are no months.
    """
    spans: list[Span] = []
    folded = passage.folded
    if "@" in folded:
        spans += _all(_MAILS, "e-mail", folded)
    if "://" in folded or not _SITES.isdisjoint(passage.words):
        spans += _all(_URLS, "URL", folded)
    if "^" in folded:
        spans += _person_names(passage, identity, vocabulary)
    if not _HOSPITAL_WORDS.isdisjoint(passage.words):
        spans += _all(_HOSPITALS, "institution or place", folded)
    numbers = [word for word in passage.words if word.isdecimal()]
    if numbers:
        spans += _numeric(passage, identity, numbers, vocabulary)
    return spans


def _numeric(
    passage: Passage, identity: Identity, numbers: list[str], vocabulary: Vocabulary
) -> Iterator[Span]:
    """Yield what numbers give away; most texts have too few of them for most rules."""
    folded, words, days = passage.folded, passage.words, identity.days
    total = sum(map(len, numbers))
    joined = "-" in folded or "/" in folded
    if len(numbers) > 2 and total > 3 and _may_be_dates(folded, numbers):
        yield from _dates(passage, days)
    yield from _month_dates(passage, identity)
    if ":" in folded or not _CLOCK_WORDS.isdisjoint(words):
        yield from _checked(passage, _TIMES, "time")
    if total >= _LONG_RUN:
        if total > 8 or joined or any(word[0] == "0" and len(word) > 2 for word in numbers):
            yield from _checked(passage, _PHONES, "phone")
        if joined or max(map(len, numbers)) >= _LONG_RUN:
            yield from _runs(passage, days, vocabulary)
        if total > 8:
            yield from _all(_NATIONAL, "national identifier", folded)
        if any(len(word) == 6 and word.isalpha() for word in words):
            yield from _all(_FISCAL_CODE, "national identifier", folded)
    if folded.count(".") > 2 or folded.count(":") > 4 or folded.count("-") > 4:
        yield from _all(_UIDS, "UID", folded)
        yield from _checked(passage, _IPS, "IP address")


def _may_be_dates(folded: str, numbers: list[str]) -> bool:
    """Tell whether numbers may be joined to dates: twice the same separator, or a year."""
    return any(folded.count(joint) > 1 for joint in "-./_") or any(
        len(number) == 4 for number in numbers
    )


def _month_dates(passage: Passage, identity: Identity) -> Iterator[Span]:
    months = MONTHS.intersection(passage.words)
    if not months:
        return
    for number, pattern in enumerate(MONTH_DATES):
        whole = number < len(MONTH_DATES) - 3  # a day and a year
        if whole or not any(identity.words.get(month) == NAME for month in months):
            for span in _all(pattern, "date", passage.folded):
                if whole or not is_measurement(passage, span.start, span.end):
                    yield span


def _person_names(passage: Passage, identity: Identity, vocabulary: Vocabulary) -> Iterator[Span]:
    """Yield names with carets between their parts, and no protocols: Head^Routine, Becken^Huefte.

    Scanners write a program as region and name. What is unknown in front of a clinical word goes.
    """
    for match in _CARETS.finditer(passage.folded):
        start, end = match.span()
        parts = match[0].split("^")
        known = [_is_clinical(part, identity, vocabulary) for part in parts]
        if known[0] and (any(known[1:]) or parts[0] in vocabulary.terms):
            continue
        if len(parts) == 2 and known[1]:
            end = start + len(parts[0])
        yield Span(start, end, "person name")


def _is_clinical(part: str, identity: Identity, vocabulary: Vocabulary) -> bool:
    words = re.findall(r"[^\W\d_]+", part)
    return bool(words) and all(
        vocabulary.knows_halves(word) and identity.words.get(word) != NAME for word in words
    )


def _all(pattern: re.Pattern[str], rule: str, folded: str) -> Iterator[Span]:
    for match in pattern.finditer(folded):
        yield Span(match.start(), match.end(), rule)


def _checked(passage: Passage, pattern: re.Pattern[str], rule: str) -> Iterator[Span]:
    for match in pattern.finditer(passage.folded):
        if not is_measurement(passage, match.start(), match.end()):
            yield Span(match.start(), match.end(), rule)


def is_unit(word: str) -> bool:
    """Tell whether a folded word is a unit of measurements."""
    return word in _UNITS


def is_measurement(passage: Passage, start: int, end: int) -> bool:
    """Tell whether a number stands in front of a unit, or behind the name of a parameter."""
    folded, tokens = passage.folded, passage.tokens
    covered = passage.covered(start, end)
    if covered.start > 0:
        _, last, word = tokens[covered.start - 1]
        if start - last <= 2 and word in _PARAMETERS and "\n" not in folded[last:start]:
            return True
    if covered.stop < len(tokens):
        first, _, word = tokens[covered.stop]
        if first - end <= 1 and word in _UNITS:
            return True
    return folded[end : end + 1] == "%"


def _dates(passage: Passage, days: set[dt.date]) -> Iterator[Span]:
    folded = passage.folded
    for match in _PARTS.finditer(folded):
        readings = list(_readings(match[1], match[3], match[4]))
        if not readings:
            continue
        if not days.isdisjoint(readings):
            yield Span(match.start(), match.end(), "known date")
            continue
        if match[2] == " " and not _has_year(match):
            continue
        if not _has_year(match):
            before = folded[max(match.start() - 1, 0) : match.start()]
            if before.isalpha() or is_measurement(passage, match.start(), match.end(4)):
                continue
        yield Span(match.start(), match.end(), "date")


def _has_year(match: re.Match[str]) -> bool:
    return len(match[1]) == 4 or len(match[4]) == 4


def _readings(first: str, second: str, third: str) -> Iterator[dt.date]:
    """Yield the days that three numbers may mean."""
    a, b, c = int(first), int(second), int(third)
    orders: list[tuple[int, int, int]] = []
    if len(first) == 4 and len(third) <= 2:
        orders = [(a, b, c), (a, c, b)]
    elif len(third) == 4 and len(first) <= 2:
        orders = [(c, b, a), (c, a, b)]
    elif len(third) == 2 and len(first) <= 2:
        ends = [(c, b, a), (c, a, b)] + ([(a, b, c)] if len(first) == len(second) == 2 else [])
        orders = [(y + century, m, d) for y, m, d in ends for century in (1900, 2000)]
    for year, month, day in orders:
        if year in _YEARS:
            try:
                yield dt.date(year, month, day)
            except ValueError:
                continue


def _runs(passage: Passage, days: set[dt.date], vocabulary: Vocabulary) -> Iterator[Span]:
    """Find long numbers, with the letters that begin them: CT20240102 is two words, A123456 one."""
    folded = passage.folded
    for match in _RUNS.finditer(folded):
        start, end = match.span()
        if is_measurement(passage, start, end) or _is_series(match[0]):
            continue
        day = _is_day(match[0])
        prefix = _PREFIX.search(folded[max(start - 5, 0) : start])
        if prefix is not None and not day:
            letters = prefix[0]
            if letters in _STUDIES:
                continue
            before = folded[max(start - len(letters) - 1, 0) : start - len(letters)]
            if len(letters) <= 3 and not vocabulary.knows(letters) and not before.isalnum():
                start -= len(letters)
        yield Span(start, end, "date" if day else "long number")
    for match in _SIX_OR_EIGHT.finditer(folded):
        if not days.isdisjoint(_readings(*match.groups())):
            yield Span(match.start(), match.end(), "known date")


# Registers of trials: the number names a study, not a person.
_STUDIES: Final = frozenset(("nct", "isrctn"))


def _is_series(run: str) -> bool:
    """Tell whether joined numbers are round values of a parameter: 0/90/180/270, b 50-400-800."""
    groups = re.split(r"[\-/]", run)
    return len(groups) > 1 and all(len(group) < 5 and group[-1] in "05" for group in groups)


def _is_day(digits: str) -> bool:
    if len(digits) not in {8, 10, 12, 14} or not digits.isdecimal():
        return False
    return any(True for _ in _readings(digits[:4], digits[4:6], digits[6:8]))
