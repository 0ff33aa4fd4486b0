"""Files of a run by name, of a file system or of an object store.

For what is done some times for a partition, not for every instance. Names are joined with `/`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from fastdeid import objects
from fastdeid.objects import is_remote

PathLike = str | os.PathLike[str]


def resolved(path: PathLike) -> str:
    """Return an absolute path, symbolic links resolved; a URI as it is.

    Raises UsageError for a URI that is refused.
    """
    name = os.fspath(path)
    return objects.check_uri(name) if is_remote(name) else os.path.realpath(name)


def absolute(path: PathLike) -> str:
    """Return an absolute path; a URI as it is."""
    name = os.fspath(path)
    return objects.check_uri(name) if is_remote(name) else os.path.abspath(name)


def scratch(folder: str) -> str | None:
    """Return where files without names go that belong to a folder, None for the system's place."""
    return None if is_remote(folder) else folder


def exists(path: str) -> bool:
    """Tell whether something of that name is there."""
    if not is_remote(path):
        return os.path.exists(path)
    try:
        objects.info(path)
    except FileNotFoundError:
        return False
    return True


def size_of(path: str) -> int:
    """Return the bytes of a file. Raises OSError."""
    return objects.info(path).size if is_remote(path) else os.stat(path).st_size


def modified(path: str) -> float:
    """Return when a file was changed last, in seconds since the epoch. Raises OSError."""
    return modified_ns(path) / 1e9


def modified_ns(path: str) -> int:
    """Return when a file was changed last, in ns. Raises OSError."""
    return objects.info(path).modified_ns if is_remote(path) else os.stat(path).st_mtime_ns


def read(path: str) -> bytes:
    """Return a file. Raises OSError."""
    if is_remote(path):
        return objects.read(path)
    with open(path, "rb") as file:
        return file.read()


def names(folder: str) -> list[str]:
    """Return the names of the files in a folder. Raises OSError."""
    if not is_remote(folder):
        return os.listdir(folder)
    try:
        found = list(objects.entries(folder))
    except FileNotFoundError:
        return []
    return [one.uri.rpartition("/")[2] for one in found if one.size >= 0]


def sizes(folder: str) -> Iterator[tuple[str, int]]:
    """Yield path below it and size of every object below a prefix. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        for one in objects.entries(folder, recursive=True):
            if one.size >= 0:
                yield one.uri[len(folder) + 1 :], one.size


def remove(path: str) -> None:
    """Remove a file; one that is not there is fine. Raises OSError."""
    if is_remote(path):
        objects.remove(path)
        return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def make_folders(path: str, mode: int = 0o777) -> None:
    """Make a folder and those above it; object stores need none. Raises OSError."""
    if not is_remote(path):
        os.makedirs(path, mode=mode, exist_ok=True)


def for_parquet(path: str) -> Any:
    """Return what pyarrow reads a file from. Raises OSError."""
    return objects.open_input(path) if is_remote(path) else path
