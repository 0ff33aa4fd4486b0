"""JPEG frames: coded by Pillow and OpenCV, read by Pillow, and their coefficients by a twin."""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.kernels.naive_jpeg import Codes, Scan, Unit, codes_of, find_scan_data, read_blocks

Samples = npt.NDArray[Any]


def coded(samples: Samples, **options: Any) -> bytes:
    """Return what Pillow makes of grey or colour samples of 8 bits, the latter as RGB.

    It is stored as YBR without the option keep_rgb.
    """
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", **options)
    return stream.getvalue()


def coded_ybr(samples: Samples, **options: Any) -> bytes:
    """Return what Pillow makes of samples of YBR, (rows, columns, 3)."""
    stream = io.BytesIO()
    height, width = samples.shape[:2]
    Image.frombytes("YCbCr", (width, height), samples.tobytes()).save(stream, "JPEG", **options)
    return stream.getvalue()


def shown(frame: bytes, *, as_stored: bool = True) -> Samples:
    """Return what Pillow decodes: colours as they are stored, or as RGB."""
    image = Image.open(io.BytesIO(frame))
    if as_stored and image.mode == "RGB" and image.info.get("adobe_transform") != 0:
        image.draft("YCbCr", image.size)
    return np.asarray(image).astype(np.uint8)


class Part(NamedTuple):
    """A component of a stream: its blocks by row and column of blocks, and its sampling."""

    blocks: npt.NDArray[np.int64]
    across: int
    down: int


def _segments(frame: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 2
    while frame[at + 1] != 0xD9:
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        yield frame[at + 1], frame[at + 4 : at + 2 + length], at + 2 + length
        at += 2 + length
        if frame[at] != 0xFF or frame[at + 1] == 0:
            scan = find_scan_data(frame[at:])
            assert scan is not None
            at += scan[1]


def _tables(value: bytes) -> dict[int, Codes]:
    found: dict[int, Codes] = {}
    at = 0
    while at < len(value):
        n = sum(value[at + 1 : at + 17])
        place = (value[at] >> 4) * 4 + (value[at] & 15)
        found[place] = codes_of(value[at + 1 : at + 17], value[at + 17 : at + 17 + n])
        at += 17 + n
    return found


def coefficients(frame: bytes) -> list[Part]:
    """Return the coefficients of a sequential stream, scan by scan, written for clarity."""
    tables: dict[int, Codes] = {}
    interval, parts, size = 0, dict[int, Part](), (0, 0)
    for marker, value, end in _segments(frame):
        if marker == 0xC4:
            tables |= _tables(value)
        elif marker == 0xDD:
            interval = int.from_bytes(value, "big")
        elif marker in {0xC0, 0xC1}:
            size = int.from_bytes(value[1:3], "big"), int.from_bytes(value[3:5], "big")
            chosen = [value[at : at + 3] for at in range(6, len(value), 3)]
            across, down = (max(one[1] >> 4 for one in chosen), max(one[1] & 15 for one in chosen))
            mcus = -(-size[0] // (8 * down)), -(-size[1] // (8 * across))
            for one in chosen:
                shape = (mcus[0] * (one[1] & 15), mcus[1] * (one[1] >> 4), 64)
                parts[one[0]] = Part(np.zeros(shape, np.int64), one[1] >> 4, one[1] & 15)
        elif marker == 0xDA:
            chosen_tables = [tables.get(number, {}) for number in range(8)]
            names = [(value[at], value[at + 1]) for at in range(1, len(value) - 3, 2)]
            units = [
                (name, Unit(name, place >> 4, 4 + (place & 15)), row, column)
                for name, place in names
                for row in range(parts[name].down if len(names) > 1 else 1)
                for column in range(parts[name].across if len(names) > 1 else 1)
            ]
            if len(names) == 1:
                part = parts[names[0][0]]
                n_down = ceil(ceil(size[0] * part.down / down) / 8)
                n_across = ceil(ceil(size[1] * part.across / across) / 8)
            else:
                n_down, n_across = mcus
            scan = Scan(
                *(n_down * n_across, interval or n_down * n_across),
                *([unit for _, unit, _, _ in units], chosen_tables),
            )
            data = find_scan_data(frame[end:])
            assert data is not None
            blocks = read_blocks(data[0], scan)
            assert blocks is not None
            for number, block in enumerate(blocks):
                name, _, row, column = units[number % len(units)]
                y, x = divmod(number // len(units), n_across)
                step = (parts[name].down, parts[name].across) if len(names) > 1 else (1, 1)
                parts[name].blocks[y * step[0] + row, x * step[1] + column] = block
    return list(parts.values())
