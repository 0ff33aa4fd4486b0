"""A table of the site with the pseudonyms and date offsets of the images."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fastdeid.crosswalk import CrosswalkPseudonyms
from fastdeid.errors import InputError, UsageError
from fastdeid.identifiers import normalise
from fastdeid.linkage.codes import Distinct, Spelling, distinct, map_column, pairs, spread
from fastdeid.linkage.days import Dates, Shift, shift_column
from fastdeid.linkage.forms import Form
from fastdeid.linkage.grouped import GroupedFile
from fastdeid.linkage.keeping import Kept, keep_column
from fastdeid.linkage.known import Known, Unmatched
from fastdeid.new_file import PRIVATE, new_text_file
from fastdeid.profiles.tables import read_uids
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.tabular import Table

PATIENT: Final = "patient"
ACCESSION_NUMBER: Final = "accession_number"

Flags = npt.NDArray[np.bool_]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of a table are what; all others are dropped.

    patient_id: of MRNs. issuer: of all of them, or issuer_column: of each. accession: of accession
    numbers. uids: of DICOM UIDs. dates: of dates and time stamps. keep: columns that are passed on
    as they are. shift_times: times of day move, too, as under a profile with `shift_times`.
    """

    patient_id: str
    issuer: str = ""
    issuer_column: str = ""
    accession: str = ""
    uids: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    shift_times: bool = False

    def read(self) -> list[str]:
        """Return the names of the columns that are read."""
        single = (self.patient_id, self.issuer_column, self.accession)
        return [*filter(None, single), *self.uids, *self.dates, *self.keep]

    def written(self) -> list[str]:
        """Return the names of the columns that are written."""
        accession = (ACCESSION_NUMBER,) if self.accession else ()
        return [PATIENT, *accession, *self.uids, *self.dates, *self.keep]


class Linked(msgspec.Struct, kw_only=True):
    """What became of a table, in rows.

    left_out: rows whose patient is not in the crosswalk, not written. without_patient: rows without
    a usable patient ID, written without pseudonym and dates. unmatched_patients,
    unmatched_accessions: rows that have no images in the link table; unmatched says more of these
    patients. patients_without_rows: patients of the link table whom the table does not have. All
    four are None without a link table. dates, kept: by column.
    """

    rows: int = 0
    rows_written: int = 0
    left_out: int = 0
    without_patient: int = 0
    unmatched_patients: int | None = None
    unmatched_accessions: int | None = None
    patients_without_rows: int | None = None
    unmatched: Unmatched | None = None
    dates: dict[str, Dates] = {}
    kept: dict[str, Kept] = {}

    @property
    def exit_code(self) -> int:
        """0, or 3 when rows were left out."""
        return 3 if self.left_out else 0


def link(
    table: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    pseudonyms: Pseudonyms,
    columns: Columns,
    forms: Mapping[str, Form] | None = None,
    spelling: Spelling | None = None,
    known: Known | None = None,
    listing: str | os.PathLike[str] | None = None,
    null: Iterable[str] = (),
    encoding: str = "utf-8",
) -> Linked:
    """Write the rows of a table with pseudonyms and shifted dates to a new Parquet file.

    table: CSV or Parquet, a file or a folder of files. pseudonyms: of the images' project.
    forms: of dates in text by column, "" for all others. spelling: of patient IDs. known: what the
    link table knows, to report rows without images. listing: of a new file (PHI) that lists rows
    without images or patient. null, encoding: of CSV, see `tabular.Table`.

    Raises UsageError, InputError and OutputError; then there is no output.
    """
    if os.path.realpath(out).startswith(os.path.join(os.path.realpath(table), "")):
        raise UsageError("the output lies inside the table's folder: it would become part of it")
    source = Table(table, columns.read(), null=list(null), encoding=encoding)
    names = columns.written()
    if len(set(names)) < len(names):
        raise UsageError("two columns of the output have the same name")
    work = _Work(pseudonyms, columns, forms or {}, spelling or Spelling(), known)
    batches = source.batches()
    first = next(batches, None)
    schema = work.schema(first)
    keys = [name for name in names[: len(names) - len(columns.keep)] if _sortable(schema, name)]
    with (
        _listing(listing) as found,
        GroupedFile(
            out, schema, keys, about_rows=source.about_rows, about_bytes=source.about_bytes
        ) as file,
    ):
        work.listing = found
        while first is not None:
            rows, codes, index = work.convert(first)
            file.write(_as(rows, schema), codes, index)
            first = next(batches, None)
        file.finish()
    return work.finish()


class _Work:
    """Converts one batch after another."""

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        columns: Columns,
        forms: Mapping[str, Form],
        spelling: Spelling,
        known: Known | None,
    ) -> None:
        self._pseudonyms = pseudonyms
        self._columns = columns
        self._issuer = normalise(columns.issuer)
        self._forms = forms
        self._spelling = spelling
        self._known = known
        self._all_needed = isinstance(pseudonyms, CrosswalkPseudonyms)
        self._registry = {uid.encode("ascii") for uid in read_uids()}
        self.listing: Any = None
        self.result = Linked(
            dates={name: Dates() for name in columns.dates},
            kept={name: Kept() for name in columns.keep},
        )
        if known is not None:
            self.result.unmatched_patients = 0
            self.result.unmatched_accessions = 0 if columns.accession else None

    def schema(self, first: pa.RecordBatch | None) -> pa.Schema:
        """Return the schema of the output: types as in the first batch, text as string."""
        fields = []
        for name in self._columns.written():
            typed = name in self._columns.dates or name in self._columns.keep
            kind = _plain(first.schema.field(name).type) if typed and first else pa.string()
            fields.append(pa.field(name, kind))
        return pa.schema(fields, {"fastdeid.key_id": self._pseudonyms.key_id})

    def convert(
        self, batch: pa.RecordBatch
    ) -> tuple[dict[str, pa.Array], list[str | None], npt.NDArray[np.int64]]:
        """Return the columns of the rows that are written, their patients, and whose each is."""
        columns, result = self._columns, self.result
        ids = distinct(batch.column(columns.patient_id), columns.patient_id, self._spelling)
        issuers = None
        if columns.issuer_column:
            issuers = distinct(batch.column(columns.issuer_column), columns.issuer_column)
        identities, index = pairs(ids, issuers, self._issuer)
        codes = list(self._pseudonyms.patients(identities))
        coded = np.array([code is not None for code in codes] + [False], np.bool_)[index]
        offsets = np.array(
            [*(self._pseudonyms.date_offsets([code or "" for code in codes])), 0], np.int64
        )[index]
        minutes = None
        if columns.shift_times:
            times = [self._pseudonyms.time_offset(code) if code else 0 for code in codes]
            minutes = np.array([*times, 0], np.int64)[index]
        made: dict[str, pa.Array] = {PATIENT: spread(codes, index)}
        accessions = self._accessions(batch, made)
        for name in columns.uids:
            made[name], _ = map_column(batch.column(name), name, self._uids)
        for name in columns.dates:
            form = self._forms.get(name, self._forms.get(""))
            shift = Shift(offsets, minutes, coded)
            made[name] = shift_column(
                batch.column(name), shift, result.dates[name], name=name, form=form
            )
        originals = [ids] if accessions is None else [ids, accessions]
        for name in columns.keep:
            made[name] = keep_column(batch.column(name), originals, result.kept[name], name=name)
        self._report(identities, codes, index, coded, accessions)
        if not self._all_needed:
            return made, codes, index
        rows = pa.array(np.flatnonzero(coded))
        return {name: column.take(rows) for name, column in made.items()}, codes, index[coded]

    def _accessions(self, batch: pa.RecordBatch, made: dict[str, pa.Array]) -> Distinct | None:
        name = self._columns.accession
        if not name:
            return None
        made[ACCESSION_NUMBER], originals = map_column(
            batch.column(name), name, self._pseudonyms.accessions
        )
        return originals

    def _uids(self, values: list[str]) -> list[str]:
        """Map UIDs by value; those that the standard registers stay."""
        encoded = [value.encode("utf-8") for value in values]
        return [
            (raw if raw in self._registry else self._pseudonyms.uid(raw)).decode("utf-8")
            for raw in encoded
        ]

    # What is reported ------------------------------------------------------------------------

    def _report(
        self,
        identities: list[tuple[str, str]],
        codes: list[str | None],
        index: npt.NDArray[np.int64],
        coded: Flags,
        accessions: Distinct | None,
    ) -> None:
        """Count rows and list those without patient or images."""
        result = self.result
        no_id = index < 0
        missing = ~no_id & ~coded
        reasons: list[tuple[str, Flags]] = [("no_patient_id", no_id), ("not_in_crosswalk", missing)]
        if self._known is not None:
            found = np.append(self._known.patients(codes), True)[index]
            reasons.append(("patient_without_images", coded & ~found))
            lost = np.unique(index[coded & ~found]).tolist()
            self._known.remember(identities[place] for place in lost)
            result.unmatched_patients = (result.unmatched_patients or 0) + int(
                (coded & ~found).sum()
            )
        if self._known is not None and accessions is not None:
            pseudonyms = self._pseudonyms.accessions(accessions.values)
            found = np.append(self._known.accessions(pseudonyms), True)[accessions.index]
            reasons.append(("accession_without_images", ~found))
            result.unmatched_accessions = (result.unmatched_accessions or 0) + int((~found).sum())
        left_out = int((~coded).sum()) if self._all_needed else 0
        result.left_out += left_out
        result.without_patient += 0 if self._all_needed else int(no_id.sum())
        if self.listing is not None:
            self._list(identities, index, accessions, reasons)
        result.rows += len(index)
        result.rows_written += len(index) - left_out

    def _list(
        self,
        identities: list[tuple[str, str]],
        index: npt.NDArray[np.int64],
        accessions: Distinct | None,
        reasons: list[tuple[str, Flags]],
    ) -> None:
        for reason, rows in reasons:
            for row in np.flatnonzero(rows).tolist():
                place = int(index[row])
                identity = identities[place] if place >= 0 else ("", "")
                at = -1 if accessions is None else int(accessions.index[row])
                accession = accessions.values[at] if accessions is not None and at >= 0 else ""
                self.listing.writerow([self.result.rows + row + 1, reason, *identity, accession])

    def finish(self) -> Linked:
        """Return what became of the table."""
        if self._known is not None:
            self.result.patients_without_rows = self._known.patients.n_left
            self.result.unmatched = self._known.explain()
        return self.result


def _as(columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """Return columns as rows of the schema that the first batch had."""
    arrays = []
    for field in schema:
        column = columns[field.name]
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        try:
            arrays.append(column if column.type == field.type else column.cast(field.type))
        except pa.ArrowException:
            raise InputError(f"the files of the table differ in column {field.name!r}") from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(kind: Any) -> Any:
    """Return the type in the output: dictionaries and other layouts of text are plain."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if text or pa.types.is_null(kind) else kind


def _sortable(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    return not (pa.types.is_nested(kind) or pa.types.is_null(kind))


@contextlib.contextmanager
def _listing(path: str | os.PathLike[str] | None) -> Iterator[Any]:
    """Yield a writer of a new CSV file of mode 0600 that appears when all is well."""
    if path is None:
        yield None
        return
    with new_text_file(path, PRIVATE) as file:
        writer = csv.writer(file)
        writer.writerow(["row", "reason", "patient_id", "issuer", "accession_number"])
        yield writer
