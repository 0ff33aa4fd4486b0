"""Convolutions of maps that lie in one flat buffer, plane after plane."""

from __future__ import annotations

import numba as nb

# Taps are added three at a time, to four outputs at a time: what registers hold.
TAPS = 3
OUTPUTS = 4

# Columns of `geometry`. ROWS and COLUMNS are of what is made, PITCH leads from one row of the
# source to the next, BLOCK rows are made at once. The seed begins at SEED, goes on by SEED_PLANE
# and SEED_PITCH, and is made larger by 2 ** SEED_SHIFT. What is made stands BORDER rows and columns
# inside planes of TARGET_PLANE with rows of TARGET_PITCH; when IS_SPLIT each plane is four, of even
# and odd rows, and in these of even and odd columns. IS_RECTIFIED: nothing below 0 is stored.
ROWS, COLUMNS, PITCH, BLOCK = 0, 1, 2, 3
SEED, SEED_PLANE, SEED_PITCH, SEED_SHIFT = 4, 5, 6, 7
TARGET_PLANE, TARGET_PITCH, BORDER, IS_SPLIT, IS_RECTIFIED = 8, 9, 10, 11, 12
N_GEOMETRY = 13

# Products and sums may be fused.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False, "fastmath": {"contract", "nsz"}}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.float32, 1, "C", readonly=True)
_OFFSETS = nb.types.Array(nb.int64, 2, "C", readonly=True)
_WEIGHTS = nb.types.Array(nb.float32, 3, "C", readonly=True)
_GEOMETRY = nb.types.Array(nb.int64, 1, "C", readonly=True)
_SUMS = nb.types.Array(nb.float32, 2, "C")
_TARGET = nb.types.Array(nb.float32, 1, "C")


@_helper
def _begin(output, top, high, bias, seed, geometry, sums):
    """Set the sums of four outputs to their bias and seed."""
    pitch, columns = geometry[PITCH], geometry[COLUMNS]
    shift = geometry[SEED_SHIFT]
    for one in range(OUTPUTS):
        line = sums[one]
        value = bias[output + one]
        for x in range(high * pitch):
            line[x] = value
        if seed.size == 0:
            continue
        for row in range(high):
            start = geometry[SEED] + (output + one) * geometry[SEED_PLANE]
            start += ((top + row) >> shift) * geometry[SEED_PITCH]
            added = seed[start : start + ((columns - 1) >> shift) + 1]
            part = line[row * pitch : row * pitch + columns]
            if shift == 0:
                for x in range(columns):
                    part[x] += added[x]
            else:
                for x in range(columns):
                    part[x] += added[nb.uintp(x >> 1)]
    return 0


@_helper
def _add_taps(source, at, n, offsets, weights, output, sums):
    """Add all taps to n sums of four outputs."""
    sum_0, sum_1, sum_2, sum_3 = sums[0], sums[1], sums[2], sums[3]
    for group in range(offsets.shape[0]):
        a = source[offsets[group, 0] + at : offsets[group, 0] + at + n]
        b = source[offsets[group, 1] + at : offsets[group, 1] + at + n]
        c = source[offsets[group, 2] + at : offsets[group, 2] + at + n]
        a_0, b_0, c_0 = (
            weights[output, group, 0],
            weights[output, group, 1],
            weights[output, group, 2],
        )
        a_1, b_1, c_1 = (
            weights[output + 1, group, 0],
            weights[output + 1, group, 1],
            weights[output + 1, group, 2],
        )
        a_2, b_2, c_2 = (
            weights[output + 2, group, 0],
            weights[output + 2, group, 1],
            weights[output + 2, group, 2],
        )
        a_3, b_3, c_3 = (
            weights[output + 3, group, 0],
            weights[output + 3, group, 1],
            weights[output + 3, group, 2],
        )
        for x in range(n):
            sum_0[x] = sum_0[x] + a_0 * a[x] + b_0 * b[x] + c_0 * c[x]
            sum_1[x] = sum_1[x] + a_1 * a[x] + b_1 * b[x] + c_1 * c[x]
            sum_2[x] = sum_2[x] + a_2 * a[x] + b_2 * b[x] + c_2 * c[x]
            sum_3[x] = sum_3[x] + a_3 * a[x] + b_3 * b[x] + c_3 * c[x]
    return 0


@_helper
def _store(output, top, high, geometry, sums, target):
    """Write the sums of four outputs to their places."""
    pitch, columns, border = geometry[PITCH], geometry[COLUMNS], geometry[BORDER]
    least = nb.float32(0.0) if geometry[IS_RECTIFIED] else nb.float32(-3.0e38)
    for one in range(OUTPUTS):
        plane = (output + one) * geometry[TARGET_PLANE]
        for row in range(high):
            made = sums[one, row * pitch : row * pitch + columns]
            place = top + row + border
            if geometry[IS_SPLIT] == 0:
                start = plane + place * geometry[TARGET_PITCH] + border
                line = target[start : start + columns]
                for x in range(columns):
                    line[x] = max(made[x], least)
                continue
            part = geometry[TARGET_PLANE] // 4
            start = plane + (place & 1) * 2 * part + (place >> 1) * geometry[TARGET_PITCH]
            half = columns // 2
            begin = start + (border & 1) * part + (border >> 1)
            even = target[begin : begin + half]
            begin = start + ((border + 1) & 1) * part + ((border + 1) >> 1)
            odd = target[begin : begin + half]
            for x in range(half):
                even[x] = max(made[nb.uintp(2 * x)], least)
                odd[x] = max(made[nb.uintp(2 * x + 1)], least)
    return 0


@nb.njit(
    [nb.void(_SOURCE, _OFFSETS, _WEIGHTS, _SOURCE, _SOURCE, _GEOMETRY, _SUMS, _TARGET)], **_KERNEL
)
def convolve(source, offsets, weights, bias, seed, geometry, sums, target):
    """Make maps: for each place the bias, the seed and the weighted samples at the offsets.

    source, seed, target: maps, flat. offsets: shape (groups, TAPS), from a place to a tap. weights:
    shape (outputs, groups, TAPS), outputs a multiple of OUTPUTS. bias: shape (outputs,). seed: maps
    to begin with, or empty. geometry: shape (N_GEOMETRY,). sums: shape (OUTPUTS, BLOCK * PITCH),
    scratch. All offsets of all places lie inside the source; this is the caller's to see to.
    """
    rows, pitch = geometry[ROWS], geometry[PITCH]
    for top in range(0, rows, geometry[BLOCK]):
        high = min(geometry[BLOCK], rows - top)
        n = (high - 1) * pitch + geometry[COLUMNS]
        for output in range(0, weights.shape[0], OUTPUTS):
            _begin(output, top, high, bias, seed, geometry, sums)
            _add_taps(source, top * pitch, n, offsets, weights, output, sums)
            _store(output, top, high, geometry, sums, target)
