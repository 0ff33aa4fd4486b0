"""The audit log of uses that turn pseudonyms back: who, when, what kind, how many; no values.

One JSON object per line, only ever appended, on disk before any answer is given.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import getpass
import os
import platform
from typing import Final

import msgspec

from fastdeid.errors import OutputError

LOG_FILE: Final = "reidentify.log"


class Use(msgspec.Struct, frozen=True):
    """One use. asked: pseudonyms that were looked up. found: of these, that have an original."""

    time: str
    user: str
    uid: int
    host: str
    process: int
    key_id: str
    kind: str
    asked: int
    found: int


def record(path: str | os.PathLike[str], *, key_id: str, kind: str, asked: int, found: int) -> None:
    """Append one use to the log and wait until it is on disk.

    Raises OutputError when that fails: then nothing may be told.
    """
    use = Use(
        time=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        user=_user(),
        uid=os.getuid(),
        host=platform.node(),
        process=os.getpid(),
        key_id=key_id,
        kind=kind,
        asked=asked,
        found=found,
    )
    line = msgspec.json.encode(use) + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.write(descriptor, line) != len(line):
                raise OutputError("the audit log cannot be written: nothing is told")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = error.strerror or "an error of the file system"
        raise OutputError(
            f"the audit log cannot be written, so nothing is told: {reason}"
        ) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
