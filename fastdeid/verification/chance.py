"""How likely a needle stands in bytes that are no text by chance alone.

Pixel data of an archive are 10**12 bytes and more, and every byte is compared with every needle of
its patient. A hit there counts only when its probability p, under models of the bytes around it, is
at most LIMIT / n for n needles. With P places searched the expected number of hits by chance that
count is at most

    P places * n needles * LIMIT / n = P * LIMIT = 10**12 * 10**-15 = 10**-3

for one terabyte. Between random bytes p is at least 2**-8 per byte of a needle, twice that for a
letter (either case counts): 8 digits have 2**-64, 9 letters 2**-63, enough for n up to 9,000.
Pixels are not random bytes. In a dark area of noise the digits of a date are all frequent, so p is
taken from the 512 bytes around the hit: for samples of 1, 2, 3 and 4 bytes, how frequent is each
byte at its place in a sample, and how frequent is each difference to the sample before; the most
probable of the eight counts. So a name in the background, or in the margin of zeros, is found, and
a date in noise that happens to hold one is not.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

LIMIT: Final = 1e-15
_AROUND: Final = 256
_SAMPLE_BYTES: Final = (1, 2, 3, 4)
# What a byte that never occurred nearby counts, and what all of them count together.
_UNSEEN: Final = 0.5
_ALL_UNSEEN: Final = 128.0
# Bits per byte from which bytes count as random, as those of compressed pixels are.
_RANDOM_BITS: Final = 6.0
# Neighbours of so many printable characters are text.
_RUN: Final = 16

_Bytes = npt.NDArray[np.uint8]


def is_chance(data: _Bytes, start: int, end: int, at: int, length: int, *, n_needles: int) -> bool:
    """Tell whether a hit at data[at:at + length] may stand there by chance.

    data: shape (n,). start, end: the bytes of the same kind, among them the hit. n_needles: needles
    that were searched for.
    """
    needle = data[at : at + length].tobytes()
    first, after = max(start, at - _AROUND), min(end, at + length + _AROUND)
    around = data[first:after].astype(np.int64)
    inside = np.zeros(len(around), bool)
    inside[at - first : at - first + length] = True
    likeliest = max(
        max(_by_value(around, inside, size), _by_difference(around, inside, size))
        for size in _SAMPLE_BYTES
    )
    if _bits_per_byte(around[~inside]) > _RANDOM_BITS:
        likeliest = max(likeliest, _among_random_bytes(needle))
    return likeliest > math.log(LIMIT / max(n_needles, 1))


def is_in_text(data: _Bytes, start: int, end: int, at: int, length: int) -> bool:
    """Tell whether a hit is part of a run of printable characters that is longer than itself."""
    first, after = max(start, at - _RUN), min(end, at + length + _RUN)
    before = _printable(data[first:at][::-1])
    behind = _printable(data[at + length : after])
    return before + behind >= _RUN // 2


def _printable(values: _Bytes) -> int:
    """Return the number of printable characters at the start."""
    odd = np.flatnonzero((values < 32) | (values > 126))
    return int(odd[0]) if len(odd) else len(values)


def _among_random_bytes(needle: bytes) -> float:
    """Return the logarithm of the probability between bytes that are all equally frequent."""
    return sum(math.log((2 if chr(byte).isalpha() and byte < 128 else 1) / 256) for byte in needle)


def _by_value(around: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_], size: int) -> float:
    """Return the logarithm of the probability if each byte depends on its place in a sample."""
    total = 0.0
    for phase in range(size):
        values, hit = around[phase::size], inside[phase::size]
        counts = np.bincount(values[~hit], minlength=256).astype(np.float64)
        whole = counts.sum() + _ALL_UNSEEN
        for value in values[hit].tolist():
            count = counts[value] + _UNSEEN
            if chr(value).isalpha() and value < 128:
                count += counts[value ^ 0x20] + _UNSEEN
            total += math.log(count / whole)
    return total


def _by_difference(
    around: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_], size: int
) -> float:
    """Return the logarithm of the probability if each byte depends on the sample before."""
    if len(around) <= size:
        return -math.inf
    steps = np.abs(around[size:] - around[:-size])
    touched = inside[size:] | inside[:-size]
    counts = np.bincount(steps[~touched], minlength=256).astype(np.float64)
    whole = counts.sum() + _ALL_UNSEEN
    logs = np.log((counts + _UNSEEN) / whole)
    return float(logs[steps[inside[size:]]].sum())


def _bits_per_byte(values: npt.NDArray[np.int64]) -> float:
    if not len(values):
        return 0.0
    shares = np.bincount(values, minlength=256) / len(values)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
