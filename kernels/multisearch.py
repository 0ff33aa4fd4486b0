"""Find every place of every needle in a buffer, without regard to ASCII case, at memory speed.

The text is looked at in words of 3 or 4 bytes, one every `stride` bytes. A word is hashed into a
Bloom filter of which one load tells three bits; of the few words that pass, the bytes around are
compared with those around the anchors of their bucket, and what is equal with whole needles. Each
needle is anchored at `stride` neighbouring words of its own, so that wherever it stands in the text
exactly one of them is looked at; the bytes that these words share are its span.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of `needles`.
START, LENGTH = 0, 1

# Columns of `anchors`: number of the needle, where the word stands in it, and in its span.
OWNER, OFFSET, SHIFT = 0, 1, 2

# Columns of `hits`.
PLACE, NEEDLE = 0, 1

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_TEXT = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_LINKS = nb.types.Array(nb.int32, 1, "C")
_WORDS = nb.types.Array(nb.uint64, 1, "C")
_INT = nb.int64

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_CASE = np.uint64(0x2020202020202020)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE, _TWO, _THREE, _FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
_EIGHT, _SIXTEEN, _TWENTY_FOUR = np.uint64(8), np.uint64(16), np.uint64(24)
_THIRTY_TWO, _SIXTY_THREE = np.uint64(32), np.uint64(63)
# Bits of a hash that choose bits of the filter, below those that choose its words and the buckets.
_FIRST, _SECOND, _THIRD = np.uint64(29), np.uint64(35), np.uint64(41)
# An entry is the bytes of a span, and in its highest byte where the word stands in it.
_PLACE = np.uint64(56)


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
    """Return up to eight bytes near the end of the text, NUL for what is missing."""
    word = np.uint64(0)
    for i in range(at, min(at + 8, end)):
        word |= np.uint64(text[i]) << np.uint64(8 * (i - at))
    return word


@_helper
def _long_word(text, at):
    """Eight bytes as a number."""
    return _word(text, at) | _word(text, np.uint64(at) + _FOUR) << _THIRTY_TWO


@_helper
def _hash(word, mask):
    """Hash of a word; both cases of a letter, and a few other bytes, alike."""
    return ((word | _CASE) & mask) * _MULTIPLIER


@_helper
def _pattern(hashed):
    """Bits of a word of the filter, three or fewer."""
    first = _ONE << ((hashed >> _FIRST) & _SIXTY_THREE)
    second = _ONE << ((hashed >> _SECOND) & _SIXTY_THREE)
    return first | second | _ONE << ((hashed >> _THIRD) & _SIXTY_THREE)


@_helper
def _low_bytes(number):
    """Mask of so many bytes."""
    return _ALL >> np.uint64(64 - 8 * number)


@_helper
def _is_near(text, begin, end, entry, spanned):
    """Tell whether the bytes of a span may stand at `begin`."""
    near = _long_word(text, begin) if begin + 8 <= end else _short_word(text, begin, end)
    return ((near | _CASE) ^ entry) & spanned == 0


@_helper
def _matches(text, place, after, arena, needle):
    for i in range(after - place):
        if _fold(np.int64(text[place + i])) != _fold(np.int64(arena[needle + i])):
            return False
    return True


@nb.njit(
    [_INT(_BYTES, _TABLE, _TABLE, _INT, _INT, _INT, _LINKS, _LINKS, _WORDS, _WORDS)], **_KERNEL
)
def index_anchors(arena, needles, anchors, width, span, log_size, heads, links, entries, bloom):
    """Chain anchors by the bucket of their words, and enter the words into the filter.

    arena: shape (n,), bytes of all needles. needles: (n_needles, 2), start and length in the
    arena. anchors: (n_anchors, 3), OWNER, OFFSET and SHIFT; word and span lie within the needle.
    width, span: bytes of a word, 3 or 4, and of a span, at most 7. heads: shape
    (2**(log_size - 2),), receives the first anchor of each bucket. links: (n_anchors,), receives
    the next one. entries: (n_anchors,), receives spans. bloom: (2**(log_size - 6),), receives the
    filter. log_size: 7 to 23. Returns the number of buckets in use.
    """
    mask = _low_bytes(width)
    spanned = _low_bytes(span)
    bucket_shift, bloom_shift = np.uint64(66 - log_size), np.uint64(70 - log_size)
    heads[:] = -1
    bloom[:] = 0
    n_used = 0
    for number in range(len(anchors)):
        at = needles[anchors[number, OWNER], START] + anchors[number, OFFSET]
        shift = anchors[number, SHIFT]
        hashed = _hash(_short_word(arena, at, len(arena)), mask)
        bytes_around = (_short_word(arena, at - shift, len(arena)) | _CASE) & spanned
        entries[number] = bytes_around | np.uint64(shift) << _PLACE
        bucket = hashed >> bucket_shift
        n_used += heads[bucket] < 0
        links[number] = heads[bucket]
        heads[bucket] = number
        bloom[hashed >> bloom_shift] |= _pattern(hashed)
    return n_used


@nb.njit(
    [
        _INT(
            *(_TEXT, _INT, _INT, _INT, _INT, _INT, _INT, _INT),
            *(_BYTES, _TABLE, _TABLE, _LINKS, _LINKS, _WORDS, _WORDS, _TABLE),
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
    span,
    log_size,
    arena,
    needles,
    anchors,
    heads,
    links,
    entries,
    bloom,
    hits,
):
    """Collect the places of all needles in text[start:end], from the words at `first` onwards.

    text: shape (n,). first: `start`, or where an earlier call ran out of room. stride: a word is
    looked at every so many bytes; each needle has anchors at so many neighbouring offsets. The
    tables: as `index_anchors` has filled them. hits: shape (n_anchors + 1 or more, 2), receives
    PLACE and NEEDLE, ordered by the words.

    Returns the number of hits; -1 - at when there was no room for all hits of the word at byte
    `at`: then the last row of `hits` holds the number of those before it, which are complete, and
    the caller goes on with first=at.
    """
    mask = _low_bytes(width)
    spanned = _low_bytes(span)
    bucket_shift, bloom_shift = np.uint64(66 - log_size), np.uint64(70 - log_size)
    last = len(hits) - 1
    n_hits = 0
    for at in range(first, end - width + 1, stride):
        word = _word(text, at) if at + 4 <= end else _short_word(text, at, end)
        hashed = _hash(word, mask)
        pattern = _pattern(hashed)
        if bloom[hashed >> bloom_shift] & pattern != pattern:
            continue
        complete = n_hits
        anchor = np.int64(heads[hashed >> bucket_shift])
        while anchor >= 0:
            entry = entries[anchor]
            begin = at - np.int64(entry >> _PLACE)
            if begin >= start and _is_near(text, begin, end, entry, spanned):
                needle = anchors[anchor, OWNER]
                place = at - anchors[anchor, OFFSET]
                after = place + needles[needle, LENGTH]
                inside = place >= start and after <= end
                if inside and _matches(text, place, after, arena, needles[needle, START]):
                    if n_hits >= last:
                        hits[last, PLACE] = complete
                        return -1 - at
                    hits[n_hits, PLACE] = place
                    hits[n_hits, NEEDLE] = needle
                    n_hits += 1
            anchor = np.int64(links[anchor])
    return n_hits
