"""The result of a run that nothing disturbs, runs in processes to disturb, and what must hold."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from fastdeid import plan
from fastdeid.engines import local, server, session
from fastdeid.errors import FastdeidError
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.shards import is_shard
from fastdeid.verdicts import WITH_OUTPUT
from fastdeid.workspace import Workspace
from tests.conversion.archive import KEY, result, tree, write_key
from tests.faults import sources

SIGNALLED: Final = -1
HANGS: Final = -2
# Runs take a second; many of them may share a CPU with others.
_PATIENCE_SECONDS: Final = 180.0
_PR_SET_CHILD_SUBREAPER: Final = 36


class Ground:
    """A source, its key, and what an undisturbed run leaves of it.

    n_pictures: images with text in their pixels; none leaves pixels out. n_members: images in each
    of three archives. long: bytes of one more image. shard_bytes: outputs go into tar files.
    most_files: of a partition.
    """

    def __init__(  # noqa: PLR0917
        self,
        folder: Path,
        n_patients: int = 5,
        n_files: int = 64,
        n_pictures: int = 0,
        n_members: int = 0,
        long: int = 0,
        shard_bytes: int = 0,
        most_files: int = plan.MAX_FILES,
    ) -> None:
        self.folder = folder
        plan.MAX_FILES = most_files  # type: ignore[misc]
        pixels = PixelMode.EXAMINE if n_pictures else PixelMode.OFF
        self._options: Any = {"pixels": pixels, "shard_bytes": shard_bytes}
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self.key = write_key(folder / "key")
        self.source = sources.write_source(folder / "source", n_patients, n_files, long=long)
        sources.write_pictures(self.source, n_pictures)
        if n_members:
            sources.write_archives(self.source, n_members)
        self._numbers = iter(range(1 << 30))
        self._look()

    def _look(self) -> None:
        """See what an undisturbed run leaves."""
        # In this process, so that every child has loaded everything already.
        self.run_here(self.target(), 0)
        reference = self.target()
        began = time.monotonic()
        self.exit_code = self.run_here(reference, 0)
        self.seconds = time.monotonic() - began
        self.result = result(reference)
        self.outputs = _outputs(tree(reference))
        if self._options["shard_bytes"]:
            self.outputs |= self._committed_shards()

    def _committed_shards(self) -> dict[str, bytes]:
        """Return the shards as they are before instances that share a path are settled."""
        target = self.target()

        def end(*_: object) -> Any:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "finish", end)
            self.run_here(target, 0)
        return _outputs(tree(target))

    def target(self) -> Path:
        """Return a new place for outputs."""
        return self.folder / f"out{next(self._numbers)}"

    def remove(self, target: Path) -> None:
        """Remove outputs, link table and what was said."""
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(link_table(target), ignore_errors=True)
        Path(f"{target}.log").unlink(missing_ok=True)

    # Runs -----------------------------------------------------------------------------------

    def places(self, target: Path) -> tuple[str, str]:
        """Return SOURCE and TARGET as a run is to be given them."""
        return str(self.source), str(target)

    def run_here(self, target: Path, workers: int) -> int:
        """Run in this process; return the exit code that the command would have."""
        try:
            options = {"workers": workers, **self._options}
            return local.run(*self.places(target), key=self.key, **options).exit_code
        except FastdeidError as error:
            print(error, flush=True)
            return error.exit_code
        except KeyboardInterrupt:
            return 130

    def start(
        self, target: Path, workers: int = 0, prepare: Callable[[], object] = lambda: None
    ) -> int:
        """Fork a process, the leader of its group, that runs; return its number.

        prepare: called in the process before the run. What it says goes to `target`.log.
        """
        child = os.fork()
        if child:
            return child
        code = 99
        try:
            os.setsid()
            log = os.open(f"{target}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            tempfile.tempdir = str(self._temporary)
            prepare()
            if workers:
                _fork_server()
            code = self.run_here(target, workers)
        except BaseException as error:  # noqa: BLE001 - the exit code tells it
            os.write(2, f"Traceback: {type(error).__name__}\n".encode())
        finally:
            sys.stderr.flush()
            os._exit(code)

    def run(
        self, target: Path, workers: int = 0, prepare: Callable[[], object] = lambda: None
    ) -> int:
        """Run in a process of its own; return the exit code, SIGNALLED when it was killed."""
        return wait(self.start(target, workers, prepare))

    def kill(self, target: Path, workers: int, seconds: float) -> int:
        """Start a run, kill its whole group after some seconds; return the exit code."""
        child = self.start(target, workers)
        _ends(child, seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        return wait(child)

    # What must hold -------------------------------------------------------------------------

    def left(self, target: Path) -> Path:
        """Return the folder that holds what stands in a target; its link table is beside it."""
        return target

    def faults_after_a_kill(self, target: Path) -> list[str]:
        """Return what is wrong with what a run has left that was killed."""
        left = self.left(target)
        names = tree(left) if left.exists() else {}
        wrong = [
            f"partial or unknown: {name}"
            for name, data in _outputs(names).items()
            if self.outputs.get(name) != data
        ]
        if not (link_table(left) / "work" / "summary.json").exists():
            wrong += self._faults_of_parts(left, names)
        manifest = left / "manifest.parquet"
        if manifest.exists():
            import pyarrow.parquet as pq

            rows = pq.read_table(manifest).to_pylist()
            listed = {_place(row, "status") for row in rows if row["status"] in WITH_OUTPUT}
            stand = _outputs(names).keys()
            # A shard that was written anew goes when the run is declared finished.
            others = {name for name in stand - listed if not is_shard(name)}
            if listed - stand or others:
                wrong.append("the manifest and the files differ")
        return wrong + self._shown(target)

    def _faults_of_parts(self, left: Path, names: dict[str, bytes]) -> list[str]:
        work = link_table(left) / "work"
        if not (work / "plan.parquet").exists():
            return []
        workspace = Workspace(work, Sealing(Pseudonyms(KEY)))
        wrong = []
        for number in range(workspace.n_partitions):
            part = workspace.read_part(number)
            if part is None:
                continue
            rows = part.table.to_pylist()
            paths = {_place(row, "verdict") for row in rows if row["verdict"] in WITH_OUTPUT}
            wrong += [f"part {number} has a row without a file"] * bool(paths - names.keys())
        return wrong

    def faults_after_the_end(self, target: Path, code: int) -> list[str]:
        """Return what is wrong with a run that says that it has come to its end."""
        wrong = [] if code == self.exit_code else [f"exit code {code}"]
        left = self.left(target)
        try:
            found = result(left)
        except Exception as error:  # noqa: BLE001
            return [*wrong, f"the tables cannot be read: {type(error).__name__}"]
        if found != self.result:
            names = found.keys() | self.result.keys()
            differ = [name for name in names if found.get(name) != self.result.get(name)]
            wrong.append(f"{len(differ)} of {len(names)} differ: {sorted(differ)[:3]}")
        unfinished = left.parent.glob(f"{left.name}*/**/*.unfinished")
        wrong += [f"left behind: {path.name}" for path in unfinished]
        return wrong + self._shown(target)

    def _shown(self, target: Path) -> list[str]:
        """Return where the canary can be read without the key."""
        left = self.left(target)
        places = [left, link_table(left), Path(f"{target}.log"), self._temporary]
        shown = (name for place in places for name in sources.places_of_canary(place))
        return [f"shows a value: {name}" for name in shown]

    def said(self, target: Path) -> str:
        """Return what the runs into a target have said."""
        log = Path(f"{target}.log")
        return log.read_text() if log.exists() else ""


def _outputs(names: dict[str, bytes]) -> dict[str, bytes]:
    """Return the outputs under their final names: instances, or shards of them."""
    return {name: data for name, data in names.items() if name.endswith(".dcm") or is_shard(name)}


def _place(row: dict[str, Any], verdict: str) -> str:
    """Return the file that the output of a row stands in."""
    assert row[verdict] in WITH_OUTPUT
    name: str = row["shard"] or row["output_path"]
    return name


def link_table(target: Path) -> Path:
    """Return the folder of a target's link table."""
    return target.with_name(f"{target.name}.link-table")


def _ends(child: int, seconds: float) -> bool:
    """Wait so long at most; return whether the process has ended."""
    process = os.pidfd_open(child)
    ended, _, _ = select.select([process], [], [], seconds)
    os.close(process)
    return bool(ended)


def wait(child: int) -> int:
    """Return the exit code of the leader of a group: SIGNALLED when it was killed, HANGS.

    Those that it has started hold its locks until they are gone, too.
    """
    hangs = not _ends(child, _PATIENCE_SECONDS)
    if hangs:
        os.killpg(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-child, 0)
    if hangs:
        return HANGS
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else SIGNALLED


def _fork_server() -> None:
    """Let workers be forked as in any run, but from a process that need not import anything."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        ours.close()
        try:
            server.main(theirs.detach())
        finally:
            os._exit(0)
    theirs.close()
    server.SERVER._socket, server.SERVER._pid = ours, pid
