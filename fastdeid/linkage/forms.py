"""Ways to write a date in text: which there are, and how a day is read from and put into them.

Year-first dates are known by themselves, with or without a time of day behind them. All other
orders are ambiguous, and read only in a form that the user has given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from fastdeid.errors import UsageError

_HOUR: Final = "(?:[01][0-9]|2[0-4])"
_SIXTY: Final = "[0-5][0-9]"
_SECOND: Final = "(?:[0-5][0-9]|60)(?:[.,][0-9]{1,9})?"
_ZONE: Final = "(?: ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?"
# ISO 8601 behind a T or a blank; the compact one is that of DICOM's DT and of HL7, too.
_TIME: Final = f"(?:[T ]{_HOUR}(?::{_SIXTY}(?::{_SECOND})?)?{_ZONE})?"
_COMPACT_TIME: Final = f"(?:[T ]?{_HOUR}(?::?{_SIXTY}(?::?{_SECOND})?)?{_ZONE})?"

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
MONTH_NUMBERS: Final = {
    name: number + 1 for number, month in enumerate(_MONTHS) for name in (month, month[:3])
}
# Directives of strptime: what they match, and how a day is written in their place.
_DATE: Final = {
    "Y": ("[0-9]{4}", "{year:04}"),
    "m": ("[0-9]{1,2}", "{month:02}"),
    "d": ("[0-9]{1,2}", "{day:02}"),
    "b": ("(?i:" + "|".join(month[:3] for month in _MONTHS) + ")", "{short}"),
    "B": ("(?i:" + "|".join(_MONTHS) + ")", "{long}"),
}
_CLOCK: Final = {
    "H": "[0-9]{1,2}",
    "I": "[0-9]{1,2}",
    "M": "[0-9]{1,2}",
    "S": "[0-9]{1,2}",
    "f": "[0-9]{1,9}",
    "p": "(?i:am|pm)",
    "z": "(?:Z|[+-][0-9]{2}:?[0-9]{2})",
}
_GROUPS: Final = {"Y": "year", "m": "month", "b": "month", "B": "month", "d": "day"}
_DIRECTIVE: Final = re.compile(r"%(.)", re.DOTALL)
# Day or month first, or a year of two digits: nobody can tell which is which.
AMBIGUOUS: Final = r"^\s*[0-9]{1,2}([./-])[0-9]{1,2}[./-]([0-9]{4}|[0-9]{2})([T ,].*)?$"


class Form(msgspec.Struct, frozen=True):
    """One way to write a date.

    pattern: RE2, with the groups before, year, month, day and after. template: of the part between
    before and after, for `str.format`, with year, month, day, short and long (names of months).
    """

    pattern: str
    template: str

    def write(self, year: int, month: int, day: int) -> str:
        """Return the part of a date between before and after."""
        name = _MONTHS[month - 1].capitalize()
        return self.template.format(year=year, month=month, day=day, short=name[:3], long=name)


def _year_first(separator: str) -> Form:
    dot = re.escape(separator)
    return Form(
        f"^(?P<before>)(?P<year>[0-9]{{4}}){dot}(?P<month>[0-9]{{1,2}}){dot}"
        f"(?P<day>[0-9]{{1,2}})(?P<after>{_TIME})$",
        separator.join(("{year:04}", "{month:02}", "{day:02}")),
    )


COMPACT: Final = Form(
    "^(?P<before>)(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    f"(?P<after>{_COMPACT_TIME})$",
    "{year:04}{month:02}{day:02}",
)
# Dates that nothing else looks like, for finding them where they are not expected.
SEPARATED: Final = tuple(map(_year_first, "-/."))
# A day of 1900 to 2099: one in a thousand numbers of eight digits looks like it.
PLAUSIBLE: Final = (
    f"^(?:19|20)[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]){_COMPACT_TIME}$"
)
KNOWN: Final = (*SEPARATED, COMPACT)


def read_form(text: str) -> Form:
    """Return the form that a format of strptime describes, such as %d/%m/%Y.

    Year, month and day must be there and stand together; a time of day may stand before or behind
    them. Raises UsageError for another format, and for years of two digits.
    """
    tokens = _tokens(text)
    places = [place for place, token in enumerate(tokens) if token[1:] in _DATE]
    groups = [_GROUPS[tokens[place][1]] for place in places]
    if sorted(groups) != ["day", "month", "year"]:
        raise UsageError("a date format has %Y, %d and one of %m, %b and %B, each once")
    first, last = places[0], places[-1]
    middle = tokens[first : last + 1]
    if any(token[1:] in _CLOCK for token in middle):
        raise UsageError("year, month and day of a date format stand together")
    pattern = "".join(_matching(token) for token in middle)
    before = "".join(_matching(token) for token in tokens[:first])
    after = "".join(_matching(token) for token in tokens[last + 1 :])
    template = "".join(
        _DATE[token[1]][1] if token[1:] in _DATE else _braced(token) for token in middle
    )
    return Form(f"^(?P<before>{before}){pattern}(?P<after>{after})$", template)


def _tokens(text: str) -> Sequence[str]:
    """Return directives and single characters."""
    tokens = re.findall(r"%.|[^%]", text, re.DOTALL)
    if "".join(tokens) != text:
        raise UsageError("a date format ends in the middle of a directive")
    for name in _DIRECTIVE.findall(text):
        if name not in _DATE and name not in _CLOCK and name != "%":
            known = " ".join(f"%{letter}" for letter in (*_DATE, *_CLOCK))
            raise UsageError(f"a date format may have {known}; two-digit years are ambiguous")
    return tokens


def _matching(token: str) -> str:
    """Return the RE2 for a token."""
    name = token[1:]
    if name in _DATE:
        return f"(?P<{_GROUPS[name]}>{_DATE[name][0]})"
    return _CLOCK[name] if name in _CLOCK else re.escape(token[-1])


def _braced(token: str) -> str:
    return token[-1].replace("{", "{{").replace("}", "}}")
