"""Action codes on one value: the replacement, and what the leak check has to search for."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Final

import msgspec

from fastdeid.dates import shift_unix, shift_value
from fastdeid.documents import dummy_document
from fastdeid.dummies import dummy_items, dummy_value, pad
from fastdeid.kinds import Kind
from fastdeid.moments import shift_moment
from fastdeid.needles import NOT_IN_DIGITS, SHORTEST_UID, Needle, find_needles
from fastdeid.pseudonyms import Pseudonyms

__all__ = ["Context", "Needle", "resolve"]

OLDEST: Final = 89
CAPPED_AGE: Final = b"090Y"

_PADDING: Final = b" \0"
_AGE: Final = re.compile(rb"\d{1,3}[DWMY]")


class Context(msgspec.Struct):
    """What a replacement may depend on beside the value itself.

    date_offset: days to add to every date of the patient, 0 where there is none to shift by.
    patient: code of the file's patient. charsets: values of (0008,0005) in force. explicit,
    big_endian: encoding of the data set. time_offset: minutes to add to times of day, 0 where they
    stay. mime_type: of the encapsulated document, "" for none.
    """

    patient: str
    charsets: tuple[str, ...]
    explicit: bool
    big_endian: bool
    mime_type: str
    sop_class: str
    date_offset: int = 0
    time_offset: int = 0


def resolve(
    kind: Kind, raw: bytes, context: Context, pseudonyms: Pseudonyms, registry: frozenset[bytes]
) -> tuple[bytes, list[Needle]]:
    """Return the new value of an element, padded, and the needles of the old one.

    raw: the value as it stands in the file. The new value is b"" where `kind` only learns. Empty
    values stay empty, except under action D.

    Raises DicomError for an encapsulated document of a MIME type without a dummy.
    """
    if kind.vr == "UI" and is_one_uid(kind, raw):
        return map_one_uid(raw, pseudonyms, registry)
    value = _REPLACEMENTS[kind.replace](kind, raw, context, pseudonyms, registry)
    if not kind.harvest:
        return value, []
    needles = find_needles(kind.harvest, raw, context.charsets)
    if kind.harvest == "uid":
        needles = [needle for needle in needles if needle.value not in registry]
    return value, needles


def is_one_uid(kind: Kind, raw: bytes) -> bool:
    """Tell whether `map_one_uid` may resolve a value."""
    return kind.replace == "map_uid" and kind.harvest == "uid" and b"\\" not in raw


def map_one_uid(
    raw: bytes, pseudonyms: Pseudonyms, registry: frozenset[bytes]
) -> tuple[bytes, list[Needle]]:
    """Resolve a single UID: every instance has a new one, so this is most of the work on a file."""
    uid = raw.strip(_PADDING)
    if not uid or uid in registry:
        return pad(raw, "UI"), []
    mapped = pseudonyms.uid(uid)
    needles = [Needle(uid, NOT_IN_DIGITS)] if len(uid) >= SHORTEST_UID else []
    return mapped if len(mapped) & 1 == 0 else mapped + b"\0", needles


_Replacement = Callable[[Kind, bytes, Context, Pseudonyms, frozenset[bytes]], bytes]


def _nothing(*_: object) -> bytes:
    return b""


def _dummy(kind: Kind, *_: object) -> bytes:
    return dummy_value(kind.vr, kind.vm, kind.tag)


def _map_uid(
    kind: Kind, raw: bytes, _: Context, pseudonyms: Pseudonyms, registry: frozenset[bytes]
) -> bytes:
    """Map each UID by value; what the PS3.6 registry knows stays."""
    mapped = []
    for value in raw.split(b"\\"):
        uid = value.strip(_PADDING)
        mapped.append(value if not uid or uid in registry else pseudonyms.uid(uid))
    return pad(b"\\".join(mapped), kind.vr)


def _patient(kind: Kind, raw: bytes, context: Context, *_: object) -> bytes:
    return pad(context.patient.encode("ascii"), kind.vr) if raw.strip(_PADDING) else b""


def _accession(
    kind: Kind, raw: bytes, context: Context, pseudonyms: Pseudonyms, _: frozenset[bytes]
) -> bytes:
    from fastdeid.dicom.text import decode

    value = raw.strip(_PADDING)
    if not value:
        return b""
    text = decode(value, context.charsets)
    original = value.decode("latin_1") if text is None else text
    return pad(pseudonyms.accession(original).encode("ascii"), kind.vr)


def _document(kind: Kind, _: bytes, context: Context, *__: object) -> bytes:
    return pad(dummy_document(context.mime_type), kind.vr)


def _document_length(_: Kind, __: bytes, context: Context, *___: object) -> bytes:
    length = len(dummy_document(context.mime_type))
    return struct.pack(">I" if context.big_endian else "<I", length)


def _items(kind: Kind, _: bytes, context: Context, *__: object) -> bytes:
    return dummy_items(
        kind.tag, context.sop_class, explicit=context.explicit, big_endian=context.big_endian
    )


def _shift(kind: Kind, raw: bytes, context: Context, *_: object) -> bytes:
    """Move dates by the patient's offset; what does not parse is not kept."""
    if context.time_offset and context.date_offset:
        moved = shift_moment(kind.vr, raw, context.date_offset, context.time_offset)
    else:
        moved = shift_value(kind.vr, raw, context.date_offset) if context.date_offset else None
    return _otherwise(kind) if moved is None else pad(moved, kind.vr)


def _shift_unix(kind: Kind, raw: bytes, context: Context, *_: object) -> bytes:
    """Move seconds since 1970 as dates with their times move; what is none is not kept."""
    days, minutes = context.date_offset, context.time_offset
    moved = shift_unix(kind.vr, raw, days, minutes, big_endian=context.big_endian) if days else None
    return _otherwise(kind) if moved is None else moved


def _cap_age(kind: Kind, raw: bytes, *_: object) -> bytes:
    """Cap ages over 89 years at 090Y, 45 CFR 164.514(b)(2)(i)(C); what is no age is not kept."""
    ages = []
    for value in raw.split(b"\\"):
        core = value.strip(_PADDING)
        if core and _AGE.fullmatch(core) is None:
            return _otherwise(kind)
        is_old = core.endswith(b"Y") and int(core[:-1]) > OLDEST
        ages.append(CAPPED_AGE if is_old else value)
    return pad(b"\\".join(ages), kind.vr)


def _otherwise(kind: Kind) -> bytes:
    return dummy_value(kind.vr, kind.vm, kind.tag) if kind.otherwise == "dummy" else b""


_REPLACEMENTS: Final[dict[str, _Replacement]] = {
    "": _nothing,
    "dummy": _dummy,
    "map_uid": _map_uid,
    "patient_id": _patient,
    "patient_name": _patient,
    "accession": _accession,
    "document": _document,
    "document_length": _document_length,
    "items": _items,
    "shift": _shift,
    "shift_unix": _shift_unix,
    "cap_age": _cap_age,
    # Deferred, see `Kind`: who resolves a value without the file's identity gets nothing of it.
    "clean": _nothing,
}
