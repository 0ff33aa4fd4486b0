"""Search a buffer for many needles at once, without regard to ASCII case."""

from __future__ import annotations

import numba as nb
import numpy as np

# What may not stand beside a needle.
ANYWHERE, NO_LETTERS, NO_DIGITS, NO_ALPHANUMERICS = 0, 1, 2, 3

# Columns of `needles`.
START, LENGTH, BOUNDARY = 0, 1, 2

N_HEADS = 4096

# Cells of the state of a file (kernels/elements.py), columns of the memo (kernels/rules.py).
_N_ROWS, _FIRST_ROW = 4, 14
_KIND, _RESULT, _RESULT_LENGTH, _FIRST_NEEDLE, _N_NEEDLES, _STAMP = 1, 5, 6, 7, 8, 9
_KEEP, _REPLACE = 0, 3

# Columns of the element table, flags BULK, SEQUENCE, IS_ITEM and FRAGMENTS (kernels/elements.py).
_VR, _VALUE, _LENGTH, _FLAGS, _OPERATION, _ENTRY = 1, 3, 4, 7, 8, 9
_NO_VALUE = 4 | 8 | 16 | 32

# Without reference counting (`_nrt`) a kernel cannot allocate; passing arrays on costs nothing.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_LINKS = nb.types.Array(nb.int32, 1, "C")
_FILES = nb.types.Array(nb.int64, 1, "C", readonly=True)
_LEAST = nb.types.Array(nb.int64, 1, "C", readonly=True)
_CHECKED = nb.types.Array(nb.uint8, 1, "C", readonly=True)
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
def _clear(heads):
    for i in range(N_HEADS):
        heads[i] = -1
    return 0


@_helper
def _chain(needle, arena, needles, heads, links):
    """Chain a needle to those with the same bucket of their last three bytes."""
    last = needles[needle, START] + needles[needle, LENGTH]
    bucket = np.int64(0)
    for at in range(last - 3, last):
        bucket = _roll(bucket, np.int64(arena[at]))
    links[needle] = heads[bucket]
    heads[bucket] = needle
    return 0


@_helper
def _chain_own(table, first, end, arena, entries, needles, heads, links, stamp):
    """Chain what the rows of a file have brought up, once each; return the number of needles."""
    n_chained = np.int64(0)
    for row in range(first, end):
        entry = table[row, _ENTRY]
        if entry < 0 or entries[entry, _STAMP] == stamp:
            continue
        entries[entry, _STAMP] = stamp
        start = entries[entry, _FIRST_NEEDLE]
        for needle in range(start, start + entries[entry, _N_NEEDLES]):
            _chain(needle, arena, needles, heads, links)
            n_chained += 1
    return n_chained


@_helper
def _first_hit(text, start, end, least, arena, needles, heads, links):
    """Find a needle of `least` bytes or more in text[start:end]; -1 when there is none."""
    if end - start < 3:
        return -1
    bucket = _roll(np.int64(text[start]), np.int64(text[start + 1]))
    for at in range(start + 2, end):
        bucket = _roll(bucket, np.int64(text[np.uint64(at)]))
        needle = np.int64(heads[np.uint64(bucket)])
        while needle >= 0:
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
            needle = np.int64(links[needle])
    return -1


@nb.njit(
    [_INT(_BYTES, _INT, _INT, _INT, _BYTES, _TABLE, _CELLS, _INT, _LINKS, _LINKS)],
    **_KERNEL,
)
def find_needle(text, start, end, least, arena, needles, active, n_active, heads, links):
    """Find an active needle in text[start:end] and return its number, -1 when there is none.

    text: shape (n,). least: needles with fewer bytes are passed over. arena: shape (n,), bytes of
    all needles. needles: (n, 3) start, length (3 bytes or more) and boundary of each. active:
    (n,), the first `n_active` are numbers of needles, each one once. heads: (N_HEADS,) and links:
    (number of needles,) workspaces.
    """
    _clear(heads)
    for i in range(n_active):
        _chain(active[i], arena, needles, heads, links)
    return _first_hit(text, start, end, least, arena, needles, heads, links)


@nb.njit(
    [
        _INT(
            *(_BYTES, _TABLE, _TABLE, _FILES, _CELLS, _LEAST, _CHECKED, _BYTES, _TABLE, _TABLE),
            *(_LINKS, _LINKS, _INT, _TABLE),
        )
    ],
    **_KERNEL,
)
def find_rows_with_needles(
    header, table, files, numbers, passed_over, least, checked, arena, entries, needles, heads,
    links, stamp, hits,
):  # fmt: skip
    """Collect the leaves of the output whose value holds a needle that their own file brought up.

    Those are kept leaves, and those with a new value of a kind that is `checked`: shape (n_kinds,).

    header, table, files: as scanned and decided. numbers: shape (n,), the files to search.
    passed_over: shape (n_files,), a row of each file that is not searched, -1 for none. least:
    shape (n_vrs,), bytes that a needle must have to count in a value of each VR. arena, entries:
    the memo. needles, heads, links: as for `find_needle`. stamp: this number and the n - 1 above
    it are new to the memo. hits: (n_rows, 2), receives file and row. Returns their number. Values
    that were not loaded are not searched.
    """
    n_hits = np.int64(0)
    for i in range(numbers.shape[0]):
        first, end = files[numbers[i], _FIRST_ROW], files[numbers[i], _N_ROWS]
        _clear(heads)
        if not _chain_own(table, first, end, arena, entries, needles, heads, links, stamp + i):
            continue
        for row in range(first, end):
            limit = least[table[row, _VR]]
            entry = table[row, _ENTRY]
            found = np.int64(-1)
            if table[row, _OPERATION] == _KEEP:
                if table[row, _FLAGS] & _NO_VALUE or row == passed_over[numbers[i]]:
                    continue
                start = table[row, _VALUE]
                stop = start + table[row, _LENGTH]
                found = _first_hit(header, start, stop, limit, arena, needles, heads, links)
            elif table[row, _OPERATION] == _REPLACE and entry >= 0:
                if checked[entries[entry, _KIND]]:
                    start = entries[entry, _RESULT]
                    stop = start + entries[entry, _RESULT_LENGTH]
                    found = _first_hit(arena, start, stop, limit, arena, needles, heads, links)
            if found >= 0:
                hits[n_hits, 0], hits[n_hits, 1] = numbers[i], row
                n_hits += 1
    return n_hits
