"""The bytes of a tar archive, one after another: of a file, or inflated from a gzip file."""

from __future__ import annotations

import os
import zlib
from typing import Final, Protocol

from fastdeid.archives.members import DAMAGED, TOO_MUCH, TRUNCATED, ArchiveError, is_too_much

_BLOCK: Final = 1 << 20
_PACKED: Final = 1 << 18
_GZIP: Final = 31  # window bits of zlib for a gzip file


class Stream(Protocol):
    """Bytes that are read from the first to the last. position: of the next one."""

    position: int

    def read(self, length: int) -> bytes:
        """Return the next bytes, less than `length` only at the end. Raises ArchiveError."""

    def skip(self, length: int) -> None:
        """Leave out bytes. Raises ArchiveError when there are less."""


class FileStream:
    """The bytes of a file of `size` bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.position = 0
        self._descriptor = descriptor
        self._size = size

    def read(self, length: int) -> bytes:
        """Return the next bytes; raises OSError, too."""
        data = os.pread(self._descriptor, length, self.position)
        self.position += len(data)
        return data

    def skip(self, length: int) -> None:
        """Leave out bytes."""
        if self.position + length > self._size:
            raise ArchiveError(TRUNCATED)
        self.position += length


class GzipStream:
    """The bytes that a gzip file (RFC 1952) holds, in memory that does not grow with it.

    One file may hold several streams, and zeros behind them.
    """

    def __init__(self, descriptor: int) -> None:
        self.position = 0
        self._descriptor = descriptor
        self._read = 0
        self._packed = b""
        self._held = memoryview(b"")
        self._inflating = zlib.decompressobj(_GZIP)

    def read(self, length: int) -> bytes:
        """Return the next bytes; raises OSError, too."""
        parts = []
        while length and (part := self.piece(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def skip(self, length: int) -> None:
        """Leave out bytes."""
        while length:
            part = self.piece(length)
            if not part:
                raise ArchiveError(TRUNCATED)
            length -= len(part)

    def piece(self, most: int) -> memoryview:
        """Return some of the next bytes, none at the end."""
        if not self._held:
            self._held = memoryview(self._inflate())
        part, self._held = self._held[:most], self._held[most:]
        self.position += len(part)
        return part

    def _inflate(self) -> bytes:
        while True:
            if not self._packed:
                self._packed = os.pread(self._descriptor, _PACKED, self._read)
                self._read += len(self._packed)
            if self._inflating.eof and not self._begin_again():
                return b""
            if not self._packed:
                raise ArchiveError(TRUNCATED)
            try:
                data = self._inflating.decompress(self._packed, _BLOCK)
            except zlib.error:
                raise ArchiveError(DAMAGED) from None
            eof = self._inflating.eof
            self._packed = self._inflating.unused_data if eof else self._inflating.unconsumed_tail
            if is_too_much(self.position + len(data), self._read):
                raise ArchiveError(TOO_MUCH)
            if data:
                return data

    def _begin_again(self) -> bool:
        """Begin the next stream of the file; return whether there is one."""
        while self._packed and not self._packed.strip(b"\0"):
            self._packed = os.pread(self._descriptor, _PACKED, self._read)
            self._read += len(self._packed)
        if self._packed:
            self._inflating = zlib.decompressobj(_GZIP)
        return bool(self._packed)
