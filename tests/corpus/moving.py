"""Dates as DA and DT write them, moved by whole days: what the scorer expects of modified dates."""

from __future__ import annotations

import calendar
import datetime as dt
import re

_FORM = re.compile(r"(\d{4})(\.?)(\d\d)?(\.?)(\d\d)?(.*)", re.DOTALL)


def days_of(value: str) -> list[dt.date]:
    """Return the day of a value, the first and the last one of a partial value; [] for no date."""
    match = _FORM.fullmatch(value)
    if match is None:
        return []
    year, month, day = (int(part) if part else None for part in match.group(1, 3, 5))
    try:
        if month is None:
            return [dt.date(int(year or 0), 1, 1), dt.date(int(year or 0), 12, 31)]
        if day is None:
            last = calendar.monthrange(int(year or 0), month)[1]
            return [dt.date(int(year or 0), month, one) for one in (1, last)]
        return [dt.date(int(year or 0), month, day)]
    except (ValueError, calendar.IllegalMonthError):
        return []


def moved(value: str, day: dt.date, days: int) -> str:
    """Return a value whose day is `day`, moved by so many days, in its own form."""
    match = _FORM.fullmatch(value)
    assert match is not None
    new = day + dt.timedelta(days=days)
    _, dot, month, second_dot, number, rest = match.groups()
    out = f"{new.year:04}{dot}"
    out += f"{new.month:02}{second_dot}" if month else ""
    out += f"{new.day:02}" if number else ""
    return out + rest
