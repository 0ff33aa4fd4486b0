"""Progress of a run: a line that renews itself on a terminal, a line every 30 s elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final, Protocol, TextIO

_TERMINAL_SECONDS: Final = 0.25
_LOG_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 3.0
_WIPE: Final = "\r\x1b[K"
COMPILING: Final = "starting; the first start on a machine compiles the kernels ..."
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


class Reporter(Protocol):
    """What an engine tells about the work."""

    def begin(self, files: int, size: int) -> None:
        """Say how many files and bytes there are to do."""

    def update(self, files: int, size: int) -> None:
        """Say how many files and bytes are done."""

    def say(self, message: str) -> None:
        """Say something once."""

    def end(self) -> None:
        """Say that no more follows."""


class Silent:
    """Reports nothing."""

    def begin(self, files: int, size: int) -> None:
        """Do nothing."""

    def update(self, files: int, size: int) -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


@contextlib.contextmanager
def patience(reporter: Reporter, message: str) -> Iterator[None]:
    """Say a message when the block takes longer than a few seconds."""
    timer = threading.Timer(PATIENCE_SECONDS, reporter.say, [message])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Progress:
    """Writes progress to a stream: files, bytes, rates, estimated time to the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._terminal else _LOG_SECONDS
        self._started = self._due = 0.0
        self._files = self._size = 0
        self._open_line = False

    def begin(self, files: int, size: int) -> None:
        """Start the clock."""
        self._files, self._size = files, size
        self._started = time.monotonic()
        self._due = self._started + self._interval

    def update(self, files: int, size: int) -> None:
        """Write a line when one is due."""
        now = time.monotonic()
        if not files:
            # Starting the workers says nothing about the rate.
            self._started = now
        if now < self._due:
            return
        self._due = now + self._interval
        line = self._line(files, size, now - self._started)
        self._write(f"{_WIPE}{line}" if self._terminal else f"{line}\n")
        self._open_line = self._terminal

    def say(self, message: str) -> None:
        """Write a message on a line of its own."""
        self.end()
        self._write(f"{message}\n")

    def end(self) -> None:
        """Wipe the line that renews itself."""
        if self._open_line:
            self._write(_WIPE)
            self._open_line = False

    def _write(self, text: str) -> None:
        # Who closed the stream wants no progress; the work goes on.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def _line(self, files: int, size: int, seconds: float) -> str:
        seconds = max(seconds, 1e-9)
        file_rate, byte_rate = files / seconds, size / seconds
        return (
            f"{files:,}/{self._files:,} files  {quantity(size)}/{quantity(self._size)}  "
            f"{file_rate:,.0f} files/s  {byte_rate / 1e6:,.1f} MB/s  "
            f"ETA {self._remaining(files, size, seconds)}"
        )

    def _remaining(self, files: int, size: int, seconds: float) -> str:
        if not files:
            return "-"
        done = max(_share(files, self._files), 1e-9), max(_share(size, self._size), 1e-9)
        # Small files cost by number, large ones by bytes: the slower estimate is the honest one.
        left = seconds * (1 / min(done) - 1)
        return duration(left) if left < 100 * 86_400 else "-"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def quantity(size: float) -> str:
    """Return a number of bytes in decimal units: 1.5 GB."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """Return seconds as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
