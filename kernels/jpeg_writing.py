"""Write the entropy-coded data of sequential DCT scans, ISO/IEC 10918-1 annexes F and K.2."""

from __future__ import annotations

import numba as nb

# Columns of `units`, as in kernels/jpeg_scans.py.
_FIRST, _STRIDE, _ACROSS, _DOWN, _LEFT, _TOP, _COMPONENT, _DC, _AC = range(9)

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_UNITS = nb.types.Array(nb.int64, 2, "C", readonly=True)
_CODES = nb.types.Array(nb.int64, 2, "C", readonly=True)
_BLOCKS = nb.types.Array(nb.int16, 2, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 1, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_COUNTS = nb.types.Array(nb.int64, 2, "C")
_INT = nb.int64


@_helper
def _size_of(value):
    """How many bits the magnitude of a number has."""
    magnitude = -value if value < 0 else value
    size = 0
    if magnitude >> 8:
        size, magnitude = 8, magnitude >> 8
    if magnitude >> 4:
        size, magnitude = size + 4, magnitude >> 4
    if magnitude >> 2:
        size, magnitude = size + 2, magnitude >> 2
    return size + (2 if magnitude > 1 else magnitude)


@_helper
def _block_of(units, unit, x, y):
    """Return the number of a block of the MCU at column x, row y."""
    row = y * units[unit, _DOWN] + units[unit, _TOP]
    return (
        units[unit, _FIRST]
        + row * units[unit, _STRIDE]
        + x * units[unit, _ACROSS]
        + (units[unit, _LEFT])
    )


@nb.njit([nb.void(_BLOCKS, _INT, _INT, _UNITS, _INT, _CELLS, _COUNTS)], **_KERNEL)
def count_block_symbols(blocks, n_mcus, interval, units, across, before, counts):
    """Count the symbols that a sequential scan of blocks takes, by table.

    blocks: shape (n, 64). interval: MCUs from one restart to the next. units: (n, 9), across: MCUs
    in a row, before: as in kernels/jpeg_scans.py. counts: (n_tables, 256), grows.
    """
    for mcu in range(n_mcus):
        if mcu % interval == 0:
            before[0], before[1], before[2], before[3] = 0, 0, 0, 0
        for unit in range(units.shape[0]):
            block = _block_of(units, unit, mcu % across, mcu // across)
            value, component = nb.int64(blocks[block, 0]), units[unit, _COMPONENT]
            counts[units[unit, _DC], _size_of(value - before[component])] += 1
            before[component] = value
            table, run = units[unit, _AC], 0
            for k in range(1, 64):
                coefficient = nb.int64(blocks[block, k])
                if coefficient == 0:
                    run += 1
                    continue
                while run > 15:
                    counts[table, 0xF0] += 1
                    run -= 16
                counts[table, (run << 4) | _size_of(coefficient)] += 1
                run = 0
            if run:
                counts[table, 0] += 1


@_helper
def _put(coded, at, window, n_bits, bits, size):
    """Append bits; return the next byte's place, and what waits for a whole byte."""
    window = (window << size) | bits
    n_bits += size
    while n_bits >= 8:
        byte = (window >> (n_bits - 8)) & 0xFF
        coded[at] = nb.uint8(byte)
        at += 1
        if byte == 0xFF:
            coded[at] = 0
            at += 1
        n_bits -= 8
    return at, window & 0xFF, n_bits


@_helper
def _magnitude(value, size):
    """Return the bits of a number behind its size (F.1.2.1)."""
    return value if value >= 0 else value + (1 << size) - 1


@nb.njit(
    [_INT(_BLOCKS, _INT, _INT, _UNITS, _INT, _CODES, _CODES, _CELLS, _BYTES)],
    **_KERNEL,
)
def write_blocks(blocks, n_mcus, interval, units, across, codes, sizes, before, coded):
    """Write a sequential scan of blocks; return its length.

    blocks, interval, units, across, before: as in `count_block_symbols`. codes, sizes: (n_tables,
    256), of every symbol that is counted there. coded: receives the bytes, stuffed, with the
    markers RSTm between intervals; twice the bytes that those symbols take, and 4 for each
    interval, always suffice.
    """
    at, window, n_bits = 0, 0, 0
    for mcu in range(n_mcus):
        if mcu % interval == 0:
            before[0], before[1], before[2], before[3] = 0, 0, 0, 0
            if mcu:
                if n_bits:
                    at, window, n_bits = _put(
                        coded, at, window, n_bits, (1 << (8 - n_bits)) - 1, 8 - n_bits
                    )
                coded[at] = 0xFF
                coded[at + 1] = nb.uint8(0xD0 + (mcu // interval - 1) % 8)
                at += 2
        for unit in range(units.shape[0]):
            block = _block_of(units, unit, mcu % across, mcu // across)
            value, component = nb.int64(blocks[block, 0]), units[unit, _COMPONENT]
            change = value - before[component]
            before[component] = value
            size, table = _size_of(change), units[unit, _DC]
            at, window, n_bits = _put(
                coded, at, window, n_bits, codes[table, size], sizes[table, size]
            )
            at, window, n_bits = _put(coded, at, window, n_bits, _magnitude(change, size), size)
            table, run = units[unit, _AC], 0
            for k in range(1, 64):
                coefficient = nb.int64(blocks[block, k])
                if coefficient == 0:
                    run += 1
                    continue
                while run > 15:
                    at, window, n_bits = _put(
                        coded, at, window, n_bits, codes[table, 0xF0], sizes[table, 0xF0]
                    )
                    run -= 16
                size = _size_of(coefficient)
                symbol = (run << 4) | size
                bits = (codes[table, symbol] << size) | _magnitude(coefficient, size)
                at, window, n_bits = _put(
                    coded, at, window, n_bits, bits, sizes[table, symbol] + size
                )
                run = 0
            if run:
                at, window, n_bits = _put(
                    coded, at, window, n_bits, codes[table, 0], sizes[table, 0]
                )
    if n_bits:
        at, window, n_bits = _put(coded, at, window, n_bits, (1 << (8 - n_bits)) - 1, 8 - n_bits)
    return at
