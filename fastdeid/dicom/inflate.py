"""Deflated data sets (PS3.5 section A.5), inflated under a budget: no bomb fills the memory."""

from __future__ import annotations

import os
import zlib
from typing import Final

from fastdeid.errors import DicomError

# A data set may always inflate to LEAST bytes; beyond that to RATIO times its size, and never
# beyond MOST. Deflate cannot exceed 1032:1. The real files at hand stay below 20:1.
LEAST: Final = 32 << 20
RATIO: Final = 32
MOST: Final = 512 << 20
_CHUNK: Final = 1 << 18


def inflate(fd: int, start: int, size: int) -> bytearray:
    """Return the inflated bytes of the file from `start` to `size`.

    Raises DicomError (deflate_budget, truncated, deflate_damaged) and the OSError of a failed read.
    """
    budget = min(MOST, max(LEAST, RATIO * (size - start)))
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = bytearray()
    at = start
    try:
        while at < size and not stream.eof:
            chunk = os.pread(fd, min(_CHUNK, size - at), at)
            if not chunk:
                raise DicomError("truncated", offset=at)
            at += len(chunk)
            while chunk and not stream.eof:
                inflated += stream.decompress(chunk, _CHUNK)
                if len(inflated) > budget:
                    raise DicomError("deflate_budget", offset=at)
                chunk = stream.unconsumed_tail
        inflated += stream.flush()
    except zlib.error:
        raise DicomError("deflate_damaged", offset=at) from None
    if not stream.eof:
        raise DicomError("truncated", offset=size)
    if len(inflated) > budget:
        raise DicomError("deflate_budget", offset=at)
    return inflated


def deflate(parts: list[bytes | bytearray | memoryview]) -> bytes:
    """Return the deflated bytes of the parts in their order, padded to even length."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = b"".join([*(stream.compress(part) for part in parts), stream.flush()])
    return deflated + b"\0" * (len(deflated) & 1)
