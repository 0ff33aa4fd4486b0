"""What the link table and the research manifest hold: every column declared PHI or public.

The declarations are data without pyarrow, so that `fastdeid manifest schema` answers at once;
`fastdeid.tables` turns outcomes into columns of these types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PHI: Final = "PHI"
PUBLIC: Final = "public"

INSTANCES_FILE: Final = "instances.parquet"
IDENTITIES_FILE: Final = "identities.parquet"
REFERENCES_FILE: Final = "references.parquet"
MANIFEST_FILE: Final = "manifest.parquet"


class Column(NamedTuple):
    """One column: name, Arrow type name, PHI or public, and what it holds."""

    name: str
    type: str
    disclosure: str
    description: str


class Table(NamedTuple):
    """One file: name, where it stands, what it is, and its columns in order."""

    file: str
    place: str
    description: str
    columns: tuple[Column, ...]


ORIGINAL_FIELDS: Final = (
    "specific_character_set",
    "patient_id",
    "issuer_of_patient_id",
    "patient_name",
    "accession_number",
    "study_instance_uid",
    "series_instance_uid",
    "sop_instance_uid",
    "frame_of_reference_uid",
)
PSEUDONYM_FIELDS: Final = (
    "patient",
    "accession_number",
    "study_instance_uid",
    "series_instance_uid",
    "sop_instance_uid",
    "frame_of_reference_uid",
)
PUBLIC_FIELDS: Final = (
    "sop_class_uid",
    "modality",
    "manufacturer",
    "manufacturer_model_name",
    "body_part_examined",
    "image_type",
    "series_number",
    "instance_number",
    "samples_per_pixel",
    "photometric_interpretation",
    "number_of_frames",
    "rows",
    "columns",
    "bits_allocated",
    "bits_stored",
    "pixel_spacing",
    "slice_thickness",
    "patient_sex",
    "patient_age",
    "study_date",
)

_ORIGINALS: Final = (
    Column("original_patient_id", "string", PHI, "(0010,0020) of the input"),
    Column("original_issuer_of_patient_id", "string", PHI, "(0010,0021) of the input"),
    Column("original_patient_name", "string", PHI, "(0010,0010) of the input"),
    Column("original_accession_number", "string", PHI, "(0008,0050) of the input"),
    Column("original_study_instance_uid", "string", PHI, "(0020,000D) of the input"),
    Column("original_series_instance_uid", "string", PHI, "(0020,000E) of the input"),
    Column("original_sop_instance_uid", "string", PHI, "(0008,0018) of the input"),
    Column("original_frame_of_reference_uid", "string", PHI, "(0020,0052) of the input"),
)
_PSEUDONYMS: Final = (
    Column("patient", "string", PUBLIC, "patient code: Patient ID and Name of the output"),
    Column("accession_number", "string", PUBLIC, "Accession Number of the output"),
    Column("study_instance_uid", "string", PUBLIC, "Study Instance UID of the output"),
    Column("series_instance_uid", "string", PUBLIC, "Series Instance UID of the output"),
    Column("sop_instance_uid", "string", PUBLIC, "SOP Instance UID of the output"),
    Column("frame_of_reference_uid", "string", PUBLIC, "Frame of Reference UID of the output"),
)
_PLACE: Final = (
    Column("reason", "string", PUBLIC, "why there is no output, one word; null when ok"),
    Column("reason_tag", "string", PUBLIC, "(gggg,eeee) of the element concerned; null when none"),
    Column("reason_offset", "int64", PUBLIC, "byte of the input concerned; null when none"),
)
_SHARD: Final = (
    Column("shard", "string", PUBLIC, "tar file below TARGET that holds the output; null: none"),
    Column("shard_offset", "int64", PUBLIC, "first byte of the output in the tar file"),
)
_COUNTS: Final = (
    Column("n_removed", "int32", PUBLIC, "elements removed, a sequence counts once"),
    Column("n_emptied", "int32", PUBLIC, "elements whose value was emptied"),
    Column("n_replaced", "int32", PUBLIC, "elements whose value was replaced"),
    Column("n_cleaned", "int32", PUBLIC, "kept elements cleaned by the leak check"),
)
_PIXELS: Final = (
    Column("frames_examined", "int64", PUBLIC, "frames in which text was sought; null: none"),
    Column("frames_masked", "int64", PUBLIC, "frames with filled boxes; null: none"),
)
_MASKS: Final = (
    "first and last frame from 1; top, left, bottom, right, end exclusive; reason: text, "
    "outside_ultrasound_regions or the name of a region rule; score"
)

INSTANCES: Final = Table(
    INSTANCES_FILE,
    "link table",
    "One row per entry of SOURCE, in the order of the plan.",
    (
        Column("source_path", "string", PHI, "path below SOURCE; other than UTF-8 as U+FFFD"),
        Column("source_path_bytes", "binary", PHI, "the path's bytes where they are not UTF-8"),
        Column("source_size", "int64", PHI, "bytes of the input file"),
        Column("verdict", "string", PUBLIC, "what became of the file; ok, review have outputs"),
        *_PLACE,
        Column("output_path", "string", PUBLIC, "path below TARGET; a duplicate names its twin's"),
        Column("output_size", "int64", PUBLIC, "bytes of the output file; 0 when none"),
        *_SHARD,
        Column("source_digest", "string", PHI, "BLAKE2b-256 of the input file, with --digests"),
        Column("output_digest", "string", PUBLIC, "BLAKE2b-256 of the output file, with --digests"),
        *_ORIGINALS,
        *_PSEUDONYMS,
        Column("date_offset", "int32", PHI, "the patient's date offset in days, never 0"),
        Column("specific_character_set", "string", PUBLIC, "(0008,0005) of the input"),
        Column("transfer_syntax_uid", "string", PUBLIC, "of input and output"),
        Column("pixel_length", "int64", PUBLIC, "bytes of pixel data"),
        Column("trailing_length", "int64", PUBLIC, "bytes behind the data set, dropped"),
        *_COUNTS,
        *_PIXELS,
        Column("masks", "string", PUBLIC, f"filled boxes as JSON: {_MASKS}"),
    ),
)

IDENTITIES: Final = Table(
    IDENTITIES_FILE,
    "link table",
    "Every original with its pseudonym, once per kind; SOP instances are in instances.parquet.",
    (
        Column("kind", "string", PUBLIC, "patient, accession_number, study_instance_uid, ..."),
        Column("original", "string", PHI, "the value in the input"),
        Column("issuer", "string", PHI, "Issuer of Patient ID, for kind patient"),
        Column("name", "string", PHI, "Patient's Name, for kind patient"),
        Column("pseudonym", "string", PUBLIC, "the value in the output"),
        Column("date_offset", "int32", PHI, "the patient's date offset in days, for kind patient"),
    ),
)

REFERENCES: Final = Table(
    REFERENCES_FILE,
    "link table",
    "One row per reference of an output to an instance of SOURCE that has no output.",
    (
        Column("source_path", "string", PHI, "of the file that refers, path below SOURCE"),
        Column("output_path", "string", PUBLIC, "of the file that refers, path below TARGET"),
        Column("referenced_sop_instance_uid", "string", PHI, "(0008,1155) in the input"),
        Column("referenced_source_path", "string", PHI, "of the file without an output"),
        Column("verdict", "string", PUBLIC, "what became of that file"),
        *_PLACE,
    ),
)

MANIFEST: Final = Table(
    MANIFEST_FILE,
    "TARGET",
    "One row per instance that has pseudonyms, ordered by them, never by SOURCE.",
    (
        Column("output_path", "string", PUBLIC, "path below TARGET; null when there is no output"),
        Column(
            "status",
            "string",
            PUBLIC,
            "ok, review (of masks), duplicate, collision, quarantined",
        ),
        _PLACE[0],
        *_PSEUDONYMS,
        Column("sop_class_uid", "string", PUBLIC, "(0008,0016)"),
        Column("transfer_syntax_uid", "string", PUBLIC, "(0002,0010)"),
        Column("modality", "string", PUBLIC, "(0008,0060)"),
        Column("study_date", "string", PUBLIC, "(0008,0020), as in the output: shifted, or none"),
        Column("patient_sex", "string", PUBLIC, "(0010,0040), as in the output"),
        Column("patient_age", "string", PUBLIC, "(0010,1010), as in the output"),
        Column("manufacturer", "string", PUBLIC, "(0008,0070), as in the output"),
        Column("manufacturer_model_name", "string", PUBLIC, "(0008,1090), as in the output"),
        Column("body_part_examined", "string", PUBLIC, "(0018,0015), as in the output"),
        Column("image_type", "string", PUBLIC, "(0008,0008), values parted by a backslash"),
        Column("series_number", "int64", PUBLIC, "(0020,0011)"),
        Column("instance_number", "int64", PUBLIC, "(0020,0013)"),
        Column("samples_per_pixel", "int32", PUBLIC, "(0028,0002)"),
        Column("photometric_interpretation", "string", PUBLIC, "(0028,0004)"),
        Column("number_of_frames", "int64", PUBLIC, "(0028,0008); null when single-frame"),
        Column("rows", "int32", PUBLIC, "(0028,0010)"),
        Column("columns", "int32", PUBLIC, "(0028,0011)"),
        Column("bits_allocated", "int32", PUBLIC, "(0028,0100)"),
        Column("bits_stored", "int32", PUBLIC, "(0028,0101)"),
        Column("row_spacing", "float64", PUBLIC, "mm between rows, first of (0028,0030)"),
        Column("column_spacing", "float64", PUBLIC, "mm between columns, second of (0028,0030)"),
        Column("slice_thickness", "float64", PUBLIC, "mm, (0018,0050)"),
        Column("output_size", "int64", PUBLIC, "bytes of the output file; 0 when none"),
        *_SHARD,
        Column("output_digest", "string", PUBLIC, "BLAKE2b-256 of the output file, with --digests"),
        Column("pixel_length", "int64", PUBLIC, "bytes of pixel data"),
        *_COUNTS,
        *_PIXELS,
        Column("masks", "boxes", PUBLIC, f"filled boxes: {_MASKS}"),
        Column("profile", "string", PUBLIC, "name and version of the profile"),
        Column("options", "string", PUBLIC, "options of PS3.15 Annex E applied, parted by blanks"),
    ),
)

TABLES: Final = (INSTANCES, IDENTITIES, REFERENCES, MANIFEST)


def describe(tables: Sequence[Table] = TABLES) -> Iterator[str]:
    """Yield the lines of a text that documents every column of every table."""
    for table in tables:
        yield f"{table.file} ({table.place}): {table.description}"
        width = max(len(column.name) for column in table.columns)
        for column in table.columns:
            head = f"  {column.name:<{width}}  {column.type:<7}  {column.disclosure:<6}"
            yield f"{head}  {column.description}"
        yield ""
