"""Move dates by whole days and keep their form, PS3.5 section 6.2 (DA, DT, TM) and Unix times.

All dates of a patient are moved by the same number of days, so their intervals stay. A partial date
moves by the whole months, or whole years, nearest to these days: intervals between partial dates
of the same precision stay exactly, and the distance to a full date is wrong by less than one unit.
What is not understood is None, and the caller replaces it: nothing is kept because it is odd.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import re
import struct
from collections.abc import Iterator
from typing import Final

_PADDING: Final = b" \0"
# PS3.5 section 6.2, and YYYY.MM.DD of ACR-NEMA, which it asks readers to support.
_DATE: Final = re.compile(rb"(\d{4})(?:(\d\d)(?:(\d\d))?)?|(\d{4})\.(\d\d)\.(\d\d)")
_DAY: Final = re.compile(rb"\s*(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_CLOCK: Final = rb"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?"
# Offsets from UTC, -1200 to +1400.
_ZONE: Final = rb"(?:\+(?:(?:0\d|1[0-3])[0-5]\d|1400)|-(?:(?:0\d|1[01])[0-5]\d|1200))"
_DATE_TIME: Final = re.compile(rb"(\d{4}(?:\d\d(?:\d\d(?:" + _CLOCK + rb")?)?)?)(" + _ZONE + rb")?")
# With the colons of ACR-NEMA: HH:MM:SS.frac.
_TIME: Final = re.compile(_CLOCK + rb"|(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,6})?)?")
_ONLY_ZONE: Final = re.compile(_ZONE)
# Days of 400 years of the calendar.
_CYCLE: Final = 146_097
_SECONDS_PER_DAY: Final = 86_400
_UNIX_TIMES: Final = {
    **dict.fromkeys(("FD", "OD"), "d"),
    **dict.fromkeys(("UL", "OL"), "I"),
    **dict.fromkeys(("UV", "OV"), "Q"),
    "SL": "i",
    "SV": "q",
}


def shift_value(vr: str, raw: bytes, days: int) -> bytes | None:
    r"""Return a DA, DT or TM value moved by `days`, None when it is no such value.

    raw: as it stands in the file; each of its values between backslashes is moved, empty ones stay
    empty. The result has the length, precision, separators and padding of `raw`. Times of day, and
    offsets from UTC in DT, stay: whole days do not change them. SH is (0008,0201) Timezone Offset
    From UTC, which stays for the same reason. None also for other VRs, for ranges, for days that
    the calendar does not have, and when the result would leave the years 1 to 9999.
    """
    moved = []
    for value in raw.split(b"\\"):
        core = value.strip(_PADDING)
        if core:
            new = _shift_one(vr, core, days)
            if new is None:
                return None
            start = len(value) - len(value.lstrip(_PADDING))
            moved.append(value[:start] + new + value[start + len(core) :])
        else:
            moved.append(value)
    return b"\\".join(moved)


def days_of(raw: bytes) -> Iterator[dt.date]:
    """Yield the days of DA and DT values; what is none is passed over."""
    for value in raw.split(b"\\"):
        match = _DAY.match(value)
        if match is not None:
            with contextlib.suppress(ValueError):
                yield dt.date(*(int(part) for part in match.groups()))


def shift_day(day: dt.date, days: int) -> dt.date | None:
    """Return `day` moved by `days`, None outside the years 1 to 9999."""
    try:
        return day + dt.timedelta(days)
    except OverflowError:
        return None


def shift_unix(
    vr: str, raw: bytes, days: int, minutes: int = 0, *, big_endian: bool
) -> bytes | None:
    """Return Unix times, in seconds since 1970, moved by days and minutes; None for no such value.

    vr: FD, OD, SL, UL, OL, SV, UV or OV; raw: one or more numbers of it. Zeros are unset, and stay.
    None for other VRs, bytes that are no whole numbers of the VR, values that are not finite, and
    results beyond the VR.
    """
    code = _UNIX_TIMES.get(vr)
    if code is None or len(raw) % struct.calcsize(f"={code}"):
        return None
    layout = f"{'>' if big_endian else '<'}{len(raw) // struct.calcsize(f'={code}')}{code}"
    seconds = struct.unpack(layout, raw)
    if not all(math.isfinite(value) for value in seconds):
        return None
    distance = days * _SECONDS_PER_DAY + minutes * 60
    moved = [value + distance if value else value for value in seconds]
    try:
        return struct.pack(layout, *moved)
    except struct.error:
        return None


def _shift_one(vr: str, value: bytes, days: int) -> bytes | None:
    if vr == "DA":
        return _shift_date(value, days)
    if vr == "DT":
        match = _DATE_TIME.fullmatch(value)
        if match is None:
            return None
        date = _shift_date(match[1][:8], days)
        return None if date is None else date + value[len(date) :]
    if vr == "TM":
        return value if _TIME.fullmatch(value) else None
    if vr == "SH":
        return value if _ONLY_ZONE.fullmatch(value) else None
    return None


def _shift_date(value: bytes, days: int) -> bytes | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day = match.group(1, 2, 3) if match[1] else match.group(4, 5, 6)
    if month is None:
        return _shift_year(int(year), days)
    if day is None:
        return _shift_month(int(year), int(month), days)
    try:
        moved = shift_day(dt.date(int(year), int(month), int(day)), days)
    except ValueError:
        return None
    if moved is None:
        return None
    joint = "." if match[4] else ""
    return f"{moved.year:04}{joint}{moved.month:02}{joint}{moved.day:02}".encode("ascii")


def _shift_month(year: int, month: int, days: int) -> bytes | None:
    if not (1 <= year <= dt.MAXYEAR and 1 <= month <= 12):
        return None
    moved, index = divmod(12 * year + month - 1 + _nearest(days, 4800), 12)
    return f"{moved:04}{index + 1:02}".encode("ascii") if 1 <= moved <= dt.MAXYEAR else None


def _shift_year(year: int, days: int) -> bytes | None:
    moved = year + _nearest(days, 400)
    valid = 1 <= year <= dt.MAXYEAR and 1 <= moved <= dt.MAXYEAR
    return f"{moved:04}".encode("ascii") if valid else None


def _nearest(days: int, units: int) -> int:
    """Return the whole units, of which 400 years have `units`, that are nearest to `days`.

    The same for either sign, so that moving back undoes it.
    """
    count = (2 * abs(days) * units + _CYCLE) // (2 * _CYCLE)
    return count if days >= 0 else -count
