"""The final tables, made from the columns of the partitions."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import manifest
from fastdeid.columns import part_table

_BOX: Final = pa.struct(
    [
        *(pa.field(name, pa.int32()) for name in ("first_frame", "last_frame")),
        *(pa.field(name, pa.int32()) for name in ("top", "left", "bottom", "right")),
        pa.field("reason", pa.string()),
        pa.field("score", pa.float32()),
    ]
)
# Boxes that were filled, see `pixels.masked_box`. "element" is Parquet's name for what lists hold.
_BOXES: Final = pa.list_(pa.field("element", _BOX))
_TYPES: Final = {
    "string": pa.string(),
    "binary": pa.binary(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "boxes": _BOXES,
}

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
    *("frames_examined", "frames_masked"),
    *("patient_sex", "patient_age", "study_date", "profile", "options", "shard"),
)


@cache
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


def instances_table(paths: pa.Array, part: pa.Table) -> pa.Table:
    """Return the rows of LINK/instances.parquet.

    paths: the binary paths below SOURCE of the rows of `part`, in their order.
    """
    columns = {name: part.column(name) for name in part.column_names}
    columns["source_path"], columns["source_path_bytes"] = _shown(paths)
    return _as_declared(manifest.INSTANCES, columns)


def _shown(paths: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return paths as text, and the bytes of those that are not UTF-8."""
    try:
        return paths.cast(pa.string()), pa.nulls(len(paths), pa.binary())
    except pa.ArrowInvalid:
        raw = paths.to_pylist()
        texts = [path.decode("utf-8", "replace") for path in raw]
        odd = [
            path if text.encode() != path else None for text, path in zip(texts, raw, strict=True)
        ]
        return pa.array(texts, pa.string()), pa.array(odd, pa.binary())


# The order of SOURCE must not show: folders named after patients would give away the alphabetical
# rank of each pseudonym.
MANIFEST_ORDER: Final = (
    *("output_path", "patient", "study_instance_uid", "series_instance_uid", "sop_instance_uid"),
    *("status", "reason"),
)


def manifest_rows(part: pa.Table) -> pa.Table:
    """Return the rows of a partition that go into TARGET/manifest.parquet, in any order."""
    part = part.append_column("status", part.column("verdict"))
    held = set(part.column_names)
    rows = part.select([one.name for one in manifest.MANIFEST.columns if one.name in held])
    uids = rows.column("sop_instance_uid")
    return rows.filter(pc.is_valid(uids)) if uids.null_count else rows


def manifest_table(rows: pa.Table, profile: str, options: str) -> pa.Table:
    """Return rows of TARGET/manifest.parquet, made of what `manifest_rows` has returned."""
    columns = {name: rows.column(name) for name in rows.column_names}
    columns["masks"] = _boxes(rows.column("masks"))
    columns["profile"] = pa.repeat(pa.scalar(profile), rows.num_rows)
    columns["options"] = pa.repeat(pa.scalar(options), rows.num_rows)
    return _as_declared(manifest.MANIFEST, columns)


def _boxes(written: pa.ChunkedArray) -> pa.Array:
    if written.null_count == len(written):
        return pa.nulls(len(written), _BOXES)
    decoded = [None if one is None else msgspec.json.decode(one) for one in written.to_pylist()]
    return pa.array(decoded, _BOXES)


_IDENTITY_COLUMNS: Final = (
    *("original_patient_id", "original_issuer_of_patient_id", "original_patient_name"),
    *("date_offset", "original_accession_number", "original_study_instance_uid"),
    *("original_series_instance_uid", "original_frame_of_reference_uid"),
    *("patient", "accession_number", "study_instance_uid", "series_instance_uid"),
    "frame_of_reference_uid",
)


class Identities:
    """Collects the rows of LINK/identities.parquet. What is held grows with the series."""

    _MOST: Final = 131_072

    def __init__(self) -> None:
        self._held: list[pa.Table] = [part_table([]).select(_IDENTITY_COLUMNS)]
        self._n_held = 0
        self._most = self._MOST

    def add(self, part: pa.Table) -> None:
        """Take the rows of one partition."""
        rows = _distinct(part.select(_IDENTITY_COLUMNS))
        self._held.append(rows)
        self._n_held += rows.num_rows
        if self._n_held > self._most:
            self._held = [_distinct(pa.concat_tables(self._held))]
            self._n_held = self._held[0].num_rows
            self._most = max(self._MOST, 2 * self._n_held)

    def table(self) -> pa.Table:
        """Return the rows: distinct, ordered by kind and original."""
        rows = _distinct(pa.concat_tables(self._held))
        merged = pa.concat_tables([_identities(rows, kind) for kind in _KINDS])
        order = pc.sort_indices(merged, [(name, "ascending") for name in merged.column_names])
        return merged.take(order).combine_chunks().cast(schema(manifest.IDENTITIES))


_KINDS: Final = tuple(kind for kind in manifest.PSEUDONYM_FIELDS if kind != "sop_instance_uid")


def _identities(part: pa.Table, kind: str) -> pa.Table:
    nothing = pa.nulls(part.num_rows, pa.string())
    patient = kind == "patient"
    original = part.column("original_patient_id" if patient else f"original_{kind}")
    columns = {
        "kind": pa.repeat(pa.scalar(kind), part.num_rows),
        "original": original,
        "issuer": part.column("original_issuer_of_patient_id") if patient else nothing,
        "name": part.column("original_patient_name") if patient else nothing,
        "pseudonym": part.column(kind),
        "date_offset": part.column("date_offset") if patient else nothing.cast(pa.int32()),
    }
    # A patient without an ID has a pseudonym too; nothing else has one without an original.
    known = pc.is_valid(part.column(kind) if patient else original)
    return _distinct(_as_declared(manifest.IDENTITIES, columns).filter(known))


def _distinct(table: pa.Table) -> pa.Table:
    distinct = table.group_by(table.column_names, use_threads=False).aggregate([])
    return distinct.select(table.column_names).cast(table.schema)


def _as_declared(table: manifest.Table, columns: dict[str, Any]) -> pa.Table:
    declared = schema(table)
    return pa.table([columns[name] for name in declared.names], schema=declared)
