"""Columns of the link table and of the research manifest, made from outcomes, a partition at once.

One file costs a few list look-ups: raw values are turned into text and numbers once per distinct
value of a partition, then whole columns go to Arrow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import manifest
from fastdeid.dicom.text import decode
from fastdeid.manifest import ORIGINAL_FIELDS, PSEUDONYM_FIELDS, PUBLIC_FIELDS, Row
from fastdeid.verdicts import Verdict

_TYPES: Final = {
    "string": pa.string(),
    "binary": pa.binary(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
}
_NO_ORIGINALS: Final = (b"",) * len(ORIGINAL_FIELDS)
_NO_PSEUDONYMS: Final = ("",) * len(PSEUDONYM_FIELDS)
_NO_PUBLIC: Final = (b"",) * len(PUBLIC_FIELDS)
_T = TypeVar("_T")
_ESCAPE: Final = 0x1B
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_PLAIN_TEXT: Final = ("",)

# Columns that repeat over a series; a dictionary of the others would only cost time.
_REPEATING: Final = (
    *("verdict", "status", "reason", "reason_tag", "kind", "specific_character_set"),
    *("original_patient_id", "original_issuer_of_patient_id", "original_patient_name"),
    *("original_accession_number", "original_study_instance_uid"),
    *("original_series_instance_uid", "original_frame_of_reference_uid", "patient"),
    *("accession_number", "study_instance_uid", "series_instance_uid", "frame_of_reference_uid"),
    *("date_offset", "transfer_syntax_uid", "sop_class_uid", "modality", "manufacturer"),
    *("manufacturer_model_name", "body_part_examined", "image_type", "series_number"),
    *("samples_per_pixel", "photometric_interpretation", "number_of_frames", "rows", "columns"),
    *("bits_allocated", "bits_stored", "row_spacing", "column_spacing", "slice_thickness"),
    *("pixel_length", "trailing_length", "n_removed", "n_emptied", "n_replaced", "n_cleaned"),
    *("profile", "options"),
)


def schema(table: manifest.Table) -> pa.Schema:
    """Return the Arrow schema of a table; each field's metadata says PHI or public, and what."""
    fields = []
    for column in table.columns:
        notes = {"disclosure": column.disclosure, "description": column.description}
        fields.append(pa.field(column.name, _TYPES[column.type], metadata=notes))
    return pa.schema(fields, metadata={"description": table.description})


def repeating_columns(table: manifest.Table) -> list[str]:
    """Return the columns of a table that are worth a Parquet dictionary."""
    return [column.name for column in table.columns if column.name in _REPEATING]


class _Memo(dict[bytes, Any]):
    """Raw value bytes → converted value, each converted once."""

    __slots__ = ("_convert",)

    def __init__(self, convert: Callable[[bytes], Any]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, raw: bytes) -> Any:
        value = self[raw] = self._convert(raw)
        return value


def _text_of(charsets: tuple[str, ...]) -> Callable[[bytes], str | None]:
    def convert(raw: bytes) -> str | None:
        if raw.isascii() and _ESCAPE not in raw:
            text = raw.decode("ascii")
        else:
            text = decode(raw, charsets) or raw.decode("ascii", "backslashreplace")
            # A lone surrogate is not text that Arrow takes.
            text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        return text.strip(" \0") or None

    return convert


def charsets_of(raw: bytes) -> tuple[str, ...]:
    """Return the defined terms of a Specific Character Set value; ("",) when there are none."""
    terms = raw.decode("ascii", "replace").split("\\")
    return tuple(term.strip(" \0") for term in terms) or _PLAIN_TEXT


def _integer_string(raw: bytes) -> int | None:
    text = raw.decode("ascii", "replace").strip(" \0")
    return int(text) if _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> float | None:
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decimal_string(raw: bytes, place: int = 0) -> float | None:
    values = raw.decode("ascii", "replace").split("\\")
    return _decimal(values[place].strip(" \0")) if place < len(values) else None


def _second_decimal_string(raw: bytes) -> float | None:
    return _decimal_string(raw, 1)


def _little_endian(raw: bytes) -> int | None:
    return int.from_bytes(raw, "little") if len(raw) == 2 else None


def _big_endian(raw: bytes) -> int | None:
    return int.from_bytes(raw, "big") if len(raw) == 2 else None


class _Texts:
    """Decodes columns of raw text, each value in the character set of its row."""

    def __init__(self, declared: Sequence[bytes]) -> None:
        memos = {raw: _Memo(_text_of(charsets_of(raw))) for raw in set(declared)}
        self._single = next(iter(memos.values())) if len(memos) == 1 else None
        self._per_row = [] if self._single is not None else [memos[raw] for raw in declared]

    def __call__(self, values: Sequence[bytes]) -> list[str | None]:
        if self._single is not None:
            return list(map(self._single.__getitem__, values))
        return [memo[raw] for memo, raw in zip(self._per_row, values, strict=True)]


def _tag_text(tag: int) -> str | None:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else None


def _strings(values: Iterable[str]) -> pa.Array:
    """Return a string column in which the empty string is null."""
    return pa.array([str(value) or None for value in values], pa.string())


def _transposed(rows: Sequence[tuple[_T, ...]], blank: tuple[_T, ...]) -> list[tuple[_T, ...]]:
    """Turn rows into columns; no rows make as many empty columns as `blank` is wide."""
    return list(zip(*rows, strict=True)) if rows else [() for _ in blank]


def part_table(rows: Sequence[Row]) -> pa.Table:
    """Return the columns of one partition: those of both final tables, and `published`.

    Public columns of rows that are not ok are null: what was not written is not described.
    """
    ok = Verdict.OK
    columns: dict[str, pa.Array] = {
        "verdict": pa.array([str(row.verdict) for row in rows], pa.string()),
        "reason": _strings([row.reason for row in rows]),
        "reason_tag": pa.array([_tag_text(row.tag) for row in rows], pa.string()),
        "reason_offset": pa.array(
            [row.offset if row.offset >= 0 else None for row in rows], pa.int64()
        ),
        "output_path": _strings([row.path if row.verdict == ok else "" for row in rows]),
        "published": _strings([row.published for row in rows]),
        "transfer_syntax_uid": _strings([row.transfer_syntax for row in rows]),
        "date_offset": pa.array([row.date_offset or None for row in rows], pa.int32()),
    }
    for name in ("source_size", "output_size", "pixel_length", "trailing_length"):
        columns[name] = pa.array([getattr(row, name) for row in rows], pa.int64())
    for name in ("n_removed", "n_emptied", "n_replaced", "n_cleaned"):
        columns[name] = pa.array([getattr(row, name) for row in rows], pa.int32())
    originals = _transposed([row.originals or _NO_ORIGINALS for row in rows], _NO_ORIGINALS)
    texts = _Texts(originals[0])
    columns["specific_character_set"] = pa.array(texts(originals[0]), pa.string())
    for name, values in zip(ORIGINAL_FIELDS[1:], originals[1:], strict=True):
        columns[f"original_{name}"] = pa.array(texts(values), pa.string())
    pseudonyms = _transposed([row.pseudonyms or _NO_PSEUDONYMS for row in rows], _NO_PSEUDONYMS)
    for name, codes in zip(PSEUDONYM_FIELDS, pseudonyms, strict=True):
        columns[name] = _strings(codes)
    columns.update(_public_columns(rows, texts))
    return pa.table(columns)


def _public_columns(rows: Sequence[Row], texts: _Texts) -> dict[str, pa.Array]:
    ok = Verdict.OK
    public = [row.public if row.verdict == ok and row.public else _NO_PUBLIC for row in rows]
    raw = dict(zip(PUBLIC_FIELDS, _transposed(public, _NO_PUBLIC), strict=True))
    columns = {}
    for name in _PUBLIC_TEXTS:
        columns[name] = pa.array(texts(raw[name]), pa.string())
    for name in ("series_number", "instance_number", "number_of_frames"):
        memo = _Memo(_integer_string)
        columns[name] = pa.array(list(map(memo.__getitem__, raw[name])), pa.int64())
    orders = {False: _Memo(_little_endian), True: _Memo(_big_endian)}
    shorts = [orders[row.big_endian] for row in rows]
    for name in ("samples_per_pixel", "rows", "columns", "bits_allocated", "bits_stored"):
        numbers = [memo[value] for memo, value in zip(shorts, raw[name], strict=True)]
        columns[name] = pa.array(numbers, pa.int32())
    for name, source, convert in (
        ("row_spacing", "pixel_spacing", _decimal_string),
        ("column_spacing", "pixel_spacing", _second_decimal_string),
        ("slice_thickness", "slice_thickness", _decimal_string),
    ):
        memo = _Memo(convert)
        columns[name] = pa.array(list(map(memo.__getitem__, raw[source])), pa.float64())
    return columns


_PUBLIC_TEXTS: Final = (
    *("sop_class_uid", "modality", "manufacturer", "manufacturer_model_name"),
    *("body_part_examined", "image_type", "photometric_interpretation"),
)


def instances_table(paths: pa.Array, part: pa.Table) -> pa.Table:
    """Return the rows of LINK/instances.parquet.

    paths: the binary paths below SOURCE of the rows of `part`, in their order.
    """
    raw = paths.to_pylist()
    texts = [path.decode("utf-8", "replace") for path in raw]
    # Only a path that is not UTF-8 needs its bytes beside the text.
    odd = [None if text.encode() == path else path for text, path in zip(texts, raw, strict=True)]
    columns = {name: part.column(name) for name in part.column_names}
    columns["source_path"] = pa.array(texts, pa.string())
    columns["source_path_bytes"] = pa.array(odd, pa.binary())
    return _as_declared(manifest.INSTANCES, columns)


def manifest_table(part: pa.Table, profile: str, options: str) -> pa.Table:
    """Return the rows of TARGET/manifest.parquet, ordered by output path and pseudonyms.

    The order of SOURCE must not show: folders named after patients would give away the
    alphabetical rank of each pseudonym.
    """
    part = part.filter(pc.is_valid(part.column("sop_instance_uid")))
    part = part.append_column("status", part.column("verdict"))
    keys = ("patient", "study_instance_uid", "series_instance_uid", "sop_instance_uid", "status")
    order = pc.sort_indices(part, [(key, "ascending") for key in ("output_path", *keys, "reason")])
    part = part.take(order).combine_chunks()
    columns = {name: part.column(name) for name in part.column_names}
    columns["profile"] = pa.repeat(pa.scalar(profile), part.num_rows)
    columns["options"] = pa.repeat(pa.scalar(options), part.num_rows)
    return _as_declared(manifest.MANIFEST, columns)


def identities_table(part: pa.Table) -> pa.Table:
    """Return the rows of LINK/identities.parquet: distinct, ordered by kind and original."""
    nothing = pa.nulls(part.num_rows, pa.string())
    pieces = []
    for kind in PSEUDONYM_FIELDS:
        if kind == "sop_instance_uid":
            continue
        patient = kind == "patient"
        columns = {
            "original": part.column("original_patient_id" if patient else f"original_{kind}"),
            "issuer": part.column("original_issuer_of_patient_id") if patient else nothing,
            "name": part.column("original_patient_name") if patient else nothing,
            "pseudonym": part.column(kind),
            "date_offset": part.column("date_offset")
            if patient
            else pa.nulls(part.num_rows, pa.int32()),
        }
        piece = pa.table(columns).filter(pc.is_valid(part.column(kind)))
        piece = piece.group_by(piece.column_names, use_threads=False).aggregate([])
        piece = piece.append_column("kind", pa.repeat(pa.scalar(kind), piece.num_rows))
        distinct = {name: piece.column(name) for name in piece.column_names}
        pieces.append(_as_declared(manifest.IDENTITIES, distinct))
    return pa.concat_tables(pieces)


def distinct_identities(tables: Sequence[pa.Table]) -> pa.Table:
    """Merge tables of identities into one, distinct and ordered."""
    merged = pa.concat_tables(tables)
    merged = merged.group_by(merged.column_names, use_threads=False).aggregate([])
    order = pc.sort_indices(merged, [(name, "ascending") for name in merged.column_names])
    return merged.take(order).combine_chunks().cast(schema(manifest.IDENTITIES))


def _as_declared(table: manifest.Table, columns: dict[str, Any]) -> pa.Table:
    declared = schema(table)
    return pa.table([columns[name] for name in declared.names], schema=declared)
