"""Object stores, by URI: s3://bucket/key, gs://bucket/key, abfss://container@account/key.

An object appears whole or not at all. What pyarrow has been given of an object when something fails
in between it publishes, short; so an object is finished first, in memory or in a file without a
name, and is then handed over at once. What takes several requests goes to a temporary key, is
measured there, and is moved by the store. Nothing here repeats what a store says in an error: it
may name a key, and keys of SOURCE are PHI.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from fastdeid import s3
from fastdeid.errors import OutputError, UsageError
from fastdeid.storage import DIFFERENT, NEW, SAME, TEMPORARY

SCHEMES: Final = ("s3://", "gs://", "abfss://")
# One request of pyarrow takes less than 10 MiB; this leaves room.
_AT_ONCE: Final = 8 << 20
# Longer objects are not copied by S3.
_MOST_COPIED: Final = 5 << 30
_PIECE: Final = 16 << 20
# Where pyarrow says nothing, a store that is busy for 3 seconds counts as gone.
_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 60


class Info(NamedTuple):
    """An object, or a common prefix of keys: URI, bytes (-1 for a prefix), time of change in ns."""

    uri: str
    size: int
    modified_ns: int


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is the URI of an object store."""
    return os.fspath(path).startswith(SCHEMES)


def check_uri(uri: str) -> str:
    """Return a URI without a slash at its end.

    Raises UsageError for one without a bucket, and for one that holds a secret: arguments of a
    process are seen by all.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not bucket or "?" in rest or "#" in rest or (scheme != "abfss" and "@" in bucket):
        raise UsageError("an object store is named s3://BUCKET/KEY, without keys or options")
    if {"", ".", ".."} & set(key.rstrip("/").split("/")) and key.rstrip("/"):
        raise UsageError("a key of an object store has no empty parts and no dots alone")
    return uri.rstrip("/")


@lru_cache(16)
def _store(scheme: str, bucket: str) -> tuple[Any, str]:
    """Return the file system of a bucket, and what it calls the bucket."""
    from pyarrow import fs

    if scheme != "s3":
        return fs.FileSystem.from_uri(f"{scheme}://{bucket}")  # type: ignore[no-any-return]
    endpoint, region = s3.setting(s3.ENDPOINTS), s3.setting(s3.REGIONS)
    if region is None:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    patience = {"connect_timeout": _CONNECT_SECONDS, "request_timeout": _ANSWER_SECONDS}
    return (
        fs.S3FileSystem(
            endpoint_override=endpoint, region=region, allow_delayed_open=True, **patience
        ),
        bucket,
    )


def located(uri: str) -> tuple[Any, str]:
    """Return the file system of a URI, and its path there. Raises OSError, UsageError."""
    scheme, _, rest = uri.partition("://")
    bucket, slash, key = rest.partition("/")
    try:
        with _nameless():
            store, root = _store(scheme, bucket)
    except (ValueError, ImportError, AttributeError, NotImplementedError):
        raise UsageError(f"this installation of pyarrow does not know {scheme}://") from None
    return store, root.rstrip("/") + slash + key


@contextlib.contextmanager
def _nameless() -> Iterator[None]:
    """Raise the errors inside the block without what the store says: it may name a key."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    except OSError:
        raise OSError(errno.EIO, "the object store reports an error") from None


# Reading ---------------------------------------------------------------------------------------


def info(uri: str) -> Info:
    """Return what a store says of an object or a prefix. Raises FileNotFoundError, OSError."""
    store, path = located(uri)
    with _nameless():
        found = store.get_file_info(path)
    if found.type.name == "NotFound":
        raise FileNotFoundError(errno.ENOENT, "no such object")
    return _info(found, uri)


def _info(found: Any, uri: str) -> Info:
    if not found.is_file:
        return Info(uri, -1, 0)
    return Info(uri, found.size, found.mtime_ns or 0)


def entries(uri: str, *, recursive: bool = False) -> Iterator[Info]:
    """Yield what stands below a prefix, in any order. Raises FileNotFoundError, OSError."""
    from pyarrow.fs import FileSelector

    store, path = located(uri)
    # Of Google's store pyarrow lists no prefix that has no object of its own: see what is below.
    implied = uri.startswith("gs://") and not recursive
    with _nameless():
        listed = store.get_file_info(FileSelector(path, recursive=recursive or implied))
    prefixes = set()
    for found in listed:
        name = found.path[len(path) :]
        first = name.find("/", 1)
        if not implied or (first < 0 and found.is_file):
            yield _info(found, uri + name)
        else:
            prefixes.add(name if first < 0 else name[:first])
    for prefix in sorted(prefixes):
        yield Info(uri + prefix, -1, 0)


def open_input(uri: str) -> Any:
    """Return an object as a file of pyarrow. Raises FileNotFoundError, OSError."""
    store, path = located(uri)
    with _nameless():
        return store.open_input_file(path)


def read(uri: str) -> bytes:
    """Return a short object. Raises FileNotFoundError, OSError."""
    with open_input(uri) as file, _nameless():
        data: bytes = file.read_at(file.size(), 0)
        return data


def copy_to(file: Any, descriptor: int, start: int, size: int) -> None:
    """Append bytes of an object to a file. Raises OSError when there are less."""
    while start < size:
        with _nameless():
            data = file.read_at(min(size - start, _PIECE), start)
        if not data:
            raise OSError("an object has become shorter")
        start += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def as_local(path: str) -> Iterator[str]:
    """Yield a path under which a file or an object can be opened inside the block.

    Raises FileNotFoundError, OSError.
    """
    if not is_remote(path):
        yield path
        return
    with open_input(path) as file, new_file(_PIECE + 1) as copy:
        copy_to(file, copy.fileno(), 0, file.size())
        yield f"/proc/{os.getpid()}/fd/{copy.fileno()}"


# Writing ---------------------------------------------------------------------------------------


def put(uri: str, descriptor: int, *, root: str = "", overwrite: bool = False) -> str:
    """Put a whole file as an object; return NEW, or SAME or DIFFERENT where one stands there.

    root: prefix under which a temporary object may stand, by default that of the object. What
    stands under the key is kept, unless `overwrite` asks for its replacement (then NEW). Where the
    store cannot be asked to put only where nothing stands (see `s3`), two processes that put the
    same key at the same moment may both find nothing there.

    Raises OutputError.
    """
    size = os.fstat(descriptor).st_size
    try:
        if not overwrite:
            found = _put_new(uri, descriptor, size)
            if found:
                return found
        _put(uri, descriptor, size, root or uri.rpartition("/")[0])
    except OSError:
        raise OutputError("the object store cannot be written") from None
    return NEW


def _put_new(uri: str, descriptor: int, size: int) -> str:
    """Put an object where none stands; "" when nothing stands there and it has yet to be put."""
    puts = None
    if uri.startswith("s3://") and size <= _AT_ONCE:
        puts = s3.conditional_puts()
    if puts is None or not puts.is_kept:
        try:
            return _compared(uri, descriptor, size)
        except FileNotFoundError:
            pass
    if puts is not None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        done = puts.put(bucket, key, _whole(descriptor, size))
        if done is not None:
            return NEW if done else _compared(uri, descriptor, size)
    return ""


def _compared(uri: str, descriptor: int, size: int) -> str:
    """Return SAME or DIFFERENT. Raises FileNotFoundError where nothing stands, OSError."""
    return SAME if info(uri).size == size and _holds(uri, descriptor) else DIFFERENT


def _whole(descriptor: int, size: int) -> bytes:
    data = os.pread(descriptor, size, 0)
    if len(data) != size:
        raise OSError("a file has become shorter")
    return data


def _put(uri: str, descriptor: int, size: int, root: str) -> None:
    store, path = located(uri)
    if size <= _AT_ONCE:
        data = _whole(descriptor, size)
        with store.open_output_stream(path) as file:
            file.write(data)
        return
    folder = located(root)[1]
    temporary = f"{folder}/.{os.getpid()}.{secrets.token_hex(8)}{TEMPORARY}"
    if size > _MOST_COPIED:
        temporary = path
    try:
        _send(store, temporary, descriptor, size)
        if temporary != path:
            store.move(temporary, path)
    except BaseException:
        _remove(store, temporary)
        raise


def _send(store: Any, path: str, descriptor: int, size: int) -> None:
    """Write an object in parts; when something fails, a short one may stand there."""
    with store.open_output_stream(path) as file:
        for start in range(0, size, _PIECE):
            data = os.pread(descriptor, _PIECE, start)
            if len(data) != min(_PIECE, size - start):
                raise OSError("a file has become shorter")
            file.write(data)
    if store.get_file_info(path).size != size:
        raise OSError("an object is too short")


def put_bytes(uri: str, data: bytes) -> None:
    """Put an object in the place of what stands there. Raises OutputError."""
    with new_file(len(data)) as file:
        file.write(data)
        file.flush()
        put(uri, file.fileno(), overwrite=True)


def new_file(size: int, folder: str | None = None) -> Any:
    """Return a file without a name for `size` bytes, in memory where these are few."""
    import tempfile

    if size <= _PIECE and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("object", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile(dir=folder)


def _holds(uri: str, descriptor: int) -> bool:
    with open_input(uri) as file:
        size = file.size()
        return all(
            file.read_at(min(_PIECE, size - start), start) == os.pread(descriptor, _PIECE, start)
            for start in range(0, size, _PIECE)
        )


def remove(uri: str) -> None:
    """Remove an object; one that is not there is fine. Raises OSError."""
    store, path = located(uri)
    _remove(store, path)


def _remove(store: Any, path: str) -> None:
    try:
        with _nameless():
            store.delete_file(path)
    except FileNotFoundError:
        return


def sweep(uri: str) -> None:
    """Remove what processes that were killed have left in a folder: temporary objects.

    Also uploads in several parts that were never completed, here and below, where boto3 is
    installed; a store keeps (and bills) them unseen. Nobody else may be writing there. Raises
    OSError.
    """
    for one in entries(uri):
        if one.uri.endswith(TEMPORARY) and one.size >= 0:
            remove(one.uri)
    if uri.startswith("s3://"):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3.sweep_uploads(bucket, key)
