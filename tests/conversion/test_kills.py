"""A run that is stopped in any way and started again ends like one that was left alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fastdeid.engines.local import run
from tests.conversion.archive import result, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier

REPOSITORY = Path(__file__).resolve().parents[2]
N_FILES = 12


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a key file."""
    return write_key(tmp_path_factory.mktemp("key") / "P.key")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a source tree whose files take 20 ms each: about 3 s of work."""
    folder = tmp_path_factory.mktemp("slow") / "source"
    return write_archive(folder, n_patients=12, n_files=N_FILES, fate="slow")


@pytest.fixture(scope="module")
def undisturbed(
    source: Path, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Return what a run that is left alone leaves behind."""
    target = tmp_path_factory.mktemp("undisturbed") / "out"
    run(source, target, key=key, workers=4, make=FakeDeidentifier)
    return result(target)


def start(
    source: Path, target: Path, key: Path, workers: int, *patience: str
) -> subprocess.Popen[str]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.conversion.runner"),
            *(str(source), str(target), str(key), str(workers), *patience),
        ],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def n_outputs(target: Path) -> int:
    """Count the outputs that stand."""
    return sum(1 for _ in target.rglob("*.dcm"))


def wait_for_outputs(target: Path, number: int) -> None:
    """Return when so many outputs stand."""
    deadline = time.monotonic() + 60
    while n_outputs(target) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stop(process: subprocess.Popen[str], number: int, *, group: bool) -> tuple[int, str]:
    """Send a signal; return the exit code and what was said."""
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    _, message = process.communicate(timeout=60)
    return process.returncode, message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "number", "group", "exit_code"),
    [
        (0, signal.SIGKILL, False, -signal.SIGKILL),
        (2, signal.SIGKILL, False, -signal.SIGKILL),
        (2, signal.SIGKILL, True, -signal.SIGKILL),
        (0, signal.SIGINT, True, 130),
        (2, signal.SIGINT, True, 130),
        (0, signal.SIGTERM, False, 75),
        (2, signal.SIGUSR1, True, 75),
    ],
)
def test_a_run_that_was_stopped_ends_as_if_it_had_not(  # noqa: PLR0917
    source: Path,
    tmp_path: Path,
    key: Path,
    undisturbed: dict[str, bytes],
    workers: int,
    number: signal.Signals,
    group: bool,
    exit_code: int,
) -> None:
    target = tmp_path / "out"
    for _ in range(2):
        before = n_outputs(target)
        process = start(source, target, key, workers)
        wait_for_outputs(target, before + 5)
        found, message = stop(process, number, group=group)
        assert found == exit_code
        assert "Traceback" not in message
        assert not (target / "manifest.parquet").exists()
    run(source, target, key=key, workers=8, make=FakeDeidentifier)
    assert result(target) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_stop_does_not_wait_for_a_long_partition(tmp_path: Path, key: Path, workers: int) -> None:
    source = write_archive(tmp_path / "source", n_patients=5, n_files=100, fate="slow")
    process = start(source, tmp_path / "out", key, workers)
    wait_for_outputs(tmp_path / "out", 2)
    began = time.monotonic()
    found, message = stop(process, signal.SIGTERM, group=False)
    assert (found, "Traceback" in message) == (75, False)
    assert time.monotonic() - began < 5
    # The slowest of machines would have needed 10 s for the rest.
    assert n_outputs(tmp_path / "out") < 480


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(tmp_path: Path, key: Path, number: signal.Signals) -> None:
    source = write_archive(tmp_path / "source", n_patients=1, n_files=3)
    (source / "zzz").mkdir()
    (source / "zzz" / "last").write_text("asleep P9/S9/T9/9\nnobody waits for it")
    # Whoever waits for the worker, or for the end of all patience, waits for 600 seconds.
    process = start(source, tmp_path / "out", key, 1, "600")
    wait_for_outputs(tmp_path / "out", 3)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    began = time.monotonic()
    found, message = stop(process, number, group=False)
    assert (found, "Traceback" in message) == (75 if number == signal.SIGTERM else 130, False)
    assert time.monotonic() - began < 60


@pytest.mark.slow
def test_workers_end_with_the_run_that_was_killed(source: Path, tmp_path: Path, key: Path) -> None:
    process = start(source, tmp_path / "out", key, 2)
    wait_for_outputs(tmp_path / "out", 5)
    stop(process, signal.SIGKILL, group=False)
    time.sleep(1.0)
    outputs = n_outputs(tmp_path / "out")
    time.sleep(0.5)
    assert n_outputs(tmp_path / "out") == outputs


class Killed(BaseException):
    """Stands for the end of the process."""


def test_every_rename_can_be_the_last_thing_that_happens(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings, plan, parts and tables appear by renames: end the process before each of them."""
    source = write_archive(tmp_path / "source", n_patients=2, n_files=3)
    run(source, tmp_path / "alone", key=key, workers=0, pixels="off", make=FakeDeidentifier)
    steps = 0
    while killed_before_rename(steps, source, tmp_path / f"out{steps}", key, monkeypatch):
        out = tmp_path / f"out{steps}"
        run(source, out, key=key, workers=0, pixels="off", make=FakeDeidentifier)
        assert result(tmp_path / f"out{steps}") == result(tmp_path / "alone")
        steps += 1
    assert steps == len(["run.json", "plan", "part", *["table"] * 4, "summary"])
    assert not list(tmp_path.rglob("*.unfinished"))


def killed_before_rename(
    number: int, source: Path, target: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Run until there were so many renames; return whether there was one more."""
    renames: list[str] = []
    rename = os.rename

    def counted(before: str, after: str, **options: Any) -> None:
        if len(renames) == number:
            raise Killed
        renames.append(after)
        rename(before, after, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", counted)
        try:
            run(source, target, key=key, workers=0, pixels="off", make=FakeDeidentifier)
        except Killed:
            return True
    return False
