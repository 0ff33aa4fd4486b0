"""The benchmark's figures, from times that are made up."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bench import report
from bench.timing import BenchError, PeakMemory, Series, run

RESULT: dict[str, Any] = {
    "n_files": 1000,
    "n_bytes": 10_000_000,
    "fastdeid": {"first": [2.0, 2.1, 9.0], "both": [2.5, 2.6, 2.7]},
    "cp": {"first": [0.2, 0.2, 0.2], "both": [0.4, 0.5, 0.4]},
    "worker": {
        "n_files": 1000,
        "n_ok": 1000,
        "cpu_seconds": 0.25,
        "wall_seconds": 0.5,
        "stage_seconds": {"scan": 0.1, "write": 0.3},
    },
    "pydicom": {"n_files": 10, "wall_seconds": 0.2, "cpu_seconds": 0.2},
}


def test_a_marginal_cost_is_a_difference_of_medians() -> None:
    assert Series(**RESULT["fastdeid"]).marginal_seconds == pytest.approx(2.6 - 2.1)


def test_a_slow_run_of_either_size_does_not_move_the_ratio() -> None:
    assert report.figures(RESULT)["ratio"] == pytest.approx(0.5 / 0.2)


def test_costs_are_per_file() -> None:
    shown = report.figures(RESULT)
    assert shown["microseconds"] == pytest.approx(500)
    assert shown["files_per_cpu_second"] == pytest.approx(4000)
    assert shown["loop_ratio"] == pytest.approx(20_000 / 500)


def test_time_between_the_stages_is_shown_too() -> None:
    assert report.stage_text(RESULT["worker"]) == "scan 100.0, write 300.0, other 100.0"


def test_the_table_has_a_row_for_each_corpus() -> None:
    machine = {"cpus": 2, "python": "3.11", "system": "Linux", "load_average_at_start": 0.0}
    results = {"machine": machine, "workers": 2, "corpora": {"ct": RESULT, "header": RESULT}}
    assert report.table(results).count("2.50 x") == 2


def test_a_command_that_fails_stops_the_benchmark() -> None:
    with pytest.raises(BenchError, match="exit code 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_peak_memory_is_that_of_a_child_process() -> None:
    child = "b = b'x' * 200_000_000; import time; time.sleep(0.5)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", script])
    memory = PeakMemory(process.pid)
    memory.start()
    process.wait()
    assert 150e6 < memory.finish() < 400e6
