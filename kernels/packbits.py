"""The byte runs of RLE compressed segments, PS3.5 annex G.3."""

from __future__ import annotations

import numba as nb

# What a coded segment may take: a byte of its own per 128 literal bytes of each row.
OVERHEAD = 128

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_TARGET = nb.types.Array(nb.uint8, 1, "C")
_INT = nb.int64


@nb.njit([_INT(_SOURCE, _TARGET, _INT, _INT)], **_KERNEL)
def unpack_runs(coded, decoded, first, step):
    """Decode a segment to the bytes first, first + step, ... of `decoded`; return how many bytes.

    -1: a run goes beyond `coded`. What would go beyond `decoded` is left out.
    """
    at = n_decoded = 0
    room = (decoded.size - first + step - 1) // step
    while at < coded.size and n_decoded < room:
        control = nb.int64(coded[at])
        at += 1
        if control == 128:
            continue
        length = control + 1 if control < 128 else 257 - control
        if at + (length if control < 128 else 1) > coded.size:
            return -1
        for number in range(min(length, room - n_decoded)):
            place = at + number if control < 128 else at
            decoded[first + n_decoded * step] = coded[place]
            n_decoded += 1
        at += length if control < 128 else 1
    return n_decoded


@_helper
def _run_length(source, start, end, step):
    """How many of the next bytes, at most 128, are the same."""
    length = 1
    place = start + step
    while place < end and length < 128 and source[place] == source[start]:
        length += 1
        place += step
    return length


@nb.njit([_INT(_SOURCE, _INT, _INT, _INT, _TARGET)], **_KERNEL)
def pack_runs(source, first, step, columns, coded):
    """Encode the bytes first, first + step, ... of `source`, row by row; return the coded length.

    columns: bytes per row; no run goes from one row to the next (G.3.1). -1: `coded` is too short;
    (columns + ceil(columns / OVERHEAD)) bytes per row always suffice.
    """
    n_coded = 0
    row = first
    while row < source.size:
        end = min(source.size, row + columns * step)
        place = row
        while place < end:
            length = _run_length(source, place, end, step)
            if length >= 2:
                if n_coded + 2 > coded.size:
                    return -1
                coded[n_coded] = nb.uint8(257 - length)
                coded[n_coded + 1] = source[place]
                n_coded += 2
                place += length * step
                continue
            # Literals go on until three bytes are the same: a run of two saves nothing inside.
            start, count = place, 0
            while place < end and count < 128 and _run_length(source, place, end, step) < 3:
                count += 1
                place += step
            if n_coded + 1 + count > coded.size:
                return -1
            coded[n_coded] = nb.uint8(count - 1)
            for number in range(count):
                coded[n_coded + 1 + number] = source[start + number * step]
            n_coded += 1 + count
        row += columns * step
    return n_coded
