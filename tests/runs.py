"""One file through `Deidentifier.process`, for tests that judge the output."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom

from fastdeid.deidentify import Deidentifier
from fastdeid.outcome import Outcome
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, load_profile
from fastdeid.verdicts import Verdict
from tests import builders as b

KEY: Final = bytes(range(32))
PSEUDONYMS: Final = Pseudonyms(KEY)


@functools.cache
def basic_profile() -> Profile:
    """Return the profile "basic", loaded once for all tests."""
    return load_profile("basic")


@dataclass(frozen=True)
class Run:
    """What became of one file: `data` is b"" and `path` None where nothing was published."""

    outcome: Outcome
    path: Path | None
    data: bytes

    @property
    def data_set(self) -> pydicom.Dataset:
        """Return the output as pydicom reads it."""
        assert self.outcome.verdict is Verdict.OK, self.outcome.reason
        return pydicom.dcmread(io.BytesIO(self.data))


def process(source: Path, target: Path, key: bytes = KEY) -> Run:
    """De-identify the file `source` to the folder `target`."""
    deidentifier = Deidentifier(basic_profile(), Pseudonyms(key), target)
    try:
        outcome = deidentifier.process(bytes(source))
    finally:
        deidentifier.close()
    if not outcome.path:
        return Run(outcome, None, b"")
    path = target / outcome.path
    return Run(outcome, path, path.read_bytes())


def deidentify(folder: Path, data: bytes) -> Run:
    """De-identify the bytes of a file, to a new folder below `folder`."""
    place = Path(tempfile.mkdtemp(dir=folder))
    source = place / "input.dcm"
    source.write_bytes(data)
    return process(source, place / "output")


def ct_image(*more: bytes, encoding: b.Encoding = b.EXPLICIT) -> bytes:
    """Return the data set of a CT image: what every file has, and the elements of `more`.

    more: elements in `encoding`; all are put into ascending order of their tags.
    """

    def text(tag: int, vr: str, value: str) -> bytes:
        return b.text(tag, vr, value, encoding)

    own = [
        text(0x00080016, "UI", b.CT_IMAGE_STORAGE),
        text(0x00080018, "UI", "1.2.826.0.1.3680043.10.1.3.1"),
        text(0x00080060, "CS", "CT"),
        text(0x00100010, "PN", "Doe^Jane"),
        text(0x00100020, "LO", "MRN-4711"),
        text(0x0020000D, "UI", "1.2.826.0.1.3680043.10.1.1.1"),
        text(0x0020000E, "UI", "1.2.826.0.1.3680043.10.1.2.1"),
        b.element(0x7FE00010, "OW", bytes(range(8)), encoding),
    ]
    elements = {tag_of(one, encoding): one for one in (*own, *more)}
    return b"".join(elements[tag] for tag in sorted(elements))


def tag_of(element: bytes, encoding: b.Encoding = b.EXPLICIT) -> int:
    """Return the tag at the start of an encoded element."""
    group, number = struct.unpack_from(encoding.order + "HH", element)
    return int(group) << 16 | int(number)
