"""Find every place of every needle in a buffer, without regard to ASCII case, at memory speed.

The text is looked at in words of 3 or 4 bytes, one every `stride` bytes. A word is hashed into a
table of bits that lies in the first-level cache; the few words whose bit is set are compared with
the needles of their bucket. Each needle is anchored at `stride` neighbouring words of its own, so
that wherever it stands in the text exactly one of them is looked at.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of `needles`.
START, LENGTH = 0, 1

# Columns of `anchors`: number of the needle, and where the word stands in it.
OWNER, OFFSET = 0, 1

# Columns of `hits`.
PLACE, NEEDLE = 0, 1

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_TEXT = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_LINKS = nb.types.Array(nb.int32, 1, "C")
_INT = nb.int64

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_CASE = np.uint64(0x20202020)
_ALL = np.uint64(0xFFFFFFFF)
_ONE, _TWO, _THREE, _SEVEN = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(7)
_EIGHT, _SIXTEEN, _TWENTY_FOUR = np.uint64(8), np.uint64(16), np.uint64(24)


@_helper
def _fold(byte):
    """Lower case of an ASCII letter."""
    return byte + 32 if 65 <= byte <= 90 else byte


@_helper
def _word(text, at):
    """Four bytes as a number; the compiler makes one load of it."""
    i = np.uint64(at)
    return (
        np.uint64(text[i])
        | np.uint64(text[i + _ONE]) << _EIGHT
        | np.uint64(text[i + _TWO]) << _SIXTEEN
        | np.uint64(text[i + _THREE]) << _TWENTY_FOUR
    )


@_helper
def _short_word(text, at, end):
    """Return the same near the end of the text, NUL for what is missing."""
    word = np.uint64(0)
    for i in range(at, min(at + 4, end)):
        word |= np.uint64(text[i]) << np.uint64(8 * (i - at))
    return word


@_helper
def _bucket(word, mask, shift):
    """Hash of a word; both cases of a letter, and a few other bytes, alike."""
    return (((word | _CASE) & mask) * _MULTIPLIER) >> shift


@_helper
def _matches(text, first, arena, needle, length):
    for i in range(length):
        if _fold(np.int64(text[first + i])) != _fold(np.int64(arena[needle + i])):
            return False
    return True


@nb.njit([_INT(_BYTES, _TABLE, _TABLE, _INT, _INT, _LINKS, _LINKS, _BYTES)], **_KERNEL)
def index_anchors(arena, needles, anchors, width, log_size, heads, links, bits):
    """Chain anchors by the bucket of their words, and set the bits of the buckets in use.

    arena: shape (n,), bytes of all needles. needles: (n_needles, 2), start and length in the
    arena. anchors: (n_anchors, 2), OWNER and OFFSET; the word lies within the needle. width:
    bytes of a word, 3 or 4. heads: shape (2**log_size,), receives the first anchor of each bucket.
    links: (n_anchors,), receives the next one. bits: (2**log_size / 8,). Returns the number of
    buckets in use.
    """
    mask = _ALL >> np.uint64(32 - 8 * width)
    shift = np.uint64(64 - log_size)
    heads[:] = -1
    bits[:] = 0
    n_used = 0
    for number in range(len(anchors)):
        at = needles[anchors[number, OWNER], START] + anchors[number, OFFSET]
        bucket = _bucket(_short_word(arena, at, len(arena)), mask, shift)
        n_used += heads[bucket] < 0
        links[number] = heads[bucket]
        heads[bucket] = number
        bits[bucket >> _THREE] |= np.uint8(1 << np.int64(bucket & _SEVEN))
    return n_used


@nb.njit(
    [
        _INT(
            *(_TEXT, _INT, _INT, _INT, _INT, _INT, _INT),
            *(_BYTES, _TABLE, _TABLE, _LINKS, _LINKS, _BYTES, _TABLE),
        )
    ],
    **_KERNEL,
)
def find_all(
    text,
    start,
    end,
    first,
    width,
    stride,
    log_size,
    arena,
    needles,
    anchors,
    heads,
    links,
    bits,
    hits,
):
    """Collect the places of all needles in text[start:end], from the words at `first` onwards.

    text: shape (n,). first: `start`, or where an earlier call ran out of room. stride: a word is
    looked at every so many bytes; each needle has anchors at so many neighbouring offsets. arena,
    needles, anchors, width, log_size, heads, links, bits: as `index_anchors` has filled them.
    hits: shape (n_anchors + 1 or more, 2), receives PLACE and NEEDLE, ordered by the words.

    Returns the number of hits; -1 - at when there was no room for all hits of the word at byte
    `at`: then the last row of `hits` holds the number of those before it, which are complete, and
    the caller goes on with first=at.
    """
    mask = _ALL >> np.uint64(32 - 8 * width)
    shift = np.uint64(64 - log_size)
    last = len(hits) - 1
    n_hits = 0
    for at in range(first, end - width + 1, stride):
        word = _word(text, at) if at + 4 <= end else _short_word(text, at, end)
        bucket = _bucket(word, mask, shift)
        if not bits[bucket >> _THREE] >> np.uint8(bucket & _SEVEN) & np.uint8(1):
            continue
        complete = n_hits
        anchor = np.int64(heads[bucket])
        while anchor >= 0:
            needle = anchors[anchor, OWNER]
            place = at - anchors[anchor, OFFSET]
            after = place + needles[needle, LENGTH]
            if (
                place >= start
                and after <= end
                and _matches(text, place, arena, needles[needle, START], needles[needle, LENGTH])
            ):
                if n_hits >= last:
                    hits[last, PLACE] = complete
                    return -1 - at
                hits[n_hits, PLACE] = place
                hits[n_hits, NEEDLE] = needle
                n_hits += 1
            anchor = np.int64(links[anchor])
    return n_hits
