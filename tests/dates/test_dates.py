"""Dates are moved by whole days, keep their form, and what is no date is None."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dates import shift_day, shift_value

DAYS = st.integers(-3650, 3650)
# Away from the ends of the calendar, where a move has no result.
DATES = st.dates(dt.date(100, 1, 1), dt.date(9900, 1, 1))
CLOCKS = ("", "00", "23", "0059", "235959", "235960", "101112.5", "101112.123456")
ZONES = ("", "+0000", "-0330", "+1400", "-1200", "+0545")


@pytest.mark.parametrize(
    ("vr", "raw", "days", "moved"),
    [
        ("DA", b"20240229", 1, b"20240301"),  # a leap year
        ("DA", b"20230228", 1, b"20230301"),
        ("DA", b"20000228", 1, b"20000229"),  # a century with a leap day
        ("DA", b"19000228", 1, b"19000301"),  # and one without
        ("DA", b"20240301", -1, b"20240229"),
        ("DA", b"20240229", 366, b"20250301"),
        ("DA", b"20231231", 1, b"20240101"),
        ("DA", b"20240101", -1, b"20231231"),
        ("DA", b"20240101", -3650, b"20140103"),
        ("DA", b"09991231", 1, b"10000101"),
        ("DA", b"10000101", -1, b"09991231"),
        ("DA", b"20240101 ", -1, b"20231231 "),
        ("DA", b"20240101\0", -1, b"20231231\0"),
        ("DA", b" 20240101", -1, b" 20231231"),
        ("DA", b"20240101\\20240102", -1, b"20231231\\20240101"),
        ("DA", b"20240101\\\\20240102 ", -1, b"20231231\\\\20240101 "),
        ("DA", b"1999.12.31", 1, b"2000.01.01"),
        ("DA", b"1999.12.31\\20000101", 1, b"2000.01.01\\20000102"),
        ("DA", b"", -5, b""),
        ("DA", b"  ", -5, b"  "),
        ("DA", b"\\", -5, b"\\"),
        ("DT", b"20240101", -1, b"20231231"),
        ("DT", b"2024010100", -1, b"2023123100"),
        ("DT", b"202401012359", -1, b"202312312359"),
        ("DT", b"20240101235960", -1, b"20231231235960"),
        ("DT", b"20240101101112.123456", -1, b"20231231101112.123456"),
        ("DT", b"20240101101112.5-1130", -1, b"20231231101112.5-1130"),
        ("DT", b"20240101+0100", -1, b"20231231+0100"),
        ("DT", b"20240101101112\\20240102 ", -1, b"20231231101112\\20240101 "),
        ("DT", b"", -5, b""),
        ("TM", b"101112", -5, b"101112"),
        ("TM", b"10", -5, b"10"),
        ("TM", b"1011 ", -5, b"1011 "),
        ("TM", b"235960.999999", -5, b"235960.999999"),
        ("TM", b"10:11:12", -5, b"10:11:12"),
        ("TM", b"10:11", -5, b"10:11"),
        ("TM", b"101112\\131415 ", -5, b"101112\\131415 "),
        ("TM", b"", -5, b""),
        ("SH", b"+0100 ", -5, b"+0100 "),  # (0008,0201)
        ("SH", b"-0330", -5, b"-0330"),
    ],
)
def test_a_value_is_moved_and_keeps_its_form(vr: str, raw: bytes, days: int, moved: bytes) -> None:
    assert shift_value(vr, raw, days) == moved


@pytest.mark.parametrize(
    ("raw", "days", "moved"),
    [
        # 400 years have 146,097 days, so a year 365.2425 and a month 30.436875.
        (b"2003", -365, b"2002"),
        (b"2003", -183, b"2002"),
        (b"2003", -182, b"2003"),
        (b"2003", 182, b"2003"),
        (b"2003", 183, b"2004"),
        (b"2003", -3650, b"1993"),
        (b"2003-0500", -365, b"2002-0500"),
        (b"200312", 15, b"200312"),
        (b"200312", 16, b"200401"),
        (b"200301", -16, b"200212"),
        (b"200301", -365, b"200201"),
        (b"200301", -3650, b"199301"),
        (b"200312+0100", 31, b"200401+0100"),
    ],
)
def test_a_partial_date_moves_by_the_nearest_whole_units(
    raw: bytes, days: int, moved: bytes
) -> None:
    assert shift_value("DT", raw, days) == moved
    if len(raw) <= 6:
        assert shift_value("DA", raw, days) == moved


@pytest.mark.parametrize(
    ("vr", "raw"),
    [
        ("DA", b"20230229"),
        ("DA", b"19000229"),
        ("DA", b"20031312"),
        ("DA", b"20030012"),
        ("DA", b"20030100"),
        ("DA", b"20030431"),
        ("DA", b"00000101"),
        ("DA", b"0000"),
        ("DA", b"200300"),
        ("DA", b"200313"),
        ("DA", b"000001"),
        ("DA", b"2003121"),
        ("DA", b"200312121"),
        ("DA", b"12 Dec 2003"),
        ("DA", b"2003-12-12"),
        ("DA", b"2003/12/12"),
        ("DA", b"2003.12"),
        ("DA", b"2003.1212"),
        ("DA", b"12.12.2003"),
        ("DA", b"2003.02.30"),
        ("DA", b"20031212101112"),
        ("DA", b"20031212-20040101"),
        ("DA", b"20031212-"),
        ("DA", b"-20031212"),
        ("DA", b"20031212\\unknown"),
        ("DA", b"20031212\\20031312"),
        ("DA", b"2003 1212"),
        ("DA", b"2003*"),
        ("DA", b"\xb2003\xb21212"),
        ("DA", "\uff12\uff10\uff10\uff131212".encode()),
        ("DA", b"20031212\n"),
        ("DA", b"99991231"),
        ("DT", b"2003121224"),
        ("DT", b"200312121060"),
        ("DT", b"20031212101161"),
        ("DT", b"20031212101112."),
        ("DT", b"20031212101112.1234567"),
        ("DT", b"20031212.5"),
        ("DT", b"20031212101112Z"),
        ("DT", b"20031212101112+01:00"),
        ("DT", b"20031212101112+1401"),
        ("DT", b"20031212101112-1201"),
        ("DT", b"20031212101112+0160"),
        ("DT", b"20031212101112+01"),
        ("DT", b"2003.12.12"),
        ("DT", b"2003-12-12T10:11:12"),
        ("DT", b"20031212-20040101"),
        ("DT", b"20031312101112"),
        ("DT", b"+0100"),
        ("DT", b"99991231235959"),
        ("TM", b"246060"),
        ("TM", b"1"),
        ("TM", b"10111"),
        ("TM", b"101112.1234567"),
        ("TM", b"101112-131415"),
        ("TM", b"10:11:12 PM"),
        ("TM", b"10:1112"),
        ("TM", b"20031212101112"),
        ("TM", b"noon"),
        ("SH", b"CET"),
        ("SH", b"+1500"),
        ("SH", b"+1130Smith"),
        ("AS", b"045Y"),
        ("LO", b"20031212"),
        ("OB", b"20031212"),
    ],
)
def test_what_is_no_date_is_none(vr: str, raw: bytes) -> None:
    assert shift_value(vr, raw, 1) is None


@pytest.mark.parametrize(
    ("raw", "days"),
    [(b"00010101", -1), (b"0001", -365), (b"000101", -31), (b"9999", 365), (b"999912", 31)],
)
def test_a_move_out_of_the_calendar_is_none(raw: bytes, days: int) -> None:
    assert shift_value("DT", raw, days) is None


def full(day: dt.date) -> bytes:
    return f"{day.year:04}{day:%m%d}".encode()


@given(DATES, DATES, DAYS)
def test_intervals_between_full_dates_stay(first: dt.date, second: dt.date, days: int) -> None:
    before, after = (
        dt.date.fromisoformat((shift_value("DA", full(day), days) or b"").decode())
        for day in (first, second)
    )
    assert after - before == second - first


@given(DATES, st.sampled_from(CLOCKS), st.sampled_from(ZONES), DAYS)
def test_only_the_day_of_a_date_time_moves(day: dt.date, clock: str, zone: str, days: int) -> None:
    rest = (clock + zone).encode()
    moved = shift_value("DT", full(day) + rest, days)
    assert moved == full(day + dt.timedelta(days)) + rest


@given(DATES, DATES, DAYS)
def test_intervals_between_partial_dates_stay_in_their_own_unit(
    first: dt.date, second: dt.date, days: int
) -> None:
    def months(day: dt.date) -> int:
        value = shift_value("DT", full(day)[:6], days) or b""
        return 12 * int(value[:4]) + int(value[4:])

    def years(day: dt.date) -> int:
        return int(shift_value("DT", full(day)[:4], days) or b"")

    elapsed = 12 * (second.year - first.year) + second.month - first.month
    assert months(second) - months(first) == elapsed
    assert years(second) - years(first) == second.year - first.year


@given(DATES, DAYS)
def test_a_partial_date_stays_within_one_unit_of_the_full_date(day: dt.date, days: int) -> None:
    moved = day + dt.timedelta(days)
    year = int(shift_value("DT", full(day)[:4], days) or b"")
    month = shift_value("DT", full(day)[:6], days) or b""
    assert abs(year - moved.year) <= 1
    assert abs(12 * int(month[:4]) + int(month[4:]) - 12 * moved.year - moved.month) <= 1


@given(
    st.lists(
        st.builds(
            lambda day, length, clock, zone: (
                full(day)[:length] + (clock.encode() if length == 8 else b"") + zone.encode()
            ),
            DATES,
            st.sampled_from((4, 6, 8)),
            st.sampled_from(CLOCKS),
            st.sampled_from(ZONES),
        ),
        min_size=1,
        max_size=4,
    ),
    DAYS,
    st.sampled_from((b"", b" ", b"\0")),
)
def test_moving_back_undoes_a_move_and_the_form_stays(
    values: list[bytes], days: int, padding: bytes
) -> None:
    raw = b"\\".join(values) + padding
    moved = shift_value("DT", raw, days)
    assert moved is not None
    assert len(moved) == len(raw)
    assert [c for c in moved if c not in b"0123456789"] == [
        c for c in raw if c not in b"0123456789"
    ]
    assert shift_value("DT", moved, -days) == raw


@given(st.sampled_from(("DA", "DT", "TM", "SH")), st.binary(max_size=30), DAYS)
def test_any_bytes_move_or_are_none(vr: str, raw: bytes, days: int) -> None:
    moved = shift_value(vr, raw, days)
    assert moved is None or len(moved) == len(raw)


def test_a_day_moves_and_has_no_successor_at_the_end_of_the_calendar() -> None:
    assert shift_day(dt.date(2024, 3, 1), -1) == dt.date(2024, 2, 29)
    assert shift_day(dt.date.max, 1) is None
    assert shift_day(dt.date.min, -1) is None
