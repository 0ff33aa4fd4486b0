"""The command `fastdeid`: whatever happens, it ends in an exit code and one line of error."""

from __future__ import annotations

import sys
from typing import NoReturn

_INTERNAL = 1
_NOT_WRITTEN = 6
_INTERRUPTED = 130


def main() -> None:
    """Run the command. Errors end in one line and an exit code, never in a traceback."""
    try:
        _run()
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on", _INTERRUPTED)


def _run() -> None:
    # Imported here: Ctrl-C during the imports is Ctrl-C too.
    from fastdeid.commands import app
    from fastdeid.errors import FastdeidError
    from fastdeid.hardening import forbid_dumps, forbid_others

    forbid_dumps()
    forbid_others()
    try:
        app()
    except SystemExit as ended:
        # What typer makes of Ctrl-C, without a word.
        if ended.code == _INTERRUPTED:
            raise KeyboardInterrupt from None
        raise
    except FastdeidError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"the file system reports: {error.strerror or type(error).__name__}", _NOT_WRITTEN)
    except Exception as error:  # noqa: BLE001 - its message might hold a value
        from fastdeid.summary import place_of

        _fail(f"internal error: {place_of(error)}", _INTERNAL)


def _fail(message: str, exit_code: int) -> NoReturn:
    print(f"fastdeid: {message}", file=sys.stderr)
    sys.exit(exit_code)
