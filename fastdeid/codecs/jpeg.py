"""JPEG streams: their headers, tables and scans, ISO/IEC 10918-1 annex B."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.codecs.codec import damaged
from fastdeid.codecs.huffman import Table, read_tables
from fastdeid.codecs.markers import Segment, next_segment
from fastdeid.kernels.jpeg_scans import SLACK, find_scan_data

START: Final = b"\xff\xd8"
END: Final = b"\xff\xd9"
HUFFMAN, QUANTISERS, INTERVAL, SCAN = 0xC4, 0xDB, 0xDD, 0xDA
_START, _END, _LINES = 0xD8, 0xD9, 0xDC
# Baseline, extended sequential, progressive and lossless, all with Huffman codes.
BASELINE, EXTENDED, PROGRESSIVE, LOSSLESS = 0xC0, 0xC1, 0xC2, 0xC3
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {HUFFMAN, 0xC8, 0xCC})
_JFIF, _PROFILE, _ADOBE = 0xE0, 0xE2, 0xEE


class Component(NamedTuple):
    """A component of a frame: identifier, sampling factors across and down, quantiser."""

    identifier: int
    across: int
    down: int
    quantiser: int


class Scan(NamedTuple):
    """A scan: its components by their number in the frame with their tables, and its data.

    first to approximation: Ss, Se, Ah and Al (B.2.3). interval: MCUs from one restart to the next,
    0 for none. plain, pieces: from kernels/jpeg_scans.py.
    """

    components: tuple[tuple[int, int, int], ...]
    first: int
    last: int
    high: int
    low: int
    interval: int
    tables: dict[int, Table]
    plain: npt.NDArray[np.uint8]
    pieces: npt.NDArray[np.int64]


class Stream(NamedTuple):
    """A JPEG stream. kept: segments that a frame coded again needs as well, in their order."""

    kind: int
    precision: int
    rows: int
    columns: int
    components: tuple[Component, ...]
    quantisers: dict[int, npt.NDArray[np.float32]]
    scans: tuple[Scan, ...]
    kept: tuple[Segment, ...]

    @property
    def is_luminance_first(self) -> bool | None:
        """Whether three components are Y Cb Cr; None when the stream does not say."""
        for marker, value in self.kept:
            if marker == _ADOBE and value[:5] == b"Adobe" and len(value) >= 12:
                return value[11] != 0
        if bytes(one.identifier for one in self.components) == b"RGB":
            return False
        is_jfif = any(one.marker == _JFIF and one.value[:4] == b"JFIF" for one in self.kept)
        return True if is_jfif else None


def _quantisers(value: bytes) -> dict[int, npt.NDArray[np.float32]]:
    """Read a DQT segment: 64 numbers in zigzag order for each destination (B.2.4.1)."""
    found, at = {}, 0
    while at < len(value):
        wide, place = value[at] >> 4, value[at] & 15
        length = 128 if wide else 64
        numbers = value[at + 1 : at + 1 + length]
        if wide > 1 or place > 3 or len(numbers) != length:
            raise damaged("codec_tables")
        found[place] = np.frombuffer(numbers, ">u2" if wide else np.uint8).astype(np.float32)
        at += 1 + length
    return found


def _frame(value: bytes) -> tuple[int, int, int, tuple[Component, ...]]:
    """Read a frame header: precision, rows, columns, components (B.2.2)."""
    if len(value) < 6 or len(value) != 6 + 3 * value[5] or not 1 <= value[5] <= 4:
        raise damaged()
    components = tuple(
        Component(value[at], value[at + 1] >> 4, value[at + 1] & 15, value[at + 2])
        for at in range(6, len(value), 3)
    )
    if any(not 1 <= n <= 4 for one in components for n in (one.across, one.down)):
        raise damaged()
    if len({one.identifier for one in components}) != len(components):
        raise damaged()
    return (
        value[0],
        int.from_bytes(value[1:3], "big"),
        int.from_bytes(value[3:5], "big"),
        components,
    )


class _Reader:
    """Reads a stream from its start to its end."""

    def __init__(self, coded: bytes) -> None:
        self._coded = coded
        self._bytes = np.frombuffer(coded, np.uint8)
        self._frame: tuple[int, int, int, tuple[Component, ...]] | None = None
        self._kind = self._interval = 0
        self._tables: dict[int, Table] = {}
        self._quantisers: dict[int, npt.NDArray[np.float32]] = {}
        self._scans: list[Scan] = []
        self._kept: list[Segment] = []

    def read(self) -> Stream:
        """Read segments and scans up to the end of the image."""
        if self._coded[:2] != START:
            raise damaged()
        at = 2
        while True:
            segment, at = next_segment(self._coded, at)
            if segment.marker == _END:
                break
            if segment.marker == SCAN:
                at = self._scan(segment.value, at)
            else:
                self._segment(segment)
        if self._frame is None or not self._scans:
            raise damaged()
        return Stream(
            self._kind, *self._frame, self._quantisers, tuple(self._scans), tuple(self._kept)
        )

    def _segment(self, segment: Segment) -> None:
        marker, value = segment
        if marker == HUFFMAN:
            self._tables = self._tables | read_tables(value)
        elif marker == INTERVAL:
            self._interval = int.from_bytes(value, "big")
        elif marker == QUANTISERS:
            if self._scans:
                raise damaged("unsupported_tables")
            self._quantisers |= _quantisers(value)
            self._kept.append(segment)
        elif marker in _FRAMES:
            if self._frame is not None or marker > LOSSLESS:
                raise damaged("unsupported_jpeg_process")
            self._kind, self._frame = marker, _frame(value)
            self._kept.append(segment)
        elif marker in {_START, _LINES} or marker < 0xC0:
            raise damaged()
        elif marker in {_JFIF, _PROFILE, _ADOBE}:
            self._kept.append(segment)

    def _scan(self, value: bytes, at: int) -> int:
        """Read a scan; return where the marker behind its data stands."""
        if self._frame is None or not value or len(value) != 4 + 2 * value[0]:
            raise damaged()
        numbers = {one.identifier: number for number, one in enumerate(self._frame[3])}
        chosen = [
            (value[i], value[i + 1] >> 4, value[i + 1] & 15) for i in range(1, len(value) - 3, 2)
        ]
        if any(one not in numbers or dc > 3 or ac > 3 for one, dc, ac in chosen):
            raise damaged()
        components = tuple((numbers[one], dc, 4 + ac) for one, dc, ac in chosen)
        if not components or [c[0] for c in components] != sorted({c[0] for c in components}):
            raise damaged()
        # Restart markers stand at least two bytes from one another.
        n_pieces = 3 if not self._interval else self._bytes[at:].size // 2 + 3
        n_pieces = min(n_pieces, 2 + -(-self._most_mcus() // max(self._interval, 1)) + 1)
        plain = np.zeros(self._bytes.size - at + SLACK, np.uint8)
        pieces = np.zeros((n_pieces, 2), np.int64)
        order = np.zeros(n_pieces, np.uint8)
        end = find_scan_data(self._bytes, at, plain, pieces, order)
        n_found = int(pieces[0, 0])
        if end < 0 or (order[1:n_found] != np.arange(n_found - 1) % 8).any():
            raise damaged("truncated" if end < 0 else "codec_damaged")
        low, high = value[-1] & 15, value[-1] >> 4
        self._scans.append(
            Scan(
                components, value[-3], value[-2], high, low, self._interval, self._tables,
                plain, pieces[: n_found + 1],
            )
        )  # fmt: skip
        return int(end)

    def _most_mcus(self) -> int:
        """Return how many MCUs a scan can have at most."""
        if self._frame is None:
            return 0
        return self._frame[1] * self._frame[2]


def read_stream(coded: bytes) -> Stream:
    """Read a JPEG stream. Raises DicomError for damaged ones, and for processes without Huffman."""
    return _Reader(coded).read()


def segment(marker: int, value: bytes) -> bytes:
    """Return the bytes of a marker segment."""
    return bytes([0xFF, marker]) + (len(value) + 2).to_bytes(2, "big") + value


def scan_header(stream: Stream, scan: Scan, tables: Mapping[int, Table]) -> bytes:
    """Return what stands before the data of a scan: tables, restarts, SOS (B.2.3, B.2.4)."""
    before = b"".join(table.segment(number) for number, table in tables.items())
    before = segment(HUFFMAN, before)
    if any(one.interval for one in stream.scans):
        before += segment(INTERVAL, scan.interval.to_bytes(2, "big"))
    chosen = b"".join(
        bytes([stream.components[number].identifier, dc << 4 | (ac % 4)])
        for number, dc, ac in scan.components
    )
    end = bytes([scan.first, scan.last, scan.high << 4 | scan.low])
    return before + segment(SCAN, bytes([len(scan.components)]) + chosen + end)
