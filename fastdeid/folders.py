"""The folders of a run, and which of them may not lie inside which."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from fastdeid.errors import UsageError
from fastdeid.keys import is_file

LINK_TABLE_SUFFIX: Final = ".link-table"


class Paths(msgspec.Struct, frozen=True):
    """SOURCE, TARGET and the link table's folder, absolute, symbolic links resolved."""

    source: str
    target: str
    link_table: str


def resolve_paths(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    link_table: str | os.PathLike[str] | None = None,
    *,
    key: str | os.PathLike[str] | None = None,
    crosswalk: str | os.PathLike[str] | None = None,
) -> Paths:
    """Return the folders of a run.

    link_table: by default the target's name with LINK_TABLE_SUFFIX, beside the target.

    Raises UsageError when one folder lies inside another in a way that mixes originals and outputs,
    or when the key or the crosswalk lies inside TARGET.
    """
    source_path, target_path = os.path.realpath(source), os.path.realpath(target)
    link_path = os.path.realpath(link_table or target_path + LINK_TABLE_SUFFIX)
    if os.path.exists(source_path) and not os.path.isdir(source_path):
        raise UsageError("SOURCE is not a folder")
    if _inside(target_path, source_path):
        raise UsageError("TARGET lies inside SOURCE: outputs would be read as inputs")
    if _inside(source_path, target_path):
        raise UsageError("SOURCE lies inside TARGET: originals would stand beside outputs")
    if _inside(link_path, target_path):
        raise UsageError("the link table lies inside TARGET: it would be passed on")
    if _inside(link_path, source_path):
        raise UsageError("the link table lies inside SOURCE: it would be read as input")
    if key is not None and is_file(key) and _inside(os.path.realpath(key), target_path):
        raise UsageError("the key lies inside TARGET: it would be passed on")
    if crosswalk is not None and _inside(os.path.realpath(crosswalk), target_path):
        raise UsageError("the crosswalk lies inside TARGET: it would be passed on")
    for path in (target_path, link_path):
        if os.path.exists(path) and not os.path.isdir(path):
            raise UsageError("TARGET and the link table's place must be folders")
    return Paths(source_path, target_path, link_path)


def _inside(inner: str, outer: str) -> bool:
    return os.path.commonpath([inner, outer]) == outer
