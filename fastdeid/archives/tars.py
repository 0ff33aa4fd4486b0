"""The members of a tar archive: POSIX ustar and pax (IEEE 1003.1, pax), GNU, and the first form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastdeid.archives.members import (
    BEHIND,
    DAMAGED,
    SPARSE,
    TRUNCATED,
    UNKNOWN,
    ArchiveError,
    Found,
    Names,
)
from fastdeid.archives.streams import Stream

BLOCK: Final = 512
_ZEROS: Final = bytes(BLOCK)
_CHECKSUM: Final = slice(148, 156)
_REGULAR: Final = (b"0", b"\0", b"7")
_FOLDER: Final = b"5"
# These have no data, whatever their size says.
_SPECIAL: Final = {
    b"1": "hard_link",
    b"2": "symbolic_link",
    b"3": "device",
    b"4": "device",
    b"6": "fifo",
}
_LONG_NAME, _LONG_LINK, _PAX, _GLOBAL, _SPARSE = b"L", b"K", b"x", b"g", b"S"
_MOST_EXTRA: Final = 1 << 20
_MOST_BEHIND: Final = 64 << 20


class _Member:
    """What headers say of the next member. size: None where the last header has it."""

    def __init__(self) -> None:
        self.name = self.kind = b""
        self.size: int | None = None
        self.sparse = False

    def reason(self) -> str:
        """Return why it is listed but not read, "" for an ordinary file."""
        if self.kind in _SPECIAL:
            return _SPECIAL[self.kind]
        if self.sparse:
            return SPARSE
        return "" if self.kind in _REGULAR else UNKNOWN


def is_header(block: bytes) -> bool:
    """Tell whether a block is the header of a member: its checksum says so."""
    if len(block) != BLOCK or block == _ZEROS:
        return False
    expected = sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20
    return _number(block[_CHECKSUM]) == expected


def find_members(stream: Stream) -> Iterator[Found]:
    """Yield the members of an archive, folders left out; at last what is wrong with it as a whole.

    Raises OSError.
    """
    try:
        yield from _find(stream)
    except ArchiveError as error:
        yield Found(b"", 0, -1, error.reason)


def _find(stream: Stream) -> Iterator[Found]:
    names = Names()
    while (member := _next_member(stream)) is not None:
        kind, size = member.kind, member.size or 0
        if kind == _FOLDER or (kind in _REGULAR and member.name.endswith(b"/")):
            continue
        name, reason = names.take(member.name)
        reason = reason or member.reason()
        place = stream.position
        if kind in _SPECIAL:
            yield Found(name, 0, -1, reason)
            continue
        try:
            stream.skip(size)
        except ArchiveError as error:
            yield Found(name, 0, -1, error.reason)
            return
        yield Found(name, 0, -1, reason) if reason else Found(name, size, place, "")
        stream.skip(-size % BLOCK)


def _next_member(stream: Stream) -> _Member | None:
    """Read the headers of the next member, None at the end of the archive."""
    member = _Member()
    while True:
        block = stream.read(BLOCK)
        if block == _ZEROS:
            _check_end(stream)
            return None
        if len(block) < BLOCK:
            raise ArchiveError(TRUNCATED)
        size = _number(block[124:136])
        if not is_header(block) or size is None:
            raise ArchiveError(DAMAGED)
        member.kind = block[156:157]
        if member.kind not in {_LONG_NAME, _LONG_LINK, _PAX, _GLOBAL}:
            break
        _learn(member, member.kind, _extra(stream, size))
    member.size = size if member.size is None else member.size
    member.name = member.name or _name(block)
    if member.kind == _SPARSE:
        member.sparse = True
        _skip_map(stream, block)
    return member


def _extra(stream: Stream, size: int) -> bytes:
    """Return the data of a header that belongs to the next one."""
    if size > _MOST_EXTRA:
        raise ArchiveError(DAMAGED)
    data = stream.read(size)
    if len(data) < size:
        raise ArchiveError(TRUNCATED)
    stream.skip(-size % BLOCK)
    return data


def _learn(member: _Member, kind: bytes, data: bytes) -> None:
    if kind == _LONG_NAME:
        member.name = data.rstrip(b"\0")
    if kind not in {_PAX, _GLOBAL}:
        return
    for key, value in _records(data):
        if kind == _GLOBAL and key in {b"path", b"size"}:
            raise ArchiveError(DAMAGED)  # all members would be one
        if key == b"path":
            member.name = value
        elif key == b"size":
            if not value.isdigit() or len(value) > 18:
                raise ArchiveError(DAMAGED)
            member.size = int(value)
        elif key.startswith(b"GNU.sparse."):
            member.sparse = True


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keyword and value of records `length keyword=value newline`."""
    while data.strip(b"\0"):
        digits, _, _ = data[:20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record[:-1].partition(b"=")
        if not length or length > len(data) or not equals or record[-1:] != b"\n":
            raise ArchiveError(DAMAGED)
        yield key, value
        data = data[length:]


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    # GNU has other things where POSIX has the first part of a long name.
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int | None:
    """Return a number in octal digits, or in base 256 after a first byte of 0x80; None for none."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        return None
    return int(digits or b"0", 8)


def _skip_map(stream: Stream, block: bytes) -> None:
    """Leave out the rest of the map of a sparse file, in the form of old GNU archives."""
    more = block[482]
    while more:
        block = stream.read(BLOCK)
        if len(block) < BLOCK:
            raise ArchiveError(TRUNCATED)
        more = block[504]


def _check_end(stream: Stream) -> None:
    """Raise ArchiveError when anything but zeros follows: another archive, or what is hidden."""
    length = 0
    while data := stream.read(1 << 16):
        length += len(data)
        if data.strip(b"\0") or length > _MOST_BEHIND:
            raise ArchiveError(BEHIND)
