"""The key of a run with random pseudonyms: drawn with the plan, destroyed when the run is finished.

45 CFR 164.514(c): a code must not be derived from information about the individual. Under a key
that nobody has any more, a pseudonym is a random number: only the link table leads back.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from fastdeid.errors import KeyFileError, OutputError, UsageError
from fastdeid.keys import KEY_SIZE, read_key, sync_folder, write_key
from fastdeid.objects import is_remote
from fastdeid.workspace import Workspace

KEY_FILE: Final = "pseudonyms.key"
RANDOM: Final = "random"


def is_drawn(workspace: Workspace) -> bool:
    """Tell whether the key of a run is there."""
    return workspace.has(KEY_FILE)


def draw(workspace: Workspace) -> None:
    """Draw the key of a new run, unless an earlier start of it has drawn it already.

    Raises OutputError when it cannot be written.
    """
    if is_remote(workspace.folder):
        raise UsageError(
            "random pseudonyms need a link table on a file system: an object store may keep what "
            "is destroyed"
        )
    if is_drawn(workspace):
        with contextlib.suppress(KeyFileError):
            read(workspace)
            return
        os.unlink(_path(workspace))  # what a crash has left of it was never used
    try:
        write_key(_path(workspace))
    except KeyFileError:
        raise OutputError("the key of the random pseudonyms cannot be written") from None


def read(workspace: Workspace) -> bytes:
    """Return the key of a run that is under way. Raises KeyFileError when it is not there."""
    return read_key(_path(workspace))


def destroy(workspace: Workspace) -> None:
    """Destroy the key of a finished run: its bytes first, then its name.

    What a file system or a backup copies behind our back is out of reach.

    Raises OutputError when it cannot be destroyed.
    """
    path = _path(workspace)
    if is_remote(path):
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(_not_destroyed(error)) from None
    try:
        try:
            os.write(descriptor, bytes(KEY_SIZE))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.unlink(path)
        sync_folder(workspace.folder)
    except OSError as error:
        raise OutputError(_not_destroyed(error)) from None


def require(workspace: Workspace) -> None:
    """Raise UsageError for a run that has to go on, but whose key is destroyed."""
    if not is_drawn(workspace):
        raise UsageError(
            "this run is finished and its random pseudonyms cannot be drawn again, but SOURCE has "
            "changed or an output is missing: choose another TARGET"
        )


def _path(workspace: Workspace) -> str:
    return os.path.join(workspace.folder, KEY_FILE)


def _not_destroyed(error: OSError) -> str:
    return f"the key of the random pseudonyms cannot be destroyed: {error.strerror}"
