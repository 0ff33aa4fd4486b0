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

from fastdeid.errors import FastdeidError, OutputError

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
        earlier = _read(path)
        if len(earlier) >= _MOST_ATTEMPTS:
            raise FastdeidError(f"a partition has ended its process {len(earlier)} times")
        self.again = bool(earlier)
        self.condemned = _condemned(earlier)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._note = os.open(path, flags, 0o600)
        except OSError as error:
            raise _cannot_note(error) from None
        self._write(_BEGUN)

    def take_up(self, first: int, number: int) -> None:
        """Note that so many files, from this place on, are at hand now."""
        self._write(b"%d %d" % (first, number))

    def end(self) -> None:
        """Take the note away: this attempt was not killed."""
        with contextlib.suppress(OSError):
            os.close(self._note)
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _write(self, line: bytes) -> None:
        try:
            os.write(self._note, line + b"\n")
        except OSError as error:
            raise _cannot_note(error) from None


def _cannot_note(error: OSError) -> OutputError:
    return OutputError(f"the link table cannot be written: {error.strerror}")


def _read(path: str) -> list[range]:
    """Return the files at hand at the end of each earlier attempt, empty when none was."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
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
