"""The members of a zip archive, from its directory (APPNOTE.TXT sections 4.3 and 4.5)."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from fastdeid.archives.members import (
    DAMAGED,
    DAMAGED_MEMBER,
    ENCRYPTED,
    METHOD,
    TOO_MUCH,
    ArchiveError,
    Found,
    Names,
    is_too_much,
)

STORED, DEFLATED = 0, 8
_END: Final = struct.Struct("<4s4H2IH")
_END_64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_RECORD: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_LONGEST_COMMENT: Final = 0xFFFF
_ALL_ONES: Final = 0xFFFFFFFF
_ZIP_64: Final = 0x0001
_UNIX: Final = 3
_BLOCK: Final = 1 << 18
_SPECIAL: Final = (
    (stat.S_ISLNK, "symbolic_link"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


class Record(NamedTuple):
    """One member in the directory; start: of its local header. length: of the record."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    start: int
    mode: int
    length: int


def find_members(descriptor: int, size: int) -> Iterator[Found]:
    """Yield the members of an archive, folders left out; at last what is wrong with it as a whole.

    Raises OSError.
    """
    try:
        yield from _find(descriptor, size)
    except ArchiveError as error:
        yield Found(b"", 0, -1, error.reason)


def _find(descriptor: int, size: int) -> Iterator[Found]:
    start, end, expected = _directory(descriptor, size)
    names = Names()
    unpacked = packed = number = 0
    for place, record in _records(descriptor, start, end):
        number += 1
        if record.name.endswith((b"/", b"\\")):
            continue
        name, reason = names.take(record.name)
        reason = reason or _reason(record)
        if reason:
            yield Found(name, 0, -1, reason)
            continue
        unpacked, packed = unpacked + record.size, packed + record.packed
        # More than there is: members that share their bytes.
        if packed > size or is_too_much(unpacked, size):
            raise ArchiveError(TOO_MUCH)
        yield Found(name, record.size, place, "")
    if number != expected:
        raise ArchiveError(DAMAGED)


def _reason(record: Record) -> str:
    if record.flags & 0x2041:  # encrypted, strongly, or with a masked directory
        return ENCRYPTED
    for is_kind, reason in _SPECIAL:
        if is_kind(record.mode):
            return reason
    if record.method not in {STORED, DEFLATED}:
        return METHOD
    return TOO_MUCH if is_too_much(record.size, record.packed) else ""


def _directory(descriptor: int, size: int) -> tuple[int, int, int]:
    """Return start and end of the directory, and the number of its records."""
    length = min(size, _END.size + _LONGEST_COMMENT)
    tail = os.pread(descriptor, length, size - length)
    at = tail.rfind(b"PK\5\6")
    while at >= 0 and not _ends_here(tail, at):
        at = tail.rfind(b"PK\5\6", 0, at)
    if at < 0:
        raise ArchiveError(DAMAGED)
    _, disk, first, here, number, extent, start, _ = _END.unpack_from(tail, at)
    end = size - length + at
    if 0xFFFF in {here, number} or _ALL_ONES in {extent, start}:
        large = _large(descriptor, end)
        if large is not None:
            end, disk, first, here, number, extent, start = large
    if disk or first or here != number or start + extent != end:
        raise ArchiveError(DAMAGED)
    return start, end, number


def _ends_here(tail: bytes, at: int) -> bool:
    if at + _END.size > len(tail):
        return False
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + _END.size + comment == len(tail)


def _large(descriptor: int, end: int) -> tuple[int, ...] | None:
    """Return what the end record of a large archive says, its own place first; None for none."""
    at = end - _LOCATOR.size
    locator = os.pread(descriptor, _LOCATOR.size, at) if at >= 0 else b""
    if len(locator) < _LOCATOR.size or not locator.startswith(b"PK\6\7"):
        return None
    place = _LOCATOR.unpack(locator)[2]
    record = os.pread(descriptor, _END_64.size, place) if place < end else b""
    if len(record) < _END_64.size or not record.startswith(b"PK\6\6"):
        raise ArchiveError(DAMAGED)
    _, length, _, _, disk, first, here, number, extent, start = _END_64.unpack(record)
    if place + 12 + length != at:
        raise ArchiveError(DAMAGED)
    return place, disk, first, here, number, extent, start


def _records(descriptor: int, start: int, end: int) -> Iterator[tuple[int, Record]]:
    """Yield place and content of every record of the directory, read some at a time."""
    held, at = b"", start
    while at < end:
        record = parse_record(held)
        if record is None:
            more = os.pread(descriptor, min(_BLOCK, end - at), at)
            if len(more) <= len(held):
                raise ArchiveError(DAMAGED)
            held = more
            continue
        yield at, record
        at += record.length
        held = held[record.length :]


def parse_record(data: bytes) -> Record | None:
    """Return the record that data begin with, None when they are too short.

    Raises ArchiveError when it is no record.
    """
    if len(data) < _RECORD.size:
        return None
    fields = _RECORD.unpack_from(data)
    signature, made_by, _, flags, method, _, _, crc, packed, size = fields[:10]
    named, extra, comment, disk, _, attributes, start = fields[10:]
    if signature != b"PK\1\2":
        raise ArchiveError(DAMAGED)
    length = _RECORD.size + named + extra + comment
    if len(data) < length:
        return None
    name = data[_RECORD.size : _RECORD.size + named]
    large = _large_sizes(data[_RECORD.size + named : length - comment])
    try:
        size, packed, start = (
            next(large) if value == _ALL_ONES else value for value in (size, packed, start)
        )
    except (RuntimeError, StopIteration):
        raise ArchiveError(DAMAGED) from None
    if disk not in {0, 0xFFFF}:
        raise ArchiveError(DAMAGED)
    mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
    return Record(name, flags, method, crc, packed, size, start, mode, length)


def _large_sizes(extra: bytes) -> Iterator[int]:
    """Yield the numbers of 64 bits that stand in the extra field of a large member."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP_64:
            field = extra[4 : 4 + length]
            yield from (one for (one,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8]))
            return
        extra = extra[4 + length :]


def data_start(descriptor: int, record: Record) -> int:
    """Return where the data of a member begin.

    Raises ArchiveError when the local header tells of another member than the directory.
    """
    head = os.pread(descriptor, _LOCAL.size + len(record.name), record.start)
    if len(head) < _LOCAL.size + len(record.name) or not head.startswith(b"PK\3\4"):
        raise ArchiveError(DAMAGED_MEMBER)
    fields = _LOCAL.unpack_from(head)
    named, extra = fields[-2:]
    method = fields[3]
    if head[_LOCAL.size :] != record.name or named != len(record.name) or method != record.method:
        raise ArchiveError(DAMAGED_MEMBER)
    return int(record.start + _LOCAL.size + named + extra)
