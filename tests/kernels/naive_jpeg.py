"""Plain twins of the JPEG kernels: bits are characters, codes are looked up in a dict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Block = list[int]
Codes = Mapping[str, int]
Samples = npt.NDArray[Any]


class Unit(NamedTuple):
    """A block of an MCU: its component, and the tables of its DC and AC symbols."""

    component: int
    dc: int
    ac: int


class Scan(NamedTuple):
    """How the blocks of a scan follow one another. interval: MCUs from one restart to the next."""

    n_mcus: int
    interval: int
    units: Sequence[Unit]
    tables: Sequence[Codes]


def codes_of(lengths: Sequence[int], symbols: Sequence[int]) -> dict[str, int]:
    """Return code -> symbol, as bits (ISO/IEC 10918-1 annex C)."""
    codes, code, left = {}, 0, list(symbols)
    for length, count in enumerate(lengths, 1):
        for _ in range(count):
            codes[f"{code:0{length}b}"] = left.pop(0)
            code += 1
        code <<= 1
    return codes


def find_scan_data(coded: bytes) -> tuple[list[bytes], int] | None:
    """Return the data between restart markers, and where another marker stands."""
    parts, at = [bytearray()], 0
    while at + 1 < len(coded):
        if coded[at] != 0xFF:
            parts[-1].append(coded[at])
            at += 1
        elif coded[at + 1] == 0:
            parts[-1].append(0xFF)
            at += 2
        elif coded[at + 1] == 0xFF:
            at += 1
        elif 0xD0 <= coded[at + 1] <= 0xD7:
            parts.append(bytearray())
            at += 2
        else:
            return [bytes(part) for part in parts], at
    return None


class Bits:
    """Reads bits from the first on; raises EOFError behind the last."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def take(self, n: int) -> str:
        """Return the next n bits."""
        if self._at + n > len(self._bits):
            raise EOFError
        self._at += n
        return self._bits[self._at - n : self._at]

    def symbol(self, codes: Codes) -> int:
        """Return the symbol of the next code, of at most 16 bits."""
        code = ""
        while code not in codes:
            if len(code) == 16:
                raise EOFError
            code += self.take(1)
        return codes[code]

    def number(self, size: int) -> int:
        """Return a signed number of `size` bits (F.2.2.1)."""
        if not size:
            return 0
        bits = self.take(size)
        return int(bits, 2) if bits[0] == "1" else int(bits, 2) - (1 << size) + 1


def _read_block(bits: Bits, dc: Codes, ac: Codes) -> Block:
    block = [0] * 64
    size = bits.symbol(dc)
    if size > 15:
        raise EOFError
    block[0] = bits.number(size)
    k = 1
    while k < 64:
        run, size = divmod(bits.symbol(ac), 16)
        if size == 0 and run not in {0, 15}:
            raise EOFError
        if (run, size) == (0, 0):
            break
        k += run
        if k > 63:
            raise EOFError
        block[k] = bits.number(size)
        k += 1
    return block


def read_blocks(parts: Sequence[bytes], scan: Scan) -> list[Block] | None:
    """Return the blocks in the order of the scan, None when the data are damaged."""
    n_mcus, interval, units, tables = scan
    blocks = []
    try:
        for number, part in enumerate(parts):
            bits, before = Bits(part), Counter[int]()
            for _ in range(min(interval, n_mcus - number * interval)):
                for unit in units:
                    block = _read_block(bits, tables[unit.dc], tables[unit.ac])
                    before[unit.component] += block[0]
                    blocks.append([before[unit.component], *block[1:]])
    except EOFError:
        return None
    return blocks


def number_bits(value: int) -> str:
    """Return the bits of a number behind the symbol that says how many (F.1.2.1)."""
    size = abs(value).bit_length()
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def coded_parts(parts: Mapping[int, str]) -> bytes:
    """Return the bits of restart intervals as data of a scan, stuffed, with markers between."""
    coded = b""
    for number, bits in parts.items():
        padded = bits + "1" * (-len(bits) % 8)
        data = bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))
        coded += bytes([0xFF, 0xD0 + (number - 1) % 8]) * bool(number)
        coded += data.replace(b"\xff", b"\xff\0")
    return coded


def _symbols(block: Sequence[int], change: int) -> Iterator[tuple[bool, int, str]]:
    """Yield whether a symbol is of AC, the symbol, and the bits behind it."""
    yield False, abs(change).bit_length(), number_bits(change)
    run = 0
    last = max((k for k in range(1, 64) if block[k]), default=0)
    for value in block[1 : last + 1]:
        if value == 0:
            run += 1
            continue
        for _ in range(run // 16):
            yield True, 0xF0, ""
        yield True, run % 16 << 4 | abs(value).bit_length(), number_bits(value)
        run = 0
    if last < 63:
        yield True, 0, ""


def _scan(blocks: Sequence[Block], scan: Scan) -> Iterator[tuple[int, int, int, str]]:
    """Yield the number of the restart interval, table, symbol and bits of all symbols of a scan."""
    before: dict[tuple[int, int], int] = {}
    for number, block in enumerate(blocks):
        unit = scan.units[number % len(scan.units)]
        part = number // len(scan.units) // scan.interval
        change = block[0] - before.get((part, unit.component), 0)
        before[part, unit.component] = block[0]
        for is_ac, symbol, bits in _symbols(block, change):
            yield part, unit.ac if is_ac else unit.dc, symbol, bits


def count_block_symbols(blocks: Sequence[Block], scan: Scan) -> Counter[tuple[int, int]]:
    """Return (table, symbol) -> how often."""
    return Counter((table, symbol) for _, table, symbol, _ in _scan(blocks, scan))


def write_blocks(blocks: Sequence[Block], scan: Scan) -> bytes:
    """Return the data of a scan, stuffed, with restart markers."""
    parts: dict[int, str] = {}
    code_of = [{symbol: code for code, symbol in codes.items()} for codes in scan.tables]
    for part, table, symbol, bits in _scan(blocks, scan):
        parts[part] = parts.get(part, "") + code_of[table][symbol] + bits
    return coded_parts(parts)


def show_blocks(block: Sequence[int], quantiser: Sequence[int], precision: int) -> Samples:
    """Return the 8 x 8 samples of a zigzag block, before rounding (A.3.3)."""
    square = np.zeros((8, 8))
    row = column = 0
    for value, factor in zip(block, quantiser, strict=True):
        square[row, column] = value * factor
        step = -1 if (row + column) % 2 == 0 else 1
        if step < 0 and column == 7:
            row += 1
        elif (step < 0 and row == 0) or (step > 0 and row == 7):
            column += 1
        elif step > 0 and column == 0:
            row += 1
        else:
            row, column = row + step, column - step
    k, n = np.mgrid[0:8, 0:8]
    basis = np.cos((2 * n + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(0.5), 1) / 2
    samples: Samples = np.clip(
        basis.T @ square @ basis + (1 << precision - 1), 0, (1 << precision) - 1
    )
    return samples
