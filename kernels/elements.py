"""Data elements of a data set as a table of numbers, PS3.5 section 7.

One pass fills an *element table*: int64, a row for each element and each item, in the order of the
file. The bytes come in through a window: `header` holds those of the file without the values that
were skipped, and `state[SHIFT]` is the distance from a position in it to the offset in the file.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of the element table.
TAG, VR, HEADER, VALUE, LENGTH, PARENT, END, FLAGS, OPERATION, ENTRY, SIZE, OUT = range(12)
N_COLUMNS = 12

# Bits of FLAGS; the depth of the row stands above them.
UNDEFINED, IMPLICIT, BULK, SEQUENCE = 1, 2, 4, 8
IS_ITEM, FRAGMENTS, CHANGED, BIG_ENDIAN = 16, 32, 64, 128
# A value so long that it may not be loaded (then it is BULK): nothing may depend on its bytes.
LONG = 256
DEPTH_SHIFT = 9

# Cells of the state of a file; N_ROWS is the row behind its last one.
POSITION, SHIFT, LOADED, FILE_END, N_ROWS, DEPTH, LAST_TAG, ERROR_TAG, ERROR_OFFSET = range(9)
E_TAG, E_VR, E_LENGTH, E_SIZE, N_BULK, FIRST_ROW, STATUS, ENCODING = range(9, 17)
N_STATE = 17

# Bits of an encoding.
EXPLICIT, BIG = 1, 2

# Columns of the stack: the open row, where its bytes end at the latest, its encoding.
ROW, LIMIT, CODING = 0, 1, 2
MAX_DEPTH = 64

FRESH, PASS = -2, -3
DONE, NEED, FULL, TRAILING, ENCAPSULATED = 0, 1, 2, 3, 4
TRUNCATED, UNKNOWN_VR, BAD_LENGTH, TOO_DEEP, BAD_ITEM, OVERRUN = 10, 11, 12, 13, 14, 15
_GO_ON = -1

UNDEFINED_LENGTH = 0xFFFFFFFF
BULK_LENGTH = 4096
# Longer private values in UN are not looked into.
MOST_TRIED = 1 << 20
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA = 0x7FE00010
# VR numbers, the alphabetical order of PS3.5 section 6.2.
_LO, _OB, _OW, _SQ, _SV, _UC, _UL, _UN, _UR, _UT = 11, 13, 18, 22, 25, 27, 29, 30, 31, 33

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_KEYS = nb.types.Array(nb.uint32, 1, "C", readonly=True)
_VRS = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_INT = nb.int64


@_helper
def _u16(header, at, encoding):
    if encoding & BIG:
        return (np.int64(header[at]) << 8) | np.int64(header[at + 1])
    return np.int64(header[at]) | (np.int64(header[at + 1]) << 8)


@_helper
def _u32(header, at, encoding):
    if encoding & BIG:
        return (_u16(header, at, encoding) << 16) | _u16(header, at + 2, encoding)
    return _u16(header, at, encoding) | (_u16(header, at + 2, encoding) << 16)


@_helper
def _dictionary_vr(tag, keys, vrs):
    """VR number of a tag in implicit VR: the dictionary's, LO for private creators, else UN."""
    group = tag >> 16
    if group & 1:
        return _LO if 0x10 <= tag & 0xFFFF <= 0xFF else _UN
    if tag & 0xFFFF == 0:
        return _UL
    if (group & 0xFF00) == 0x5000 or (group & 0xFF00) == 0x6000:
        tag &= 0xFF00FFFF
    mask = keys.shape[0] - 1
    slot = ((tag * 0x9E3779B1) & 0xFFFFFFFF) * keys.shape[0] >> 32  # a power of two
    while keys[slot] != 0xFFFFFFFF:
        if keys[slot] == tag:
            return np.int64(vrs[slot])
        slot = (slot + 1) & mask
    return _UN


@_helper
def _fail(state, reason, tag):
    state[ERROR_TAG], state[ERROR_OFFSET] = tag, state[POSITION] + state[SHIFT]
    return reason


@_helper
def _end_beyond(state, end, tag):
    return _fail(state, TRUNCATED if end > state[FILE_END] else OVERRUN, tag)


@_helper
def _is_long(vr):
    """Whether an explicit VR has a 32-bit length, PS3.5 table 7.1-1."""
    return _OB <= vr <= _OW or vr in (_SQ, _SV, _UC, _UN, _UR) or vr >= _UT


@_helper
def _read_element_header(header, state, encoding, codes, keys, vrs):
    """Tag, VR, length and size of the element header at the position; needs 8 loaded bytes."""
    at = state[POSITION]
    tag = (_u16(header, at, encoding) << 16) | _u16(header, at + 2, encoding)
    state[E_TAG], state[E_SIZE] = tag, 8
    if not encoding & EXPLICIT or (tag >> 16) == 0xFFFE:
        state[E_VR] = _dictionary_vr(tag, keys, vrs)
        state[E_LENGTH] = _u32(header, at + 4, encoding)
        return _GO_ON
    vr = np.int64(codes[(np.int64(header[at + 4]) << 8) | np.int64(header[at + 5])])
    state[E_VR] = vr
    if vr == 0:
        return UNKNOWN_VR
    if not _is_long(vr):
        state[E_LENGTH] = _u16(header, at + 6, encoding)
        return _GO_ON
    if at + 12 > state[LOADED]:
        return NEED
    state[E_LENGTH], state[E_SIZE] = _u32(header, at + 8, encoding), 12
    return _GO_ON


@_helper
def _add_row(state, table, stack, tag, flags):
    """Append the row of the element whose header was read; the position moves to its value."""
    row = state[N_ROWS]
    table[row, TAG], table[row, VR], table[row, HEADER] = tag, state[E_VR], state[POSITION]
    table[row, VALUE], table[row, LENGTH] = state[POSITION] + state[E_SIZE], state[E_LENGTH]
    table[row, PARENT], table[row, END] = stack[state[DEPTH], ROW], row + 1
    table[row, FLAGS] = flags | (state[DEPTH] << DEPTH_SHIFT)
    state[N_ROWS] = row + 1
    state[POSITION] += state[E_SIZE]
    return row


@_helper
def _open(state, stack, row, coding):
    """Push the sequence or item whose header was just read."""
    if state[DEPTH] + 1 >= MAX_DEPTH:
        return _fail(state, TOO_DEEP, state[E_TAG])
    limit = stack[state[DEPTH], LIMIT]
    if state[E_LENGTH] != UNDEFINED_LENGTH:
        limit = state[POSITION] + state[SHIFT] + state[E_LENGTH]
    state[DEPTH] += 1
    depth = state[DEPTH]
    stack[depth, ROW], stack[depth, LIMIT], stack[depth, CODING] = row, limit, coding
    return _GO_ON


@_helper
def _close(state, table, stack, end):
    """Pop the open row; its content ends at file offset `end`, OUT is its end in `header`."""
    row = stack[state[DEPTH], ROW]
    table[row, LENGTH] = end - (table[row, SIZE])
    table[row, END], table[row, OUT] = state[N_ROWS], state[POSITION]
    state[DEPTH] -= 1
    return _GO_ON


@_helper
def _leaf(state, table, stack, flags):
    """Append a leaf and move over its value; a LONG one that is not loaded is a source range."""
    vr, length = state[E_VR], state[E_LENGTH]
    end = state[POSITION] + state[E_SIZE] + length
    is_loaded = end <= state[LOADED]
    is_long = length > BULK_LENGTH and (_OB <= vr <= _OW or vr in (_UN, _UT))
    if not (is_loaded or is_long):
        return NEED
    row = _add_row(state, table, stack, state[E_TAG], flags | (LONG if is_long else 0))
    if is_loaded:
        state[POSITION] = end
    else:
        table[row, VALUE] = state[POSITION] + state[SHIFT]
        table[row, FLAGS] |= BULK
        state[N_BULK] += 1
        state[SHIFT] += length
        state[LOADED] = state[POSITION]
    return _GO_ON


@_helper
def _item_coding(header, state, stack, codes, is_private):
    """Tell the encoding of an item; a private one in an implicit data set may be explicit."""
    coding = stack[state[DEPTH], CODING]
    at = state[POSITION]
    length = _u32(header, at + 4, coding)
    if coding & EXPLICIT or not is_private or length < 8:
        return coding
    if at + 16 > state[LOADED]:
        return -1
    limit = stack[state[DEPTH], LIMIT]
    if length != UNDEFINED_LENGTH:
        limit = at + state[SHIFT] + 8 + length
    implicit_length = _u32(header, at + 12, coding)
    known = codes[(np.int64(header[at + 12]) << 8) | np.int64(header[at + 13])] != 0
    if known and at + state[SHIFT] + 16 + implicit_length > limit:
        return coding | EXPLICIT
    return coding


@_helper
def _step_item(header, state, table, stack, codes):
    """Read an item header, or the delimiter, of the open sequence."""
    depth = state[DEPTH]
    row = stack[depth, ROW]
    coding = stack[depth, CODING]
    at = state[POSITION]
    offset = at + state[SHIFT]
    tag = (_u16(header, at, coding) << 16) | _u16(header, at + 2, coding)
    length = _u32(header, at + 4, coding)
    # What goes wrong with an item is an error of its sequence.
    state[E_TAG] = table[row, TAG]
    if tag == _SEQUENCE_END and table[row, FLAGS] & UNDEFINED:
        state[POSITION] += 8
        return _close(state, table, stack, offset)
    if tag != _ITEM:
        return _fail(state, BAD_ITEM, table[row, TAG])
    is_undefined = length == UNDEFINED_LENGTH
    if not is_undefined and offset + 8 + length > stack[depth, LIMIT]:
        return _end_beyond(state, offset + 8 + length, table[row, TAG])
    item_coding = _item_coding(header, state, stack, codes, (table[row, TAG] >> 16) & 1)
    if item_coding < 0:
        return NEED
    state[E_VR], state[E_LENGTH], state[E_SIZE] = 0, length, 8
    flags = IS_ITEM | (BIG_ENDIAN if coding & BIG else 0) | (UNDEFINED if is_undefined else 0)
    item = _add_row(state, table, stack, _ITEM, flags)
    table[item, SIZE] = offset + 8
    return _open(state, stack, item, item_coding)


@_helper
def _holds_items(header, state, encoding, keys, vrs):
    """Tell whether an element is a sequence: SQ, or UN (PS3.5 6.2.2) that holds items.

    A private element that begins as an item is tried, wholly loaded; `_give_up` takes it back.
    """
    vr, length = state[E_VR], state[E_LENGTH]
    if vr != _UN or length == UNDEFINED_LENGTH:
        return 1 if vr in (_SQ, _UN) else 0
    at = state[POSITION] + state[E_SIZE]
    is_private = (state[E_TAG] >> 16) & 1
    if length < 8 or (length > MOST_TRIED if is_private else not encoding & EXPLICIT):
        return 0
    if not is_private and _dictionary_vr(state[E_TAG], keys, vrs) != _SQ:
        return 0
    if at + 4 > state[LOADED]:
        return NEED + 1
    if _u32(header, at, 0) != 0xE000FFFE:
        return 0
    return NEED + 1 if is_private and at + length > state[LOADED] else 1


@_helper
def _give_up(state, table, stack):
    """Take the innermost private UN that is open for bytes: it is no sequence, tried as one."""
    depth = state[DEPTH]
    while depth > 0:
        row = stack[depth, ROW]
        depth -= 1
        is_private_un = table[row, VR] == _UN and (table[row, TAG] >> 16) & 1
        if is_private_un and not table[row, FLAGS] & UNDEFINED:
            table[row, FLAGS] ^= SEQUENCE | (LONG if table[row, LENGTH] > BULK_LENGTH else 0)
            state[DEPTH], state[N_ROWS], table[row, END] = depth, row + 1, row + 1
            state[POSITION] = table[row, VALUE] + table[row, LENGTH]
            return True
    return False


@_helper
def _enter_undefined(state, table, stack, flags):
    """Handle a leaf VR with undefined length: encapsulated pixel data, else an error."""
    tag = state[E_TAG]
    if tag != _PIXEL_DATA or flags & IMPLICIT or not (_OB <= state[E_VR] <= _OW):
        return _fail(state, BAD_LENGTH, tag)
    row = _add_row(state, table, stack, tag, flags | UNDEFINED | FRAGMENTS | BULK | LONG)
    table[row, VALUE] = state[POSITION] + state[SHIFT]
    return ENCAPSULATED


@_helper
def _after_data_set(state, failed):
    """Whether what stands at the position can only be bytes behind the data set."""
    if state[DEPTH] != 0 or state[N_ROWS] == state[FIRST_ROW]:
        return False
    repeats = failed == UNKNOWN_VR or state[E_TAG] <= state[LAST_TAG]
    return state[E_TAG] == 0 or (state[LAST_TAG] >= _PIXEL_DATA and repeats)


@_helper
def _step_element(header, state, table, stack, codes, keys, vrs):
    """Read one element of the open data set or item."""
    depth = state[DEPTH]
    encoding = stack[depth, CODING]
    status = _read_element_header(header, state, encoding, codes, keys, vrs)
    if status == NEED:
        return NEED
    tag = state[E_TAG]
    if _after_data_set(state, status):
        return TRAILING
    if tag == _ITEM_END and depth > 0 and table[stack[depth, ROW], FLAGS] & UNDEFINED:
        offset = state[POSITION] + state[SHIFT]
        state[POSITION] += 8
        return _close(state, table, stack, offset)
    if status == UNKNOWN_VR or (tag >> 16) == 0xFFFE:
        return _fail(state, UNKNOWN_VR if status == UNKNOWN_VR else BAD_ITEM, tag)
    flags = (0 if encoding & EXPLICIT else IMPLICIT) | (BIG_ENDIAN if encoding & BIG else 0)
    length = state[E_LENGTH]
    end = state[POSITION] + state[SHIFT] + state[E_SIZE] + length
    if length != UNDEFINED_LENGTH and end > stack[depth, LIMIT]:
        return _end_beyond(state, end, tag)
    items = _holds_items(header, state, encoding, keys, vrs)
    if items > 1:
        return NEED
    if items == 1:
        coding = 0 if state[E_VR] == _UN else encoding
        flags |= SEQUENCE | (UNDEFINED if length == UNDEFINED_LENGTH else 0)
        row = _add_row(state, table, stack, tag, flags)
        table[row, SIZE] = state[POSITION] + state[SHIFT]
        status = _open(state, stack, row, coding)
    elif length == UNDEFINED_LENGTH:
        status = _enter_undefined(state, table, stack, flags)
    else:
        status = _leaf(state, table, stack, flags)
    if depth == 0 and status != NEED:
        state[LAST_TAG] = tag
    return status


@_helper
def _step(header, state, table, stack, codes, keys, vrs):
    """Read one header, or close what ends at the position."""
    depth = state[DEPTH]
    offset = state[POSITION] + state[SHIFT]
    if offset == stack[depth, LIMIT]:
        if depth == 0 or not table[stack[depth, ROW], FLAGS] & UNDEFINED:
            return DONE if depth == 0 else _close(state, table, stack, offset)
        return _end_beyond(state, offset + 8, 0)
    if state[POSITION] + 8 > state[LOADED] or offset + 8 > stack[depth, LIMIT]:
        within = offset + 8 <= stack[depth, LIMIT] or depth == 0
        if within and state[LOADED] + state[SHIFT] < state[FILE_END]:
            return NEED
        if depth == 0 and state[N_ROWS] > state[FIRST_ROW]:
            return TRAILING
        return _end_beyond(state, offset + 8, 0)
    if state[N_ROWS] == table.shape[0]:
        return FULL
    if depth > 0 and table[stack[depth, ROW], FLAGS] & SEQUENCE:
        return _step_item(header, state, table, stack, codes)
    return _step_element(header, state, table, stack, codes, keys, vrs)


@_helper
def _scan(header, state, table, stack, codes, keys, vrs):
    """Go on with one file until it ends, fails, or asks for something."""
    while True:
        status = _step(header, state, table, stack, codes, keys, vrs)
        if status == NEED and state[LOADED] + state[SHIFT] >= state[FILE_END]:
            status = _fail(state, TRUNCATED, state[E_TAG])
        if status >= ENCAPSULATED and _give_up(state, table, stack):
            continue
        if status != _GO_ON:
            return status


@nb.njit([_INT(_BYTES, _TABLE, _TABLE, _TABLE, _VRS, _KEYS, _VRS)], **_KERNEL)
def scan_elements(header, files, table, stack, codes, keys, vrs):
    """Fill the element table from the bytes that are loaded, with one file after another.

    files: shape (n_files, N_STATE). A FRESH file gets the rows behind those of the DONE file before
    it; one that is to PASS is left alone; any other goes on where it asked for something with NEED,
    FULL or ENCAPSULATED (then `skip_fragments` comes first), if it is the only one.
    header: shape (n,), bytes of the files, of each one those up to its LOADED; on NEED the caller
    appends the bytes at file offset LOADED + SHIFT. table: shape (n_rows, N_COLUMNS); on FULL the
    caller hands in a longer copy. stack: shape (MAX_DEPTH, 3), kept between calls. codes: shape
    (65536,), VR number of two bytes. keys, vrs: shape (n_slots,), the dictionary of implicit VR.
    Writes STATUS; at an error ERROR_TAG and ERROR_OFFSET say where. Returns the rows in use.
    """
    n_rows = np.int64(0)
    for i in range(files.shape[0]):
        state = files[i]
        if state[STATUS] == PASS:
            continue
        if state[STATUS] == FRESH:
            state[FIRST_ROW] = n_rows
            state[N_ROWS] = n_rows
        stack[0, ROW], stack[0, LIMIT], stack[0, CODING] = -1, state[FILE_END], state[ENCODING]
        state[STATUS] = _scan(header, state, table, stack, codes, keys, vrs)
        if state[STATUS] == DONE:
            n_rows = state[N_ROWS]
    return n_rows
