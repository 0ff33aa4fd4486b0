"""An output beside the file that it was made of, where that is still there."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from fastdeid import tags
from fastdeid.archives.opening import as_file
from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.kinds import harvest_of
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.profiles.tables import Attribute, read_dictionary
from fastdeid.verification.conformance import ProfileCheck
from fastdeid.verification.findings import Finding, tag_text
from fastdeid.verification.masked import same_but_masked
from fastdeid.verification.originals import DATE, NAME, UID, Original
from fastdeid.verification.places import TEXT, Bytes, Content, Place, read_places

_PADDING: Final = b" \0"
_PIXELS: Final = (tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA)
_HIGH_BIT: Final = 0x00280102
_BY_VR: Final = {"PN": NAME, "DA": DATE, "DT": DATE, "UI": UID}
_DAY: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)")

# Returns the pseudonym of a UID.
MapUid = Callable[[bytes], bytes]


def read_source(folder: str, path: bytes) -> Content | None:
    """Return the data set of a source file, None when it cannot be read."""
    try:
        with as_file(os.fsencode(folder), path) as name:
            data = np.memmap(os.fsdecode(name), np.uint8, "r")
        return read_places(data, is_output=False)[-1]
    except (OSError, ValueError):
        return None


def harvest(check: ProfileCheck, content: Content) -> Iterator[Original]:
    """Yield the originals of a source file that its output must not hold anywhere."""
    rules = check.rules_of(content)
    charsets = parse_charsets(_first(content, tags.SPECIFIC_CHARACTER_SET))
    for place in content.places:
        if place.kind != TEXT or not place.tag or place.tag >> 16 == 2:
            continue
        kind = _BY_VR.get(place.vr, "")
        attribute = None if (place.tag >> 16) % 2 else read_dictionary().find(place.tag)
        if attribute is not None and not kind:
            kind = harvest_of(Attribute(place.vr, attribute.vm, attribute.keyword))
        if not kind or check.keeps(rules, place):
            continue
        raw = content.data[place.start : place.end].tobytes()
        for value in _text(raw, charsets).split("\\"):
            if kind != UID:
                yield Original(kind, value)
            elif not check.is_registered(value.strip(" \0").encode("ascii", "replace")):
                yield Original(UID, value.strip(" \0"))


def _text(raw: bytes, charsets: tuple[str, ...]) -> str:
    text = decode(raw, charsets)
    if text is None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    return text


def _first(content: Content, tag: int) -> bytes:
    for place in content.places:
        if place.tag == tag and not place.path:
            return content.data[place.start : place.end].tobytes()
    return b""


def compare(
    check: ProfileCheck,
    source: Content,
    output: Content,
    *,
    path: str,
    offset: int | None,
    map_uid: MapUid | None,
    masks: Sequence[MaskedBox] = (),
) -> Iterator[Finding]:
    """Yield where an output is not what its source makes of it.

    path: of the output. offset: days that belong to its patient. map_uid: None where pseudonyms of
    UIDs are not functions of the key. masks: boxes that were filled in the output.
    """
    same = same_but_masked(source.data, output.data, masks) if masks else None
    if not (_same_pixels(source, output) if same is None else same):
        yield Finding(path, "pixels_differ", tag_text(tags.PIXEL_DATA))
    if map_uid is not None:
        known = {map_uid(uid) for _, uid in _uids(source)}
        for place, uid in _uids(output):
            if uid.startswith(b"2.25.") and not uid.startswith(b"2.25.0") and uid not in known:
                yield Finding(path, "uid_of_nowhere", tag_text(place.tag), place.start)
    rules = check.rules_of(output)
    dates = _dates(source)
    for key, found in _dates(output).items():
        if not check.is_shifted(rules, found[0][0]):
            continue
        for (place, raw), (_, before) in zip(found, dates.get(key, ()), strict=False):
            days = {offset or 0, (offset or 0) + check.shifts_times}
            if not any(_moved(before, raw, one) for one in days):
                yield Finding(path, "date_interval", tag_text(place.tag), place.start)


def _same_pixels(source: Content, output: Content) -> bool:
    """Tell whether pixel data are the same, but for overlays in bits that no sample uses.

    PS3.5 section 8.1.2 of older editions let overlays stand there; de-identification clears them.
    """
    pieces = []
    for content in (source, output):
        places = [one for one in content.places if one.tag in _PIXELS and not one.path]
        pieces.append([content.data[place.start : place.end] for place in places])
    if len(pieces[0]) != len(pieces[1]):
        return False
    for one, other in zip(*pieces, strict=True):
        if not np.array_equal(one, other) and not _same_samples(source, one, other):
            return False
    return True


def _same_samples(content: Content, one: Bytes, other: Bytes) -> bool:
    order = "big" if content.transfer_syntax == tags.EXPLICIT_VR_BIG_ENDIAN else "little"
    allocated, stored, high = (
        int.from_bytes(_first(content, tag), order)  # type: ignore[arg-type]
        for tag in (tags.BITS_ALLOCATED, tags.BITS_STORED, _HIGH_BIT)
    )
    size = allocated // 8
    usable = allocated in {8, 16, 32} and 0 < stored < allocated and stored <= high + 1
    if not usable or len(one) != len(other) or len(one) % size:
        return False
    mask = ((1 << stored) - 1) << (high + 1 - stored)
    kind = np.dtype(f"{'>' if order == 'big' else '<'}u{size}")
    return np.array_equal(one.view(kind) & kind.type(mask), other.view(kind) & kind.type(mask))


def _uids(content: Content) -> Iterator[tuple[Place, bytes]]:
    for place in content.places:
        if place.vr == "UI" and place.tag >> 16 != 2:
            for value in content.data[place.start : place.end].tobytes().split(b"\\"):
                yield place, value.strip(_PADDING)


_Dates = dict[tuple[tuple[int, ...], int], list[tuple[Place, bytes]]]


def _dates(content: Content) -> _Dates:
    """Return DA and DT values by path and tag, in the order of the file."""
    found: _Dates = defaultdict(list)
    for place in content.places:
        if place.vr in {"DA", "DT"}:
            raw = content.data[place.start : place.end].tobytes()
            found[place.path, place.tag].append((place, raw))
    return found


def _moved(before: bytes, after: bytes, days: int) -> bool:
    """Tell whether the first whole day of a value is the old one moved; True where neither is."""
    old, new = _DAY.match(before), _DAY.match(after)
    if old is None or new is None:
        return True
    try:
        moved = dt.date(*(int(part) for part in old.groups())) + dt.timedelta(days)
    except (ValueError, OverflowError):
        return True
    # What cannot be moved is replaced by the dummy of the basic profile.
    return new[0] in {moved.strftime("%Y%m%d").encode(), b"19000101"}
