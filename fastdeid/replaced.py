"""Files of a run that appear whole or not at all, in the place of what stood there."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from typing import Any

from fastdeid import objects
from fastdeid.errors import OutputError
from fastdeid.storage import TEMPORARY


@contextlib.contextmanager
def replaced_file(path: str, *, sync: bool = True, mode: int = 0o600) -> Iterator[Any]:
    """Open a new file that takes the place of `path` when the block ends without an error.

    path: of a file, or of an object. Raises OutputError when it cannot be written.
    """
    if objects.is_remote(path):
        with tempfile.TemporaryFile() as file:
            yield file
            file.flush()
            objects.put(path, file.fileno(), overwrite=True)
        return
    temporary = f"{path}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise OutputError(f"a table of the run cannot be written: {error.strerror}") from None
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
