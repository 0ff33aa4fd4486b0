"""Move dates and times of day together, for profiles that shift times, PS3.5 section 6.2.

A patient's moments move by the same whole days and minutes. A time of day that passes midnight goes
on from 00:00, and the date beside it by one day more; seconds, precision and separators stay.
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from fastdeid.dates import shift_value
from fastdeid.pseudonyms import MINUTES_PER_DAY

_PADDING: Final = b" \0"
_CLOCK: Final = re.compile(rb"(\d\d)(:?)(\d\d)?")
_DATE: Final = 8  # characters of the date in a DT


def shift_moment(vr: str, raw: bytes, days: int, minutes: int) -> bytes | None:
    """Return a DA, DT or TM value moved, None when it is no such value; see `dates.shift_value`.

    minutes: 0 to 1439. A date without a time moves by whole days.
    """
    if shift_value(vr, raw, days) is None:
        return None
    moved = []
    for value in raw.split(b"\\"):
        core = value.strip(_PADDING)
        if vr == "TM" and core:
            moved.append(value.replace(core, shift_clock(core, minutes)[0]))
        elif vr == "DT" and len(core) > _DATE and core[_DATE : _DATE + 1].isdigit():
            clock, carried = shift_clock(core[_DATE:], minutes)
            date = shift_value("DA", core[:_DATE], days + carried)
            if date is None:
                return None
            moved.append(value.replace(core, date + clock))
        else:
            one = shift_value(vr, value, days)
            if one is None:
                return None
            moved.append(one)
    return b"\\".join(moved)


def shift_date_beside(raw: bytes, times: bytes, days: int, minutes: int) -> bytes | None:
    """Return a DA value whose time of day stands beside it, moved; None when that cannot be.

    times: the TM value as it stands in the file; the first date belongs to the first time.
    """
    if shift_value("TM", times, 0) is None:
        return shift_value("DA", raw, days)
    moved = []
    pairs = itertools.zip_longest(raw.split(b"\\"), times.split(b"\\")[: raw.count(b"\\") + 1])
    for value, time in pairs:
        clock = (time or b"").strip(_PADDING)
        carried = shift_clock(clock, minutes)[1] if clock else 0
        one = shift_value("DA", value, days + carried)
        if one is None:
            return None
        moved.append(one)
    return b"\\".join(moved)


def shift_clock(clock: bytes, minutes: int) -> tuple[bytes, int]:
    """Return a time of day, HH, HHMM or HH:MM and more, moved, and the days that it has passed."""
    match = _CLOCK.match(clock)
    if match is None:
        return clock, 0
    hours, joint, rest = match.groups()
    total = int(hours) * 60 + int(rest or 0) + minutes
    days, total = divmod(total, MINUTES_PER_DAY)
    new = b"%02d" % (total // 60)
    if rest is not None:
        new += joint + b"%02d" % (total % 60)
    return new + clock[match.end() :], days
