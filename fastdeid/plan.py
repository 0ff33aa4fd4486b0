"""The plan: every entry of SOURCE in a fixed order, cut into partitions.

The order is folder by folder, the files of a folder before its subfolders, each by the bytes of
their names; it depends on SOURCE alone. Where the cuts lie depends on the number of workers and
changes no result. A folder, hence a series, is cut only when it is too long for one partition.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import dropwhile, groupby, islice
from typing import Final, NamedTuple

import pyarrow as pa

from fastdeid.errors import InputError
from fastdeid.listing import Entry, Listing

MAX_FILES: Final = 1024
MAX_BYTES: Final = 2 << 30
# A file costs about 0.1 ms and a byte about 1 ns: costs of a partition are counted in ns.
_COST_PER_FILE: Final = 100_000
# Committing a partition takes 2 ms; below 60 files that would show.
_LEAST_COST: Final = 60 * _COST_PER_FILE
# The share of the remaining work that the next partition takes, per worker: large partitions
# first, small ones last, so that the workers end together.
_SHARE: Final = 3
UNREADABLE_FOLDER: Final = "unreadable_folder"

SCHEMA: Final = pa.schema(
    [
        pa.field("path", pa.large_binary()),
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("reason", pa.string()),
    ]
)


def require_readable(source: bytes) -> None:
    """Raise InputError when SOURCE itself cannot be read."""
    try:
        with os.scandir(source):
            pass
    except OSError as error:
        raise InputError(f"SOURCE cannot be read: {error.strerror}") from None


def walk(source: bytes, after: Entry | None = None, scratch: str | None = None) -> Iterator[Entry]:
    """Yield every entry of SOURCE that is not a folder, and every folder that cannot be read.

    Symbolic links are listed, never followed; files are never opened. after: the entry behind which
    to go on. scratch: see `listing`. What is held in memory does not grow with SOURCE.

    Raises InputError when SOURCE itself cannot be read, OSError when a folder of `after` cannot.
    """
    require_readable(source)
    root = source.rstrip(b"/")
    pending = [iter([b""])]
    if after is not None:
        files, pending = _go_back(root, after, scratch)
        yield from files
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
        yield from listing.files()
        pending.append(listing.folders())


def _go_back(
    root: bytes, after: Entry, scratch: str | None
) -> tuple[Iterator[Entry], list[Iterator[bytes]]]:
    """Return the files behind an entry in its folder, and the folders behind it on the way."""
    *trail, _ = after.path.split(b"/")
    listing, below = Listing(root, b"", scratch), b""
    pending: list[Iterator[bytes]] = []
    for name in trail:
        below = below + b"/" + name if below else name
        pending.append(_behind(listing.folders(), below))
        listing = Listing(root + b"/" + below, below, scratch)
    if after.reason == UNREADABLE_FOLDER:
        return iter(()), [*pending, _behind(listing.folders(), after.path)]
    files = dropwhile(lambda entry: entry.path <= after.path, listing.files())
    return files, [*pending, listing.folders()]


def _behind(folders: Iterator[bytes], last: bytes) -> Iterator[bytes]:
    return dropwhile(lambda below: below <= last, folders)


# Cuts ----------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """Files that stay together where they can: those of a folder, in the order of the plan."""

    sizes: list[int]
    starts_folder: bool


class Cuts(NamedTuple):
    """Where partitions begin.

    starts: first row of each partition, then the number of rows. sizes: bytes of each. whole: for
    each, whether it begins with a folder.
    """

    starts: list[int]
    sizes: list[int]
    whole: list[bool]


def pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[Piece]:
    """Yield the files of batches of SCHEMA folder by folder, at most MAX_FILES at a time."""
    rows = (
        (path.rpartition(b"/")[0], size)
        for batch in batches
        for path, size in zip(
            batch.column("path").to_pylist(), batch.column("size").to_pylist(), strict=True
        )
    )
    for _, group in groupby(rows, lambda row: row[0]):
        starts_folder = True
        while sizes := [size for _, size in islice(group, MAX_FILES)]:
            yield Piece(sizes, starts_folder)
            starts_folder = False


def cost_of(n_files: int, size: int) -> int:
    """Return what files of `size` bytes together are expected to take, in ns."""
    return size + n_files * _COST_PER_FILE


def tapering(cost: int, workers: int) -> int:
    """Return the cost of the next partition when `cost` is left for so many workers."""
    return max(cost // (_SHARE * max(workers, 1)), _LEAST_COST)


class _Cutter:
    """The partition at hand."""

    def __init__(self, cost: int, workers: int, limit: int | None) -> None:
        self.cuts = Cuts([0], [], [])
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
            if not self._fits(n_files, size):
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
        return n_files <= MAX_FILES and size <= MAX_BYTES and cost_of(n_files, size) <= self._limit

    def _has_room(self, size: int) -> bool:
        """Whether a single file may be added: the last one may go beyond the limit of cost."""
        room = cost_of(self._files, self._size) < self._limit
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
        self._remaining -= cost_of(self._files, self._size)
        self._limit = self._next_limit()
        self._files = self._size = 0

    def _next_limit(self) -> int:
        return tapering(self._remaining, self._workers) if self._fixed is None else self._fixed


def cut(found: Iterable[Piece], cost: int, workers: int, limit: int | None = None) -> Cuts:
    """Cut a plan into partitions.

    found: all files. cost: of all of them, see `cost_of`. workers: the partitions become smaller
    towards the end, so that so many end together. limit: the cost of a partition, instead.

    A partition has at most MAX_FILES files and, unless one file alone is longer, MAX_BYTES bytes.
    """
    cutter = _Cutter(cost, workers, limit)
    for piece in found:
        cutter.take(piece)
    return cutter.end()


# Shares --------------------------------------------------------------------------------------

# Commits per share: what a task that is killed has to do again.
_COMMITS: Final = 8


def share_limit(cost: int, n_shares: int) -> int:
    """Return the cost of a partition, of which a share has several."""
    return max(cost // (_COMMITS * n_shares), 1)


def share(cuts: Cuts, n_shares: int) -> list[int]:
    """Return the first partition of each share, and the number of partitions as the last element.

    A share is a run of partitions of about equal cost for one task of a cluster. It begins with a
    folder where one is near. There are at most n_shares, less when there is too little to share.
    """
    n_files = [after - first for first, after in zip(cuts.starts, cuts.starts[1:], strict=False)]
    costs = [cost_of(number, size) for number, size in zip(n_files, cuts.sizes, strict=True)]
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
