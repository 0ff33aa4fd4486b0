"""Samples of DCT blocks: dequantised, inverse transform, level shift; ISO/IEC 10918-1 annex A.3."""

from __future__ import annotations

import numba as nb
import numpy as np

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BLOCKS = nb.types.Array(nb.int16, 2, "C", readonly=True)
_QUANTISER = nb.types.Array(nb.float32, 1, "C", readonly=True)
_ORDER = nb.types.Array(nb.int64, 1, "C", readonly=True)
_WORK = nb.types.Array(nb.float32, 1, "C")
_INT = nb.int64

# cos(k pi / 16) / 2, with k = 4 also for the first basis function.
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(np.cos(k * np.pi / 16) / 2) for k in range(1, 8))


@_helper
def _transform(work, first, step):
    """Inverse DCT of eight numbers, in place."""
    a0, a1 = work[first], work[first + step]
    a2, a3 = work[first + 2 * step], work[first + 3 * step]
    a4, a5 = work[first + 4 * step], work[first + 5 * step]
    a6, a7 = work[first + 6 * step], work[first + 7 * step]
    plus, minus = _C4 * (a0 + a4), _C4 * (a0 - a4)
    outer, inner = _C2 * a2 + _C6 * a6, _C6 * a2 - _C2 * a6
    e0, e3, e1, e2 = plus + outer, plus - outer, minus + inner, minus - inner
    o0 = _C1 * a1 + _C3 * a3 + _C5 * a5 + _C7 * a7
    o1 = _C3 * a1 - _C7 * a3 - _C1 * a5 - _C5 * a7
    o2 = _C5 * a1 - _C1 * a3 + _C7 * a5 + _C3 * a7
    o3 = _C7 * a1 - _C5 * a3 + _C3 * a5 - _C1 * a7
    work[first], work[first + 7 * step] = e0 + o0, e0 - o0
    work[first + step], work[first + 6 * step] = e1 + o1, e1 - o1
    work[first + 2 * step], work[first + 5 * step] = e2 + o2, e2 - o2
    work[first + 3 * step], work[first + 4 * step] = e3 + o3, e3 - o3
    return 0


@_helper
def _level(value, most):
    """Round a sample and keep it within its range."""
    return min(max(int(np.floor(value + np.float32(0.5))), 0), most)


@nb.njit(
    [
        nb.void(
            *(_BLOCKS, _INT, _INT, _QUANTISER, _ORDER, _INT, _WORK),
            nb.types.Array(nb.uint16, 2, "C"),
        ),
        nb.void(
            *(_BLOCKS, _INT, _INT, _QUANTISER, _ORDER, _INT, _WORK),
            nb.types.Array(nb.uint8, 2, "C"),
        ),
    ],
    **_KERNEL,
)
def show_blocks(blocks, first, across, quantiser, order, precision, work, samples):
    """Compute the samples of one component.

    blocks: (n, 64) quantised, zigzag; those of the component begin at `first`, `across` in a row.
    quantiser: (64,), zigzag. order: (64,), where each zigzag place stands in a block. work: (64,).
    samples: shape (rows, columns) of whole blocks, receives them.
    """
    most = (1 << precision) - 1
    middle = np.float32(1 << (precision - 1))
    for top in range(samples.shape[0] // 8):
        for left in range(samples.shape[1] // 8):
            block = first + top * across + left
            is_flat = True
            for k in range(1, 64):
                if blocks[block, k]:
                    is_flat = False
                    break
            if is_flat:
                level = _level(blocks[block, 0] * quantiser[0] / np.float32(8) + middle, most)
                for row in range(top * 8, top * 8 + 8):
                    for column in range(left * 8, left * 8 + 8):
                        samples[row, column] = level
                continue
            for k in range(64):
                work[order[k]] = blocks[block, k] * quantiser[k]
            for column in range(8):
                _transform(work, column, 8)
            for row in range(8):
                _transform(work, row * 8, 1)
            for row in range(8):
                for column in range(8):
                    level = _level(work[row * 8 + column] + middle, most)
                    samples[top * 8 + row, left * 8 + column] = level
