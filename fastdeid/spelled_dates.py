"""Days as people spell them with the name of a month, in seven languages: 23. November 1957."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator
from typing import Final

from fastdeid.letters import fold

# The first letters of a month, folded, in English, German, French, Spanish, Portuguese, Italian
# and Dutch.
_STEMS: Final = (
    *("jan|jnr|gen|ene", "feb|fev", "mar|mae|maa|mrz|mrt", "apr|avr|abr", "may|mai|mei|mag"),
    *("jun|juin|giu", "jul|juil|lug", "aug|aou|ago", "sep|set", "oct|okt|out|ott", "nov"),
    "dec|dez|dic",
)
_MONTHS: Final = tuple(re.compile(stems) for stems in _STEMS)
_MONTH: Final = rf"({'|'.join(_STEMS)})[a-z]{{0,7}}\.?"
_JOINT: Final = r"[\s\-./_,]{0,3}(?:(?:of|de|del|do|den|le|di|van|the)\s){0,2}"
_DAY: Final = r"(\d{1,2})(?:st|nd|rd|th|er|o|a|ste|de)?"
_YEAR: Final = r"'?(\d{4}|\d\d)"
# Groups of each: which of them are day, month and year.
_FORMS: Final = (
    (re.compile(rf"(?<!\d){_DAY}{_JOINT}{_MONTH}{_JOINT}{_YEAR}(?!\d)"), (1, 2, 3)),
    (re.compile(rf"(?<![a-z]){_MONTH}{_JOINT}{_DAY}{_JOINT}{_YEAR}(?!\d)"), (2, 1, 3)),
    (re.compile(rf"(?<!\d){_YEAR}{_JOINT}{_MONTH}{_JOINT}{_DAY}(?!\d)"), (3, 2, 1)),
    (re.compile(r"(?<!\d)(\d{1,2})\s?[./\-]\s?(\d{1,2})\s?[./\-]\s?(\d{4})(?!\d)"), (1, 2, 3)),
    (re.compile(r"(?<!\d)(\d{1,2})\s?[./\-]\s?(\d{1,2})\s?[./\-]\s?(\d{4})(?!\d)"), (2, 1, 3)),
    (re.compile(r"(?<!\d)(\d{4})\s?[./\-]\s?(\d{1,2})\s?[./\-]\s?(\d{1,2})(?!\d)"), (3, 2, 1)),
)


def says_day(text: str, days: Collection[dt.date]) -> bool:
    """Tell whether a text says one of some days, with the name of its month or in numbers."""
    known = {(day.day, day.month, year) for day in days for year in (day.year, day.year % 100)}
    return not known.isdisjoint(_said(fold(text)))


def _said(folded: str) -> Iterator[tuple[int, int, int]]:
    """Yield (day, month, year) of what may be a day; the year as it is written."""
    for pattern, (day, month, year) in _FORMS:
        for match in pattern.finditer(folded):
            yield int(match[day]), _month(match[month]), int(match[year])


def _month(written: str) -> int:
    if written.isdecimal():
        return int(written)
    return next(number for number, stem in enumerate(_MONTHS, 1) if stem.fullmatch(written))
