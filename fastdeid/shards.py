"""Outputs in tar archives of their own making, for file systems that hate small files.

A shard holds outputs of one partition, one behind the other, as POSIX ustar or pax members without
times, owners or names of machines: the same input gives the same bytes. It appears whole or not at
all; a partition that is done again puts its shards in the place of what it left before.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from fastdeid.errors import FastdeidError, OutputError, UsageError
from fastdeid.objects import as_local
from fastdeid.storage import (
    NEW,
    SAME,
    TEMPORARY,
    Chunk,
    cannot_write,
    close_read,
    copy_range,
    hand_over,
    length_of,
    write_all,
    write_chunks,
)

LEAST: Final = 1 << 20
END: Final = 1024  # zeros behind the last member
_BLOCK: Final = 512
_PIECE: Final = 1 << 20
_NAME: Final = re.compile(r"\d{5,}-\d{3,}(\.settled)?\.tar")
_SIZE: Final = re.compile(r"(\d+)\s*(|[KMGT]i?B?|B)", re.IGNORECASE)
_POWERS: Final = "KMGT"


class Place(NamedTuple):
    """Where an output stands: name of the shard, first byte in it, bytes."""

    shard: str
    offset: int
    size: int


NOWHERE: Final = Place("", -1, 0)


def parse_size(text: str) -> int:
    """Return bytes of a number with a unit: 500MB (10**6), 1GiB (2**30).

    Raises UsageError for anything else, and for less than LEAST.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError("a size is a number with a unit, such as 500MB or 1GiB")
    unit = match[2].upper()
    power = _POWERS.find(unit[:1]) + 1 if unit[:1] in _POWERS and unit else 0
    size = int(match[1]) * int((1024 if "I" in unit else 1000) ** power)
    if size < LEAST:
        raise UsageError("a shard holds at least 1 MiB")
    return size


def shard_name(partition: int, number: int) -> str:
    """Return the name of a shard: it says nothing of SOURCE but its place in the plan."""
    return f"{partition:05d}-{number:03d}.tar"


def settled_name(name: str) -> str:
    """Return the name of a shard from which members were taken."""
    return f"{name.removesuffix('.tar')}.settled.tar"


def is_shard(name: str) -> bool:
    """Tell whether a file is named like a shard."""
    return _NAME.fullmatch(name) is not None


def header_of(path: str, size: int) -> bytes:
    """Return what stands before a member: one block, more where its name is long."""
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)


def padded(size: int) -> int:
    """Return what data of `size` bytes take in a shard."""
    return size + -size % _BLOCK


class ShardTree:
    """Publishes the instances of one partition after another in shards below `root`.

    size: of a shard in bytes, at most, unless a single instance is longer. place: of the instance
    that was published last.
    """

    def __init__(self, root: str, size: int) -> None:
        self._root = root
        self._most = size
        self._partition = -1
        self._number = 0
        self._shard = -1
        self._temporary = ""
        self._end = 0
        self._places: dict[str, list[Place]] = {}
        self.place = NOWHERE

    def begin(self, partition: int) -> None:
        """Begin a partition; what another one has not committed is dropped."""
        self._drop()
        self._partition, self._number = partition, 0
        self._places = {}

    def publish(
        self,
        path: str,
        chunks: Sequence[Chunk],
        source: int,
        *,
        modified_ns: int = 0,
        overwrite: bool = False,
    ) -> str:
        """Put an instance behind the others, see `storage.TargetTree.publish`.

        Returns NEW, or SAME where an equal one of that path stands in the partition. Different ones
        stand both, until all partitions are settled.
        """
        if self._partition < 0 or overwrite:
            raise FastdeidError("shards are written partition by partition")
        size = sum(length_of(chunk) for chunk in chunks)
        header = header_of(path, size)
        if self._end and self._end + len(header) + padded(size) + END > self._most:
            self._finish()
        if self._shard < 0:
            self._open()
        start = self._end
        try:
            write_all(self._shard, header)
            write_chunks(self._shard, chunks, source, modified_ns)
            place = Place(self._name(), start + len(header), size)
            self._require_end(place.offset + size)
        except BaseException:
            self._cut(start)
            raise
        earlier = self._places.setdefault(path, [])
        for other in earlier:
            if other.size == size and self._is_equal(other, place):
                self._cut(start)
                self.place = other
                return SAME
        write_all(self._shard, bytes(-size % _BLOCK))
        self._end = place.offset + padded(size)
        earlier.append(place)
        self.place = place
        return NEW

    def commit(self) -> None:
        """Let the last shard of the partition appear. Raises OutputError."""
        if self._end:
            self._finish()
        # What an earlier attempt has left, of another SOURCE or another size.
        try:
            while True:
                os.unlink(os.path.join(self._root, self._name()))
                self._number += 1
        except FileNotFoundError:
            pass
        except OSError as error:
            raise cannot_write(error) from None
        self._drop()
        self._partition = -1

    def close(self) -> None:
        """Drop what is not committed."""
        self._drop()

    def _name(self) -> str:
        return shard_name(self._partition, self._number)

    def _open(self) -> None:
        self._shard, self._temporary = _new_file(self._root)
        self._end = 0

    def _require_end(self, end: int) -> None:
        if os.lseek(self._shard, 0, os.SEEK_CUR) != end:
            raise FastdeidError("an output is not as long as its parts")

    def _cut(self, end: int) -> None:
        """Take back what stands behind `end`."""
        try:
            os.ftruncate(self._shard, end)
            os.lseek(self._shard, end, os.SEEK_SET)
        except OSError as error:
            raise cannot_write(error) from None

    def _finish(self) -> None:
        write_all(self._shard, bytes(END))
        _appear(self._shard, self._temporary, self._root, self._name())
        self._drop()
        self._number += 1

    def _drop(self) -> None:
        shard, temporary = self._shard, self._temporary
        self._shard, self._temporary, self._end = -1, "", 0
        if shard >= 0:
            close_read(shard)
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._root, temporary))

    def _is_equal(self, earlier: Place, place: Place) -> bool:
        if earlier.shard == place.shard:
            return _are_equal(self._shard, earlier, self._shard, place)
        with _opened(self._root, earlier.shard) as other:
            return _are_equal(other, earlier, self._shard, place)


def are_equal(root: str, one: Place, other: Place) -> bool:
    """Tell whether two outputs in shards below `root` hold the same bytes. Raises OutputError."""
    if one.size != other.size:
        return False
    with _opened(root, one.shard) as first, _opened(root, other.shard) as second:
        return _are_equal(first, one, second, other)


def rewrite(root: str, name: str, members: Sequence[Place], kept: Sequence[bool]) -> dict[int, int]:
    """Write a shard again without some members, under `settled_name`; the old one stays.

    members: all, by their places. kept: for each, whether it stays. Returns where each offset has
    gone; nothing is written when nothing stays. Raises OutputError.
    """
    moved: dict[int, int] = {}
    new, temporary = _new_file(root)
    try:
        with _opened(root, name) as old:
            start = end = 0
            for place, stays in zip(members, kept, strict=True):
                after = place.offset + padded(place.size)
                if stays:
                    copy_range(old, new, start, after - start)
                    moved[place.offset] = end + place.offset - start
                    end += after - start
                start = after
        if moved:
            write_all(new, bytes(END))
            _appear(new, temporary, root, settled_name(name))
    finally:
        close_read(new)
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(root, temporary))
    return moved


@contextlib.contextmanager
def as_file(root: str, path: str, place: Place) -> Iterator[str]:
    """Yield a path under which an output can be opened inside the block.

    path: below root. place: a shard, "" for a file of its own.

    Raises OSError when it cannot be read, or the shard ends before it.
    """
    if not place.shard:
        with as_local(os.path.join(root, path)) as local:
            yield local
        return
    with tempfile.TemporaryFile() as file:
        with open(os.path.join(root, place.shard), "rb") as shard:
            shard.seek(place.offset)
            left = place.size
            while left:
                data = shard.read(min(left, _PIECE))
                if not data:
                    raise OSError("a shard is too short")
                file.write(data)
                left -= len(data)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _new_file(root: str) -> tuple[int, str]:
    """Return a new file, and its temporary name where the file system must have one."""
    unnamed = getattr(os, "O_TMPFILE", 0)
    flags = os.O_RDWR | os.O_CLOEXEC
    if unnamed:
        with contextlib.suppress(OSError):
            return os.open(root, unnamed | flags, 0o666), ""
    name = _temporary_name()
    try:
        return os.open(os.path.join(root, name), os.O_CREAT | os.O_EXCL | flags, 0o666), name
    except OSError as error:
        raise cannot_write(error) from None


def _appear(descriptor: int, temporary: str, root: str, name: str) -> None:
    """Give a whole shard its name, in the place of what stood there."""
    # NFS tells only at a close that the disk is full.
    hand_over(descriptor)
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not temporary:
                temporary = _temporary_name()
                unnamed = f"/proc/self/fd/{descriptor}"
                os.link(unnamed, temporary, dst_dir_fd=folder, follow_symlinks=True)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            close_read(folder)
    except OSError as error:
        raise cannot_write(error) from None


def _temporary_name() -> str:
    return f".{os.getpid()}.{secrets.token_hex(8)}{TEMPORARY}"


@contextlib.contextmanager
def _opened(root: str, name: str) -> Iterator[int]:
    try:
        descriptor = os.open(os.path.join(root, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise cannot_write(error) from None
    try:
        yield descriptor
    finally:
        close_read(descriptor)


def _are_equal(first: int, one: Place, second: int, other: Place) -> bool:
    try:
        return all(
            os.pread(first, min(_PIECE, one.size - at), one.offset + at)
            == os.pread(second, min(_PIECE, other.size - at), other.offset + at)
            for at in range(0, one.size, _PIECE)
        )
    except OSError as error:
        raise cannot_write(error) from None


def remove_others(root: str, kept: set[str]) -> None:
    """Remove the shards below `root` that are not to be kept. Raises OutputError."""
    try:
        for name in os.listdir(root):
            if is_shard(name) and name not in kept:
                os.unlink(os.path.join(root, name))
    except OSError as error:
        raise OutputError(f"TARGET cannot be written: {error.strerror}") from None
