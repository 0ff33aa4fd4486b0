"""The plan: every entry of SOURCE in a fixed order, cut into partitions.

The order is folder by folder, the files of a folder before its subfolders, each by the bytes of
their names; the members of an archive stand in its place, in its own order. It depends on SOURCE
alone. Where the cuts lie depends on the number of workers and
changes no result. A folder, hence a series, is cut only when it is too long for one partition.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import dropwhile, groupby, islice
from typing import Final, NamedTuple

import pyarrow as pa

from fastdeid import objects
from fastdeid.archives.members import INSIDE, may_be_archive
from fastdeid.archives.opening import find_members, is_archive
from fastdeid.errors import InputError
from fastdeid.files import modified_ns, size_of
from fastdeid.listing import Entry, Listing
from fastdeid.objects import is_remote
from fastdeid.pixels.modes import PixelMode

MAX_FILES: Final = 1024
MAX_BYTES: Final = 2 << 30
# Of a compressed archive; a row of a partition takes a kilobyte of memory.
MAX_COMPRESSED: Final = 65_536


class Rate(NamedTuple):
    """What files are expected to take, in ns of one core."""

    per_file: int
    per_byte: int


HEADERS: Final = Rate(100_000, 1)
# Where text is sought: of images of 12 KB and native CT slices, 2.9 and 39 ms on a busy machine.
_EXAMINED: Final = Rate(2_000_000, 70)
# What is at hand when a process is stopped is done again: 20 s of one core at most.
_MOST_COST: Final = 20_000_000_000
# Committing a partition takes 2 ms; below 60 files that would show.
_LEAST_COST: Final = 60 * HEADERS.per_file
# The share of the remaining work that the next partition takes, per worker: large partitions
# first, small ones last, so that the workers end together.
_SHARE: Final = 3
UNREADABLE_FOLDER: Final = "unreadable_folder"
UNREADABLE_ARCHIVE: Final = "unreadable_archive"

SCHEMA: Final = pa.schema(
    [
        pa.field("path", pa.large_binary()),
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("place", pa.int64()),
    ]
)


def require_readable(source: bytes) -> None:
    """Raise InputError when SOURCE itself cannot be read."""
    try:
        if may_be_archive(source) and _is_file(source):
            if not is_archive(source):
                raise InputError("SOURCE is neither a folder nor an archive")
            return
        if is_remote(os.fsdecode(source)):
            objects.info(os.fsdecode(source))
            return
        with os.scandir(source):
            pass
    except OSError as error:
        raise InputError(f"SOURCE cannot be read: {error.strerror}") from None


def _is_file(source: bytes) -> bool:
    """Tell whether SOURCE is a file. Raises OSError where it is not at all."""
    path = os.fsdecode(source)
    if not is_remote(path):
        return os.path.isfile(path)
    return objects.info(path).size >= 0


def walk(source: bytes, after: Entry | None = None, scratch: str | None = None) -> Iterator[Entry]:
    """Yield every entry of SOURCE that is not a folder, and every folder that cannot be read.

    Symbolic links are listed, never followed. Of files only archives are opened: their members are
    entries, and the archive itself only where something is wrong with it. after: the entry behind
    which to go on. scratch: see `listing`. What is held in memory does not grow with SOURCE.

    Raises InputError when SOURCE itself cannot be read, OSError when a folder of `after` cannot.
    """
    require_readable(source)
    root = source.rstrip(b"/")
    if may_be_archive(root) and _is_file(root):
        path = os.fsdecode(root)
        whole = Entry(b"", size_of(path), modified_ns(path), "")
        yield from _members(root, whole, after)
        return
    pending = [iter([b""])]
    if after is not None:
        files, pending = _go_back(root, after, scratch)
        yield from _with_members(root, files, after)
    while pending:
        below = next(pending[-1], None)
        if below is None:
            pending.pop()
            continue
        try:
            listing = Listing(root + b"/" + below if below else root, below, scratch)
        except OSError:
            yield Entry(below, 0, 0, UNREADABLE_FOLDER)
            continue
        yield from _with_members(root, listing.files())
        pending.append(listing.folders())


def _with_members(
    root: bytes, files: Iterable[Entry], after: Entry | None = None
) -> Iterator[Entry]:
    """Yield files, the members of archives in the place of these.

    after: inside the first one, where to go on.
    """
    for entry in files:
        if may_be_archive(entry.path) and not entry.reason:
            yield from _members(root, entry, after)
        else:
            yield entry
        after = None


def _members(root: bytes, entry: Entry, after: Entry | None) -> Iterator[Entry]:
    """Yield the members of an archive, behind one of them; itself when it is none.

    Raises OSError when that one is not there any more.
    """
    members = _entries(root, entry)
    if after is not None and after.path == entry.path:
        return
    # Members up to that one are left out.
    if after is not None and after.path.startswith(_prefix(entry)) and after not in members:
        raise OSError("an archive has changed")
    yield from members


def _prefix(entry: Entry) -> bytes:
    return entry.path + INSIDE if entry.path else b"/"


def _entries(root: bytes, entry: Entry) -> Iterator[Entry]:
    prefix = _prefix(entry)
    try:
        members = find_members(root + b"/" + entry.path if entry.path else root)
        if members is None:
            yield entry
            return
        for found in members:
            if found.name:
                path, place = prefix + found.name, found.place
                yield Entry(path, found.size, entry.modified_ns, found.reason, place)
            else:
                yield entry._replace(reason=found.reason)
    except OSError:
        yield entry._replace(reason=UNREADABLE_ARCHIVE)


def _go_back(
    root: bytes, after: Entry, scratch: str | None
) -> tuple[Iterator[Entry], list[Iterator[bytes]]]:
    """Return the files behind an entry in its folder, and the folders behind it on the way."""
    *trail, _ = after.path.partition(INSIDE)[0].split(b"/")
    listing, below = Listing(root, b"", scratch), b""
    pending: list[Iterator[bytes]] = []
    for name in trail:
        below = below + b"/" + name if below else name
        pending.append(_behind(listing.folders(), below))
        listing = Listing(root + b"/" + below, below, scratch)
    if after.reason == UNREADABLE_FOLDER:
        return iter(()), [*pending, _behind(listing.folders(), after.path)]
    archive, inside, _ = after.path.partition(INSIDE)
    if inside:
        # The archive itself comes again: it may hold more.
        files = dropwhile(lambda entry: entry.path < archive, listing.files())
    else:
        files = dropwhile(lambda entry: entry.path <= after.path, listing.files())
    return files, [*pending, listing.folders()]


def _behind(folders: Iterator[bytes], last: bytes) -> Iterator[bytes]:
    return dropwhile(lambda below: below <= last, folders)


# Cuts ----------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """Files that stay together where they can: those of a folder, in the order of the plan.

    compressed: members of an archive that is read from its start only. They are not parted: each
    partition would have to read what stands before it once more.
    """

    sizes: list[int]
    starts_folder: bool
    compressed: bool = False


class Cuts(NamedTuple):
    """Where partitions begin.

    starts: first row of each partition, then the number of rows. sizes: bytes of each. whole: for
    each, whether it begins with a folder.
    """

    starts: list[int]
    sizes: list[int]
    whole: list[bool]


def pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[Piece]:
    """Yield the files of batches of SCHEMA folder by folder, at most MAX_FILES at a time.

    Those of a compressed archive come together, up to MAX_COMPRESSED.
    """
    rows = (
        (_group(path, place), size)
        for batch in batches
        for path, size, place in zip(
            *(batch.column(name).to_pylist() for name in ("path", "size", "place")), strict=True
        )
    )
    for (_, compressed), group in groupby(rows, lambda row: row[0]):
        starts_folder = True
        most = MAX_COMPRESSED if compressed else MAX_FILES
        while sizes := [size for _, size in islice(group, most)]:
            yield Piece(sizes, starts_folder, compressed)
            starts_folder = False


def _group(path: bytes, place: int) -> tuple[bytes, bool]:
    """Return what an entry stays together with, and whether that is a compressed archive."""
    if place < -1:
        return path.partition(INSIDE)[0] if path[:1] != b"/" else b"/", True
    return path.rpartition(b"/")[0], False


def rate_of(pixels: str) -> Rate:
    """Return what files are expected to take in a mode of looking into pixels.

    The plan opens no file: coded frames and what is no image count as native slices do.
    """
    return _EXAMINED if pixels == PixelMode.EXAMINE else HEADERS


def cost_of(n_files: int, size: int, rate: Rate = HEADERS) -> int:
    """Return what files of `size` bytes together are expected to take, in ns."""
    return size * rate.per_byte + n_files * rate.per_file


def largest(rate: Rate) -> int:
    """Return what no partition costs more than: the other limits alone cut it."""
    return cost_of(MAX_FILES, MAX_BYTES, rate)


def tapering(cost: int, workers: int) -> int:
    """Return the cost of the next partition when `cost` is left for so many workers."""
    return min(max(cost // (_SHARE * max(workers, 1)), _LEAST_COST), _MOST_COST)


class _Cutter:
    """The partition at hand."""

    def __init__(self, cost: int, workers: int, limit: int | None, rate: Rate) -> None:
        self.cuts = Cuts([0], [], [])
        self._rate = rate
        self._remaining = cost
        self._workers = workers
        self._fixed = limit
        self._limit = self._next_limit()
        self._row = self._files = self._size = 0

    def take(self, piece: Piece) -> None:
        """Add a piece, whole when a partition can hold it."""
        n_files, size = len(piece.sizes), sum(piece.sizes)
        starts = piece.starts_folder
        if not self._fits(n_files, size):
            if self._files:
                self._cut()
            if not self._fits(n_files, size) and not piece.compressed:
                for one in piece.sizes:
                    if self._files and not self._has_room(one):
                        self._cut()
                    self._add(1, one, starts=starts)
                    starts = False
                return
        self._add(n_files, size, starts=starts)

    def end(self) -> Cuts:
        """Close the last partition."""
        if self._files:
            self._cut()
        return self.cuts

    def _fits(self, n_files: int, size: int) -> bool:
        n_files, size = self._files + n_files, self._size + size
        cost = cost_of(n_files, size, self._rate)
        return n_files <= MAX_FILES and size <= MAX_BYTES and cost <= self._limit

    def _has_room(self, size: int) -> bool:
        """Whether a single file may be added: the last one may go beyond the limit of cost."""
        room = cost_of(self._files, self._size, self._rate) < self._limit
        return room and self._files < MAX_FILES and self._size + size <= MAX_BYTES

    def _add(self, n_files: int, size: int, *, starts: bool) -> None:
        if not self._files:
            self.cuts.whole.append(starts)
        self._files += n_files
        self._size += size

    def _cut(self) -> None:
        self._row += self._files
        self.cuts.starts.append(self._row)
        self.cuts.sizes.append(self._size)
        self._remaining -= cost_of(self._files, self._size, self._rate)
        self._limit = self._next_limit()
        self._files = self._size = 0

    def _next_limit(self) -> int:
        return tapering(self._remaining, self._workers) if self._fixed is None else self._fixed


def cut(
    found: Iterable[Piece], cost: int, workers: int, limit: int | None = None, rate: Rate = HEADERS
) -> Cuts:
    """Cut a plan into partitions.

    found: all files. cost: of all of them, see `cost_of`. workers: the partitions become smaller
    towards the end, so that so many end together. limit: the cost of a partition, instead.
    rate: see `rate_of`.

    A partition has at most MAX_FILES files and, unless one file alone is longer, MAX_BYTES bytes;
    but a compressed archive is one partition.
    """
    cutter = _Cutter(cost, workers, limit, rate)
    for piece in found:
        cutter.take(piece)
    return cutter.end()


# Shares --------------------------------------------------------------------------------------

# Commits per share: what a task that is killed has to do again.
_COMMITS: Final = 8


def share_limit(cost: int, n_shares: int) -> int:
    """Return the cost of a partition, of which a share has several."""
    return min(max(cost // (_COMMITS * n_shares), 1), _MOST_COST)


def share(cuts: Cuts, n_shares: int, rate: Rate = HEADERS) -> list[int]:
    """Return the first partition of each share, and the number of partitions as the last element.

    A share is a run of partitions of about equal cost for one task of a cluster. It begins with a
    folder where one is near. There are at most n_shares, less when there is too little to share.
    """
    n_files = [after - first for first, after in zip(cuts.starts, cuts.starts[1:], strict=False)]
    costs = [cost_of(*one, rate) for one in zip(n_files, cuts.sizes, strict=True)]
    total = sum(costs)
    starts = [0]
    reached = 0
    for number, (cost, whole) in enumerate(zip(costs, cuts.whole, strict=True)):
        due = len(starts) * total / n_shares
        late = reached >= due + total / (4 * n_shares)
        if reached >= due - cost / 2 and (whole or late) and starts[-1] < number:
            starts.append(number)
        reached += cost
    return [*starts, len(costs)] if costs else [0]
