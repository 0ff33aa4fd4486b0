"""The process that workers are forked from: it imports once what every worker needs.

Numba loads the compiled kernels here, or compiles them when their cache is empty: no worker ever
compiles. Unlike multiprocessing's fork server it is started before anything else is imported, needs
no second process, and does not import the caller's script again.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from typing import Final

from fastdeid.hardening import forbid_dumps

_MODULES: Final = ("fastdeid.deidentify", "fastdeid.engines.worker", "pyarrow.compute")
# Sent to the whole process group, or to every process of a batch job; the parent alone decides.
_PARENT_DECIDES: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_CODE: Final = (
    "import sys; sys.path[:] = {!r}; from fastdeid.engines import server; server.main({})"
)


class Server:
    """The caller's side: forks workers on request, restarted when it has ended."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._pid = 0

    def start(self) -> None:
        """Start the process unless it runs; returns while it still imports."""
        if self._socket is None:
            ours, theirs = socket.socketpair()
            with theirs:
                theirs.set_inheritable(True)
                self._pid = _spawn(theirs.fileno())
            self._socket = ours

    def fork(self) -> int:
        """Ask for a worker; return the descriptor of a socket that is connected to it.

        Raises OSError when no process can be started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._send(theirs.fileno())
            except OSError:
                self.close()
                self._send(theirs.fileno())
        return ours.detach()

    def _send(self, descriptor: int) -> None:
        self.start()
        if self._socket is not None:
            socket.send_fds(self._socket, [b"f"], [descriptor])

    def close(self) -> None:
        """End the process; its workers live on until their own sockets close."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, os.WNOHANG)


def _spawn(descriptor: int) -> int:
    """Start the server with one open socket, and nothing on its standard input and output."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    actions.append((os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0))
    # Processes own the cores: a thread pool in each worker would only be in the way.
    environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", _CODE.format(sys.path, descriptor)],
        environment,
        file_actions=actions,
        setsigmask=_PARENT_DECIDES,
    )


SERVER: Final = Server()


def main(descriptor: int) -> None:
    """Serve requests that come through an inherited socket until it closes."""
    forbid_dumps()
    for number in _PARENT_DECIDES:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PARENT_DECIDES)
    # Workers are not waited for: their sockets tell when they end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    requests = socket.socket(fileno=descriptor)
    for name in _MODULES:
        # What fails here fails in a worker again, and a worker can report it.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # What is loaded by now stays for ever: collections in the workers need not visit it.
    gc.collect()
    gc.freeze()
    with requests, contextlib.suppress(ConnectionError):
        while (worker := _requested(requests)) >= 0:
            if not os.fork():
                requests.close()
                _work(worker)
            os.close(worker)


def _requested(requests: socket.socket) -> int:
    """Return the socket for the next worker, -1 when there is no next one."""
    _, descriptors, _, _ = socket.recv_fds(requests, 1, 1)
    return descriptors[0] if descriptors else -1


def _work(descriptor: int) -> None:
    """Be a worker, then end without the server's own clean-up."""
    status = 1
    try:
        from multiprocessing.connection import Connection

        from fastdeid.engines.worker import work

        work(Connection(descriptor))
        status = 0
    finally:
        os._exit(status)
