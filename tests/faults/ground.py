"""A small archive, the result of a run that nothing disturbs, and runs in processes to disturb."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fastdeid.engines import local, server
from fastdeid.errors import FastdeidError
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.verdicts import WITH_OUTPUT
from fastdeid.workspace import Workspace
from tests import builders as b
from tests.conversion.archive import KEY, result, tree, write_key
from tests.link_tables import read_link_table
from tests.pixels import files
from tests.runs import ct_image

# In values, names of files and folders: what nobody without the key may ever read.
CANARY: Final = "CANARYQ7"
REPORTS: Final = frozenset({3, 5})
SIGNALLED: Final = -1
_PR_SET_CHILD_SUBREAPER: Final = 36


def write_source(folder: Path, n_patients: int, n_files: int) -> Path:
    """Write images of patients; among them copies, a damaged one, and one that is not DICOM."""
    for patient in range(n_patients):
        place = folder / f"{CANARY}^Jane{patient}"
        place.mkdir(parents=True)
        for number in range(n_files):
            (place / f"IM{number:04d}").write_bytes(image(patient, number))
    (folder / "copies").mkdir()
    (folder / "copies" / "same").write_bytes(image(0, 0))
    (folder / "copies" / "other").write_bytes(image(0, 0, extra=b"\0" * 8))
    (folder / "cut").write_bytes(image(0, 1)[:-4])
    (folder / f"{CANARY}.txt").write_text(f"Dear Mr. {CANARY}")
    return folder


def image(patient: int, number: int, extra: bytes = b"") -> bytes:
    """Return a CT image with the canary in what identifies."""
    root = f"1.2.826.0.1.3680043.10.9.{patient}"
    return b.part10(
        ct_image(
            b.text(0x00080018, "UI", f"{root}.3.{number}"),
            b.text(0x00080050, "SH", f"{CANARY}{patient}"),
            b.text(0x00080080, "LO", f"{CANARY} Hospital"),
            b.text(0x00081030, "LO", f"Chest of {CANARY}"),
            b.text(0x00100010, "PN", f"{CANARY}^Jane{patient}"),
            b.text(0x00100020, "LO", f"{CANARY}-{patient}"),
            b.text(0x0020000D, "UI", f"{root}.1"),
            b.text(0x0020000E, "UI", f"{root}.2"),
            b.element(0x7FE00010, "OW", bytes([number % 256]) * 64 + extra),
        )
    )


def picture(number: int) -> bytes:
    """Return a screen capture with a name in its pixels: native, or two frames of RLE."""
    root = "1.2.826.0.1.3680043.10.9.99"
    uids = {"SOPInstanceUID": f"{root}.3.{number}", "StudyInstanceUID": f"{root}.1"}
    ds = files.attributes(PatientName=f"{CANARY}^Jane", SeriesInstanceUID=f"{root}.2", **uids)
    frame = files.grey(20 + number, 220)
    if number % 2:
        return files.run_length(ds, [frame, frame.T.copy().reshape(frame.shape)])
    return files.written(ds, frame.tobytes())


class Ground:
    """A source, its key, and what an undisturbed run leaves of it.

    n_pictures: images with text in their pixels; none leaves pixels out.
    """

    def __init__(
        self, folder: Path, n_patients: int = 5, n_files: int = 64, n_pictures: int = 0
    ) -> None:
        self.folder = folder
        self._pixels = PixelMode.EXAMINE if n_pictures else PixelMode.OFF
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.key = write_key(folder / "key")
        self.source = write_source(folder / "source", n_patients, n_files)
        for number in range(n_pictures):
            (self.source / f"capture{number}").write_bytes(picture(number))
        self._numbers = iter(range(1 << 30))
        # In this process, so that every child has loaded everything already.
        self.run_here(self.target(), 0)
        reference = self.target()
        began = time.monotonic()
        self.exit_code = self.run_here(reference, 0)
        self.seconds = time.monotonic() - began
        self.result = result(reference)
        self.outputs = {name: data for name, data in tree(reference).items() if is_output(name)}

    def target(self) -> Path:
        """Return a new place for outputs."""
        return self.folder / f"out{next(self._numbers)}"

    def remove(self, target: Path) -> None:
        """Remove outputs and link table."""
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(link_table(target), ignore_errors=True)

    def run_here(self, target: Path, workers: int) -> int:
        """Run in this process; return the exit code that the command would have."""
        try:
            options: Any = {"workers": workers, "pixels": self._pixels}
            return local.run(self.source, target, key=self.key, **options).exit_code
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
            server.SERVER.fork = _fork_worker  # type: ignore[method-assign]
            server.SERVER.start = lambda: None  # type: ignore[method-assign]
            prepare()
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
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        code = wait(child)
        # Its workers were forked from it here, and hold its lock until they are gone, too.
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-child, 0)
        return code

    # What must hold -------------------------------------------------------------------------

    def faults_after_a_kill(self, target: Path) -> list[str]:
        """Return what is wrong with what a run has left that was killed."""
        wrong = []
        names = tree(target) if target.exists() else {}
        for name, data in names.items():
            if is_output(name) and self.outputs.get(name) != data:
                wrong.append(f"partial or unknown: {name}")
        wrong += self._faults_of_parts(target, names)
        manifest = target / "manifest.parquet"
        if manifest.exists():
            import pyarrow.parquet as pq

            rows = pq.read_table(manifest).to_pylist()
            listed = {row["output_path"] for row in rows if row["status"] in WITH_OUTPUT}
            if listed != {name for name in names if is_output(name)}:
                wrong.append("the manifest and the files differ")
        return wrong

    def _faults_of_parts(self, target: Path, names: dict[str, bytes]) -> list[str]:
        work = link_table(target) / "work"
        if not (work / "plan.parquet").exists():
            return []
        workspace = Workspace(work, Sealing(Pseudonyms(KEY)))
        wrong = []
        for number in range(workspace.n_partitions):
            part = workspace.read_part(number)
            if part is None:
                continue
            rows = part.table.to_pylist()
            paths = {row["output_path"] for row in rows if row["verdict"] in WITH_OUTPUT}
            wrong += [f"part {number} has a row without a file"] * bool(paths - names.keys())
        return wrong

    def faults_after_the_end(self, target: Path, code: int) -> list[str]:
        """Return what is wrong with a run that says that it has come to its end."""
        wrong = [] if code == self.exit_code else [f"exit code {code}"]
        try:
            found = result(target)
        except Exception as error:  # noqa: BLE001
            return [*wrong, f"the tables cannot be read: {type(error).__name__}"]
        if found != self.result:
            names = found.keys() | self.result.keys()
            differ = [name for name in names if found.get(name) != self.result.get(name)]
            wrong.append(f"{len(differ)} of {len(names)} differ: {sorted(differ)[:3]}")
        left = [path.name for path in target.parent.glob(f"{target.name}*/**/*.unfinished")]
        return wrong + [f"left behind: {name}" for name in left]

    def said(self, target: Path) -> str:
        """Return what the runs into a target have said."""
        log = Path(f"{target}.log")
        return log.read_text() if log.exists() else ""


def is_output(name: str) -> bool:
    """Whether a file of TARGET is an output under its final name."""
    return name.endswith(".dcm")


def link_table(target: Path) -> Path:
    """Return the folder of a target's link table."""
    return target.with_name(f"{target.name}.link-table")


def rows_of(target: Path) -> list[dict[str, object]]:
    """Return the rows of instances.parquet."""
    rows: list[dict[str, object]] = read_link_table(
        link_table(target) / "instances.parquet", KEY
    ).to_pylist()
    return rows


def wait(child: int) -> int:
    """Return the exit code of a child, SIGNALLED when it was killed."""
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else SIGNALLED


def _fork_worker() -> int:
    """Be `Server.fork` without a server: this process has everything imported already."""
    ours, theirs = socket.socketpair()
    if not os.fork():
        ours.close()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        server._work(theirs.fileno())
    theirs.close()
    return ours.detach()
