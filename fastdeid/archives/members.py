"""Members of archives: how they are named, and which names are refused.

A path in a plan that holds `//` leads into an archive: what stands before is the archive, what
stands behind is the member. No path of a folder tree holds it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

INSIDE: Final = b"//"
SUFFIXES: Final = (b".tar", b".tar.gz", b".tgz", b".zip")

DAMAGED: Final = "damaged_archive"
DAMAGED_MEMBER: Final = "damaged_member"
TRUNCATED: Final = "truncated_archive"
TOO_MUCH: Final = "expands_too_much"
BEHIND: Final = "data_behind_archive"
ENCRYPTED: Final = "encrypted_member"
UNSAFE_NAME: Final = "unsafe_member_name"
SAME_NAME: Final = "duplicate_member_name"
METHOD: Final = "unsupported_compression"
SPARSE: Final = "sparse_member"
UNKNOWN: Final = "unknown_member_type"
CHANGED: Final = "changed_while_read"

# What real archives do not reach: they shrink DICOM to a half or a third.
FREE_BYTES: Final = 64 << 20
MOST_EXPANSION: Final = 200
_LONGEST_NAME: Final = 4096
# Names that are compared with all others of an archive, at some 70 bytes each.
_MOST_NAMES: Final = 1 << 20


class Found(NamedTuple):
    """What a walk of an archive comes upon.

    name: of the member, b"" for the archive as a whole. size: in bytes, unpacked. place: see
    `Member`. reason: why it is listed but not read, "" for an ordinary file.
    """

    name: bytes
    size: int
    place: int
    reason: str


class Member(NamedTuple):
    """An ordinary file inside an archive.

    archive: its path. place: of the data in a tar archive, of the record in the directory of a zip
    archive, in bytes; in a compressed tar archive -2 less the place in the unpacked one. size: in
    bytes, unpacked. modified_ns: when the archive was changed last.
    """

    archive: bytes
    name: bytes
    place: int
    size: int
    modified_ns: int


class ArchiveError(Exception):
    """An archive cannot be read on; reason: a snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parted(path: bytes) -> tuple[bytes, bytes]:
    """Return an archive and the name of a member of it; b"" and b"" for another path."""
    # Behind the scheme of a URI.
    at = path.find(INSIDE, path.find(b"://") + 3 if path[:1] != b"/" else 0)
    return (path[:at], path[at + len(INSIDE) :]) if at >= 0 else (b"", b"")


def may_be_archive(path: bytes) -> bool:
    """Tell whether a file is named like an archive."""
    return path[-7:].lower().endswith(SUFFIXES)


def is_too_much(unpacked: int, packed: int) -> bool:
    """Tell whether so many bytes cannot come of so many packed ones, but in a bomb."""
    return unpacked > FREE_BYTES + MOST_EXPANSION * packed


class Names:
    """The names of an archive's members, as they are shown; each only once."""

    def __init__(self) -> None:
        self._met: set[bytes] = set()

    def take(self, raw: bytes) -> tuple[bytes, str]:
        """Return a name as it is shown, and why it is refused, "" when it is not.

        Nothing is ever written under such a name. One that leads out of the archive, or that
        another member has, tells of an archive that was made to be read in two ways.
        """
        parts = [part for part in raw.split(b"/") if part not in {b"", b"."}]
        name = b"/".join(parts)
        if not name or b"\0" in name or len(name) > _LONGEST_NAME or _leads_out(parts):
            return (name.replace(b"\0", b"?")[:_LONGEST_NAME] or b"?"), UNSAFE_NAME
        digest = blake2b(name, digest_size=8).digest()
        if digest in self._met:
            return name, SAME_NAME
        if len(self._met) < _MOST_NAMES:
            self._met.add(digest)
        return name, ""


def _leads_out(parts: list[bytes]) -> bool:
    return any(b".." in part.split(b"\\") for part in parts)
