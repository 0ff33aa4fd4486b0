"""Columns of identifiers turned into pseudonyms, each distinct value of a batch once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.errors import UsageError
from fastdeid.identifiers import normalise, widen, without_fraction
from fastdeid.tabular import is_text

Index = npt.NDArray[np.int64]


class Distinct(msgspec.Struct):
    """A column by its distinct values.

    values: in no particular order. index: shape (n_rows,), place in `values`, -1 for a row without
    a value. n_unusable: rows whose value is no identifier, such as 1.5.
    """

    values: list[str]
    index: Index
    n_unusable: int = 0


class Spelling(msgspec.Struct, frozen=True):
    """How a table writes identifiers differently from DICOM.

    width: characters of an identifier of digits that has lost its leading zeros, 0 for none lost.
    whole_numbers: 123.0 stands for 123, in text too.
    """

    width: int = 0
    whole_numbers: bool = False

    def __call__(self, text: str) -> str:
        """Return the identifier as DICOM writes it."""
        text = normalise(text)
        return widen(without_fraction(text) if self.whole_numbers else text, self.width)


def distinct(column: pa.Array, name: str, spelling: Spelling | None = None) -> Distinct:
    """Return a column of identifiers by its distinct values, in their normal form.

    name: of the column, for errors. Numbers become digits. Raises UsageError when the column can
    hold no identifiers.
    """
    text, n_unusable = as_text(column, name)
    encoded = pc.dictionary_encode(text)
    if spelling in (None, Spelling()) and _is_normal(encoded.dictionary):
        index = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)
        return Distinct(encoded.dictionary.to_pylist(), index, n_unusable)
    spell = spelling or normalise
    spelled = [spell(value) for value in encoded.dictionary.to_pylist()]
    places: dict[str, int] = {}
    # One place for values that differ in padding alone, none for those that are only padding.
    moved = [places.setdefault(value, len(places)) if value else -1 for value in spelled]
    index = np.asarray(encoded.indices.fill_null(len(moved))).astype(np.int64)
    return Distinct(list(places), np.array([*moved, -1], np.int64)[index], n_unusable)


def _is_normal(texts: pa.Array) -> bool:
    """Whether all texts are in normal form, judged by ASCII letters, digits and marks alone."""
    return not pc.any(pc.match_substring_regex(texts, "^[^!-~]|[^!-~]$|^$")).as_py()


def as_text(column: pa.Array, name: str) -> tuple[pa.Array, int]:
    """Return a column of identifiers as text, and how many rows hold something else."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode(), name)
    if is_text(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.string()), 0
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64())
        values = np.asarray(numbers.fill_null(np.nan))
        # Beyond 2**53 neighbouring whole numbers are one and the same float.
        whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**53)
        digits = pa.array(np.where(whole, values, 0).astype(np.int64), mask=~whole)
        return digits.cast(pa.string()), digits.null_count - column.null_count
    raise UsageError(f"the column {name!r} holds no identifiers")


def pairs(
    ids: Distinct, issuers: Distinct | None, issuer: str
) -> tuple[list[tuple[str, str]], Index]:
    """Return the distinct pairs of ID and issuer, and the place of each row's, -1 without an ID.

    issuers: of each row, or None when all have the one `issuer`. A row without one has issuer "".
    """
    if issuers is None:
        return [(value, issuer) for value in ids.values], ids.index
    n_issuers = len(issuers.values) + 1
    keys = ids.index * n_issuers + issuers.index + 1
    found, index = np.unique(np.where(ids.index < 0, -1, keys), return_inverse=True)
    named = ["", *issuers.values]
    made = [(ids.values[key // n_issuers], named[key % n_issuers]) for key in found if key >= 0]
    return made, index.astype(np.int64) - (1 if len(found) and found[0] < 0 else 0)


def spread(codes: Sequence[str | None], index: Index) -> pa.Array:
    """Return the column of the codes at `index`, null where it is -1."""
    return pa.array(codes, pa.string()).take(pa.array(index, mask=index < 0))


def map_column(
    column: pa.Array, name: str, pseudonyms: Callable[[list[str]], Sequence[str]]
) -> tuple[pa.Array, Distinct]:
    """Return a column with each value replaced, and its originals."""
    originals = distinct(column, name)
    return spread(pseudonyms(originals.values), originals.index), originals
