"""Entropy-coded data of progressive DCT scans, ISO/IEC 10918-1 annex G.

Blocks hold 64 quantised coefficients in zigzag order, DC first and not as a difference. Each scan
adds to what the scans before it have told.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# As in kernels/jpeg_scans.py.
_LOOK = 9
_FIRST, _STRIDE, _ACROSS, _DOWN, _LEFT, _TOP, _COMPONENT, _DC, _AC = range(9)
# Cells of `scan`: first and last coefficient, bits told before and now (Ss, Se, Ah, Al).
_FROM, _TO, _HIGH, _LOW = range(4)
# Cells of `state`: DC of each component before, and blocks that go on without coefficients.
_RUN = 4
_MOST = 32767

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_UNITS = nb.types.Array(nb.int64, 2, "C", readonly=True)
_LOOKUP = nb.types.Array(nb.uint16, 2, "C", readonly=True)
_LIMITS = nb.types.Array(nb.int32, 2, "C", readonly=True)
_VALUES = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_NUMBERS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_BLOCKS = nb.types.Array(nb.int16, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_INT = nb.int64


@_helper
def _peek(plain, place):
    """Return the next 16 bits from a bit on."""
    at = np.uint64(place >> 3)
    second, third = nb.int64(plain[at + np.uint64(1)]), nb.int64(plain[at + np.uint64(2)])
    word = (nb.int64(plain[at]) << 16) | (second << 8) | third
    return (word >> (8 - (place & 7))) & 0xFFFF


@_helper
def _symbol(plain, place, lookup, limits, values, table):
    """Return a symbol and the bits of its code; -1 for a code that the table does not have."""
    code = _peek(plain, place)
    entry = nb.int64(lookup[table, np.uint64(code >> (16 - _LOOK))])
    if entry:
        return entry & 255, entry >> 8
    for length in range(_LOOK + 1, 17):
        short = code >> (16 - length)
        if short < limits[table, length]:
            index = short - limits[table, length + 16]
            return nb.int64(values[table, index & 255]), nb.int64(length)
    return nb.int64(-1), nb.int64(16)


@_helper
def _bits(plain, place, size):
    """Return a number of `size` bits, at most 15."""
    return _peek(plain, place) >> (16 - size)


@_helper
def _number(plain, place, size):
    """Return a signed number of `size` bits, at most 15 (F.2.2.1)."""
    bits = _bits(plain, place, size)
    return bits if bits >> (size - 1) else bits - (1 << size) + 1


@_helper
def _read_dc(plain, place, lookup, limits, values, unit_table, component, scan, state, blocks, b):
    """Read DC of a block, or one more bit of it (G.1.2.1); the bit behind it, -1 for damage."""
    low = scan[_LOW]
    if scan[_HIGH]:
        if _bits(plain, place, 1):
            blocks[b, 0] |= 1 << low
        return place + 1
    size, length = _symbol(plain, place, lookup, limits, values, unit_table)
    if size < 0 or size > 15:
        return nb.int64(-1)
    place += length
    value = state[component]
    if size:
        value += _number(plain, place, size)
        place += size
    shifted = value << low
    if shifted < -_MOST - 1 or shifted > _MOST:
        return nb.int64(-1)
    state[component] = value
    blocks[b, 0] = shifted
    return place


@_helper
def _read_ac(plain, place, lookup, limits, values, table, scan, state, blocks, b):
    """Read a band of coefficients for the first time (G.1.2.2)."""
    if state[_RUN]:
        state[_RUN] -= 1
        return place
    k = scan[_FROM]
    while k <= scan[_TO]:
        symbol, length = _symbol(plain, place, lookup, limits, values, table)
        if symbol < 0:
            return nb.int64(-1)
        place += length
        run, size = symbol >> 4, symbol & 15
        if size == 0:
            if run < 15:
                state[_RUN] = (1 << run) - 1
                if run:
                    state[_RUN] += _bits(plain, place, run)
                return place + run
            k += 16
            continue
        k += run
        if k > scan[_TO]:
            return nb.int64(-1)
        value = _number(plain, place, size) << scan[_LOW]
        if value < -_MOST or value > _MOST:
            return nb.int64(-1)
        blocks[b, k] = value
        place += size
        k += 1
    return place


@_helper
def _refine(plain, place, step, blocks, b, k):
    """Read one more bit of a coefficient that is not 0; return the bit behind it."""
    if _bits(plain, place, 1):
        blocks[b, k] += step if blocks[b, k] > 0 else -step
    return place + 1


@_helper
def _refine_ac(plain, place, lookup, limits, values, table, scan, state, blocks, b):
    """Read one more bit of a band, and coefficients that begin with it (G.1.2.3)."""
    step, k = 1 << scan[_LOW], scan[_FROM]
    while state[_RUN] == 0 and k <= scan[_TO]:
        symbol, length = _symbol(plain, place, lookup, limits, values, table)
        if symbol < 0:
            return nb.int64(-1)
        place += length
        run, size = symbol >> 4, symbol & 15
        value = nb.int64(0)
        if size == 1:
            value = step if _bits(plain, place, 1) else -step
            place += 1
        elif size:
            return nb.int64(-1)
        elif run < 15:
            state[_RUN] = 1 << run
            if run:
                state[_RUN] += _bits(plain, place, run)
            place += run
            break
        while k <= scan[_TO]:
            if blocks[b, k]:
                place = _refine(plain, place, step, blocks, b, k)
            elif run == 0:
                break
            else:
                run -= 1
            k += 1
        if value:
            if k > scan[_TO]:
                return nb.int64(-1)
            blocks[b, k] = value
        k += 1
    if state[_RUN]:
        while k <= scan[_TO]:
            if blocks[b, k]:
                place = _refine(plain, place, step, blocks, b, k)
            k += 1
        state[_RUN] -= 1
    return place


@nb.njit(
    [
        _INT(
            *(_SOURCE, _UNITS, _INT, _INT, _INT, _UNITS, _INT, _NUMBERS, _LOOKUP, _LIMITS),
            *(_VALUES, _CELLS, _BLOCKS),
        )
    ],
    **_KERNEL,
)
def read_progressive(
    plain,
    pieces,
    n_pieces,
    n_mcus,
    interval,
    units,
    across,
    scan,
    lookup,
    limits,
    values,
    state,
    blocks,
):
    """Add a progressive scan to blocks; return how many MCUs there are, -1 for damaged data.

    plain, pieces, n_pieces, n_mcus, interval, units, across, lookup, limits, values: as for
    `read_blocks` in kernels/jpeg_scans.py. scan: (4,), first and last coefficient, and Ah and Al,
    at most 13; from 1 on there is one unit. state: (5,) workspace. blocks: (n, 64), what the scans
    before have told, receives what this one adds.
    """
    n_done = 0
    for piece in range(1, n_pieces + 1):
        place, end = pieces[piece, 0] * 8, pieces[piece, 1] * 8
        for cell in range(5):
            state[cell] = 0
        for mcu in range(n_done, min(n_done + interval, n_mcus)):
            x, y = mcu % across, mcu // across
            for unit in range(units.shape[0]):
                row = y * units[unit, _DOWN] + units[unit, _TOP]
                column = x * units[unit, _ACROSS] + units[unit, _LEFT]
                b = units[unit, _FIRST] + row * units[unit, _STRIDE] + column
                if scan[_FROM] == 0:
                    place = _read_dc(
                        *(plain, place, lookup, limits, values, units[unit, _DC]),
                        *(units[unit, _COMPONENT], scan, state, blocks, b),
                    )
                elif scan[_HIGH] == 0:
                    place = _read_ac(
                        *(plain, place, lookup, limits, values, units[unit, _AC]),
                        *(scan, state, blocks, b),
                    )
                else:
                    place = _refine_ac(
                        *(plain, place, lookup, limits, values, units[unit, _AC]),
                        *(scan, state, blocks, b),
                    )
                if place < 0 or place > end:
                    return -1
            n_done += 1
    return n_done
