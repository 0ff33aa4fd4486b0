"""The command `fastdeid`: whatever happens, it ends in an exit code and one line of error."""

from __future__ import annotations

import sys
from itertools import pairwise
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
    from fastdeid.interrupts import held_back

    with held_back():
        from fastdeid.hardening import forbid_dumps, forbid_others

        forbid_dumps()
        forbid_others()
        if wants_workers(sys.argv[1:]):
            from fastdeid.engines.server import SERVER

            SERVER.start()  # Its imports take longest of all, and run beside those of the command.
        from fastdeid.commands import app
        from fastdeid.errors import FastdeidError

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


def wants_workers(arguments: list[str]) -> bool:
    """Tell whether a command line is that of a run in worker processes of this machine.

    Started in vain, at an argument that is refused later, they end with the command.
    """
    words = " ".join(arguments).replace("=", " ").split()
    without = any(pair == ("--workers", "0") for pair in pairwise(words))
    others = not {"-h", "--help", "--engine"}.isdisjoint(words)
    return arguments[:1] == ["run"] and not without and not others


def _fail(message: str, exit_code: int) -> NoReturn:
    print(f"fastdeid: {message}", file=sys.stderr)
    sys.exit(exit_code)
