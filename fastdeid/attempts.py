"""Which files were at hand when earlier attempts at a partition ended without a word.

A process that is killed for want of memory says nothing. So each attempt leaves a note of the files
that it takes up, and takes the note away when it ends in any other way than being killed. A file
that was alone at hand at the end of two attempts is the one that cannot be processed here.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import Final

from fastdeid import files, objects
from fastdeid.errors import FastdeidError, OutputError
from fastdeid.objects import is_remote

TRIES: Final = 2
# No file is to blame for so many ends: the machine is.
_MOST_ATTEMPTS: Final = 64
_BEGUN: Final = b"begun"


class Attempt:
    """One attempt at a partition.

    again: an earlier one was killed; then files are to be taken up one by one. condemned: files, by
    their place in the partition, that are not to be taken up any more.

    Raises OutputError when the note cannot be written, FastdeidError when there were too many.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines = b""
        self._note = -1
        earlier = _read(path)
        if len(earlier) >= _MOST_ATTEMPTS:
            raise FastdeidError(f"a partition has ended its process {len(earlier)} times")
        self.again = bool(earlier)
        self.condemned = _condemned(earlier)
        if is_remote(path):
            # An object is put anew each time.
            self._lines = b"".join([_BEGUN + b"\n" + _line(end) for end in earlier])
        else:
            self._note = _open(path)
        self._write(_BEGUN)

    def take_up(self, first: int, number: int) -> None:
        """Note that so many files, from this place on, are at hand now."""
        self._write(_line(range(first, first + number)).rstrip(b"\n"))

    def end(self) -> None:
        """Take the note away: this attempt was not killed."""
        with contextlib.suppress(OSError):
            if self._note >= 0:
                os.close(self._note)
        with contextlib.suppress(OSError):
            files.remove(self._path)

    def _write(self, line: bytes) -> None:
        if self._note < 0:
            self._lines += line + b"\n"
            objects.put_bytes(self._path, self._lines)
            return
        try:
            os.write(self._note, line + b"\n")
        except OSError as error:
            raise _cannot_note(error) from None


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise _cannot_note(error) from None


def _line(end: range) -> bytes:
    """Return the note of files at hand, b"" for none."""
    return b"%d %d\n" % (end.start, len(end)) if end else b""


def _cannot_note(error: OSError) -> OutputError:
    return OutputError(f"the link table cannot be written: {error.strerror}")


def _read(path: str) -> list[range]:
    """Return the files at hand at the end of each earlier attempt, empty when none was."""
    try:
        lines = files.read(path).split(b"\n")
    except OSError:
        return []
    ends: list[range] = []
    for line in lines[:-1]:
        if line == _BEGUN:
            ends.append(range(0))
            continue
        first, _, number = line.partition(b" ")
        if ends and first.isdigit() and number.isdigit():
            ends[-1] = range(int(first), int(first) + int(number))
    return ends


def _condemned(ends: list[range]) -> frozenset[int]:
    # Of several together nobody knows which one it was; who kills at random hits one by chance.
    counted = Counter(end.start for end in ends if len(end) == 1)
    return frozenset(place for place, times in counted.items() if times >= TRIES)
