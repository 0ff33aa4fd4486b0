"""The output tree: an instance appears under its final name when it is complete, or not at all.

An instance is written to a file without a name (O_TMPFILE) and linked to its final name, so that
a process that is killed leaves nothing behind and an existing file is never overwritten. File
systems that cannot do it get a named temporary file in the same folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import stat
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from fastdeid.errors import DicomError, OutputError

TEMPORARY: Final = ".unfinished"
NEW, SAME, DIFFERENT = "new", "same", "different"


class ChangedRange(Protocol):
    """A range of the source whose bytes change on their way; its length stays."""

    def __len__(self) -> int:
        """Return the bytes of the range."""

    def pieces(self, source: int) -> Iterator[memoryview]:
        """Yield the changed bytes, read from the descriptor `source`; each is valid until the next.

        Raises DicomError and OSError as `TargetTree.publish` does.
        """


# Bytes to write: held in memory, or (offset, length) in the source, copied or changed.
Chunk = bytes | bytearray | memoryview | tuple[int, int] | ChangedRange

_UNNAMED: Final = getattr(os, "O_TMPFILE", 0) | os.O_RDWR | os.O_CLOEXEC
_HELD: Final = (bytes, bytearray, memoryview)
_BLOCK: Final = 1 << 20
_OPEN_FOLDERS: Final = 32
_NO_UNNAMED: Final = frozenset(
    {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.EPERM, errno.ENOSYS}
)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_RANGES: Final = frozenset(
    {
        errno.EXDEV,
        errno.EINVAL,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
        errno.EIO,
        errno.EBADF,
        errno.ETXTBSY,
    }
)


class TargetTree:
    """Publishes instances below one folder, each in a file of its own."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)
        self._folders: OrderedDict[str, int] = OrderedDict()
        self._unnamed = hasattr(os, "O_TMPFILE")
        self._modified_ns = 0

    def publish(
        self,
        path: str,
        chunks: Sequence[Chunk],
        source: int,
        *,
        modified_ns: int = 0,
        overwrite: bool = False,
    ) -> str:
        """Write chunks to `path`, relative to the root; return NEW, SAME or DIFFERENT.

        SAME: an equal file stands there already. DIFFERENT: another file stands there; it is
        kept, unless `overwrite` asks for its replacement (then NEW). source: descriptor that
        ranges refer to. modified_ns: when it was changed last, as far as the caller knows; then it
        must not have been changed since.

        Raises OutputError when the target cannot be written, DicomError when the source ends
        before a range does or was changed, OSError when the source cannot be read.
        """
        folder, _, name = path.rpartition("/")
        directory = self._folder(folder)
        self._modified_ns = modified_ns
        if self._unnamed and not overwrite:
            try:
                return self._publish_unnamed(directory, name, chunks, source)
            except _UnnamedUnsupportedError:
                self._unnamed = False
        return self._publish_named(directory, name, chunks, source, overwrite=overwrite)

    def close(self) -> None:
        """Close the folders that are open."""
        while self._folders:
            close_read(self._folders.popitem()[1])

    def _folder(self, folder: str) -> int:
        directory = self._folders.get(folder)
        if directory is not None:
            self._folders.move_to_end(folder)
            return directory
        path = os.path.join(self._root, folder)
        try:
            os.makedirs(path, exist_ok=True)
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise cannot_write(error) from None
        self._folders[folder] = directory
        if len(self._folders) > _OPEN_FOLDERS:
            close_read(self._folders.popitem(last=False)[1])
        return directory

    def _publish_unnamed(
        self, directory: int, name: str, chunks: Sequence[Chunk], source: int
    ) -> str:
        try:
            fd = os.open(".", _UNNAMED, 0o666, dir_fd=directory)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                raise _UnnamedUnsupportedError from None
            raise cannot_write(error) from None
        try:
            self._fill(fd, chunks, source)
            try:
                os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=directory, follow_symlinks=True)
            except FileExistsError:
                return _compare(fd, directory, name)
            except OSError as error:
                if error.errno in _NO_UNNAMED:
                    raise _UnnamedUnsupportedError from None
                raise cannot_write(error) from None
            return NEW
        finally:
            close_written(fd)

    def _publish_named(
        self, directory: int, name: str, chunks: Sequence[Chunk], source: int, *, overwrite: bool
    ) -> str:
        temporary = f".{os.getpid()}.{secrets.token_hex(8)}{TEMPORARY}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        try:
            fd = os.open(temporary, flags, 0o666, dir_fd=directory)
        except OSError as error:
            raise cannot_write(error) from None
        try:
            self._fill(fd, chunks, source)
            if overwrite:
                return _rename(temporary, name, directory)
            try:
                os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
            except FileExistsError:
                return _compare(fd, directory, name)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise cannot_write(error) from None
                if _exists(name, directory):
                    return _compare(fd, directory, name)
                return _rename(temporary, name, directory)
            return NEW
        finally:
            try:
                close_written(fd)
            finally:
                _remove(temporary, directory)

    def _fill(self, fd: int, chunks: Sequence[Chunk], source: int) -> None:
        write_chunks(fd, chunks, source, self._modified_ns)
        # NFS tells only at a close that the disk is full: before the file has its name.
        hand_over(fd)


def write_chunks(fd: int, chunks: Sequence[Chunk], source: int, modified_ns: int) -> None:
    """Append what an output consists of. Raises what `TargetTree.publish` does."""
    for chunk in chunks:
        if isinstance(chunk, _HELD):
            if chunk:
                write_all(fd, chunk)
        elif isinstance(chunk, tuple):
            copy_range(source, fd, *chunk)
        else:
            for piece in chunk.pieces(source):
                write_all(fd, piece)
    if modified_ns and os.fstat(source).st_mtime_ns != modified_ns:
        raise DicomError("changed_while_read")


def length_of(chunk: Chunk) -> int:
    """Return the bytes that a chunk becomes."""
    return chunk[1] if type(chunk) is tuple else len(chunk)


def flush(folder: str) -> None:
    """Wait until everything that was written to the folder's file system is on disk.

    Once for many files: a flush of each takes a hundred times as long (measured on ext4).

    Raises OutputError when something could not be written.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _sync_file_system(descriptor)
        finally:
            close_read(descriptor)
    except OSError as error:
        raise cannot_write(error) from None


def _sync_file_system(descriptor: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        os.sync()
    elif call(descriptor):
        raise OSError(ctypes.get_errno(), "syncfs")


class _UnnamedUnsupportedError(Exception):
    """The file system cannot make a file without a name."""


def copy_range(source: int, target: int, offset: int, length: int) -> None:
    """Append source[offset:offset + length] to `target`, inside the kernel where it can.

    Raises OutputError, DicomError (changed_while_read) and the OSError of a failed read.
    """
    try:
        while length:
            n = os.copy_file_range(source, target, length, offset)
            if n == 0:
                raise DicomError("changed_while_read", offset=offset)
            offset += n
            length -= n
    except OSError as error:
        if error.errno not in _NO_RANGES:
            raise cannot_write(error) from None
        _copy_by_hand(source, target, offset, length)


def _copy_by_hand(source: int, target: int, offset: int, length: int) -> None:
    while length:
        block = os.pread(source, min(length, _BLOCK), offset)
        if not block:
            raise DicomError("changed_while_read", offset=offset)
        write_all(target, block)
        offset += len(block)
        length -= len(block)


def close_written(fd: int) -> None:
    """Close what was written; a failure may mean that it is not all there."""
    try:
        os.close(fd)
    except OSError as error:
        raise cannot_write(error) from None


def hand_over(fd: int) -> None:
    """Hear of errors that a file system keeps for a close, of what was written so far.

    Raises OutputError.
    """
    try:
        os.close(os.dup(fd))
    except OSError as error:
        raise cannot_write(error) from None


def close_read(fd: int) -> None:
    """Close what was only read, or handed over: nothing depends on it."""
    with contextlib.suppress(OSError):
        os.close(fd)


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Append data to what is being written. Raises OutputError."""
    try:
        n = os.write(fd, data)
        while n < len(data):
            data = memoryview(data)[n:]
            n = os.write(fd, data)
    except OSError as error:
        raise cannot_write(error) from None


def _compare(fd: int, directory: int, name: str) -> str:
    """Tell whether the file that stands at `name` holds the bytes of `fd`."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        other = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        raise cannot_write(error) from None
    try:
        return SAME if _are_equal(fd, other) else DIFFERENT
    except OSError as error:
        raise cannot_write(error) from None
    finally:
        close_read(other)


def _are_equal(fd: int, other: int) -> bool:
    size = os.fstat(fd).st_size
    status = os.fstat(other)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    return all(
        os.pread(fd, _BLOCK, at) == os.pread(other, _BLOCK, at) for at in range(0, size, _BLOCK)
    )


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(error) from None
    return True


def _rename(temporary: str, name: str, directory: int) -> str:
    try:
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError as error:
        raise cannot_write(error) from None
    return NEW


def _remove(temporary: str, directory: int) -> None:
    try:
        os.unlink(temporary, dir_fd=directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise cannot_write(error) from None


def cannot_write(error: OSError) -> OutputError:
    """Return what an error of the target is told as."""
    name = errno.errorcode.get(error.errno or 0, "an unknown error")
    return OutputError(f"the target cannot be written: {name}")
