"""Ctrl-C while modules are imported: what an import makes of it nobody knows, so it comes after."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let a KeyboardInterrupt wait for the end of the block.

    For imports, which take less than a second and leave nothing half done: one that is cut may end
    in another error, or in none. Signals that the caller has taken are left to it.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if asked:
            raise KeyboardInterrupt
