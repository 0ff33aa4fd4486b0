"""Bits of samples that hold no sample value."""

from __future__ import annotations

import numba as nb

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_VOID = nb.void


@nb.njit(
    [
        _VOID(nb.types.Array(nb.uint8, 1, "C"), nb.uint8, nb.uint8, nb.uint8),
        _VOID(nb.types.Array(nb.uint16, 1, "C"), nb.uint16, nb.uint16, nb.uint16),
        _VOID(nb.types.Array(nb.uint32, 1, "C"), nb.uint32, nb.uint32, nb.uint32),
    ],
    **_KERNEL,
)
def clear_bits(samples, keep, sign, fill):
    """Keep the bits `keep` of every sample, in place, and set `fill` where the bit `sign` is set.

    samples: shape (n,), bit patterns in any byte order, when the masks are in the same one. keep,
    sign, fill: masks; sign and fill 0 for numbers without a sign.
    """
    zero = samples.dtype.type(0)
    for i in range(samples.shape[0]):
        sample = samples[i]
        samples[i] = (sample & keep) | (fill if sample & sign else zero)
