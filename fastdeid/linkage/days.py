"""Columns of dates shifted, each row by the offset of its patient.

A value keeps its type and, as text, the way in which it is written; the time of day stays, or moves
by minutes as in DICOM, see `moments`: then a date without a time moves by whole days. What is no
date becomes null and is counted: it is never kept.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.errors import UsageError
from fastdeid.linkage.forms import AMBIGUOUS, KNOWN, MONTH_NUMBERS, Form
from fastdeid.moments import shift_clock
from fastdeid.pseudonyms import MINUTES_PER_DAY
from fastdeid.tabular import is_text

Days = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SECONDS: Final = 86_400
_PER_DAY: Final = {
    "s": _SECONDS,
    "ms": _SECONDS * 10**3,
    "us": _SECONDS * 10**6,
    "ns": _SECONDS * 10**9,
}
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_FIRST: Final = dt.date.min.toordinal() - _EPOCH
_LAST: Final = dt.date.max.toordinal() - _EPOCH
# In front of a time of day of 24 hours.
_BEFORE_CLOCK: Final = re.compile(
    r"[T ,]*(?=(?:[01]\d|2[0-4])(?!\d(?!\d))(?!.*[ap]m))", re.IGNORECASE
)
_NONE: Final = np.iinfo(np.int64).min


class Shift(NamedTuple):
    """By how much rows move: shapes (n_rows,). days, and minutes, None where times of day stay.

    known: whether the row has a patient.
    """

    days: Days
    minutes: Days | None
    known: Flags

    def of(self, given: Flags) -> Shift:
        """Return the same for the rows that have a value."""
        return self._replace(known=self.known & given)


class Dates(msgspec.Struct):
    """What became of a column of dates, in rows.

    missing: null or blank in the table. unreadable: no date, or one that leaves the calendar.
    without_patient: dates of rows without a patient, hence without an offset.
    """

    shifted: int = 0
    missing: int = 0
    unreadable: int = 0
    without_patient: int = 0


def shift_column(
    column: pa.Array,
    shift: Shift,
    counts: Dates,
    *,
    name: str,
    form: Form | None = None,
) -> pa.Array:
    """Return a column of dates, each moved as `shift` says.

    counts: added to. name: of the column, for errors. form: of
    dates in text; None for those that are known by themselves.

    Raises UsageError when the type of the column is not one of dates, or when a text could be read
    in two ways.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return shift_column(column.dictionary_decode(), shift, counts, name=name, form=form)
    if is_text(kind):
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
        given = _flags(pc.fill_null(pc.greater(pc.utf8_length(text), 0), False))
        shifted = _shift_text(text, shift.of(given), name, form)
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        given = _flags(column.is_valid())
        shifted = _shift_numbers(column, shift.of(given))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        # 20240131 as a number.
        given = _flags(column.is_valid())
        text = _whole_numbers(column)
        moved = _shift_text(text, shift.of(given), name, form)
        shifted = moved.cast(pa.int64()).cast(kind)
    elif pa.types.is_null(kind):
        given = np.zeros(len(column), np.bool_)
        shifted = column
    else:
        raise UsageError(f"the column {name!r} holds no dates")
    n_shifted = len(shifted) - shifted.null_count
    counts.shifted += n_shifted
    counts.missing += int((~given).sum())
    counts.without_patient += int((given & ~shift.known).sum())
    counts.unreadable += int((given & shift.known).sum()) - n_shifted
    return shifted


def _flags(array: Any) -> Flags:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.bool_)


def _whole_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as text, those with a fraction and huge ones as null."""
    if pa.types.is_floating(column.type):
        values = np.asarray(column.cast(pa.float64()).fill_null(np.nan))
        whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**53)
        numbers = np.where(whole, values, 0).astype(np.int64)
        column = pa.array(numbers, mask=~whole)
    return column.cast(pa.string())


# Typed columns -------------------------------------------------------------------------------


def _shift_numbers(column: pa.Array, shift: Shift) -> pa.Array:
    """Shift dates and time stamps, which are numbers of days or of parts of a second.

    A time stamp with a time zone is an instant: it moves by 24 hours a day, so that intervals
    between instants stay what they are.
    """
    kind = column.type
    per_day = _units_per_day(kind)
    storage = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    values = np.asarray(column.view(storage).fill_null(0)).astype(np.int64)
    days, has_times = values // per_day, pa.types.is_timestamp(kind)
    after = days + shift.days + int(shift.minutes is not None and has_times)
    inside = (days + shift.days >= _FIRST) & (after <= _LAST)
    highest = np.iinfo(np.int64).max // per_day - 1
    known = shift.known & inside & (np.abs(days) < highest) & (np.abs(after) < highest)
    moved = values + shift.days * per_day
    if shift.minutes is not None and has_times:
        moved += shift.minutes * (per_day // MINUTES_PER_DAY)
    moved = np.where(known, moved, 0).astype(storage.to_pandas_dtype())
    return pa.array(moved, storage, mask=~known).view(kind)


def _units_per_day(kind: pa.DataType) -> int:
    if pa.types.is_date32(kind):
        return 1
    return _PER_DAY["ms"] if pa.types.is_date64(kind) else _PER_DAY[kind.unit]


# Text ----------------------------------------------------------------------------------------


def _shift_text(text: pa.Array, shift: Shift, name: str, form: Form | None) -> pa.Array:
    encoded = pc.dictionary_encode(text)
    values = encoded.dictionary
    if form is None and pc.any(pc.match_substring_regex(values, AMBIGUOUS)).as_py():
        raise UsageError(
            f"the column {name!r} holds dates that can be read in two ways: say how they are "
            "written, --date-format %d/%m/%Y or another"
        )
    index = np.asarray(encoded.indices.fill_null(0)).astype(np.int64)
    known = shift.known & _flags(text.is_valid())
    result = pa.nulls(len(text), pa.string())
    for one in (form,) if form is not None else KNOWN:
        if not len(values):
            break
        days, parts = _read_days(values, one)
        rows = np.flatnonzero(known & (days[index] != _NONE))
        if not len(rows):
            continue
        places = index[rows]
        outer = (parts.field(side).take(pa.array(places)) for side in ("before", "after"))
        before, after = outer
        moved_by = shift.days[rows]
        if shift.minutes is not None:
            if pc.any(pc.match_substring_regex(before, "[0-9]")).as_py():
                raise UsageError(f"the column {name!r} has times in front of dates: they stay")
            after, carried = _shift_clocks(after, shift.minutes[rows])
            moved_by = moved_by + carried
        written = _write_days(days[places] + moved_by, one)
        moved = pc.binary_join_element_wise(before, written, after, "")
        chosen = np.zeros(len(text), np.bool_)
        chosen[rows] = True
        result = pc.replace_with_mask(result, pa.array(chosen), moved)
    return result


def _shift_clocks(texts: pa.Array, minutes: Days) -> tuple[pa.Array, Days]:
    """Return what stands behind dates with times of day moved, and the days that these pass.

    Null where a time cannot be told: 12 hours with am or pm.
    """
    moved: list[str | None] = []
    carried = np.zeros(len(minutes), np.int64)
    for row, (text, offset) in enumerate(zip(texts.to_pylist(), minutes.tolist(), strict=True)):
        match = _BEFORE_CLOCK.match(text)
        if match is None:
            moved.append(None if any(map(str.isdigit, text)) else text)
            continue
        clock, carried[row] = shift_clock(text[match.end() :].encode("utf-8"), offset)
        moved.append(match[0] + clock.decode("utf-8"))
    return pa.array(moved, pa.string()), carried


def _read_days(values: pa.Array, form: Form) -> tuple[Days, pa.StructArray]:
    """Return days since 1970 of each text, _NONE where it is no date, and its parts."""
    parts = pc.extract_regex(values, form.pattern)
    matched = parts.is_valid()
    year, month, day = (
        _numbers(pc.if_else(matched, parts.field(part), "0")) for part in ("year", "month", "day")
    )
    found = _flags(matched) & (year > 0) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(found, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[D]").astype(np.int64)
    days = first + day - 1
    return np.where(found & (days < after), days, _NONE), parts


def _numbers(texts: pa.Array) -> Days:
    """Return numbers and names of months as numbers."""
    if pc.all(pc.match_substring_regex(texts, "^[0-9]+$")).as_py():
        return np.asarray(texts.cast(pa.int64()))
    named = [MONTH_NUMBERS.get(text.lower(), 0) for text in texts.to_pylist()]
    return np.array(named, np.int64)


def _write_days(days: Days, form: Form) -> pa.Array:
    """Return days since 1970 as text, null outside the years 1 to 9999."""
    distinct, index = np.unique(days, return_inverse=True)
    texts = [
        form.write(date.year, date.month, date.day) if date else None
        for date in (_date(day) for day in distinct.tolist())
    ]
    return pa.array(texts, pa.string()).take(pa.array(index))


def _date(day: int) -> dt.date | None:
    return dt.date.fromordinal(day + _EPOCH) if _FIRST <= day <= _LAST else None
