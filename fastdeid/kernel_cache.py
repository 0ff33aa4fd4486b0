"""Where numba keeps compiled kernels when the install itself cannot be written.

The cache holds machine code that is loaded without questions, so its folder must be private; and
one per kind of CPU, because nodes of a cluster share home folders.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from typing import Final

VARIABLE: Final = "NUMBA_CACHE_DIR"
# The description of the first CPU, without the numbers that change from core to core.
_TEMPORARY: Final = ("/tmp", "/dev/shm", "/var/tmp")  # noqa: S108 - a private folder in one
_CPU_FIELDS: Final = (b"vendor_id", b"cpu family", b"model", b"stepping", b"flags", b"Features")


def choose(kernels: str, version: str) -> None:
    """Set NUMBA_CACHE_DIR when the folder of the kernels is not writable and nobody has set it.

    Numba takes nothing from a folder that it cannot write: of one that is set but read-only, as in
    a container, links are made elsewhere. To be called before numba is imported.
    """
    named = os.environ.get(VARIABLE, "")
    if os.path.isdir(named) and not os.access(named, os.W_OK):
        os.environ[VARIABLE] = _linked(named)
    if VARIABLE in os.environ or not os.path.isdir(kernels) or os.access(kernels, os.W_OK):
        return
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = f"kernels-{version}-{cpu_kind()}"
    for folder in (
        os.path.join(home, "fastdeid", name),
        os.path.join(tempfile.gettempdir(), f"fastdeid-{os.geteuid()}", name),
    ):
        if make_private(folder):
            os.environ[VARIABLE] = folder
            return
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="fastdeid-kernels-")


def _linked(warmed: str) -> str:
    """Return a writable folder with links to the files of another one, or that one."""
    name = f"warmed-{hashlib.sha256(os.fsencode(warmed)).hexdigest()[:12]}"
    for place in dict.fromkeys((*_TEMPORARY, os.environ.get("TMPDIR", ""))):
        folder = os.path.join(place, f"fastdeid-{os.geteuid()}", name)
        if not os.path.isdir(place) or not make_private(folder):
            continue
        for path, _, files in os.walk(warmed):
            inside = os.path.join(folder, os.path.relpath(path, warmed))
            os.makedirs(inside, mode=0o700, exist_ok=True)
            for file in files:
                with contextlib.suppress(FileExistsError):
                    os.symlink(os.path.join(path, file), os.path.join(inside, file))
        return folder
    return warmed


def make_private(folder: str) -> bool:
    """Create a folder and its parent; return whether both belong to this user alone."""
    parent = os.path.dirname(folder)
    try:
        os.makedirs(os.path.dirname(parent), exist_ok=True)
        for path in (parent, folder):
            if not os.path.isdir(path):
                os.mkdir(path, 0o700)
            status = os.lstat(path)
            private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o022
            if not private or status.st_uid != os.geteuid():
                return False
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def cpu_kind() -> str:
    """Return a short name of the CPU's kind, the same for all CPUs that run the same code."""
    kind = hashlib.sha256(platform.machine().encode())
    try:
        with open("/proc/cpuinfo", "rb") as file:
            first = file.read(16384).split(b"\n\n", 1)[0]
    except OSError:
        first = platform.processor().encode()
    for line in first.split(b"\n"):
        if line.startswith(_CPU_FIELDS):
            kind.update(line)
    return kind.hexdigest()[:12]
