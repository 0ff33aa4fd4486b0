"""Plain twins of the kernels of lossless JPEG scans: bits are characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.kernels.naive_jpeg import Bits, Codes, coded_parts, number_bits

Picture = list[list[list[int]]]


class Lossless(NamedTuple):
    """A lossless scan: lines of a restart interval, components with their tables."""

    n_lines: int
    planes: Sequence[int]
    tables: Sequence[int]
    predictor: int
    middle: int
    codes: Sequence[Codes]


def _predicted(plane: list[list[int]], row: int, column: int, scan: Lossless) -> int:
    if row % scan.n_lines == 0:
        return plane[row][column - 1] if column else scan.middle
    if column == 0:
        return plane[row - 1][0]
    a, b, c = plane[row][column - 1], plane[row - 1][column], plane[row - 1][column - 1]
    # Table H.1.
    return {
        1: a, 2: b, 3: c, 4: a + b - c, 5: a + (b - c) // 2, 6: b + (a - c) // 2, 7: (a + b) // 2
    }[scan.predictor]  # fmt: skip


def read_samples(
    parts: Sequence[bytes], shape: tuple[int, int, int], scan: Lossless
) -> Picture | None:
    """Return the samples by component, row and column; None when the data are damaged."""
    n, rows, columns = shape
    picture: Picture = [[[0] * columns for _ in range(rows)] for _ in range(n)]
    try:
        for row in range(rows):
            if row % scan.n_lines == 0:
                bits = Bits(parts[row // scan.n_lines])
            for column in range(columns):
                for plane, table in zip(scan.planes, scan.tables, strict=True):
                    size = bits.symbol(scan.codes[table])
                    if size > 16:
                        return None
                    change = 32768 if size == 16 else bits.number(size)
                    value = _predicted(picture[plane], row, column, scan) + change
                    picture[plane][row][column] = value % 65536
    except EOFError:
        return None
    return picture


def _changes(picture: Picture, scan: Lossless) -> Iterator[tuple[int, int, int]]:
    """Yield restart interval, table and difference of each sample of a scan."""
    for row, line in enumerate(picture[0]):
        for column in range(len(line)):
            for plane, table in zip(scan.planes, scan.tables, strict=True):
                value = picture[plane][row][column]
                change = (value - _predicted(picture[plane], row, column, scan)) % 65536
                yield row // scan.n_lines, table, change - 65536 * (change > 32768)


def count_sample_symbols(picture: Picture, scan: Lossless) -> Counter[tuple[int, int]]:
    """Return (table, symbol) -> how often."""
    return Counter(
        (table, abs(change).bit_length()) for _, table, change in _changes(picture, scan)
    )


def write_samples(picture: Picture, scan: Lossless) -> bytes:
    """Return the data of a scan, stuffed, with restart markers."""
    code_of = [{symbol: code for code, symbol in codes.items()} for codes in scan.codes]
    parts: dict[int, str] = {}
    for part, table, change in _changes(picture, scan):
        low = number_bits(change) if change != 32768 else ""
        parts[part] = parts.get(part, "") + code_of[table][abs(change).bit_length()] + low
    return coded_parts(parts)
