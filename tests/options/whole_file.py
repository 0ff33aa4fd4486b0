"""One file that holds every attribute of Table E.1-1, each with a value by its VR."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pydicom
from pydicom.filereader import dcmread

from fastdeid.deidentify import Deidentifier
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.options.expected import ROWS, tag_of
from tests.options.profiles import with_options

_FIRST_DATE: Final = dt.date(2001, 1, 1)
_FIRST_DATE_TIME: Final = dt.date(2011, 1, 1)
# Words that a cleaner of text has no reason to touch, and that the standard defines.
WORDS: Final = {
    **dict.fromkeys(("LO", "LT", "SH", "ST", "UC", "UT"), b"axial "),
    "AE": b"SCANNER ",
    "CS": b"AXIAL ",
    "PN": b"Whoever^Nobody",
    "UR": b"http://a.invalid",
    "AS": b"093Y",
    "TM": b"101112",
    "DS": b"7 ",
    "IS": b"7 ",
    "SQ": b"",
    "UN": b"\1\2\3\4",
    "US": b"\1\0",
    "OB": b"\1\2\3\4",
    "OW": b"\1\2\3\4",
}
# Commands, file meta and directory records are no part of a data set.
NO_DATA_SET: Final = frozenset((0x0000, 0x0002, 0x0004))
TIMEZONE: Final = 0x00080201
# What a file needs beside the rows.
_OTHERS: Final = (
    b.text(0x00080016, "UI", b.CT_IMAGE_STORAGE),
    b.text(0x00080060, "CS", "CT"),
    b.text(0x00420012, "LO", "application/pdf"),
    b.element(0x7FE00010, "OW", bytes(8)),
)


class Output(NamedTuple):
    """What became of the file: raw values by tag, days, and the whole as pydicom reads it."""

    values: dict[int, bytes]
    days: int
    data_set: pydicom.Dataset


def vr_of(vr: str) -> str:
    return vr.rsplit(" or ", maxsplit=1)[-1]


def value_of(number: int, tag: int, vr: str) -> bytes:
    """Return the value of the attribute in the n-th row; dates and UIDs are all different."""
    if tag == TIMEZONE:
        return b"+0100 "
    if vr == "DA":
        return f"{_FIRST_DATE + dt.timedelta(number):%Y%m%d}".encode()
    if vr == "DT":
        return f"{_FIRST_DATE_TIME + dt.timedelta(number):%Y%m%d}1011".encode()
    if vr == "UI":
        uid = b"1.2.826.0.1.3680043.10.%d" % (1000 + number)
        return uid + b"\0" * (len(uid) % 2)
    return WORDS[vr]


@functools.cache
def originals() -> dict[int, bytes]:
    """Return the value of each row's attribute, for a sequence its one item."""
    return {
        tag_of(row): b.item(b.text(0x00080100, "SH", "T-1"))
        if row.vr == "SQ"
        else value_of(number, tag_of(row), vr_of(row.vr))
        for number, row in enumerate(ROWS)
    }


def _elements() -> Iterable[bytes]:
    values = originals()
    for row in ROWS:
        tag = tag_of(row)
        if row.vr == "SQ":
            yield b.sequence(tag, [values[tag]])
        elif tag >> 16 not in NO_DATA_SET:
            yield b.element(tag, vr_of(row.vr), values[tag])


def whole_file() -> bytes:
    """Return the file, explicit VR little endian."""
    elements = sorted((*_elements(), *_OTHERS), key=_tag)
    return b.part10(b"".join(elements))


def _tag(element: bytes) -> int:
    return int.from_bytes(element[:2], "little") << 16 | int.from_bytes(element[2:4], "little")


def de_identify(options: Iterable[str]) -> Output:
    """Return the file de-identified under basic with some options."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(whole_file())
        deidentifier = Deidentifier(with_options(options), Pseudonyms(bytes(range(32))), target)
        outcome = deidentifier.process(bytes(source))
        deidentifier.close()
        assert outcome.verdict is Verdict.OK, outcome.reason
        data_set = dcmread(target / outcome.path)
        values = {
            int(tag): data_set.get_item(tag).value or b""
            for tag in data_set.keys()  # noqa: SIM118
        }
        return Output(values, outcome.shared.date_offset, data_set)
