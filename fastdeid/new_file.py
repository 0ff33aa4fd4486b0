"""New files that appear whole or not at all, and never in the place of another file."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import IO, Any, Final

from fastdeid.errors import OutputError, UsageError
from fastdeid.storage import TEMPORARY

PRIVATE: Final = 0o600
SHARED: Final = 0o666


def refuse_existing(path: str | os.PathLike[str]) -> None:
    """Raise UsageError when something of that name exists: no output is ever overwritten."""
    if os.path.lexists(path):
        raise UsageError("the output exists already; it is never overwritten")


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str], mode: int) -> Iterator[IO[bytes]]:
    """Open a new binary file that gets its name when the block ends without an error.

    mode: PRIVATE for PHI, SHARED (less the umask) for what is not.

    Raises UsageError when the file exists, OutputError when it cannot be written.
    """
    name = os.path.abspath(path)
    refuse_existing(name)
    temporary = f"{name}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with as_output_error():
        try:
            with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
                yield file
            sync(temporary)
            appear(temporary, name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


@contextlib.contextmanager
def new_text_file(path: str | os.PathLike[str], mode: int) -> Iterator[IO[str]]:
    """Open a new text file in UTF-8 for the module csv, see `new_file`."""
    import io

    with new_file(path, mode) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()


@contextlib.contextmanager
def all_or_none() -> Iterator[list[str]]:
    """Yield a list for the paths of new files and folders, which go again when the block fails."""
    made: list[str] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                (os.rmdir if os.path.isdir(path) else os.unlink)(path)
        raise


def new_folder(path: str | os.PathLike[str], mode: int, made: list[str]) -> None:
    """Make a folder that may exist already; `made` gets those that did not. Raises OutputError."""
    name, missing = os.path.abspath(path), list[str]()
    while not os.path.isdir(name) and name not in missing:
        missing.append(name)
        name = os.path.dirname(name)
    with as_output_error():
        for folder in reversed(missing):
            os.mkdir(folder, mode)
            made.append(folder)


def appear(temporary: str, path: str) -> None:
    """Give a whole file its name, unless another file has got it in the meantime."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        refuse_existing(path)
    except OSError:
        # A file system without hard links.
        refuse_existing(path)
        os.rename(temporary, path)
    sync(os.path.dirname(path))


def sync(path: str) -> None:
    """Wait until a file or folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def as_output_error() -> Iterator[Any]:
    """Turn failures of the file system inside the block into OutputError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "an error of the file system"
        raise OutputError(f"the output cannot be written: {reason}") from None
