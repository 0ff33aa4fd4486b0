"""Entropy-coded data of sequential DCT scans, ISO/IEC 10918-1 annex F.

Blocks hold 64 quantised coefficients in zigzag order, DC first and not as a difference.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Bytes that must follow the data: more than one block can read.
SLACK = 512
# Bits that find a symbol at once; longer codes are sought by their length.
LOOK = 9

# Columns of `units`, one row for each block of an MCU: the first block of its component, blocks
# from one row to the next, blocks of an MCU across and down, place in the MCU, component, tables.
FIRST, STRIDE, ACROSS, DOWN, LEFT, TOP, COMPONENT, DC, AC = range(9)

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 1, "C")
_PIECES = nb.types.Array(nb.int64, 2, "C")
_UNITS = nb.types.Array(nb.int64, 2, "C", readonly=True)
_LOOKUP = nb.types.Array(nb.uint16, 2, "C", readonly=True)
_LIMITS = nb.types.Array(nb.int32, 2, "C", readonly=True)
_VALUES = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_BLOCKS = nb.types.Array(nb.int16, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_INT = nb.int64


@nb.njit([_INT(_SOURCE, _INT, _BYTES, _PIECES, _BYTES)], **_KERNEL)
def find_scan_data(coded, begin, plain, pieces, numbers):
    """Copy the data of a scan without stuffed bytes; return where the marker behind it stands.

    coded: from `begin` the scan. plain: as long as `coded`. pieces: (n, 2), row 0 receives the
    number of restart intervals, and each row from 1 on the begin and the end in `plain` of one.
    numbers: (n,), m of the marker RSTm behind each interval from 1 on. -1: no marker, or more
    intervals than rows.
    """
    at, n_plain, n_pieces = begin, 0, 1
    if pieces.shape[0] < 2:
        return -1
    pieces[1, 0] = 0
    while at + 1 < coded.size:
        byte = coded[at]
        if byte != 255:
            plain[n_plain] = byte
            n_plain += 1
            at += 1
            continue
        after = coded[at + 1]
        if after == 0:
            plain[n_plain] = byte
            n_plain += 1
            at += 2
        elif after == 255:
            at += 1
        else:
            pieces[n_pieces, 1] = n_plain
            if after < 0xD0 or after > 0xD7:
                pieces[0, 0] = n_pieces
                return at
            numbers[n_pieces] = after - 0xD0
            n_pieces += 1
            at += 2
            if n_pieces >= pieces.shape[0]:
                return -1
            pieces[n_pieces, 0] = n_plain
    return -1


@_helper
def _peek(plain, place):
    """Return the next 16 bits from a bit on."""
    # Unsigned: an index that may be negative costs a comparison.
    at = np.uint64(place >> 3)
    second, third = nb.int64(plain[at + np.uint64(1)]), nb.int64(plain[at + np.uint64(2)])
    word = (nb.int64(plain[at]) << 16) | (second << 8) | third
    return (word >> (8 - (place & 7))) & 0xFFFF


@_helper
def _symbol(plain, place, lookup, limits, values, table):
    """Return a symbol and the bits of its code; -1 for a code that the table does not have."""
    code = _peek(plain, place)
    entry = nb.int64(lookup[table, np.uint64(code >> (16 - LOOK))])
    if entry:
        return entry & 255, entry >> 8
    for length in range(LOOK + 1, 17):
        short = code >> (16 - length)
        if short < limits[table, length]:
            index = short - limits[table, length + 16]
            return nb.int64(values[table, index & 255]), nb.int64(length)
    return nb.int64(-1), nb.int64(16)


@_helper
def _number(plain, place, size):
    """Return a signed number of `size` bits, at most 15 (F.2.2.1)."""
    bits = _peek(plain, place) >> (16 - size)
    return bits if bits >> (size - 1) else bits - (1 << size) + 1


@_helper
def _read_ac(plain, place, lookup, limits, values, table, blocks, block):
    """Read the coefficients from 1 on; return the bit behind them, -1 for damaged ones."""
    k = 1
    while k < 64:
        symbol, length = _symbol(plain, place, lookup, limits, values, table)
        if symbol < 0:
            return nb.int64(-1)
        place += length
        size = symbol & 15
        k += symbol >> 4
        if size == 0:
            if symbol == 0xF0:
                k += 1
                continue
            if symbol:
                return nb.int64(-1)
            break
        if k > 63:
            return nb.int64(-1)
        blocks[block, k] = _number(plain, place, size)
        place += size
        k += 1
    return place if k <= 64 else nb.int64(-1)


@nb.njit(
    [
        _INT(
            *(_SOURCE, _UNITS, _INT, _INT, _INT, _UNITS, _INT, _LOOKUP, _LIMITS, _VALUES),
            *(_CELLS, _BLOCKS),
        )
    ],
    **_KERNEL,
)
def read_blocks(
    plain, pieces, n_pieces, n_mcus, interval, units, across, lookup, limits, values, before, blocks
):
    """Decode the blocks of a sequential scan; return how many MCUs there are, -1 for damaged data.

    plain: data without stuffed bytes, SLACK bytes behind. pieces: (n, 2), from row 1 on begin and
    end of each restart interval of `interval` MCUs. units: (n, 9), see above. across: MCUs in a
    row. lookup: (n_tables, 1 << LOOK), length << 8 | symbol of short codes. limits: (n_tables, 33),
    at `length` the first code that is too great for it, at `length` + 16 what to take off a code
    for its place in `values`, (n_tables, 256). before: (4,) workspace. blocks: (n, 64) zeros,
    receives the coefficients.
    """
    n_done = 0
    for piece in range(1, n_pieces + 1):
        place, end = pieces[piece, 0] * 8, pieces[piece, 1] * 8
        before[0], before[1], before[2], before[3] = 0, 0, 0, 0
        for mcu in range(n_done, min(n_done + interval, n_mcus)):
            x, y = mcu % across, mcu // across
            for unit in range(units.shape[0]):
                row = y * units[unit, DOWN] + units[unit, TOP]
                column = x * units[unit, ACROSS] + units[unit, LEFT]
                block = units[unit, FIRST] + row * units[unit, STRIDE] + column
                size, length = _symbol(plain, place, lookup, limits, values, units[unit, DC])
                if size < 0 or size > 15:
                    return -1
                place += length
                value = before[units[unit, COMPONENT]]
                if size:
                    value += _number(plain, place, size)
                    place += size
                if value < -32768 or value > 32767:
                    return -1
                before[units[unit, COMPONENT]] = value
                blocks[block, 0] = value
                place = _read_ac(
                    plain, place, lookup, limits, values, units[unit, AC], blocks, block
                )
                if place < 0 or place > end:
                    return -1
            n_done += 1
    return n_done
