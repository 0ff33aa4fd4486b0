"""Being asked to stop: SIGTERM and SIGUSR1, as batch systems send them before the time is up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

from fastdeid.errors import FastdeidError

_SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM)


class Stopped(FastdeidError):  # noqa: N818 - nothing went wrong
    """The run was asked to stop and did; the same command goes on with it."""

    exit_code = 75


class Interrupted(FastdeidError):  # noqa: N818 - nothing went wrong
    """Ctrl-C ended the run; the same command goes on with it."""

    exit_code = 130


# What is at hand gets so long to be committed; then the run ends, and does it again later.
_PATIENCE_SECONDS: Final = 3.5


class Stop:
    """Whether a stop was asked for. A second request, or some seconds, end the run at once."""

    def __init__(self, *, with_alarm: bool = False) -> None:
        self.requested = False
        self._with_alarm = with_alarm

    def request(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for a stop; the form of a signal handler."""
        if self.requested:
            raise Stopped("stopped at once; the same command goes on")
        self.requested = True
        if self._with_alarm:
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE_SECONDS)

    def check(self) -> None:
        """Raise Stopped when a stop was asked for; to be called where nothing is half done."""
        if self.requested:
            raise Stopped("stopped at a clean commit; the same command goes on")


@contextlib.contextmanager
def signals() -> Iterator[Stop]:
    """Turn SIGTERM and SIGUSR1 into a request to stop, while the block runs.

    The alarm clock of the process is used for its end; nothing else may use it meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Stop()
        return
    stop = Stop(with_alarm=True)
    before = {number: signal.signal(number, stop.request) for number in _SIGNALS}
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
