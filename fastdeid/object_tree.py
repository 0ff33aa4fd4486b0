"""Outputs as objects below a prefix: each is finished here, then put at once."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fastdeid import objects
from fastdeid.storage import Chunk, TargetTree, length_of, write_chunks


class ObjectTree:
    """Publishes instances below a prefix of an object store.

    scratch: folder for long instances that wait, as files without names; None for the system's.
    """

    def __init__(self, root: str, scratch: str | None = None) -> None:
        self._root = root
        self._scratch = scratch

    def publish(
        self,
        path: str,
        chunks: Sequence[Chunk],
        source: int,
        *,
        modified_ns: int = 0,
        overwrite: bool = False,
    ) -> str:
        """Put an instance as an object, see `storage.TargetTree.publish` and `objects.put`."""
        size = sum(length_of(chunk) for chunk in chunks)
        with objects.new_file(size, self._scratch) as file:
            write_chunks(file.fileno(), chunks, source, modified_ns)
            name = f"{self._root}/{path}"
            return objects.put(name, file.fileno(), root=self._root, overwrite=overwrite)

    def close(self) -> None:
        """Do nothing: nothing is held."""


def outputs(
    target: str | os.PathLike[str] | None, scratch: str | None
) -> TargetTree | ObjectTree | None:
    """Return what publishes instances, each for itself; None where there is no target."""
    if target is None:
        return None
    if objects.is_remote(target):
        return ObjectTree(os.fspath(target), scratch)
    return TargetTree(target)
