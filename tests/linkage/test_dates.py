"""Dates of tables move by the patient's offset, keep their form, and are never kept unshifted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.errors import UsageError
from fastdeid.linkage.days import Dates, Shift, shift_column
from fastdeid.linkage.forms import read_form
from fastdeid.moments import shift_moment
from tests.linkage.tables import linked, offset, write_csv, write_parquet
from tests.runs import PSEUDONYMS


def _naive(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def shifted(
    values: list[Any],
    days: int,
    kind: pa.DataType | None = None,
    form: str = "",
    *,
    minutes: int | None = None,
) -> tuple[list[Any], Dates]:
    """Return values moved by days and minutes, and the counts."""
    column = pa.array(values, kind)
    counts = Dates()
    moved = shift_column(
        column,
        Shift(
            np.full(len(column), days, np.int64),
            None if minutes is None else np.full(len(column), minutes, np.int64),
            np.ones(len(column), np.bool_),
        ),
        counts,
        name="d",
        form=read_form(form) if form else None,
    )
    assert moved.type == column.type
    return moved.to_pylist(), counts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-03-01", "2024-02-27"),
        ("2024/03/01", "2024/02/27"),
        ("2024.03.01", "2024.02.27"),
        ("20240301", "20240227"),
        (" 2024-03-01 ", "2024-02-27"),
        ("2024-3-1", "2024-02-27"),
        ("2024-03-01 10:11", "2024-02-27 10:11"),
        ("2024-03-01T10:11:12.345678Z", "2024-02-27T10:11:12.345678Z"),
        ("2024-03-01T10:11:12,5+01:00", "2024-02-27T10:11:12,5+01:00"),
        ("20240301101112.5+0100", "20240227101112.5+0100"),
        ("20240301T1011", "20240227T1011"),
        ("20240301 10:11:12", "20240227 10:11:12"),
    ],
)
def test_a_date_keeps_the_way_in_which_it_is_written(before: str, after: str) -> None:
    assert shifted([before], -3)[0] == [after]


@pytest.mark.parametrize(
    "text",
    [
        *("2024", "2024-03", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "0000-01-01"),
        *("2024-03-01 25:00", "2024-03-01 note", "note 2024-03-01", "2024-03/01", "yesterday"),
        *(
            "\uff12\uff10\uff12\uff14-03-01",
            "2024-03-01\n2024-03-02",
            "0001-01-02",
            "45352",
            "1709251200",
        ),
    ],
)
def test_what_is_no_date_becomes_null_and_is_counted(text: str) -> None:
    values, counts = shifted([text, None, "", "2024-03-04"], -3)
    assert values == [None, None, None, "2024-03-01"]
    assert counts == Dates(shifted=1, missing=2, unreadable=1)


@pytest.mark.parametrize("text", ["01/02/2024", "31.12.2024", "1-2-24", "02/01/2024 10:00"])
def test_a_date_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="two ways") as refused:
        shifted(["2024-01-01", text], -3)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [
        ("%d/%m/%Y", "01/03/2024", "27/02/2024"),
        ("%m/%d/%Y", "3/1/2024", "02/27/2024"),
        ("%d.%m.%Y %H:%M", "01.03.2024 9:05", "27.02.2024 9:05"),
        ("%d-%b-%Y", "01-MAR-2024", "27-Feb-2024"),
        ("%B %d, %Y", "March 1, 2024", "February 27, 2024"),
        ("%H:%M %d{%m}%Y %%", "10:00 01{03}2024 %", "10:00 27{02}2024 %"),
    ],
)
def test_a_form_says_how_dates_are_written(form: str, before: str, after: str) -> None:
    values, counts = shifted([before, "2024-03-01", "31/02/2024"], -3, form=form)
    assert values == [after, None, None]
    assert counts.unreadable == 2


@pytest.mark.parametrize("form", ["%d/%m/%y", "%m/%Y", "%d/%m/%Y %", "%d %H %m %Y", "%Q", "%Y%Y%d"])
def test_a_form_without_a_whole_date_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match="date format"):
        read_form(form)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.date32(), dt.date(2024, 3, 1)),
        (pa.date64(), dt.date(2024, 3, 1)),
        (pa.timestamp("s"), _naive("2024-03-01T10:00:00")),
        (pa.timestamp("ms", tz="UTC"), dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC)),
        (pa.timestamp("us"), _naive("1961-03-01T10:00:00.000017")),
        (pa.timestamp("ns"), _naive("2024-03-01T10:00:00")),
        (pa.int64(), 20240301),
        (pa.int32(), 20240301),
        (pa.float64(), 20240301.0),
    ],
)
def test_typed_dates_keep_their_type(kind: pa.DataType, value: Any) -> None:
    (moved, nothing), counts = shifted([value, None], -3, kind)
    day = dt.timedelta(days=3)
    assert moved == (20240227 if isinstance(value, int | float) else value - day)
    assert (nothing, counts) == (None, Dates(shifted=1, missing=1))


def test_instants_keep_their_intervals_across_a_change_of_the_clock() -> None:
    kind = pa.timestamp("s", tz="Europe/Berlin")
    times = [dt.datetime(2024, 3, 30, 12, tzinfo=dt.UTC), dt.datetime(2024, 4, 1, tzinfo=dt.UTC)]
    (first, last), _ = shifted(times, -1, kind)
    assert last - first == times[1] - times[0]


@pytest.mark.parametrize(
    ("kind", "value", "days"),
    [
        (pa.date32(), dt.date(1, 1, 2), -3),
        (pa.date32(), dt.date(9999, 12, 30), 3),
        (pa.timestamp("s"), _naive("9999-12-30T00:00:00"), 3),
        (pa.timestamp("ns"), _naive("2262-04-10T00:00:00"), 5),
        (pa.int64(), 1, -3),
        (pa.float64(), 20240301.5, -3),
    ],
)
def test_a_date_that_leaves_the_calendar_becomes_null(
    kind: pa.DataType, value: Any, days: int
) -> None:
    values, counts = shifted([value], days, kind)
    assert (values, counts.unreadable) == ([None], 1)


@pytest.mark.parametrize("kind", [pa.bool_(), pa.binary(), pa.list_(pa.date32()), pa.time32("s")])
def test_a_column_without_dates_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(UsageError, match="'d' holds no dates"):
        shifted([None], -3, kind)


def test_each_patient_has_an_offset_and_intervals_survive(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,a,b\n1,2024-01-01,2024-03-01\n2,2024-01-01,2024-03-01\n")
    made = linked(table, dates=("a", "b"))
    for patient in ("1", "2"):
        (row,) = made.of(patient)
        first, last = dt.date.fromisoformat(row["a"]), dt.date.fromisoformat(row["b"])
        assert (last - first).days == 60
        assert (first - dt.date(2024, 1, 1)).days == offset(patient)
    assert offset("1") != offset("2")


def test_each_column_may_have_its_form(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,a,b\n1,01/02/2024,02/01/2024\n")
    forms = {"a": read_form("%d/%m/%Y"), "": read_form("%m/%d/%Y")}
    (row,) = linked(table, dates=("a", "b"), forms=forms).rows
    day = dt.date(2024, 2, 1) + dt.timedelta(days=offset("1"))
    assert row["a"] == day.strftime("%d/%m/%Y")
    assert row["b"] == day.strftime("%m/%d/%Y")


def test_dates_in_dictionaries_are_dates(tmp_path: Path) -> None:
    table = write_parquet(tmp_path, mrn=["1"], d=pa.array(["2024-03-01"]).dictionary_encode())
    (row,) = linked(table, dates=("d",)).rows
    assert row["d"] == str(dt.date(2024, 3, 1) + dt.timedelta(days=offset("1")))


@given(
    st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), max_size=30),
    st.integers(-3650, -1),
)
def test_text_moves_as_the_calendar_does(dates: list[dt.date], days: int) -> None:
    values, _ = shifted([str(date) for date in dates], days, pa.string())
    assert values == [str(date + dt.timedelta(days=days)) for date in dates]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-03-01", "2024-02-27"),  # no time, no minutes
        ("2024-03-01 10:11", "2024-02-27 12:01"),
        ("2024-03-01T23:11:12.5Z", "2024-02-28T01:01:12.5Z"),
        ("20240301231112.5+0100", "20240228010112.5+0100"),
        ("20240301 2311", "20240228 0101"),
    ],
)
def test_times_of_day_move_past_midnight_as_those_of_images_do(before: str, after: str) -> None:
    assert shifted([before], -3, minutes=110)[0] == [after]


def test_time_stamps_move_by_minutes_and_dates_without_a_time_do_not() -> None:
    moment = dt.datetime(2024, 3, 1, 23, 30, 12, 5)  # noqa: DTZ001
    moved, _ = shifted([moment, None], -3, pa.timestamp("us"), minutes=110)
    assert moved == [moment - dt.timedelta(3) + dt.timedelta(minutes=110), None]
    assert shifted([dt.date(2024, 3, 1)], -3, pa.date32(), minutes=110)[0] == [dt.date(2024, 2, 27)]
    assert shifted([dt.date(9999, 12, 31)], 0, pa.date32(), minutes=1)[1].unreadable <= 1


def test_times_that_cannot_be_told_are_not_kept() -> None:
    moved, counts = shifted(["01.03.2024 10:11 pm"], -3, form="%d.%m.%Y %I:%M %p", minutes=110)
    assert (moved, counts.unreadable) == ([None], 1)
    with pytest.raises(UsageError, match="times in front of dates"):
        shifted(["10:11 01.03.2024"], -3, form="%H:%M %d.%m.%Y", minutes=110)


def test_a_table_moves_as_the_images_of_its_patient(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn,taken\nMRN-1,2024-03-01 10:11:12\n")
    (row,) = linked(table, dates=("taken",), shift_times=True).rows
    moved, code = row["taken"], PSEUDONYMS.patient("MRN-1", "")
    days, minutes = PSEUDONYMS.date_offset(code), PSEUDONYMS.time_offset(code)
    raw = shift_moment("DT", b"20240301101112", days, minutes)
    assert raw is not None
    assert moved.translate(str.maketrans("", "", "-: ")) == raw.decode()
