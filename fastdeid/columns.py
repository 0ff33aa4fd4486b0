"""Outcomes of a partition turned into columns, the stuff of the link table and the manifest.

Files of a series agree in almost everything: what they share is converted once and spread over
their rows, so that a file costs a few microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.manifest import ORIGINAL_FIELDS, PSEUDONYM_FIELDS, PUBLIC_FIELDS
from fastdeid.outcome import INSTANCE, ORIGINAL_INSTANCE, Outcome
from fastdeid.verdicts import WITH_OUTPUT

_NO_PUBLIC: Final = (b"",) * len(PUBLIC_FIELDS)

_WITH_OUTPUT: Final = pa.array(sorted(WITH_OUTPUT), pa.string())
_ESCAPE: Final = 0x1B
_LONGEST_INTEGER: Final = 18
_PADDING: Final = " \0"
_BYTE_PADDING: Final = b" \0"


def part_table(rows: Sequence[Outcome]) -> pa.Table:
    """Return the columns of one partition: those of both final tables, and `published`.

    Public columns of rows that are not ok are null: what was not written is not described.
    """
    distinct, spread = _distinct(rows)
    shared = pa.RecordBatch.from_pydict(_shared_columns(distinct))
    columns = dict(zip(shared.schema.names, shared.take(pa.array(spread, pa.int32())), strict=True))
    paths = [row.path or None if row.verdict in WITH_OUTPUT else None for row in rows]
    columns["output_path"] = pa.array(paths, pa.string())
    columns["source_size"] = pa.array([row.source_size for row in rows], pa.int64())
    columns["output_size"] = pa.array([row.output_size for row in rows], pa.int64())
    shards = [row.shard or None for row in rows]
    columns["shard"] = pa.array(shards, pa.string())
    offsets = [row.shard_offset if row.shard else None for row in rows]
    columns["shard_offset"] = pa.array(offsets, pa.int64())
    columns["source_digest"] = pa.array([row.source_digest or None for row in rows], pa.string())
    stands = [row.verdict in WITH_OUTPUT for row in rows]
    digests = [
        row.output_digest or None if has else None for row, has in zip(rows, stands, strict=True)
    ]
    columns["output_digest"] = pa.array(digests, pa.string())
    originals = [_uid(row.original_instance) for row in rows]
    columns["original_sop_instance_uid"] = pa.array(originals, pa.string())
    codes = [row.instance or None for row in rows]
    columns["sop_instance_uid"] = pa.array(codes, pa.string())
    numbers = [row.instance_number if has else b"" for row, has in zip(rows, stands, strict=True)]
    columns["instance_number"] = pa.array([_integer_string(raw) for raw in numbers], pa.int64())
    columns.update(_pixel_columns(rows, stands))
    return pa.table(columns)


def _pixel_columns(rows: Sequence[Outcome], stands: Sequence[bool]) -> dict[str, pa.Array]:
    """Return what became of the pixels; nothing is said where no stage was about them."""
    columns: dict[str, pa.Array] = {}
    for name in ("frames_examined", "frames_masked"):
        counts = [getattr(row, name) or None for row in rows]
        columns[name] = pa.array(counts, pa.int64())
    masks = [
        msgspec.json.encode(row.masks).decode() if has and row.masks else None
        for row, has in zip(rows, stands, strict=True)
    ]
    columns["masks"] = pa.array(masks, pa.string())
    return columns


def has_output(verdicts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell of a column of verdicts, or of statuses, which rows have an output of their own."""
    return pc.is_in(verdicts.cast(pa.string()), value_set=_WITH_OUTPUT)


def pixel_counts(rows: pa.Table) -> dict[str, int]:
    """Return how many instances and frames were examined and masked; {} when none was."""
    counts = {}
    stands = has_output(rows.column("verdict"))
    for name in ("frames_examined", "frames_masked"):
        column = rows.column(name).filter(stands)
        counts[name.replace("frames", "instances")] = len(column) - column.null_count
        counts[name] = pc.sum(column).as_py() or 0
    return counts if any(counts.values()) else {}


def references_table(rows: Sequence[Outcome]) -> pa.Table:
    """Return what the outputs of one partition refer to: row in the partition, digest of the UID.

    Only outputs that stand are asked.
    """
    known: dict[bytes, int] = {}
    places: list[int] = []
    targets: list[int] = []
    for place, row in enumerate(rows):
        if not row.references or row.verdict not in WITH_OUTPUT:
            continue
        for uid in row.references:
            target = known.get(uid)
            if target is None:
                target = known[uid] = digest_of_uid(uid)
            places.append(place)
            targets.append(target)
    return pa.table({"row": pa.array(places, pa.int32()), "target": pa.array(targets, pa.int64())})


def digest_of_uid(uid: bytes) -> int:
    """Return 64 bits that stand for an original UID, without padding.

    Two of a million UIDs that have no output and a thousand million references share them by chance
    with a probability below one in ten thousand.
    """
    return int.from_bytes(blake2b(uid, digest_size=8).digest(), "little", signed=True)


def _distinct(rows: Sequence[Outcome]) -> tuple[list[Outcome], list[int]]:
    """Return a row of each series, and for every row the place of its series among them."""
    places: dict[tuple[Any, ...], int] = {}
    distinct: list[Outcome] = []
    spread = []
    last: tuple[Any, ...] = ()
    place = -1
    for row in rows:
        shared = _shared(row)
        # Comparing with the row before is cheaper than a hash of all the values.
        if shared != last:
            last = shared
            place = places.setdefault(shared, len(places))
            if place == len(distinct):
                distinct.append(row)
        spread.append(place)
    return distinct, spread


def _shared(row: Outcome) -> tuple[Any, ...]:
    """Return everything of an outcome that the files of a series may share."""
    return (
        row.verdict,
        row.reason,
        row.tag,
        row.offset,
        row.published,
        row.transfer_syntax,
        row.big_endian,
        row.pixel_length,
        row.trailing_length,
        row.n_removed,
        row.n_emptied,
        row.n_replaced,
        row.n_cleaned,
        row.shared,
    )


def _shared_columns(rows: Sequence[Outcome]) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {
        "verdict": _strings([row.verdict for row in rows]),
        "reason": _strings([row.reason for row in rows]),
        "reason_tag": _strings([_tag(row.tag) for row in rows]),
        "reason_offset": pa.array(
            [row.offset if row.offset >= 0 else None for row in rows], pa.int64()
        ),
        "published": _strings([row.published for row in rows]),
        "transfer_syntax_uid": _strings([row.transfer_syntax for row in rows]),
        "date_offset": pa.array([row.shared.date_offset or None for row in rows], pa.int32()),
        "pixel_length": pa.array([row.pixel_length for row in rows], pa.int64()),
        "trailing_length": pa.array([row.trailing_length for row in rows], pa.int64()),
        "n_removed": pa.array([row.n_removed for row in rows], pa.int32()),
        "n_emptied": pa.array([row.n_emptied for row in rows], pa.int32()),
        "n_replaced": pa.array([row.n_replaced for row in rows], pa.int32()),
        "n_cleaned": pa.array([row.n_cleaned for row in rows], pa.int32()),
    }
    originals = _transposed([row.shared.originals for row in rows], len(ORIGINAL_FIELDS))
    texts = _Texts(originals[0])
    columns["specific_character_set"] = texts(originals[0])
    for place, name in enumerate(ORIGINAL_FIELDS[1:], 1):
        if place != ORIGINAL_INSTANCE:
            columns[f"original_{name}"] = texts(originals[place])
    pseudonyms = _transposed([row.shared.pseudonyms for row in rows], len(PSEUDONYM_FIELDS))
    for place, name in enumerate(PSEUDONYM_FIELDS):
        if place != INSTANCE:
            columns[name] = _strings(pseudonyms[place])
    columns.update(_public_columns(rows, texts))
    return columns


def _public_columns(rows: Sequence[Outcome], texts: _Texts) -> dict[str, pa.Array]:
    public = [row.shared.public if row.verdict in WITH_OUTPUT else _NO_PUBLIC for row in rows]
    raw = dict(zip(PUBLIC_FIELDS, _transposed(public, len(PUBLIC_FIELDS)), strict=True))
    columns = {name: texts(raw[name]) for name in _PUBLIC_TEXTS}
    for name in ("series_number", "number_of_frames"):
        columns[name] = _numbers(_integer_string, raw[name], pa.int64())
    orders = [row.big_endian for row in rows]
    for name in ("samples_per_pixel", "rows", "columns", "bits_allocated", "bits_stored"):
        pairs = list(zip(raw[name], orders, strict=True))
        columns[name] = _numbers(_unsigned_short, pairs, pa.int32())
    columns["row_spacing"] = _numbers(_first_decimal, raw["pixel_spacing"], pa.float64())
    columns["column_spacing"] = _numbers(_second_decimal, raw["pixel_spacing"], pa.float64())
    columns["slice_thickness"] = _numbers(_first_decimal, raw["slice_thickness"], pa.float64())
    return columns


_PUBLIC_TEXTS: Final = (
    *("sop_class_uid", "modality", "manufacturer", "manufacturer_model_name"),
    *("body_part_examined", "image_type", "photometric_interpretation"),
    *("patient_sex", "patient_age", "study_date"),
)


def _transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """Turn rows of `width` values into columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


# Text ----------------------------------------------------------------------------------------


class _Texts:
    """Turns columns of raw text into string columns, each value in its row's character set."""

    def __init__(self, declared: Sequence[bytes]) -> None:
        self._charsets = [parse_charsets(raw) for raw in declared]
        self._known: dict[tuple[bytes, tuple[str, ...]], str | None] = {}

    def __call__(self, values: Sequence[bytes]) -> pa.Array:
        """Return one column, empty values as null."""
        known = self._known
        texts = []
        for pair in zip(values, self._charsets, strict=True):
            if pair not in known:
                known[pair] = _text(*pair)
            texts.append(known[pair])
        return pa.array(texts, pa.string())


def _text(raw: bytes, charsets: tuple[str, ...]) -> str | None:
    if raw.isascii() and _ESCAPE not in raw:
        return raw.decode("ascii").strip(_PADDING) or None
    text = decode(raw, charsets) or raw.decode("ascii", "backslashreplace")
    # A lone surrogate is not text that Arrow takes.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.strip(_PADDING) or None


def _uid(raw: bytes) -> str | None:
    return raw.strip(_BYTE_PADDING).decode("ascii", "backslashreplace") or None


def _strings(values: Iterable[str]) -> pa.Array:
    """Return a string column in which the empty string is null."""
    return pa.array([str(value) or None for value in values], pa.string())


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else ""


# Numbers -------------------------------------------------------------------------------------


def _numbers(convert: Callable[[Any], Any], values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column of numbers, each distinct value converted once."""
    known = {value: convert(value) for value in set(values)}
    return pa.array([known[value] for value in values], kind)


def _integer_string(raw: bytes) -> int | None:
    """Return the number of an IS value, None when it is none (PS3.5 section 6.2)."""
    digits = raw.strip(_BYTE_PADDING)
    unsigned = digits[1:] if digits[:1] in (b"+", b"-") else digits
    return int(digits) if unsigned.isdigit() and len(unsigned) <= _LONGEST_INTEGER else None


def _unsigned_short(pair: tuple[bytes, bool]) -> int | None:
    raw, big_endian = pair
    return int.from_bytes(raw, "big" if big_endian else "little") if len(raw) == 2 else None


def _first_decimal(raw: bytes) -> float | None:
    return _decimal(raw.split(b"\\")[0])


def _second_decimal(raw: bytes) -> float | None:
    values = raw.split(b"\\")
    return _decimal(values[1]) if len(values) > 1 else None


def _decimal(raw: bytes) -> float | None:
    try:
        value = float(raw.strip(_BYTE_PADDING)) if b"_" not in raw else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
