"""One folder of SOURCE: its entries in the order of their names, in bounded memory.

A folder may hold millions of entries. What is more than HELD waits, in sorted runs, in a file
without a name: names of folders and files are PHI, and a process that is killed leaves none behind.
"""

from __future__ import annotations

import heapq
import os
import stat
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from fastdeid import objects
from fastdeid.storage import close_read

UNSUPPORTED_KEY: Final = "unsupported_key"
HELD: Final = 100_000
_BLOCK: Final = 256


class Entry(NamedTuple):
    """One entry of SOURCE: path below it, size in bytes, time of change in ns.

    reason: why the entry is listed but not opened; "" for a regular file. place: where a member of
    an archive stands in it, see `archives.members`; -1 for a file of its own.
    """

    path: bytes
    size: int
    modified_ns: int
    reason: str
    place: int = -1


_SPECIAL_FILES: Final = (
    (stat.S_ISLNK, "symbolic_link"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
NOT_REGULAR: Final = frozenset(reason for _, reason in _SPECIAL_FILES)

_PATH: Final = itemgetter(0)
_decoder: Final = msgspec.msgpack.Decoder(list[Entry])
_encoder: Final = msgspec.msgpack.Encoder()


class Listing:
    """The entries of one folder.

    path: of the folder. below: path of the folder below SOURCE, b"" for SOURCE itself. scratch:
    folder for the file without a name, None for the system's.

    Raises OSError when the folder cannot be read.
    """

    def __init__(self, path: bytes, below: bytes, scratch: str | None) -> None:
        prefix = below + b"/" if below else b""
        self._files = _Sorted(scratch)
        self._folders = _Sorted(scratch)
        uri = os.fsdecode(path)
        if objects.is_remote(uri):
            self._list_objects(uri, prefix)
            return
        with os.scandir(path or b"/") as entries:
            for entry in entries:
                name = prefix + entry.name
                if _is_folder(entry):
                    self._folders.add(Entry(name, 0, 0, ""))
                else:
                    self._files.add(_entry(entry, name))

    def _list_objects(self, uri: str, prefix: bytes) -> None:
        for one in objects.entries(uri):
            name = one.uri[len(uri) + 1 :]
            path = prefix + name.encode()
            if not name.strip("/.") or "/" in name:
                # A key with an empty part, or a part of dots: no request can name it safely.
                self._files.add(Entry(prefix + b"?", 0, 0, UNSUPPORTED_KEY))
            elif one.size < 0:
                self._folders.add(Entry(path, 0, 0, ""))
            else:
                self._files.add(Entry(path, one.size, one.modified_ns, ""))

    def files(self) -> Iterator[Entry]:
        """Yield what is not a folder; once."""
        return iter(self._files)

    def folders(self) -> Iterator[bytes]:
        """Yield the paths of subfolders below SOURCE; once."""
        return (entry.path for entry in self._folders)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _entry(entry: os.DirEntry[bytes], path: bytes) -> Entry:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        # Gone since, or not allowed: opening it will say which.
        return Entry(path, 0, 0, "")
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return Entry(path, status.st_size, status.st_mtime_ns, "")
    reason = next((reason for is_kind, reason in _SPECIAL_FILES if is_kind(mode)), "device")
    return Entry(path, 0, 0, reason)


class _Sorted:
    """Entries that come in any order and go by the bytes of their paths."""

    def __init__(self, scratch: str | None) -> None:
        self._scratch = scratch
        self._held: list[Entry] = []
        self._runs: list[list[tuple[int, int]]] = []
        self._file: int | None = None
        self._end = 0

    def add(self, entry: Entry) -> None:
        """Take one more entry."""
        self._held.append(entry)
        if len(self._held) >= HELD:
            self._spill()

    def __iter__(self) -> Iterator[Entry]:
        held, self._held = self._held, []
        held.sort(key=_PATH)
        try:
            if self._file is None:
                yield from held
            else:
                yield from heapq.merge(held, *map(self._read, self._runs))
        finally:
            self.close()

    def close(self) -> None:
        """Give the space back."""
        if self._file is not None:
            file, self._file = self._file, None
            close_read(file)

    def __del__(self) -> None:
        self.close()

    def _spill(self) -> None:
        if self._file is None:
            with tempfile.TemporaryFile(dir=self._scratch) as file:
                self._file = os.dup(file.fileno())
        self._held.sort(key=_PATH)
        blocks = []
        for first in range(0, len(self._held), _BLOCK):
            block = _encoder.encode(self._held[first : first + _BLOCK])
            length = os.pwrite(self._file, block, self._end)
            if length < len(block):
                raise OSError("no space for the entries of a folder")
            blocks.append((self._end, length))
            self._end += length
        self._runs.append(blocks)
        self._held = []

    def _read(self, blocks: list[tuple[int, int]]) -> Iterator[Entry]:
        for offset, length in blocks:
            if self._file is not None:
                yield from _decoder.decode(os.pread(self._file, length, offset))
