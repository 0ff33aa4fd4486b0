"""The project key: 32 random bytes that every pseudonym is derived from, and where it comes from.

A key is never an argument: other users see arguments. It is a file, or `fd:N`, an open descriptor;
`credential:NAME`, a file that systemd hands to a service (LoadCredential=); `env:NAME`, an
environment variable, with a warning.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import warnings
from typing import Final

from fastdeid.errors import KeyFileError
from fastdeid.storage import close_read

KEY_SIZE: Final = 32
_OPEN_TO_OTHERS: Final = 0o077
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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

    path: a file, fd:N, credential:NAME or env:NAME; a file of such a name is ./fd:N. What comes
    from a descriptor or the environment can be read once.

    Raises KeyFileError when the file is missing, a symbolic link, somebody else's, readable or
    writable by group or others, or not 32 bytes long.
    """
    kind, colon, name = os.fspath(path).partition(":")
    if colon and kind in _OTHERS:
        return _checked(_OTHERS[kind](name))
    try:
        descriptor = os.open(os.fspath(path), _FLAGS)
    except OSError as error:
        raise KeyFileError(_reason_not_opened(error)) from None
    try:
        key = _read_private(descriptor)
    except OSError as error:
        raise KeyFileError(f"the key file cannot be read: {error.strerror}") from None
    finally:
        close_read(descriptor)
    return _checked(key)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a project key is a file of the user's, not handed over in another way."""
    kind, colon, _ = os.fspath(path).partition(":")
    return not (colon and kind in _OTHERS)


def _checked(key: bytes) -> bytes:
    # A file of zeros is what a crash of the machine can leave of a key that was never on disk.
    if len(key) != KEY_SIZE or not any(key):
        raise KeyFileError(f"the key file does not hold a key ({KEY_SIZE} random bytes)")
    return key


def _from_descriptor(number: str) -> bytes:
    if not number.isdecimal() or len(number) > 9:
        raise KeyFileError("the key's descriptor is a number: fd:3")
    key = b""
    try:
        with os.fdopen(int(number), "rb", buffering=0) as file:
            while len(key) <= KEY_SIZE and (more := file.read(KEY_SIZE + 1 - len(key))):
                key += more
    except (OSError, OverflowError):
        raise KeyFileError("the key's descriptor cannot be read") from None
    return key


def _from_credential(name: str) -> bytes:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder or "/" in name or name in {"", ".", ".."}:
        raise KeyFileError("there is no such credential of the service (LoadCredential=)")
    try:
        descriptor = os.open(os.path.join(folder, name), _FLAGS)
        try:
            # systemd chooses the owner, and lets the service in by an access list.
            return _read_private(descriptor, owned=False, closed_to=0o007)
        finally:
            close_read(descriptor)
    except OSError as error:
        raise KeyFileError(f"the credential cannot be read: {error.strerror}") from None


def _from_environment(name: str) -> bytes:
    text = os.environ.pop(name, "")  # no other process inherits it
    warnings.warn(
        "a key in the environment shows in /proc and to every process started from here: "
        "use a file, fd:N or credential:NAME",
        stacklevel=3,
    )
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise KeyFileError("the key in the environment is not 64 hexadecimal digits") from None


_OTHERS: Final = {
    "fd": _from_descriptor,
    "credential": _from_credential,
    "env": _from_environment,
}


def _read_private(
    descriptor: int, *, owned: bool = True, closed_to: int = _OPEN_TO_OTHERS
) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError("the key is not a regular file")
    if owned and status.st_uid != os.geteuid():
        raise KeyFileError("the key file belongs to another user")
    if stat.S_IMODE(status.st_mode) & closed_to:
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
