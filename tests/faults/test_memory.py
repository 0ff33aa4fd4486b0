"""Memory that ends: a limit that a process meets, and somebody who kills what takes too much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path

from fastdeid.engines.local import run
from fastdeid.engines.server import SERVER
from tests import builders as b
from tests.conversion.archive import verdicts, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier
from tests.faults.hostile import DEFLATED
from tests.house.imports import REPOSITORY
from tests.runs import ct_image

MEBIBYTE = 1 << 20
LIMIT = 160 * MEBIBYTE
LIMITED = """
import resource, sys
from pathlib import Path
from fastdeid.engines.local import run

folder = Path(sys.argv[1])
options = {"key": folder / "P.key", "workers": 0, "pixels": "off"}
run(folder / "before", folder / "first", **options)
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(run(folder / "source", folder / "out", **options).exit_code)
"""


def deflated(zeros: int) -> bytes:
    """Return a file with so many MiB of zeros in a data set that is deflated, within its budget."""
    noise = os.urandom(zeros * MEBIBYTE // 24)
    packer = zlib.compressobj(1, wbits=-15)
    large = b.header(0x7FE11010, "OB", zeros * MEBIBYTE + len(noise))
    head = packer.compress(ct_image() + large + noise) + packer.flush(zlib.Z_FULL_FLUSH)
    # Behind a full flush a block stands for itself: it can be repeated.
    block = packer.compress(bytes(MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return bytes(128) + b"DICM" + b.file_meta(DEFLATED) + head + block * zeros + b"\3\0"


def test_a_file_that_meets_the_limit_of_the_process_is_quarantined(tmp_path: Path) -> None:
    for name in ("before", "source"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image").write_bytes(b.part10(ct_image()))
    (tmp_path / "source" / "large").write_bytes(deflated(400))
    write_key(tmp_path / "P.key")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(LIMIT)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert verdicts(tmp_path / "out") == {
        "image": ("ok", None),
        "large": ("quarantined", "resource"),
    }


class Guard(threading.Thread):
    """Kills workers that hold more than LIMIT, as the kernel does for a group of processes."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: list[int] = []
        self.done = threading.Event()

    def run(self) -> None:
        """Look at all workers until `done`."""
        while not self.done.wait(0.02):
            for child in (
                Path(f"/proc/{SERVER._pid}/task/{SERVER._pid}/children").read_text().split()
            ):
                if resident(child) > LIMIT and int(child) not in self.killed:
                    os.kill(int(child), signal.SIGKILL)
                    self.killed.append(int(child))


def resident(pid: str) -> int:
    """Return the bytes that a process has made its own, 0 when it is gone."""
    try:
        _, held, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
    except OSError:
        return 0
    return (int(held) - int(shared)) * os.sysconf("SC_PAGESIZE")


def test_a_file_whose_workers_are_killed_for_their_memory_is_quarantined(tmp_path: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=1)
    (source / "odd").write_text("hoard\n")
    key = write_key(tmp_path / "P.key")
    SERVER.start()
    guard = Guard()
    guard.start()
    try:
        summary = run(source, tmp_path / "out", key=key, workers=2, make=FakeDeidentifier)
    finally:
        guard.done.set()
        guard.join()
    found = verdicts(tmp_path / "out")
    assert found.pop("odd") == ("quarantined", "resource")
    assert set(found.values()) >= {("ok", None), ("duplicate", None)}
    assert summary.reasons["quarantined:resource"] == 1
    # Once among others, then twice alone.
    assert len(guard.killed) == 3
