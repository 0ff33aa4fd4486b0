"""A stand-in for the de-identifier, so that tests of runs say what each file comes to.

The first line of a source file is its fate: "ok PATIENT/STUDY/SERIES/INSTANCE" publishes the rest
of the file under that path; "bad REASON" is quarantined; "crash" raises; "die" kills the worker.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from fastdeid.errors import OutputError
from fastdeid.input_types import Input
from fastdeid.outcome import Outcome, Shared
from fastdeid.storage import TargetTree
from fastdeid.verdicts import Verdict
from fastdeid.workspace import Settings


class FakeDeidentifier:
    """Does what the first line of a file says."""

    def __init__(self, settings: Settings, key: bytes, dry_run: bool) -> None:
        self.tree = None if dry_run else TargetTree(settings.target)
        self.seconds = {"read": 0.0, "write": 0.0}
        self.processed: list[bytes] = []

    def process_many(
        self, source_paths: Sequence[Input], *, overwrite: bool = False
    ) -> list[Outcome]:
        """De-identify files."""
        return [
            self.process(path, overwrite=overwrite)
            for path in source_paths
            if isinstance(path, bytes)
        ]

    def process(self, source_path: bytes, *, overwrite: bool = False) -> Outcome:
        """De-identify one file."""
        self.processed.append(source_path)
        try:
            content = Path(os.fsdecode(source_path)).read_bytes()
        except OSError:
            return Outcome(Verdict.UNREADABLE, "permission_denied")
        head, _, body = content.partition(b"\n")
        fate, _, rest = head.decode().partition(" ")
        return getattr(self, f"_{fate}", self._other)(rest, body, overwrite)

    def _other(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        return Outcome(Verdict.NOT_DICOM, "not_dicom", source_size=len(body))

    def _bad(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        return Outcome(Verdict.QUARANTINED, rest, source_size=len(body))

    def _crash(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        raise IndexError("Doe^Jane")

    def _die(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def _huge(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        raise MemoryError

    def _hoard(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        """Take 8 MiB more again and again, until 1 GiB is held."""
        held = []
        for _ in range(128):
            held.append(b"\1" * (8 << 20))
            time.sleep(0.02)
        return Outcome(Verdict.NOT_DICOM, "not_dicom", source_size=len(held))

    def _die_once(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        """Kill the worker unless the file named in the line is there; make it first."""
        flag, _, path = rest.partition(" ")
        if not Path(flag).exists():
            Path(flag).touch()
            self._die(rest, body, overwrite)
        return self._ok(path, body, overwrite)

    def _full(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        raise OutputError("the target cannot be written: ENOSPC")

    def _slow(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        time.sleep(0.02)
        return self._ok(rest, body, overwrite)

    def _asleep(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        """Take longer than anybody waits."""
        time.sleep(600)
        return self._ok(rest, body, overwrite)

    def _ok(self, rest: str, body: bytes, overwrite: bool) -> Outcome:
        patient, study, series, instance = rest.split("/")
        path = f"{rest}.dcm"
        published = ""
        if self.tree is not None:
            published = self.tree.publish(path, [body], -1, overwrite=overwrite)
        return Outcome(
            Verdict.OK,
            path=path,
            published=published,
            source_size=len(body),
            output_size=len(body),
            shared=Shared(pseudonyms=(patient, "", study, series, "", "")),
            instance=instance,
        )

    def begin(self, partition: int) -> None:
        """Begin a partition."""

    def commit(self) -> None:
        """Let its outputs appear: they have appeared."""

    def close(self) -> None:
        """Close the target."""
        if self.tree is not None:
            self.tree.close()
