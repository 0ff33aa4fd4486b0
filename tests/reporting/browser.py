"""A headless Chromium under the test's control, over the pipe of its debugging protocol."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.conftest import REPOSITORY
from tests.judges import require

AXE: Final = REPOSITORY / "build" / "node_modules" / "axe-core" / "axe.min.js"
_SECONDS: Final = 60
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--remote-debugging-pipe", "--disable-background-networking", "--disable-component-update"),
)


class Page:
    """One tab. events: everything that the browser has told of its own accord."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return what it comes to."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait("Page.loadEventFired")

    def wait(self, method: str) -> None:
        """Wait until the browser has told of an event of a kind."""
        while not self.told(method):
            self.events.append(self._receive())

    def check_accessibility(self, axe: Path) -> tuple[list[str], list[Any]]:
        """Return the rules of axe-core that passed, and what it objects to."""
        self.evaluate(axe.read_text() + "; 0")
        passed, found = self.evaluate(
            "axe.run().then(r => [r.passes.map(p => p.id),"
            " r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html])])"
        )
        return passed, found

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and release it."""
        given: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def told(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events of a kind."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], _SECONDS)
            assert ready, "the browser does not answer"
            block = os.read(self._answers, 1 << 16)
            assert block, "the browser has ended"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextlib.contextmanager
def browse(folder: Path) -> Iterator[Page]:
    """Start a browser, its own files in `folder`, and end it; skips where there is none."""
    require("chromium")
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # 3 and 4 are what the browser expects, so these must be out of the way.
    high = [fcntl.fcntl(one, fcntl.F_DUPFD, 50) for one in (theirs_in, theirs_out)]
    arguments = ["chromium", *_FLAGS, f"--user-data-dir={folder / 'profile'}"]
    actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
    environment = {**os.environ, "HOME": str(folder)}
    program = shutil.which("chromium") or ""
    process = os.posix_spawn(program, arguments, environment, file_actions=actions, setpgroup=0)
    for one in (theirs_in, theirs_out, *high):
        os.close(one)
    try:
        yield Page(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        _end(process)


def _end(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if os.waitpid(process, os.WNOHANG)[0]:
            return
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
