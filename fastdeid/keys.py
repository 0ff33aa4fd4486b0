"""The project key file: 32 random bytes that every pseudonym is derived from."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import Final

from fastdeid.errors import KeyFileError

KEY_SIZE: Final = 32
_OPEN_TO_OTHERS: Final = 0o077


def write_key(path: str | os.PathLike[str]) -> None:
    """Write a new project key of 32 random bytes, readable by its owner only.

    The file and its name are on disk when this returns: a key that is lost takes every pseudonym
    with it.

    Raises KeyFileError when something of that name exists already or cannot be created.
    """
    name = os.fspath(path)
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyFileError("the key file exists already; a key is never overwritten") from None
    except OSError as error:
        raise KeyFileError(f"the key file cannot be created: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(descriptor)
        sync_folder(os.path.dirname(os.path.abspath(name)))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise KeyFileError(f"the key file cannot be written: {error.strerror}") from None


def read_key(path: str | os.PathLike[str]) -> bytes:
    """Return the 32 bytes of a project key.

    Raises KeyFileError when the file is missing, a symbolic link, readable or writable by group
    or others, or not 32 bytes long.
    """
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(os.fspath(path), flags)
    except OSError as error:
        raise KeyFileError(_reason_not_opened(error)) from None
    try:
        key = _read_private(descriptor)
    except OSError as error:
        raise KeyFileError(f"the key file cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    # A file of zeros is what a crash of the machine can leave of a key that was never on disk.
    if len(key) != KEY_SIZE or not any(key):
        raise KeyFileError(f"the key file does not hold a key ({KEY_SIZE} random bytes)")
    return key


def _read_private(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError("the key is not a regular file")
    if stat.S_IMODE(status.st_mode) & _OPEN_TO_OTHERS:
        raise KeyFileError("the key file is open to group or others: chmod 600")
    return os.read(descriptor, KEY_SIZE + 1)


def _reason_not_opened(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "the key file is a symbolic link; name the file itself"
    if error.errno == errno.ENOENT:
        return "there is no such key file; make one with: fastdeid keygen PROJECT.key"
    return f"the key file cannot be read: {error.strerror}"


def sync_folder(path: str) -> None:
    """Put the names of a folder on disk. Raises the OSError of a failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
