"""Bytes that wait to be written: in memory, or in a file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Final

import msgspec

from fastdeid.errors import OutputError

_IN_MEMORY: Final = 16 << 20
_BLOCK: Final = 1 << 20


class Spool:
    """Bytes of one output, which the offset tables before them make wait.

    folder: where they go when they are many, None for the system's. Close it when all is written.
    """

    def __init__(self, folder: str | None) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115
        self._size = 0

    def append(self, data: bytes) -> SpooledRange:
        """Keep bytes; raises OutputError when there is no room."""
        try:
            self._file.seek(self._size)
            self._file.write(data)
        except OSError as error:
            raise OutputError(f"the target cannot be written: {error.strerror}") from None
        start, self._size = self._size, self._size + len(data)
        return SpooledRange(self, start, len(data))

    def pieces(self, start: int, length: int) -> Iterator[memoryview]:
        """Yield the bytes from `start`, at most 1 MiB at a time."""
        for at in range(start, start + length, _BLOCK):
            self._file.seek(at)
            yield memoryview(self._file.read(min(_BLOCK, start + length - at)))

    def close(self) -> None:
        """Forget all."""
        self._file.close()


class SpooledRange(msgspec.Struct, frozen=True):
    """A part of a spool, as a `storage.ChangedRange`."""

    spool: Spool
    start: int
    length: int

    def __len__(self) -> int:
        return self.length

    def pieces(self, source: int) -> Iterator[memoryview]:  # noqa: ARG002
        """Yield the bytes."""
        return self.spool.pieces(self.start, self.length)
