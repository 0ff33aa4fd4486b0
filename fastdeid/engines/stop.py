"""Being asked to stop: SIGTERM and SIGUSR1, as batch systems send them before the time is up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

from fastdeid.errors import FastdeidError

_SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1)


class Stopped(FastdeidError):  # noqa: N818 - nothing went wrong
    """The run was asked to stop and did; the same command goes on with it."""

    exit_code = 75


class Interrupted(FastdeidError):  # noqa: N818 - nothing went wrong
    """Ctrl-C ended the run; the same command goes on with it."""

    exit_code = 130


class Stop:
    """Whether a stop was asked for. A second request ends the run at once."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for a stop; the form of a signal handler."""
        if self.requested:
            raise Stopped("stopped at once; the same command goes on")
        self.requested = True

    def check(self) -> None:
        """Raise Stopped when a stop was asked for; to be called where nothing is half done."""
        if self.requested:
            raise Stopped("stopped at a clean commit; the same command goes on")


@contextlib.contextmanager
def signals() -> Iterator[Stop]:
    """Turn SIGTERM and SIGUSR1 into a request to stop, while the block runs."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.request) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
