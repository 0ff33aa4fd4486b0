"""Reading one DICOM file into an element table, PS3.10 section 7 and PS3.5 section 7.

A reader is reused from file to file: its buffer holds what is loaded of the current file, values
that are long and stay untouched are never loaded.
"""

from __future__ import annotations

import os
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.dicom import encodings
from fastdeid.dicom.inflate import inflate
from fastdeid.dicom.loaded import HOP, WINDOW, Loaded, cells_of, next_window
from fastdeid.errors import DicomError
from fastdeid.kernels import elements as scan
from fastdeid.kernels import file_meta, fragments
from fastdeid.tags import FLOAT_PIXEL_DATA, TRANSFER_SYNTAX_UID

_CHUNK: Final = 1 << 20
_MOST_META: Final = 1 << 20
# More is a damaged or hostile file: the header of a real one holds some 100 bytes per element.
_MOST_HEADER: Final = 256 << 20
_MOST_ROWS: Final = 1 << 22
_FIRST_ROWS: Final = 4096

_REASONS: Final = {
    scan.TRUNCATED: "truncated",
    scan.UNKNOWN_VR: "unknown_vr",
    scan.BAD_LENGTH: "undefined_length",
    scan.TOO_DEEP: "nested_too_deep",
    scan.BAD_ITEM: "bad_item",
    scan.OVERRUN: "length_beyond_item",
}


class Reader(Loaded):
    """The element table of one file after another, whatever it takes to read it.

    After `read`, beside what every `Loaded` has: `encoding`.
    """

    def __init__(self, keys: npt.NDArray[np.uint32], vrs: npt.NDArray[np.uint8]) -> None:
        super().__init__(1, np.zeros(4 * WINDOW, np.uint8), _FIRST_ROWS)
        self._keys = keys
        self._vrs = vrs
        self._codes = encodings.vr_codes()
        self._stack = np.zeros((scan.MAX_DEPTH, 3), np.int64)
        self._places = np.zeros(file_meta.N_PLACES, np.int64)
        self._place_cells = cells_of(self._places)
        self._window = WINDOW
        self._own = self.header
        self._syntaxes: dict[bytes, str] = {}
        self.encoding = encodings.EXPLICIT_LITTLE
        # Rows before the place where a damaged file could not be understood.
        self.n_understood = 0
        self._media_storage_sop_class = b""

    @property
    def n_rows(self) -> int:
        """Rows of the table that are valid."""
        return self.states[scan.N_ROWS]

    @property
    def transfer_syntax(self) -> str:
        """Transfer Syntax UID, also of a file that does not say it."""
        return self.syntaxes[0]

    @property
    def trailing_length(self) -> int:
        """Bytes behind the data set."""
        return self.trailing_lengths[0]

    def media_storage_sop_class(self, _number: int = 0) -> bytes:
        """Return the SOP Class that the file meta information names, with its padding."""
        return self._media_storage_sop_class

    def read(self, fd: int, size: int) -> None:
        """Scan the file `fd` of `size` bytes.

        Raises DicomError with the reason and place ("not_dicom" when nothing says that it is
        DICOM), and the OSError of a failed read.
        """
        self.files[:] = 0
        self.n_understood = 0
        self.inflated = None
        self.trailing_lengths[0] = 0
        self.syntaxes[0] = ""
        self._media_storage_sop_class = b""
        if self.header is not self._own:
            self.use_header(self._own)
        window = self._window
        loaded = self._load(fd, 0, min(window, size), 0)
        start = _data_set_start(self.view[: min(loaded, 132)].tobytes())
        if start is None:
            self._read_bare(fd, size, 0, loaded)
            return
        loaded = self._read_meta(fd, size, start, loaded)
        start = self._meta_end
        if not self.transfer_syntax:
            self._read_bare(fd, size, start, loaded)
            return
        if self.transfer_syntax in encodings.DEFLATED:
            self.inflated = inflate(fd, start, size)
            self.use_header(np.frombuffer(self.inflated, np.uint8))
            start, size = 0, len(self.inflated)
            loaded = size
        self._scan(fd, start, loaded, size, encodings.ENCODING_OF[self.transfer_syntax])
        self._window = next_window(self.states[scan.POSITION])

    def _load(self, fd: int, at: int, length: int, offset: int) -> int:
        """Read `length` bytes at file offset `offset` to `header[at:]`; return where they end."""
        if at + length > len(self.header):
            if at + length > _MOST_HEADER:
                raise DicomError("header_too_large", offset=offset)
            grown = np.zeros(max(2 * len(self.header), at + length), np.uint8)
            grown[:at] = self.header[:at]
            self._own = grown
            self.use_header(grown)
        while length:
            n = os.preadv(fd, [self.view[at : at + length]], offset)
            if n == 0:
                raise DicomError("changed_while_read", offset=offset)
            at += n
            offset += n
            length -= n
        return at

    def _read_meta(self, fd: int, size: int, start: int, loaded: int) -> int:
        """Find end and transfer syntax of the file meta information; return what is loaded now."""
        places = self._place_cells
        status = file_meta.scan_file_meta(self.header, start, loaded, self._codes, self._places)
        while loaded < size and loaded <= _MOST_META and _runs_out(status, places, loaded):
            loaded = self._load(fd, loaded, min(size - loaded, WINDOW), loaded)
            status = file_meta.scan_file_meta(self.header, start, loaded, self._codes, self._places)
        if status != file_meta.DONE:
            raise DicomError("file_meta_" + _REASONS[status], offset=start)
        self._meta_end: int = places[file_meta.END]
        value, length = places[file_meta.CLASS_VALUE], places[file_meta.CLASS_LENGTH]
        self._media_storage_sop_class = self.view[value : value + length].tobytes()
        value, length = places[file_meta.SYNTAX_VALUE], places[file_meta.SYNTAX_LENGTH]
        raw = self.view[value : value + length].tobytes()
        syntax = self._syntaxes.get(raw)
        if syntax is None:
            syntax = self._syntaxes[raw] = raw.rstrip(b"\0 ").decode("ascii", "replace")
        if syntax and syntax not in encodings.ENCODING_OF:
            raise DicomError("unsupported_transfer_syntax", 0x00020010, value)
        self.syntaxes[0] = syntax
        return loaded

    def _read_bare(self, fd: int, size: int, start: int, loaded: int) -> None:
        """Scan a data set that does not say its encoding: the first one that fits it wholly."""
        failure: DicomError | None = None
        held = self.view[:loaded].tobytes()
        for encoding, syntax in encodings.SYNTAX_OF.items():
            self.view[:loaded] = held
            try:
                self._scan(fd, start, loaded, size, encoding)
            except DicomError as error:
                failure = failure or error
                continue
            if 0 < self.table[0, scan.TAG] >> 16 <= 0x0008:
                if (self.table[: self.n_rows, scan.FLAGS] & scan.FRAGMENTS).any():
                    raise DicomError("no_transfer_syntax", TRANSFER_SYNTAX_UID)
                self.syntaxes[0] = syntax
                return
        self.states[scan.N_ROWS] = 0
        if start == 0 and held[:4] not in _FIRST_ELEMENTS:
            raise DicomError("not_dicom")
        raise failure or DicomError("no_encoding", offset=start)

    def _scan(self, fd: int, start: int, loaded: int, size: int, encoding: int) -> None:
        state = self.states
        self.files[:] = 0
        state[scan.POSITION] = start
        state[scan.LOADED] = loaded
        state[scan.FILE_END] = size
        state[scan.ENCODING] = encoding
        state[scan.STATUS] = scan.FRESH
        self.encoding = encoding
        status = self._walk(fd, size)
        if status >= scan.TRUNCATED:
            self.n_understood = state[scan.N_ROWS]
            state[scan.N_ROWS] = 0
            raise DicomError(_REASONS[status], state[scan.ERROR_TAG], state[scan.ERROR_OFFSET])
        if status == scan.TRAILING:
            self._check_trailing(fd, size)
        elif self.n_rows == 0:
            raise DicomError("empty_data_set", offset=start)

    def _walk(self, fd: int, size: int) -> int:
        """Scan to the end of the data set, loading what the kernels ask for; return the status."""
        while True:
            self._scan_elements()
            status = self.states[scan.STATUS]
            if status == scan.NEED:
                self._load_more(fd, size, max(WINDOW, self.states[scan.LOADED] // 4))
            elif status == scan.FULL:
                if len(self.table) >= _MOST_ROWS:
                    raise DicomError("too_many_elements", offset=self.states[scan.POSITION])
                self.use_table(np.concatenate([self.table, np.zeros_like(self.table)]))
            elif status == scan.ENCAPSULATED:
                status = self._skip_fragments()
                while status == fragments.NEED:
                    self._load_more(fd, size, HOP)
                    status = self._skip_fragments()
                if status != fragments.DONE:
                    return status
            else:
                return status

    def _load_more(self, fd: int, size: int, length: int) -> None:
        """Load `length` more bytes of the file, or what it still has."""
        state = self.states
        at = state[scan.LOADED]
        offset = at + state[scan.SHIFT]
        if offset == size:
            raise DicomError("truncated", offset=offset)
        state[scan.LOADED] = self._load(fd, at, min(size - offset, length), offset)

    def _scan_elements(self) -> None:
        scan.scan_elements(
            *(self.header, self.files, self.table, self._stack),
            *(self._codes, self._keys, self._vrs),
        )

    def _skip_fragments(self) -> int:
        return int(fragments.skip_fragments(self.header, self.files[0], self.table))

    def _check_trailing(self, fd: int, size: int) -> None:
        """Tell padding from an element that is cut off, and from a hole in a damaged file."""
        at = self.states[scan.POSITION]
        offset = at + self.states[scan.SHIFT]
        length = self.trailing_lengths[0] = size - offset
        if length < 8 and any(self.view[at : at + length]):
            raise DicomError("truncated", offset=offset)
        if self.states[scan.LAST_TAG] < FLOAT_PIXEL_DATA and self._holds_data(fd, at, size):
            raise DicomError("hole_in_data_set", offset=offset)

    def _holds_data(self, fd: int, at: int, size: int) -> bool:
        """Tell whether anything but zeros stands from `at` in the header to the end of the file.

        More zeros than padding has are not read: a file may claim any size.
        """
        loaded = self.states[scan.LOADED]
        if self.view[at:loaded].tobytes().strip(b"\0"):
            return True
        offset = loaded + self.states[scan.SHIFT]
        if size - offset > _MOST_PADDING:
            return True
        while offset < size:
            chunk = os.pread(fd, _CHUNK, offset)
            if not chunk or chunk.strip(b"\0"):
                return True
            offset += len(chunk)
        return False


_MOST_PADDING: Final = 16 << 20
# A bare data set starts in group 0008, little or big endian; other first bytes are no DICOM.
_FIRST_ELEMENTS: Final = frozenset(
    [bytes([8, 0, element, 0]) for element in (0x00, 0x01, 0x05, 0x06, 0x08, 0x12, 0x16, 0x18)]
    + [bytes([0, 8, 0, element]) for element in (0x00, 0x01, 0x05, 0x06, 0x08, 0x12, 0x16, 0x18)]
)


def _runs_out(status: int, places: memoryview[int], loaded: int) -> bool:
    """Tell whether the file meta information may go on behind what is loaded."""
    return status == file_meta.TRUNCATED or places[file_meta.END] + 8 > loaded


def _data_set_start(head: bytes) -> int | None:
    """Return where the file meta information starts, None when the file has none."""
    if head[128:132] == b"DICM":
        return 132
    if head[:4] == b"DICM":
        return 4
    if head[:2] == b"\x02\x00" and head[3:4] == b"\x00" and head[4:6].isalpha():
        return 0
    return None
