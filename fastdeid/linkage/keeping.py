"""Columns that a table passes on as they are, but for what shows the row's own patient or date.

Whoever names a column to keep answers for its content. These are the values that are wrong there
in any case: the row's own identifiers, and dates, which would undo the shift of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.errors import UsageError
from fastdeid.linkage.codes import Distinct, spread
from fastdeid.linkage.forms import AMBIGUOUS, PLAUSIBLE, SEPARATED
from fastdeid.tabular import is_text

# Shorter ones are ordinary numbers and codes.
_SHORTEST_IDENTIFIER: Final = 4


class Kept(msgspec.Struct):
    """Values of a kept column that were removed, in rows: own identifiers, and whole dates."""

    identifiers: int = 0
    dates: int = 0


def keep_column(
    column: pa.Array, identifiers: Iterable[Distinct], counts: Kept, *, name: str
) -> pa.Array:
    """Return a column without the row's own identifiers and without dates, in text and numbers.

    identifiers: originals of the rows. counts: added to. name: of the column, for errors. Raises
    UsageError for a column of typed dates: they are shifted, or dropped.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _holds_dates(column.type):
        raise UsageError(f"the column {name!r} holds dates: name it in --dates, or do not keep it")
    if pa.types.is_integer(column.type):
        text = column.cast(pa.string())
    elif is_text(column.type):
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    else:
        return column
    found = _own(text, identifiers)
    dates = _dates(text) & ~found
    counts.identifiers += int(found.sum())
    counts.dates += int(dates.sum())
    lost = found | dates
    return (
        pc.if_else(pa.array(lost), pa.scalar(None, column.type), column) if lost.any() else column
    )


def _holds_dates(kind: Any) -> bool:
    """Whether a type holds dates or time stamps, at any depth."""
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return True
    if pa.types.is_dictionary(kind):
        return _holds_dates(kind.value_type)
    inner = [kind.field(place) for place in range(kind.num_fields)]
    return any(_holds_dates(field.type) for field in inner)


def _own(text: pa.Array, identifiers: Iterable[Distinct]) -> Any:
    """Return which rows hold one of their own identifiers."""
    found = np.zeros(len(text), np.bool_)
    for one in identifiers:
        original = spread(one.values, one.index)
        same = pc.and_(
            pc.equal(text, original),
            pc.greater_equal(pc.utf8_length(original), _SHORTEST_IDENTIFIER),
        )
        found |= np.asarray(pc.fill_null(same, False).to_numpy(zero_copy_only=False))
    return found


def _dates(text: pa.Array) -> Any:
    """Return which rows hold nothing but a date, with or without a time of day."""
    encoded = pc.dictionary_encode(text)
    patterns = (*(form.pattern for form in SEPARATED), AMBIGUOUS, PLAUSIBLE)
    hit = np.zeros(len(encoded.dictionary) + 1, np.bool_)
    for pattern in patterns:
        matched = pc.match_substring_regex(encoded.dictionary, pattern)
        hit[:-1] |= np.asarray(matched.to_numpy(zero_copy_only=False), np.bool_)
    return hit[np.asarray(encoded.indices.fill_null(len(hit) - 1)).astype(np.int64)]
