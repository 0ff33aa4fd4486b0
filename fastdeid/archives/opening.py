"""Opening members of archives: each becomes a file without a name, in memory where it is short."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from fastdeid import files, objects
from fastdeid.archives import tars, zips
from fastdeid.archives.members import CHANGED, DAMAGED_MEMBER, ArchiveError, Found, Member, parted
from fastdeid.archives.streams import FileStream, GzipStream
from fastdeid.errors import DicomError
from fastdeid.storage import close_read, copy_range, write_all

# Longer members are held in a file without a name.
_IN_MEMORY: Final = 16 << 20
_BLOCK: Final = 1 << 20
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_TAR, _TAR_GZ, _ZIP = "tar", "tar.gz", "zip"


def is_archive(path: bytes) -> bool:
    """Tell whether a file begins like an archive. Raises OSError."""
    descriptor = _open(path)
    try:
        return bool(_kind(descriptor))
    finally:
        close_read(descriptor)


def _open(path: bytes) -> int:
    """Open an archive; one of an object store is fetched. Raises OSError."""
    uri = os.fsdecode(path)
    if not objects.is_remote(uri):
        return os.open(path, _OPEN)
    about = objects.info(uri)
    with objects.open_input(uri) as file, objects.new_file(about.size) as copy:
        objects.copy_to(file, copy.fileno(), 0, about.size)
        os.utime(copy.fileno(), ns=(about.modified_ns, about.modified_ns))
        return os.dup(copy.fileno())


def find_members(path: bytes) -> Iterator[Found] | None:
    """Return an iterator over what an archive holds, None when the file is no archive.

    Raises OSError, now and later.
    """
    descriptor = _open(path)
    try:
        kind = _kind(descriptor)
    except BaseException:
        close_read(descriptor)
        raise
    if not kind:
        close_read(descriptor)
        return None
    return _find_members(descriptor, kind)


def _find_members(descriptor: int, kind: str) -> Iterator[Found]:
    try:
        size = os.fstat(descriptor).st_size
        if kind == _ZIP:
            yield from zips.find_members(descriptor, size)
        elif kind == _TAR:
            yield from tars.find_members(FileStream(descriptor, size))
        else:
            for found in tars.find_members(GzipStream(descriptor)):
                place = -1 if found.reason else -2 - found.place
                yield found._replace(place=place)
    finally:
        close_read(descriptor)


def _kind(descriptor: int) -> str:
    """Return what kind of archive a file is, "" for none."""
    head = os.pread(descriptor, tars.BLOCK, 0)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _ZIP
    if tars.is_header(head):
        return _TAR
    if not head.startswith(b"\x1f\x8b\x08"):
        return ""
    try:
        inflated = GzipStream(descriptor).read(tars.BLOCK)
    except ArchiveError:
        # Too little is left of it to tell what it was: as an archive it is refused with a reason.
        return _TAR_GZ
    return _TAR_GZ if tars.is_header(inflated) else ""


class Archives:
    """Opens members; the archive that was asked for last stays open.

    scratch: folder for members of more than `in_memory` bytes, as files without names; None for the
    system's.
    """

    def __init__(self, scratch: str | None = None, in_memory: int = _IN_MEMORY) -> None:
        self._scratch = scratch
        self._in_memory = in_memory
        self._archive: tuple[bytes, int] | None = None
        self._descriptor = -1
        self._kind = ""
        self._stream: GzipStream | None = None

    def open(self, member: Member) -> int:
        """Return the descriptor of a file that holds a member, and nothing else.

        Raises ArchiveError when the archive is damaged or has changed, OSError, OutputError.
        """
        self._use(member)
        spool = self._spool(member.size)
        try:
            if member.place < -1:
                self._inflate_from(-2 - member.place, member.size, spool)
            elif self._kind == _ZIP:
                self._unzip(member, spool)
            else:
                copy_range(self._descriptor, spool, member.place, member.size)
            self._check(member)
        except DicomError as error:
            close_read(spool)
            raise ArchiveError(error.reason) from None
        except BaseException:
            close_read(spool)
            raise
        return spool

    def close(self) -> None:
        """Close what is open."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._archive, self._descriptor, self._stream = None, -1, None

    def _use(self, member: Member) -> None:
        wanted = (member.archive, member.modified_ns)
        if self._archive != wanted:
            self.close()
            self._descriptor = _open(member.archive)
            self._archive = wanted
            self._kind = _kind(self._descriptor)
            self._check(member)

    def _check(self, member: Member) -> None:
        if os.fstat(self._descriptor).st_mtime_ns != member.modified_ns:
            self.close()
            raise ArchiveError(CHANGED)

    def _spool(self, size: int) -> int:
        if size <= self._in_memory and hasattr(os, "memfd_create"):
            return os.memfd_create("member", os.MFD_CLOEXEC)
        with tempfile.TemporaryFile(dir=self._scratch) as file:
            return os.dup(file.fileno())

    def _inflate_from(self, place: int, length: int, spool: int) -> None:
        """Write bytes of the unpacked archive; going back means to begin anew."""
        if self._stream is None or self._stream.position > place:
            self._stream = GzipStream(self._descriptor)
        stream = self._stream
        try:
            stream.skip(place - stream.position)
            end = place + length
            while stream.position < end:
                write_all(spool, stream.piece(min(end - stream.position, _BLOCK)))
        except BaseException:
            self._stream = None
            raise

    def _unzip(self, member: Member, spool: int) -> None:
        # Name, extra field and comment have at most 64 KiB each.
        record = zips.parse_record(os.pread(self._descriptor, 46 + 3 * 0xFFFF, member.place))
        if record is None or record.size != member.size:
            raise ArchiveError(DAMAGED_MEMBER)
        start = zips.data_start(self._descriptor, record)
        crc = length = 0
        for piece in self._pieces(record, start):
            length += len(piece)
            if length > record.size:
                raise ArchiveError(DAMAGED_MEMBER)
            crc = zlib.crc32(piece, crc)
            write_all(spool, piece)
        if length != record.size or crc != record.crc:
            raise ArchiveError(DAMAGED_MEMBER)

    def _pieces(self, record: zips.Record, start: int) -> Iterator[bytes]:
        """Yield the unpacked data of a member, at most _BLOCK bytes at a time."""
        inflating = zlib.decompressobj(-15) if record.method == zips.DEFLATED else None
        end = start + record.packed
        while start < end:
            packed = os.pread(self._descriptor, min(_BLOCK, end - start), start)
            if not packed:
                raise ArchiveError(DAMAGED_MEMBER)
            start += len(packed)
            if inflating is None:
                yield packed
                continue
            try:
                while packed:
                    yield inflating.decompress(packed, _BLOCK)
                    packed = inflating.unconsumed_tail
            except zlib.error:
                raise ArchiveError(DAMAGED_MEMBER) from None


# By name ---------------------------------------------------------------------------------------


@lru_cache(1)
def _places(archive: bytes, modified_ns: int) -> dict[bytes, Member]:
    return {
        found.name: Member(archive, found.name, found.place, found.size, modified_ns)
        for found in find_members(archive) or ()
        if not found.reason
    }


@lru_cache(1)
def _archives() -> Archives:
    # Whoever opens by name may hold many members at once.
    return Archives(in_memory=0)


@contextlib.contextmanager
def as_file(source: bytes, path: bytes) -> Iterator[bytes]:
    """Yield a path under which an input can be opened inside the block, by any process of the user.

    source: the folder or the archive. path: as in a plan and in the link table.

    Raises OSError when there is no such input, or it cannot be read.
    """
    whole = source.rstrip(b"/") + b"/" + path
    archive, name = parted(whole)
    if not archive:
        with objects.as_local(os.fsdecode(whole)) as local:
            yield os.fsencode(local)
        return
    member = _places(archive, files.modified_ns(os.fsdecode(archive))).get(name)
    if member is None:
        raise FileNotFoundError("no such member of an archive")
    try:
        descriptor = _archives().open(member)
    except ArchiveError as error:
        raise OSError(error.reason) from None
    try:
        yield b"/proc/%d/fd/%d" % (os.getpid(), descriptor)
    finally:
        close_read(descriptor)
