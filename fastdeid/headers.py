"""What the headers of one file know of people, places, numbers and days, at every depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastdeid import tags
from fastdeid.dicom.loaded import Loaded
from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.identity import Identity
from fastdeid.kernels.elements import FLAGS, FRAGMENTS, LENGTH, N_COLUMNS, SEQUENCE, TAG, VR
from fastdeid.kinds import harvest_of
from fastdeid.profiles.tables import Attribute, read_dictionary
from fastdeid.tags import VR_NAMES

_BY_VR: Final = frozenset(("PN", "DA", "DT"))
_KNOWING: Final = frozenset(("name", "patient", "identifier", "phrase", "date"))
# Longer values name nobody.
_LONGEST: Final = 4096


def identity_of(loaded: Loaded, rows: slice, fd: int) -> Identity:
    """Return the identity that all elements of the file `rows` make up, whatever becomes of them.

    fd: the file, for values that are not loaded. Raises the OSError of a failed read.
    """
    return Identity(_pairs(loaded, rows, fd))


def _pairs(loaded: Loaded, rows: slice, fd: int) -> Iterator[tuple[str, str]]:
    charsets: tuple[str, ...] = ()
    for row in range(rows.start, rows.stop):
        at = row * N_COLUMNS
        tag, length = loaded.cells[at + TAG], loaded.cells[at + LENGTH]
        if loaded.cells[at + FLAGS] & (SEQUENCE | FRAGMENTS) or not 0 < length <= _LONGEST:
            continue
        if tag == tags.SPECIFIC_CHARACTER_SET:
            charsets = parse_charsets(loaded.whole_value(row, fd))
        harvest = _harvest(tag, VR_NAMES[loaded.cells[at + VR]])
        if harvest in _KNOWING:
            raw = loaded.whole_value(row, fd)
            text = decode(raw, charsets)
            yield harvest, raw.decode("latin_1") if text is None else text


def _harvest(tag: int, vr: str) -> str:
    if vr in _BY_VR:
        return harvest_of(Attribute(vr, "1-n", ""))
    attribute = read_dictionary().find(tag)
    return "" if attribute is None else harvest_of(attribute)
