"""What keeps secrets in memory from ending up on a disk or in another process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)
_PRIVATE: Final = 0o077


def forbid_dumps() -> None:
    """Let this process and those it starts leave no core dump, and let no debugger of this user in.

    A core dump would hold the project key and headers of patients.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def forbid_others() -> None:
    """Let every file and folder that is made from here on be its owner's only."""
    os.umask(_PRIVATE)
