"""Search a buffer for many needles at once, without regard to ASCII case."""

from __future__ import annotations

import numba as nb
import numpy as np

# What may not stand beside a needle.
ANYWHERE, NO_LETTERS, NO_DIGITS, NO_ALPHANUMERICS = 0, 1, 2, 3

# Columns of `needles`.
START, LENGTH, BOUNDARY = 0, 1, 2

N_HEADS = 4096

# Columns of the element table, flags BULK, SEQUENCE, IS_ITEM and FRAGMENTS (kernels/elements.py).
_VR, _VALUE, _LENGTH, _FLAGS, _OPERATION = 1, 3, 4, 7, 8
_NO_VALUE = 4 | 8 | 16 | 32

# Without reference counting (`_nrt`) a kernel cannot allocate; passing arrays on costs nothing.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_LINKS = nb.types.Array(nb.int32, 1, "C")
_LEAST = nb.types.Array(nb.int64, 1, "C", readonly=True)
_INT = nb.int64


@_helper
def _fold(byte):
    """Lower case of an ASCII letter."""
    return byte + 32 if 65 <= byte <= 90 else byte


@_helper
def _roll(bucket, byte):
    """Bucket of the last three bytes; letters of either case fall together."""
    return ((bucket << 4) ^ (byte & 0x5F)) & (N_HEADS - 1)


@_helper
def _is_letter(byte):
    return 97 <= _fold(byte) <= 122


@_helper
def _is_digit(byte):
    return 48 <= byte <= 57


@_helper
def _stands_free(text, start, end, first, last, boundary):
    """Whether the bytes beside text[first:last] are none that the boundary forbids."""
    before = np.int64(text[first - 1]) if first > start else np.int64(0)
    after = np.int64(text[last]) if last < end else np.int64(0)
    if boundary != NO_DIGITS and (_is_letter(before) or _is_letter(after)):
        return False
    if boundary != NO_LETTERS:
        if _is_digit(before) or _is_digit(after):
            return False
        if before == 46 and first - 1 > start and _is_digit(np.int64(text[first - 2])):
            return False
        if after == 46 and last + 1 < end and _is_digit(np.int64(text[last + 1])):
            return False
    return True


@_helper
def _matches(text, first, arena, needle, length):
    begin = np.uint64(first)
    start = np.uint64(needle)
    for i in range(np.uint64(length)):
        if _fold(np.int64(text[begin + i])) != _fold(np.int64(arena[start + i])):
            return False
    return True


@_helper
def _index(arena, needles, active, n_active, heads, links):
    """Chain the active needles by the bucket of their last three bytes."""
    for i in range(N_HEADS):
        heads[i] = -1
    for i in range(n_active):
        last = needles[active[i], START] + needles[active[i], LENGTH]
        bucket = np.int64(0)
        for at in range(last - 3, last):
            bucket = _roll(bucket, np.int64(arena[at]))
        links[i] = heads[bucket]
        heads[bucket] = i
    return 0


@_helper
def _first_hit(text, start, end, least, arena, needles, active, heads, links):
    """Find a needle of `least` bytes or more in text[start:end]; -1 when there is none."""
    if end - start < 3:
        return -1
    bucket = _roll(np.int64(text[start]), np.int64(text[start + 1]))
    for at in range(start + 2, end):
        bucket = _roll(bucket, np.int64(text[np.uint64(at)]))
        link = np.int64(heads[np.uint64(bucket)])
        while link >= 0:
            needle = active[link]
            length = needles[needle, LENGTH]
            place = at + 1 - length
            if (
                length >= least
                and place >= start
                and _matches(text, place, arena, needles[needle, START], length)
            ):
                boundary = needles[needle, BOUNDARY]
                if boundary == ANYWHERE or _stands_free(text, start, end, place, at + 1, boundary):
                    return needle
            link = np.int64(links[link])
    return -1


@nb.njit(
    [_INT(_BYTES, _INT, _INT, _INT, _BYTES, _TABLE, _CELLS, _INT, _LINKS, _LINKS)],
    **_KERNEL,
)
def find_needle(text, start, end, least, arena, needles, active, n_active, heads, links):
    """Find an active needle in text[start:end] and return its number, -1 when there is none.

    text: shape (n,). least: needles with fewer bytes are passed over. arena: shape (n,), bytes of
    all needles. needles: (n, 3) start, length (3 bytes or more) and boundary of each. active:
    (n,), the first `n_active` are numbers of needles. heads: (N_HEADS,) and links: (n_active or
    more,) workspaces.
    """
    _index(arena, needles, active, n_active, heads, links)
    return _first_hit(text, start, end, least, arena, needles, active, heads, links)


@nb.njit(
    [
        _INT(
            _BYTES, _TABLE, _INT, _INT, _LEAST, _BYTES, _TABLE, _CELLS, _INT, _LINKS, _LINKS, _CELLS
        )
    ],
    **_KERNEL,
)
def find_rows_with_needles(
    header, table, n_rows, passed_over, least, arena, needles, active, n_active, heads, links, hits
):
    """Collect the kept leaves whose value holds an active needle.

    header, table, n_rows: as scanned and decided. passed_over: a row that is not searched, -1 for
    none. least: shape (n_vrs,), bytes that a needle must have to count in a value of each VR.
    arena, needles, active, n_active, heads, links: as for `find_needle`. hits: shape (n_rows or
    more,), receives rows. Returns their number. Values that were not loaded are not searched.
    """
    _index(arena, needles, active, n_active, heads, links)
    n_hits = np.int64(0)
    for row in range(n_rows):
        if table[row, _OPERATION] != 0 or table[row, _FLAGS] & _NO_VALUE or row == passed_over:
            continue
        start = table[row, _VALUE]
        end = start + table[row, _LENGTH]
        limit = least[table[row, _VR]]
        if _first_hit(header, start, end, limit, arena, needles, active, heads, links) >= 0:
            hits[n_hits] = row
            n_hits += 1
    return n_hits
