"""Errors of fastdeid and the exit codes of its commands.

A message names a reason, a tag and a byte offset. It never holds a value and never a source path.
"""

from __future__ import annotations


class FastdeidError(Exception):
    """Base of every error that fastdeid raises on purpose."""

    exit_code = 1


class UsageError(FastdeidError):
    """The arguments do not fit together."""

    exit_code = 2


class IncompleteError(FastdeidError):
    """Partitions of a plan have not been done; run them and come back.

    missing: their numbers. n_shares: how many partitions there are.
    """

    exit_code = 75

    def __init__(self, missing: list[int], n_shares: int) -> None:
        self.missing = missing
        super().__init__(f"{len(missing)} of {n_shares} partitions are not complete")


class NoDicomError(FastdeidError):
    """The source holds no DICOM file."""

    exit_code = 4


class InputError(FastdeidError):
    """The source as a whole cannot be read."""

    exit_code = 5


class OutputError(FastdeidError):
    """The target cannot be written, or is full."""

    exit_code = 6


class ProfileError(FastdeidError):
    """A profile, or a table of the standard that it needs, is not usable."""

    exit_code = 7


class KeyFileError(FastdeidError):
    """The project key is missing, too open, or not the key of this project."""

    exit_code = 8


class DicomError(FastdeidError):
    """One file cannot be de-identified: *reason in (gggg,eeee) at byte n*.

    reason: a snake_case word that ends up in the manifest. tag: 0xGGGGEEEE, 0 when no element is
    concerned. offset: byte position in the file, -1 when unknown.
    """

    def __init__(self, reason: str, tag: int = 0, offset: int = -1) -> None:
        self.reason = reason
        self.tag = tag
        self.offset = offset
        place = f" in ({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else ""
        where = f" at byte {offset}" if offset >= 0 else ""
        super().__init__(f"{reason}{place}{where}")


class CodecMissingError(DicomError):
    """Coded frames cannot be examined, because an optional package is not installed."""

    hint = "pip install 'fastdeid[codecs]'"

    def __init__(self) -> None:
        super().__init__("codec_missing")

    def __str__(self) -> str:
        """Return the reason with what to do about it."""
        return f"{self.reason}: {self.hint}"
