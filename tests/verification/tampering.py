"""Thirty ways in which a value of a patient may get into a release."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset

from tests import builders as b
from tests.verification.release import Patient

Tampering = Callable[[Path, Patient], None]


def _edited(edit: Callable[[Dataset, Patient], None]) -> Tampering:
    """Return a tampering that edits the data set with pydicom."""

    def tamper(path: Path, patient: Patient) -> None:
        data_set = pydicom.dcmread(path)
        edit(data_set, patient)
        data_set.save_as(path)

    return tamper


def _raw(edit: Callable[[bytes, Patient], bytes]) -> Tampering:
    """Return a tampering that edits bytes."""

    def tamper(path: Path, patient: Patient) -> None:
        data = edit(path.read_bytes(), patient)
        path.write_bytes(data)

    return tamper


def _add(tag: int, vr: str, value: Callable[[Patient], object]) -> Tampering:
    def edit(data_set: Dataset, patient: Patient) -> None:
        data_set.add_new(tag, vr, value(patient))

    return _edited(edit)


def _add_bytes(tag: int, vr: str, value: Callable[[Patient], bytes]) -> Tampering:
    """Insert an element in its place, byte for byte."""

    def edit(data: bytes, patient: Patient) -> bytes:
        raw = value(patient)
        added = b.element(tag, vr, raw + b" " * (len(raw) % 2))
        at = _before(data, tag)
        return data[:at] + added + data[at:]

    return _raw(edit)


def _before(data: bytes, tag: int) -> int:
    """Return where an element belongs among those of the top level, explicit VR little endian."""
    at: int = 144 + struct.unpack_from("<I", data, 140)[0]
    while at < len(data):
        group, number, vr, length = struct.unpack_from("<HH2sH", data, at)
        if group << 16 | number >= tag:
            return at
        long = vr.decode() in b.LONG_VRS
        at += 12 + struct.unpack_from("<I", data, at + 8)[0] if long else 8 + length
    return at


def _in_file_meta(element: Callable[[Patient], bytes]) -> Tampering:
    def edit(data: bytes, patient: Patient) -> bytes:
        end = 144 + struct.unpack_from("<I", data, 140)[0]
        added = element(patient)
        length = struct.pack("<I", end - 144 + len(added))
        return data[:140] + length + data[144:end] + added + data[end:]

    return _raw(edit)


def _in_fragment(edit: Callable[[bytes, bytes], bytes]) -> Tampering:
    """Edit the one fragment of the pixel data; the text to put in is name and ID."""

    def change(data: bytes, patient: Patient) -> bytes:
        at = data.rindex(b"\xfe\xff\x00\xe0")
        length = struct.unpack_from("<I", data, at + 4)[0]
        stream = edit(data[at + 8 : at + 8 + length], _label(patient))
        stream += bytes(len(stream) % 2)
        head = data[: at + 4] + struct.pack("<I", len(stream))
        return head + stream + data[at + 8 + length :]

    return _raw(change)


def _label(patient: Patient) -> bytes:
    return f"{patient.name} {patient.identifier}".encode(patient.codec)


def _in_deflated(data: bytes, patient: Patient) -> bytes:
    start = 144 + struct.unpack_from("<I", data, 140)[0]
    inner = zlib.decompress(data[start:], wbits=-15)
    name = patient.name.encode(patient.codec)
    added = b.element(0x00081090, "LO", name + b" " * (len(name) % 2))
    at = inner.index(b"\x08\x00\x18\x22")
    return data[:start] + b.deflate(inner[:at] + added + inner[at:])


def _typed(day: str) -> str:
    return f"born {day[6:]}.{day[4:6]}.{day[:4]}"


def _in_item(data_set: Dataset, patient: Patient) -> None:
    data_set.AnatomicRegionSequence[0].CodeMeaning = f"see {patient.accession}"


def _twice(data: bytes, patient: Patient) -> bytes:
    """Put the original Patient ID in front of the pseudonym: many readers see the last only."""
    raw = patient.identifier.encode()
    at = _before(data, 0x00100020)
    return data[:at] + b.element(0x00100020, "LO", raw + b" " * (len(raw) % 2)) + data[at:]


def _rename(path: Path, patient: Patient) -> None:
    os.rename(path, path.with_name(patient.name.replace("^", "_") + ".dcm"))


def _beside(path: Path, patient: Patient) -> None:
    (path.parent / patient.identifier).mkdir()
    os.rename(path, path.parent / patient.identifier / path.name)


def _swapped(patient: Patient) -> bytes:
    raw = _label(patient).ljust(32)
    return b"".join(raw[at + 1 : at + 2] + raw[at : at + 1] for at in range(0, 32, 2))


VALUE, PROFILE = "original_value", "not_removed"
# What is done, and the kind of finding that it must come to.
KINDS: Final[dict[str, tuple[Tampering, str]]] = {
    "name in a kept element": (_add(0x00081090, "LO", lambda p: "of " + p.name), VALUE),
    "name in capitals": (_add(0x00081090, "LO", lambda p: p.name.upper()), VALUE),
    "family name last": (
        _add(0x00081090, "LO", lambda p: " ".join(p.name.split("^")[1::-1])),
        VALUE,
    ),
    "name as UTF-8 in UN": (_add_bytes(0x00189999, "UN", lambda p: p.name.encode()), VALUE),
    "name as UTF-16 in OB": (
        _add_bytes(0x00282000, "OB", lambda p: _label(p).decode(p.codec).encode("utf-16-be")),
        VALUE,
    ),
    "name in swapped bytes": (_add_bytes(0x00282000, "OB", _swapped), VALUE),
    "name as base64": (
        _add(0x00081090, "UT", lambda p: base64.b64encode(b"{n:" + _label(p) + b"}").decode()),
        VALUE,
    ),
    "name with underscores": (
        _add(0x00181030, "LO", lambda p: p.name.replace("^", "_") + "_1"),
        VALUE,
    ),
    "ID in a private element": (_add(0x00091001, "LO", lambda p: p.identifier), VALUE),
    "ID without leading zeros": (
        _add(0x00081090, "LO", lambda p: "id " + p.identifier.lstrip("0")),
        VALUE,
    ),
    "accession number in an item": (_edited(_in_item), VALUE),
    "birth date as typed": (_add(0x00204000, "LT", lambda p: _typed(p.birth_date)), VALUE),
    "study date in its element": (_add(0x00080020, "DA", lambda p: p.study_date), "not_emptied"),
    "study date in a file name": (
        _add(0x00081090, "ST", lambda p: f"D:/{p.study_date}/x"),
        VALUE,
    ),
    "study UID": (_add(0x0020000D, "UI", lambda p: p.study), "uid_not_mapped"),
    "instance UID in text": (_add(0x00081090, "UT", lambda p: "is " + p.instance(15)), VALUE),
    "phone number": (_add(0x00081090, "ST", lambda p: "call " + p.phone), VALUE),
    "institution": (_add(0x00081090, "LO", lambda p: p.institution.upper()), VALUE),
    "preamble": (_raw(lambda data, p: _label(p).ljust(128, b"\0") + data[128:]), VALUE),
    "source AE in file meta": (
        _in_file_meta(lambda p: b.text(0x00020016, "AE", p.identifier)),
        "file_meta",
    ),
    "bytes behind the data set": (_raw(lambda data, p: data + _label(p)), VALUE),
    "data set trailing padding": (
        _raw(lambda data, p: data + b.element(0xFFFCFFFC, "OB", _label(p).ljust(64, b"\0"))),
        PROFILE,
    ),
    "comment of a JPEG": (
        _in_fragment(
            lambda raw, text: (
                raw[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + raw[2:]
            )
        ),
        VALUE,
    ),
    "behind the end of a JPEG": (_in_fragment(lambda raw, text: raw + b"\0\0" + text), VALUE),
    "comment of a JPEG 2000": (
        _in_fragment(
            lambda raw, text: (
                raw[:51] + b"\xff\x64" + struct.pack(">HH", len(text) + 4, 1) + text + raw[51:]
            )
        ),
        VALUE,
    ),
    "native pixels": (
        _raw(
            lambda data, p: data[:-700] + _label(p) + data[len(data) - 700 + len(_label(p)) :],
        ),
        VALUE,
    ),
    "deflated data set": (_raw(_in_deflated), VALUE),
    "an element twice": (_raw(_twice), "not_replaced"),
    "name of a file": (_rename, "missing"),
    "name of a folder": (_beside, "missing"),
}
FORMS: Final = {
    "comment of a JPEG": "jpeg",
    "behind the end of a JPEG": "jpeg",
    "comment of a JPEG 2000": "jpeg 2000",
    "deflated data set": "deflated",
}
