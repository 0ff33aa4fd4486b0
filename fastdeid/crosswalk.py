"""The site's own pseudonyms: a table of original ID, subject ID and, if wanted, date offset.

Read once and kept compactly: a digest per row and the subjects, so that a million rows take some
40 MB. An ID that is not in the table has no pseudonym, and a file or row with it is not passed on.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.errors import DicomError, InputError, UsageError
from fastdeid.identifiers import normalise
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.tabular import Table, column_names, is_text
from fastdeid.tags import PATIENT_ID

NOT_IN_CROSSWALK: Final = "not_in_crosswalk"

ORIGINAL, SUBJECT, ISSUER, OFFSET = "original_id", "subject_id", "issuer", "date_offset"
_REQUIRED: Final = frozenset({ORIGINAL, SUBJECT})
_OPTIONAL: Final = frozenset({ISSUER, OFFSET})
# Becomes Patient ID and Patient's Name, and a folder's name: what LO, PN and file systems take.
_SAFE_SUBJECT: Final = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
LARGEST_OFFSET: Final = 36_525
_DIGEST: Final = 16
# An original ID of so many characters stands in its subject by intent, not by chance.
_TELLING: Final = 6
_NAMED: Final = 5  # rows that an error names


class Crosswalk:
    """Subjects and date offsets by original ID and issuer.

    has_issuers: whether the issuer is compared; without the column an ID counts whoever issued it.
    digest: hexadecimal, of the whole content, to tell two crosswalks apart.
    """

    def __init__(
        self,
        originals: Sequence[str],
        subjects: Sequence[str],
        issuers: Sequence[str] | None = None,
        offsets: Sequence[int] | None = None,
        *,
        shared_subjects: bool = False,
    ) -> None:
        """Check and keep the rows.

        shared_subjects: several originals may stand for one subject, with one date offset.

        Raises UsageError for duplicates, conflicts, subjects that cannot be written, an original
        that is a subject too or stands in its own one, and date offsets of 0 days or over a
        century; it names rows, not values.
        """
        self.has_issuers = issuers is not None
        self._subjects = list(subjects)
        digests = [
            self._digest(original, issuers[row] if issuers else "")
            for row, original in enumerate(originals)
        ]
        order = sorted(range(len(digests)), key=digests.__getitem__)
        self._sorted = b"".join(digests[row] for row in order)
        self._rows = np.array(order, np.int64)
        _check_originals(originals, subjects, [digests[row] for row in order], order)
        _check_subjects(self._subjects, offsets, shared=shared_subjects)
        self._offsets = {} if offsets is None else dict(zip(subjects, offsets, strict=True))
        content = hashlib.blake2b(self._sorted, digest_size=_DIGEST)
        content.update(b"issuers" if self.has_issuers else b"")
        for row in order:
            content.update(f"{subjects[row]},{offsets[row] if offsets else ''};".encode())
        self.digest = content.hexdigest()

    def subject(self, patient_id: str, issuer: str) -> str | None:
        """Return the subject ID of a patient, None for one who is not in the table."""
        digest = self._digest(normalise(patient_id), normalise(issuer))
        low, high = 0, len(self._rows)
        while low < high:
            middle = (low + high) // 2
            found = self._sorted[middle * _DIGEST : (middle + 1) * _DIGEST]
            if found == digest:
                return self._subjects[int(self._rows[middle])]
            low, high = (middle + 1, high) if found < digest else (low, middle)
        return None

    def date_offset(self, subject: str) -> int | None:
        """Return the days to add to the dates of a subject, None when the table has no offsets."""
        return self._offsets.get(subject)

    def _digest(self, original: str, issuer: str) -> bytes:
        fields = (original, issuer if self.has_issuers else "")
        packed = "\0".join(f"{len(field)}:{field}" for field in fields)
        encoded = packed.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(encoded, digest_size=_DIGEST).digest()


def read_crosswalk(path: str | os.PathLike[str], *, shared_subjects: bool = False) -> Crosswalk:
    """Return the crosswalk of a CSV or Parquet file.

    Columns: original_id and subject_id; issuer and date_offset (days) where wanted; no others.

    Raises UsageError for other columns and for what `Crosswalk` refuses, InputError when the table
    cannot be read.
    """
    try:
        return _read(path, shared_subjects=shared_subjects)
    except InputError as error:
        raise InputError(f"the crosswalk: {error}") from None


def _read(path: str | os.PathLike[str], *, shared_subjects: bool) -> Crosswalk:
    names = set(column_names(path))
    if not names >= _REQUIRED:
        raise UsageError(f"a crosswalk has the columns {ORIGINAL} and {SUBJECT}")
    if names - _REQUIRED - _OPTIONAL:
        raise UsageError(
            f"a crosswalk has no columns but {ORIGINAL}, {SUBJECT}, {ISSUER} and {OFFSET}"
        )
    columns: dict[str, list[str]] = {name: [] for name in sorted(names)}
    for batch in Table(path, list(columns)).batches():
        for name, texts in columns.items():
            texts.extend(_texts(batch.column(name), name))
    return Crosswalk(
        columns[ORIGINAL],
        columns[SUBJECT],
        columns.get(ISSUER),
        None if OFFSET not in columns else _whole_numbers(columns[OFFSET]),
        shared_subjects=shared_subjects,
    )


class CrosswalkPseudonyms(Pseudonyms):
    """Pseudonyms of one project in which the site has named the patients itself.

    UIDs and accession numbers come from the project key; so do the date offsets, from the subject,
    when the crosswalk has none. The name, birth date and study of a patient never stand for a
    missing ID: who is not in the crosswalk has no pseudonym.
    """

    def __init__(self, project_key: bytes, crosswalk: Crosswalk) -> None:
        super().__init__(project_key)
        self.crosswalk = crosswalk

    def patient(
        self,
        patient_id: str,
        issuer: str,
        name: str = "",  # noqa: ARG002 - does not stand for an ID here
        birth_date: str = "",  # noqa: ARG002
        study_uid: str = "",  # noqa: ARG002
    ) -> str:
        """Return the subject ID of a patient.

        Raises DicomError (not_in_crosswalk) for one who is not in the table or has no ID.
        """
        subject = self.crosswalk.subject(patient_id, issuer)
        if subject is None:
            raise DicomError(NOT_IN_CROSSWALK, PATIENT_ID)
        return subject

    def patients(self, identities: Iterable[tuple[str, str]]) -> Sequence[str | None]:
        """Return the subject ID of each of many, None for one who is not in the table."""
        return [self.crosswalk.subject(*identity) for identity in identities]

    def date_offset(self, patient: str) -> int:
        """Return the days to add to every date of a subject."""
        offset = self.crosswalk.date_offset(patient)
        return super().date_offset(patient) if offset is None else offset

    def date_offsets(self, patients: Iterable[str]) -> Sequence[int]:
        """Return `date_offset` of each of many."""
        return [self.date_offset(patient) for patient in patients]


def _texts(column: pa.Array, name: str) -> list[str]:
    """Return a column as normalised text, "" for nulls."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_integer(kind) or is_text(kind) or pa.types.is_null(kind)):
        raise UsageError(f"the column {name} of a crosswalk holds text or whole numbers")
    texts = pc.fill_null(pc.cast(column, pa.string()), "").to_pylist()
    return [normalise(text) for text in texts]


def _whole_numbers(texts: list[str]) -> list[int]:
    bad = [row for row, text in enumerate(texts) if not re.fullmatch(r"-?[0-9]{1,6}", text)]
    if bad:
        raise _refused(bad, "have no date offset in whole days")
    return [int(text) for text in texts]


def _check_originals(
    originals: Sequence[str], subjects: Sequence[str], digests: list[bytes], order: list[int]
) -> None:
    empty = [row for row, original in enumerate(originals) if not original]
    if empty:
        raise _refused(empty, "have no original ID")
    twins = [at for at in range(1, len(digests)) if digests[at] == digests[at - 1]]
    conflicts = [at for at in twins if subjects[order[at]] != subjects[order[at - 1]]]
    if conflicts:
        rows = (order[at - before] for at in conflicts for before in (1, 0))
        raise _refused(rows, "give one original ID different subjects")
    if twins:
        raise _refused((order[at] for at in twins), "repeat an original ID")
    known = set(originals)
    same = [row for row, subject in enumerate(subjects) if subject in known]
    if same:
        raise _refused(same, "have a subject ID that is an original ID too")
    inside = [
        row
        for row, (original, subject) in enumerate(zip(originals, subjects, strict=True))
        if len(original) >= _TELLING and original.casefold() in subject.casefold()
    ]
    if inside:
        raise _refused(inside, "have a subject ID that holds the original ID")


def _check_subjects(subjects: list[str], offsets: Sequence[int] | None, *, shared: bool) -> None:
    unsafe = [row for row, text in enumerate(subjects) if not _SAFE_SUBJECT.fullmatch(text)]
    if unsafe:
        raise _refused(unsafe, "have a subject ID that is not 1 to 64 of A-Z a-z 0-9 . _ -")
    counts = Counter(subjects)
    several = [row for row, subject in enumerate(subjects) if counts[subject] > 1]
    if several and not shared:
        raise _refused(several, "share a subject ID with another original ID")
    if offsets is None:
        return
    wrong = [row for row, days in enumerate(offsets) if not 0 < abs(days) <= LARGEST_OFFSET]
    if wrong:
        raise _refused(wrong, "have a date offset of 0 days, or of over a century")
    first: dict[str, int] = {}
    torn = [row for row in several if first.setdefault(subjects[row], offsets[row]) != offsets[row]]
    if torn:
        raise _refused(torn, "give one subject different date offsets")


def _refused(rows: Iterable[int], what: str) -> UsageError:
    """Return an error that names rows by number, the first behind the header being 1."""
    numbers = [row + 1 for row in rows]
    named = ", ".join(map(str, numbers[:_NAMED])) + (", ..." if len(numbers) > _NAMED else "")
    return UsageError(f"rows of the crosswalk {what}: {named} ({len(numbers)} in all)")
