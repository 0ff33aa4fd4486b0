"""What the link table knows: which rows of a table have images, and why others may have none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fastdeid.errors import KeyFileError
from fastdeid.identifiers import normalise, without_fraction
from fastdeid.link_table import LinkTable, check_key, is_random
from fastdeid.pseudonyms import Pseudonyms

_COMPARED: Final = 100  # patients whose date offsets show that the pseudonyms are the same
_LOOKED_AT: Final = 10_000


class Unmatched(msgspec.Struct):
    """Patients of a table without images, and how many would match if something were else.

    looked_at: distinct ones, at most 10,000; the others are not explained. other_issuer: the
    ID has images under another issuer, or under none. leading_zeros, letter_case, fraction: the ID
    has images but for leading zeros, for the case of letters, for a fraction such as .0.
    """

    looked_at: int = 0
    other_issuer: int = 0
    leading_zeros: int = 0
    letter_case: int = 0
    fraction: int = 0


class Seen:
    """Which of a set of pseudonyms have been met."""

    def __init__(self, pseudonyms: Iterable[str]) -> None:
        encoded = [one.encode("ascii") for one in pseudonyms]
        self._known: npt.NDArray[np.bytes_] = np.unique(np.array(encoded, dtype=np.bytes_))
        self._met = np.zeros(len(self._known), np.bool_)

    def __call__(self, pseudonyms: Sequence[str | None]) -> npt.NDArray[np.bool_]:
        """Return which of the pseudonyms belong to the set, and remember them."""
        if not len(self._known):
            return np.zeros(len(pseudonyms), np.bool_)
        wanted = np.array([(one or "").encode("ascii") for one in pseudonyms], dtype=np.bytes_)
        places = np.minimum(np.searchsorted(self._known, wanted), len(self._known) - 1)
        found: npt.NDArray[np.bool_] = self._known[places] == wanted
        self._met[places[found]] = True
        return found

    @property
    def n_left(self) -> int:
        """Number of pseudonyms of the set that have not been met."""
        return int((~self._met).sum())


class Known:
    """The patients and accession numbers of a link table.

    Raises KeyFileError when its patients have other pseudonyms or date offsets than these.
    """

    def __init__(self, table: LinkTable, pseudonyms: Pseudonyms) -> None:
        columns = ["original", "issuer", "pseudonym", "date_offset"]
        self._patients = table.kind("patient", columns)
        self._check(pseudonyms)
        self.patients = Seen(self._patients.column("pseudonym").to_pylist())
        accessions = table.kind("accession_number", ["pseudonym"])
        self.accessions = Seen(filter(None, accessions.column("pseudonym").to_pylist()))
        self._unmatched: dict[tuple[str, str], None] = {}

    def _check(self, pseudonyms: Pseudonyms) -> None:
        first = [row for row in self._patients.slice(0, _COMPARED).to_pylist() if row["original"]]
        ids = [(normalise(row["original"]), normalise(row["issuer"] or "")) for row in first]
        codes = pseudonyms.patients(ids)
        offsets = pseudonyms.date_offsets([row["pseudonym"] for row in first])
        for row, code, offset in zip(first, codes, offsets, strict=True):
            # What is no text in the character set of its file does not stand here as it was read.
            plain = all(text.isascii() and "\\" not in text for text in _own(row))
            if (plain and code != row["pseudonym"]) or offset != row["date_offset"]:
                raise KeyFileError("the link table has other pseudonyms: another key or crosswalk")

    def remember(self, identities: Iterable[tuple[str, str]]) -> None:
        """Keep patients without images for `explain`."""
        for identity in identities:
            if len(self._unmatched) < _LOOKED_AT:
                self._unmatched[identity] = None

    def explain(self) -> Unmatched:
        """Return how many of the unmatched patients would match if something were else."""
        originals = _texts(self._patients.column("original"))
        bare = {original.lstrip("0") for original in originals}
        folded = {original.casefold() for original in originals}
        result = Unmatched(looked_at=len(self._unmatched))
        for identifier, _ in self._unmatched:
            if identifier in originals:
                result.other_issuer += 1
            elif without_fraction(identifier) != identifier:
                result.fraction += without_fraction(identifier).lstrip("0") in bare
            elif identifier.lstrip("0") in bare:
                result.leading_zeros += 1
            elif identifier.casefold() in folded:
                result.letter_case += 1
        return result


def _own(row: dict[str, str | None]) -> tuple[str, str]:
    return row["original"] or "", row["issuer"] or ""


def _texts(column: pa.ChunkedArray) -> set[str]:
    return {normalise(text) for text in column.to_pylist() if text}


def open_known(folder: str | os.PathLike[str], pseudonyms: Pseudonyms) -> Known:
    """Return what the link table in a folder knows.

    Raises InputError when it is not whole, KeyFileError when it was made with another key.
    """
    table = LinkTable(folder, pseudonyms)
    check_key(table, pseudonyms)
    if is_random(table):
        raise KeyFileError(
            "these pseudonyms were drawn at random: no key leads to them, only the link table"
        )
    return Known(table, pseudonyms)
