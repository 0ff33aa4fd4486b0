"""File meta information, PS3.10 section 7.1: where it ends and where its transfer syntax stands."""

from __future__ import annotations

import numba as nb
import numpy as np

END, SYNTAX_VALUE, SYNTAX_LENGTH, CLASS_VALUE, CLASS_LENGTH = range(5)
N_PLACES = 5
DONE, TRUNCATED, UNKNOWN_VR = 0, 10, 11

# Cells of the state of a file, and two values of STATUS (kernels/elements.py).
_POSITION, _LOADED, _STATUS = 0, 2, 15
_FRESH, _PASS = -2, -3
# Bytes before the prefix "DICM", and before the file meta information.
_PREAMBLE, _START = 128, 132

# Without reference counting (`_nrt`) a kernel cannot allocate; passing arrays on costs nothing.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_PLACES = nb.types.Array(nb.int64, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_VRS = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_OB, _OW, _SQ, _SV, _UC, _UN, _UR, _UT = 13, 18, 22, 25, 27, 30, 31, 33


@nb.njit([nb.int64(_BYTES, nb.int64, nb.int64, _VRS, _PLACES)], **_KERNEL)
def scan_file_meta(header, start, loaded, codes, places):
    """Walk over the elements of group 0002, explicit VR little endian, from `start`.

    header: shape (n,), bytes of the file; `loaded` of them are valid. codes: shape (65536,), VR
    number of two bytes. places: shape (N_PLACES,), receives the end of the group, position and
    length of Transfer Syntax UID and of Media Storage SOP Class UID (length 0 when absent).
    Returns a status; TRUNCATED when the group does not end within the loaded bytes.
    """
    at = start
    for i in range(N_PLACES):
        places[i] = 0
    while at + 8 <= loaded and header[at] == 2 and header[at + 1] == 0:
        vr = codes[(np.int64(header[at + 4]) << 8) | np.int64(header[at + 5])]
        if vr == 0:
            return UNKNOWN_VR
        is_long = _OB <= vr <= _OW or vr in (_SQ, _SV, _UC, _UN, _UR) or vr >= _UT
        length = np.int64(header[at + 6]) | (np.int64(header[at + 7]) << 8)
        value = at + 8
        if is_long:
            value = at + 12
            if value > loaded:
                return TRUNCATED
            length = np.int64(0)
            for i in range(4):
                length |= np.int64(header[at + 8 + i]) << (8 * i)
        if value + length > loaded:
            return TRUNCATED
        if header[at + 2] == 0x10 and header[at + 3] == 0:
            places[SYNTAX_VALUE] = value
            places[SYNTAX_LENGTH] = length
        if header[at + 2] == 2 and header[at + 3] == 0:
            places[CLASS_VALUE] = value
            places[CLASS_LENGTH] = length
        at = value + length
    places[END] = at
    return DONE


@nb.njit([nb.int64(_BYTES, _TABLE, _VRS, _TABLE)], **_KERNEL)
def scan_file_metas(header, files, codes, places):
    """Walk over the file meta information of every FRESH file, and move its POSITION behind it.

    header: shape (n,), bytes of the files, of each one those from its POSITION to its LOADED.
    files: shape (n_files, N_STATE). codes: as for `scan_file_meta`. places: shape (n_files,
    N_PLACES). A file without preamble and prefix, or whose file meta information is not loaded
    whole with 8 bytes behind it, is to PASS. Returns the number of those that are not.
    """
    n_found = np.int64(0)
    for i in range(files.shape[0]):
        if files[i, _STATUS] != _FRESH:
            continue
        at = files[i, _POSITION]
        loaded = files[i, _LOADED]
        prefix = at + _PREAMBLE
        files[i, _STATUS] = _PASS
        if at + _START > loaded or not (
            header[prefix] == 68
            and header[prefix + 1] == 73
            and header[prefix + 2] == 67
            and header[prefix + 3] == 77
        ):
            continue
        status = scan_file_meta(header, at + _START, loaded, codes, places[i])
        if status == DONE and places[i, END] + 8 <= loaded:
            files[i, _STATUS] = _FRESH
            files[i, _POSITION] = places[i, END]
            n_found += 1
    return n_found
