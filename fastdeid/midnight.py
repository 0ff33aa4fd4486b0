"""Dates that go on by a day because the time of day beside them passes midnight.

Where a profile shifts times, a date and its time are one moment: Study Date and Study Time in one
data set or item. They are told by their keywords, which differ in Date and Time alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from fastdeid.dicom.element_table import ElementTable
from fastdeid.kernels.elements import N_COLUMNS, PARENT, TAG
from fastdeid.profiles.tables import read_dictionary


@cache
def time_beside() -> dict[int, int]:
    """Return the tags of all dates of PS3.6 that have a time, with the tags of these."""
    dictionary = read_dictionary()
    vrs = {"DA": dict[str, int](), "TM": dict[str, int]()}
    for tag in dictionary.tags.tolist():
        attribute = dictionary.attribute(tag)
        if attribute.vr in vrs:
            vrs[attribute.vr][attribute.keyword] = tag
    dates, times = vrs["DA"], vrs["TM"]
    return {
        tag: times[name.replace("Date", "Time")]
        for name, tag in dates.items()
        if name.replace("Date", "Time") in times
    }


def dates_with_times(loaded: ElementTable, rows: slice) -> Iterator[tuple[int, int]]:
    """Yield the rows of each date of a file and of the time beside it."""
    pairs = time_beside()
    cells, first = loaded.cells, rows.start
    dates = np.flatnonzero(np.isin(loaded.table[rows, TAG], list(pairs)))
    if not len(dates):
        return
    times = np.flatnonzero(np.isin(loaded.table[rows, TAG], list(pairs.values())))
    places = {
        (cells[row * N_COLUMNS + PARENT], cells[row * N_COLUMNS + TAG]): row
        for row in (times + first).tolist()
    }
    for row in (dates + first).tolist():
        at = row * N_COLUMNS
        time = places.get((cells[at + PARENT], pairs[cells[at + TAG]]))
        if time is not None:
            yield row, time
