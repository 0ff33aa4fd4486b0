"""A run in worker processes starts what they come from before it imports anything else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastdeid.cli import wants_workers
from tests.conversion.archive import write_key


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run SOURCE TARGET --key P.key", True),
        ("run SOURCE TARGET --workers 2", True),
        ("run SOURCE TARGET --workers=10", True),
        ("run SOURCE TARGET --workers 0", False),
        ("run SOURCE TARGET --workers=0", False),
        ("run SOURCE TARGET --engine dask --scheduler tcp://there:1", False),
        ("run --help", False),
        ("verify run", False),
        ("", False),
    ],
)
def test_only_a_run_in_processes_of_this_machine_does(line: str, expected: bool) -> None:
    assert wants_workers(line.split()) is expected


def test_a_refused_command_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fastdeid", "run", "nowhere", "out", "--no-such-option"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, check=False, start_new_session=True, timeout=60
    )
    assert done.returncode == 2
    # Its standard error is the command's: `run` has waited until nobody holds it.
    assert b"Traceback" not in done.stderr
    deadline = time.monotonic() + 60
    while _processes_in(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _processes_in(folder: Path) -> list[Path]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if place.readlink() == folder:
                found.append(place)
        except OSError:
            continue
    return found


INTERRUPTED = """
import os, signal, sys
from importlib.abc import MetaPathFinder

signal.signal(signal.SIGINT, signal.default_int_handler)
wanted = sys.argv.pop(1)

class PressesCtrlC(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except BaseException:
                pass  # as some packages do with whatever goes wrong in a part of theirs

sys.meta_path.insert(0, PressesCtrlC())
from fastdeid.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "workers"), [("typer", "1"), ("fastdeid.convert", "1"), ("pyarrow", "0")]
)
def test_ctrl_c_while_something_is_imported_is_told_and_ends_the_command(
    tmp_path: Path, module: str, workers: str
) -> None:
    (tmp_path / "in").mkdir()
    write_key(tmp_path / "P.key")
    line = f"run in out --key P.key --workers {workers}".split()
    command = [sys.executable, "-c", INTERRUPTED, module, *line]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 130
    assert done.stderr == "fastdeid: interrupted; the same command goes on\n"
    assert not (tmp_path / "out").exists()
