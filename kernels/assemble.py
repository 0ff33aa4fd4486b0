"""The mirror of the scan: kept ranges, new values and inserted elements as a data set (PS3.5 7).

Lengths of sequences and items are recomputed from the inside out; whether a length was defined or
undefined stays as it was. Values that were never loaded become ranges of the source.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns and flags of the element table (kernels/elements.py), operations (kernels/rules.py).
_TAG, _VR, _HEADER, _VALUE, _LENGTH, _PARENT, _END = 0, 1, 2, 3, 4, 5, 6
_FLAGS, _OPERATION, _ENTRY, _SIZE, _OUT = 7, 8, 9, 10, 11
_UNDEFINED, _IMPLICIT, _BULK, _SEQUENCE, _IS_ITEM, _CHANGED, _BIG = 1, 2, 4, 8, 16, 64, 128
_KEEP, _REMOVE, _EMPTY, _REPLACE = 0, 1, 2, 3
_RESULT, _RESULT_LENGTH = 5, 6
_OB, _OW, _SQ, _SV, _UC, _UN, _UR, _UT = 13, 18, 22, 25, 27, 30, 31, 33

# Cells of the state of a file (kernels/elements.py).
_N_ROWS, _FIRST_ROW = 4, 14
# Cells of `totals`.
(N_SEGMENTS, OUT_END, FILE_SIZE, N_REMOVED, N_EMPTIED, N_REPLACED, NEEDED) = range(7)
(RUN, RUN_END, SEGMENT, FIRST_SEGMENT, OUT_START, STATUS) = range(7, 13)
N_TOTALS = 13
# Kinds of segment: a range of the output buffer, a range of the source file.
FROM_BUFFER, FROM_SOURCE = 0, 1

DONE, BUFFER_FULL, TOO_LONG = 0, 1, 2

# Without reference counting (`_nrt`) a kernel cannot allocate; passing arrays on costs nothing.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_ENDS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_INT = nb.int64


@_helper
def _header_size(table, row):
    """Bytes of the element or item header of a row, PS3.5 tables 7.1-1 to 7.1-3."""
    vr = table[row, _VR]
    if table[row, _FLAGS] & (_IMPLICIT | _IS_ITEM):
        return 8
    is_long = _OB <= vr <= _OW or vr in (_SQ, _SV, _UC, _UN, _UR) or vr >= _UT
    return 12 if is_long else 8


@_helper
def _is_short(table, row):
    """Whether the length of a row has 16 bits, PS3.5 table 7.1-2."""
    return not table[row, _FLAGS] & (_IMPLICIT | _IS_ITEM) and _header_size(table, row) == 8


@_helper
def _content_size(table, row, entries):
    """Bytes of the new value of a row that is not removed, without delimiter."""
    operation = table[row, _OPERATION]
    if operation == _EMPTY:
        return 0
    if operation == _REPLACE:
        entry = table[row, _ENTRY]
        return entries[entry, _RESULT_LENGTH] if entry >= 0 else 0
    if table[row, _FLAGS] & (_SEQUENCE | _IS_ITEM):
        return table[row, _SIZE]
    return table[row, _LENGTH]


@_helper
def _measure(table, first, end, entries, totals):
    """Write SIZE of every row (its bytes in the output) and CHANGED, from the inside out."""
    for row in range(first, end):
        table[row, _SIZE] = 0
    totals[FILE_SIZE] = 0
    bulk = np.int64(0)
    for i in range(end - first):
        row = end - 1 - i
        flags = table[row, _FLAGS] & ~_CHANGED
        changed = table[row, _OPERATION] != _KEEP or table[row, _FLAGS] & _CHANGED
        size = np.int64(0)
        content = np.int64(0)
        if table[row, _OPERATION] != _REMOVE:
            content = _content_size(table, row, entries)
            size = _header_size(table, row) + content
            is_leaf = not flags & (_SEQUENCE | _IS_ITEM)
            if flags & _UNDEFINED and not is_leaf:
                size += 8
            elif not is_leaf and content > 0xFFFFFFFE:
                return TOO_LONG
            elif _is_short(table, row) and content > 0xFFFF:
                return TOO_LONG
            if flags & _BULK and is_leaf and table[row, _OPERATION] == _KEEP:
                bulk += content
        table[row, _SIZE] = content
        table[row, _FLAGS] = flags | (_CHANGED if changed else 0)
        parent = table[row, _PARENT]
        if parent < 0:
            totals[FILE_SIZE] += size
            continue
        table[parent, _SIZE] += size
        if changed:
            table[parent, _FLAGS] |= _CHANGED
        if flags & _BULK:
            table[parent, _FLAGS] |= _BULK
    totals[NEEDED] = totals[FILE_SIZE] - bulk
    return DONE


@_helper
def _copy(out, source, start, length, totals):
    # Unsigned positions need no test for "from the end", so that the loop becomes a block copy.
    at = np.uint64(totals[OUT_END])
    begin = np.uint64(start)
    for i in range(np.uint64(length)):
        out[at + i] = source[begin + i]
    totals[OUT_END] += length
    return 0


@_helper
def _flush(out, header, totals):
    """Copy the run of kept bytes that is pending."""
    _copy(out, header, totals[RUN], totals[RUN_END] - totals[RUN], totals)
    totals[RUN] = 0
    totals[RUN_END] = 0
    return 0


@_helper
def _keep(out, header, totals, start, end):
    """Add a range of `header` to the run of kept bytes."""
    if totals[RUN_END] == start and totals[RUN_END] > totals[RUN]:
        totals[RUN_END] = end
        return 0
    _flush(out, header, totals)
    totals[RUN] = start
    totals[RUN_END] = end
    return 0


@_helper
def _put(out, at, value, size, big):
    """Write an unsigned number of `size` bytes."""
    for i in range(size):
        shift = 8 * (size - 1 - i) if big else 8 * i
        out[at + i] = np.uint8((value >> shift) & 0xFF)
    return 0


@_helper
def _put_delimiter(out, totals, element, big):
    at = totals[OUT_END]
    _put(out, at, 0xFFFE, 2, big)
    _put(out, at + 2, element, 2, big)
    _put(out, at + 4, 0, 4, big)
    totals[OUT_END] = at + 8
    return 0


@_helper
def _put_header(out, header, table, row, length, totals):
    """Copy the header of a row and write its new length, unless that is undefined."""
    _flush(out, header, totals)
    flags = table[row, _FLAGS]
    size = _header_size(table, row)
    _copy(out, header, table[row, _HEADER], size, totals)
    if flags & _UNDEFINED:
        return 0
    n_bytes = 4 if size == 12 or flags & (_IMPLICIT | _IS_ITEM) else 2
    _put(out, totals[OUT_END] - n_bytes, length, n_bytes, flags & _BIG)
    return 0


@_helper
def _put_source_range(segments, totals, offset, length):
    """End the open segment of the buffer and add a range of the source."""
    n = totals[N_SEGMENTS]
    segments[n, 0] = FROM_BUFFER
    segments[n, 1] = totals[SEGMENT]
    segments[n, 2] = totals[OUT_END] - totals[SEGMENT]
    segments[n + 1, 0] = FROM_SOURCE
    segments[n + 1, 1] = offset
    segments[n + 1, 2] = length
    totals[SEGMENT] = totals[OUT_END]
    totals[N_SEGMENTS] = n + 2
    return 0


@_helper
def _end_container(out, table, row, totals):
    """Write the delimiter of a sequence or item of undefined length, PS3.5 section 7.5."""
    flags = table[row, _FLAGS]
    if not flags & _UNDEFINED:
        return 0
    is_big = flags & _BIG and table[row, _VR] != _UN
    _put_delimiter(out, totals, 0xE00D if flags & _IS_ITEM else 0xE0DD, is_big)
    return 0


@_helper
def _put_leaf(out, header, table, row, entries, arena, segments, totals):
    """Write a row whose own rows need no visit: a leaf, or a sequence emptied or replaced."""
    operation = table[row, _OPERATION]
    flags = table[row, _FLAGS]
    if operation == _KEEP:
        if flags & _BULK:
            _flush(out, header, totals)
            _copy(out, header, table[row, _HEADER], _header_size(table, row), totals)
            _put_source_range(segments, totals, table[row, _VALUE], table[row, _LENGTH])
            return 0
        end = (
            table[row, _OUT]
            if flags & (_SEQUENCE | _IS_ITEM)
            else table[row, _VALUE] + table[row, _LENGTH]
        )
        _keep(out, header, totals, table[row, _HEADER], end)
        return 0
    entry = table[row, _ENTRY]
    length = table[row, _SIZE]
    _put_header(out, header, table, row, length, totals)
    totals[N_EMPTIED if operation == _EMPTY else N_REPLACED] += 1
    if operation == _REPLACE and entry >= 0:
        _copy(out, arena, entries[entry, _RESULT], length, totals)
    if flags & _SEQUENCE:
        _end_container(out, table, row, totals)
    return 0


@_helper
def _insert_until(out, header, inserts, insert_bytes, done, tag, totals):
    """Write the inserted elements whose tag stands before `tag`; returns how many are done."""
    while done < inserts.shape[0] and inserts[done, 0] < tag:
        _flush(out, header, totals)
        _copy(out, insert_bytes, inserts[done, 1], inserts[done, 2], totals)
        done += 1
    return done


@_helper
def _write_data_set(
    header, table, first, end, entries, arena, inserts, insert_bytes, out, segments, open_rows,
    totals,
):  # fmt: skip
    """Write rows and inserted elements in the order of their tags, then end the last segment."""
    depth = -1
    inserted = 0
    row = first
    while row < end or depth >= 0:
        if depth >= 0 and row == table[open_rows[depth], _END]:
            _flush(out, header, totals)
            _end_container(out, table, open_rows[depth], totals)
            depth -= 1
            continue
        flags = table[row, _FLAGS]
        if depth < 0:
            inserted = _insert_until(
                out, header, inserts, insert_bytes, inserted, table[row, _TAG], totals
            )
        if table[row, _OPERATION] == _REMOVE:
            totals[N_REMOVED] += 1
            row = table[row, _END]
            continue
        holds_rows = flags & (_SEQUENCE | _IS_ITEM) and table[row, _OPERATION] == _KEEP
        if holds_rows and flags & (_CHANGED | _BULK):
            _put_header(out, header, table, row, table[row, _SIZE], totals)
            depth += 1
            open_rows[depth] = row
            row += 1
            continue
        _put_leaf(out, header, table, row, entries, arena, segments, totals)
        row = table[row, _END]
    _insert_until(out, header, inserts, insert_bytes, inserted, 0x100000000, totals)
    _flush(out, header, totals)
    n = totals[N_SEGMENTS]
    segments[n, 0] = FROM_BUFFER
    segments[n, 1] = totals[SEGMENT]
    segments[n, 2] = totals[OUT_END] - totals[SEGMENT]
    totals[N_SEGMENTS] = n + 1
    return 0


@nb.njit(
    [
        _INT(
            *(_BYTES, _TABLE, _TABLE, _ENDS, _INT, _INT, _TABLE, _BYTES, _TABLE, _BYTES),
            *(_BYTES, _ENDS, _BYTES, _TABLE, _CELLS, _TABLE),
        )
    ],
    **_KERNEL,
)
def assemble_data_sets(
    header, table, files, numbers, first, at, entries, arena, inserts, insert_bytes,
    metas, meta_ends, out, segments, open_rows, totals,
):  # fmt: skip
    """Write the files that the operations of the table ask for into `out`, one after another.

    header, table, files, entries, arena: as scanned and decided. numbers: shape (n,), which files;
    the first one to write is numbers[first], at `out[at]`. inserts: (m, 3) tag, start, length of
    whole elements in `insert_bytes`, ascending by tag. metas: shape (n_bytes,), what stands before
    the data set of each file, which ends at `meta_ends` (n,). out: shape (n_bytes,). segments:
    (n_rows, 3) receives kind, start, length in file order; room for two per source range and one
    more per file. open_rows: (MAX_DEPTH,) workspace. totals: (n, N_TOTALS) receives for each file
    its STATUS; OUT_START and OUT_END in `out`; FIRST_SEGMENT and N_SEGMENTS; FILE_SIZE, the size of
    the data set; N_REMOVED, N_EMPTIED, N_REPLACED. Returns how many files were tried; the next one
    needs NEEDED bytes of `out`.
    """
    n_segments = np.int64(0)
    for i in range(first, numbers.shape[0]):
        cells = totals[i]
        for cell in range(N_TOTALS):
            cells[cell] = 0
        if i > first:
            n_segments = totals[i - 1, N_SEGMENTS]
        row = files[numbers[i], _FIRST_ROW]
        end = files[numbers[i], _N_ROWS]
        cells[N_SEGMENTS], cells[FIRST_SEGMENT] = n_segments, n_segments
        cells[STATUS] = _measure(table, row, end, entries, cells)
        cells[OUT_START], cells[OUT_END], cells[SEGMENT] = at, at, at
        if cells[STATUS] != DONE:
            continue
        start = meta_ends[i - 1] if i else np.int64(0)
        cells[NEEDED] += meta_ends[i] - start
        for k in range(inserts.shape[0]):
            cells[NEEDED] += inserts[k, 2]
            cells[FILE_SIZE] += inserts[k, 2]
        if at + cells[NEEDED] > out.shape[0]:
            cells[STATUS] = BUFFER_FULL
            return i
        _copy(out, metas, start, meta_ends[i] - start, cells)
        _write_data_set(
            header, table, row, end, entries, arena, inserts, insert_bytes, out, segments,
            open_rows, cells,
        )  # fmt: skip
        at = cells[OUT_END]
    return numbers.shape[0]
