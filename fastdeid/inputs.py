"""What is opened for the rows of a plan: files of SOURCE, and members of archives."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.compute as pc

from fastdeid.archives.members import Member, parted
from fastdeid.input_types import Input
from fastdeid.objects import Info, is_remote


def inputs_of(source: bytes, rows: pa.Table) -> list[Input]:
    """Return what to open for each row, columns of plan.SCHEMA."""
    prefix = source.rstrip(b"/") + b"/"
    paths = rows.column("path").to_pylist()
    remote = is_remote(os.fsdecode(source))
    if not remote and not pc.any(pc.not_equal(rows.column("place"), -1)).as_py():
        return [prefix + path for path in paths]
    columns = (rows.column(name).to_pylist() for name in ("place", "size", "modified_ns"))
    return [
        _input(prefix + path, place, size, modified_ns, remote=remote)
        for path, place, size, modified_ns in zip(paths, *columns, strict=True)
    ]


def _input(path: bytes, place: int, size: int, modified_ns: int, *, remote: bool) -> Input:
    if place == -1:
        return Info(path.decode(), size, modified_ns) if remote else path
    return Member(*parted(path), place, size, modified_ns)
