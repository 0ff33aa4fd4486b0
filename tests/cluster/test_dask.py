"""A run on a Dask cluster: a real scheduler, two worker processes, one of them killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_slurm import FASTDEID, archive, command
from tests.conversion.archive import result, write_key

distributed = pytest.importorskip("distributed")


@contextlib.contextmanager
def cluster(place: Path, environment: dict[str, str]) -> Iterator[tuple[str, list[int]]]:
    """Run a scheduler and two workers; yield its address and their process numbers."""
    file = place / "scheduler.json"
    processes: list[subprocess.Popen[bytes]] = []
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [["scheduler", *common, "--port", "0", "--host", "127.0.0.1"]]
    more = ["--nthreads", "1", "--no-nanny", "--local-directory", str(place)]
    commands += [["worker", *common, *more]] * 2
    with (place / "log").open("wb") as log:
        processes.extend(
            subprocess.Popen(
                [sys.executable, "-m", "dask", *one], stdout=log, stderr=log, env=environment
            )
            for one in commands
        )
    try:
        client_of: Any = distributed.Client
        while not file.exists():
            time.sleep(0.1)
        with client_of(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, [process.pid for process in processes[1:]]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[int]]]:
    """Start a cluster for all tests of this module."""
    with cluster(tmp_path_factory.mktemp("dask"), dict(os.environ)) as started:
        yield started


def verified(*arguments: str | Path) -> str:
    command = [*FASTDEID, "verify", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    return done.stdout


@pytest.mark.jit
def test_a_worker_that_is_killed_costs_nothing(
    tmp_path: Path, scheduler: tuple[str, list[int]]
) -> None:
    source, key = archive(tmp_path / "source"), write_key(tmp_path / "key")
    command("run", source, tmp_path / "one", "--key", key, "--workers", "0")
    address, workers = scheduler
    parts = tmp_path / "out.link-table" / "work"

    def kill() -> None:
        while not list(parts.glob("part-*.arrow")):
            time.sleep(0.01)
        os.kill(workers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    command(
        *("run", source, tmp_path / "out", "--key", key),
        *("--engine", "dask", "--scheduler", address),
    )
    killer.join(10)
    assert not killer.is_alive()
    assert result(tmp_path / "out") == result(tmp_path / "one")
    options = ("--key", key, "--source", source, "--json", "--no-dciodvfy")
    (tmp_path / "out" / "stray").write_bytes(b"")
    found = [
        json.loads(verified(tmp_path / "out", *options, *more))
        for more in (("--workers", "0"), ("--engine", "dask", "--scheduler", address))
    ]
    assert found[0]["findings"] == found[1]["findings"]
    assert found[0]["verified"] == found[1]["verified"] == found[1]["outputs"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "does not answer"),
        ([], "needs --scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "3"], "for runs on this machine"),
    ],
)
def test_what_cannot_work_is_wrong_usage(tmp_path: Path, arguments: list[str], said: str) -> None:
    key = write_key(tmp_path / "key")
    done = subprocess.run(
        [*FASTDEID, "run", tmp_path, tmp_path / "o", "--key", key, "--engine", "dask", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"},
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[0]
