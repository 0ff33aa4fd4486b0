"""A stand-in for the de-identifier, so that tests of runs say what each file comes to.

The first line of a source file is its fate: "ok PATIENT/STUDY/SERIES/INSTANCE" publishes the rest of
the file under that path; "bad REASON" is quarantined; "crash" raises; "die" kills the worker.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from fastdeid.errors import OutputError
from fastdeid.manifest import Listed, Row
from fastdeid.storage import TargetTree
from fastdeid.verdicts import Verdict
from fastdeid.workspace import Settings


class FakeOutcome(Listed):
    """An outcome that was written."""

    __slots__ = ("output_size", "path", "pseudonyms", "published")  # type: ignore[misc]


class FakeDeidentifier:
    """Does what the first line of a file says."""

    def __init__(self, settings: Settings, key: bytes, dry_run: bool) -> None:
        self.tree = None if dry_run else TargetTree(settings.target)
        self.seconds = {"read": 0.0, "write": 0.0}
        self.processed: list[bytes] = []

    def process(self, source_path: bytes, *, overwrite: bool = False) -> Row:
        self.processed.append(source_path)
        try:
            content = Path(os.fsdecode(source_path)).read_bytes()
        except OSError:
            return Listed(Verdict.UNREADABLE, "permission_denied")
        head, _, body = content.partition(b"\n")
        fate, _, rest = head.decode().partition(" ")
        return getattr(self, f"_{fate}", self._other)(rest, body, overwrite)  # type: ignore[no-any-return]

    def _other(self, rest: str, body: bytes, overwrite: bool) -> Row:
        return Listed(Verdict.NOT_DICOM, "", len(body))

    def _bad(self, rest: str, body: bytes, overwrite: bool) -> Row:
        return Listed(Verdict.QUARANTINED, rest, len(body))

    def _crash(self, rest: str, body: bytes, overwrite: bool) -> Row:
        raise IndexError("Doe^Jane")

    def _die(self, rest: str, body: bytes, overwrite: bool) -> Row:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def _die_once(self, rest: str, body: bytes, overwrite: bool) -> Row:
        """Kill the worker unless the file named in the line is there; make it first."""
        flag, _, path = rest.partition(" ")
        if not Path(flag).exists():
            Path(flag).touch()
            self._die(rest, body, overwrite)
        return self._ok(path, body, overwrite)

    def _full(self, rest: str, body: bytes, overwrite: bool) -> Row:
        raise OutputError("the target cannot be written: ENOSPC")

    def _slow(self, rest: str, body: bytes, overwrite: bool) -> Row:
        time.sleep(0.05)
        return self._ok(rest, body, overwrite)

    def _ok(self, rest: str, body: bytes, overwrite: bool) -> Row:
        row = FakeOutcome(Verdict.OK, "", len(body))
        row.path = f"{rest}.dcm"
        row.output_size = len(body)
        patient, study, series, instance = rest.split("/")
        row.pseudonyms = (patient, "", study, series, instance, "")
        row.published = ""
        if self.tree is not None:
            row.published = self.tree.publish(row.path, [body], -1, overwrite=overwrite)
        return row

    def close(self) -> None:
        if self.tree is not None:
            self.tree.close()
