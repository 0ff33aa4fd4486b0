"""Digests of whole files, for those who must prove later which bytes went in and came out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Final

from fastdeid.storage import Chunk

# BLAKE2b (RFC 7693) with a digest of 32 bytes, unkeyed: anybody can check it with `b2sum -l 256`.
DIGEST_SIZE: Final = 32
_BLOCK: Final = 1 << 20


def digest_chunks(chunks: Iterable[Chunk], source: int) -> str:
    """Return the digest, in hexadecimal, of an output that consists of chunks.

    source: descriptor that ranges refer to. Raises the OSError of a failed read.
    """
    state = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for chunk in chunks:
        if isinstance(chunk, tuple):
            start, length = chunk
            for at in range(start, start + length, _BLOCK):
                state.update(os.pread(source, min(_BLOCK, start + length - at), at))
        elif isinstance(chunk, bytes | bytearray | memoryview):
            state.update(chunk)
        else:
            for piece in chunk.pieces(source):
                state.update(piece)
    return state.hexdigest()


def digest_file(source: int, size: int) -> str:
    """Return the digest, in hexadecimal, of the first `size` bytes of a file.

    Raises the OSError of a failed read.
    """
    return digest_chunks([(0, size)], source)
