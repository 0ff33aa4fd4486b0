"""The folders of a run, and which of them may not lie inside which."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from fastdeid.archives.members import may_be_archive
from fastdeid.errors import UsageError
from fastdeid.files import resolved
from fastdeid.keys import is_file
from fastdeid.objects import is_remote

LINK_TABLE_SUFFIX: Final = ".link-table"


class Paths(msgspec.Struct, frozen=True):
    """SOURCE, TARGET and the link table's folder: absolute, symbolic links resolved, or URIs.

    source: a folder, or one archive.
    """

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
    source_path, target_path = resolved(source), resolved(target)
    link_path = resolved(link_table or target_path + LINK_TABLE_SUFFIX)
    require_source(source_path)
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
        if not is_remote(path) and os.path.exists(path) and not os.path.isdir(path):
            raise UsageError("TARGET and the link table's place must be folders")
    return Paths(source_path, target_path, link_path)


def require_source(path: str) -> None:
    """Raise UsageError when SOURCE is there, and neither a folder nor named like an archive."""
    if is_remote(path) or not os.path.exists(path) or os.path.isdir(path):
        return
    if not (os.path.isfile(path) and may_be_archive(os.fsencode(path))):
        raise UsageError("SOURCE is neither a folder nor an archive (.tar, .tar.gz, .tgz, .zip)")


def _inside(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")
