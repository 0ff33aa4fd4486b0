"""The fragments of encapsulated pixel data, PS3.5 section A.4."""

from __future__ import annotations

import numba as nb
import numpy as np

# Cells of the state, columns of the table and statuses as in kernels/elements.py.
_POSITION, _SHIFT, _LOADED, _FILE_END, _N_ROWS, _ERROR_TAG, _ERROR_OFFSET = 0, 1, 2, 3, 4, 7, 8
_TAG, _HEADER, _VALUE, _LENGTH = 0, 2, 3, 4
DONE, NEED, TRUNCATED, BAD_ITEM = 0, 1, 10, 14

_ITEM, _SEQUENCE_END, _UNDEFINED_LENGTH = 0xE000FFFE, 0xE0DDFFFE, 0xFFFFFFFF
# Encapsulated pixel data is explicit VR, and OB or OW with a 32-bit length.
_HEADER_SIZE = 12

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_STATE = nb.types.Array(nb.int64, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_INT = nb.int64


@_helper
def _u32(header, at):
    value = np.int64(0)
    for i in range(4):
        value |= np.int64(header[at + i]) << (8 * i)
    return value


@_helper
def _fail(state, reason, tag):
    state[_ERROR_TAG] = tag
    state[_ERROR_OFFSET] = state[_POSITION] + state[_SHIFT]
    return reason


@nb.njit([_INT(_BYTES, _STATE, _TABLE)], **_KERNEL)
def skip_fragments(header, state, table):
    """Walk over the fragments of the last row to the delimiter, and write the row's length.

    header, state, table: as for `scan_elements` after ENCAPSULATED. The bytes of fragments are not
    kept: what is loaded of them is written over. Returns a status; after NEED the caller appends
    bytes and calls again, after DONE the scan goes on behind the delimiter.
    """
    row = state[_N_ROWS] - 1
    tag = table[row, _TAG]
    base = table[row, _HEADER] + _HEADER_SIZE
    while True:
        at = state[_POSITION]
        if at + state[_SHIFT] + 8 > state[_FILE_END]:
            return _fail(state, TRUNCATED, tag)
        if at + 8 > state[_LOADED]:
            return NEED
        length = _u32(header, at + 4)
        if _u32(header, at) == _SEQUENCE_END and length == 0:
            state[_POSITION] = at + 8
            table[row, _LENGTH] = at + 8 + state[_SHIFT] - table[row, _VALUE]
            return DONE
        if _u32(header, at) != _ITEM or length == _UNDEFINED_LENGTH:
            return _fail(state, BAD_ITEM, tag)
        if at + state[_SHIFT] + 8 + length > state[_FILE_END]:
            return _fail(state, TRUNCATED, tag)
        if at + 8 + length + 8 <= state[_LOADED]:
            state[_POSITION] = at + 8 + length
        else:
            state[_SHIFT] += at + 8 + length - base
            state[_POSITION] = base
            state[_LOADED] = base
