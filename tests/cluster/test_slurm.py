"""The scripts for Slurm, and a run through a real one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom.data
import pytest

from fastdeid.engines.slurm import write_scripts
from fastdeid.errors import UsageError
from tests.cluster import slurm
from tests.conversion.archive import result, write_key

FASTDEID = [sys.executable, "-m", "fastdeid"]


def archive(folder: Path, n_patients: int = 4) -> Path:
    """Write real images of several patients in several folders, some of them twice."""
    names = ("CT_small.dcm", "MR_small.dcm")
    for number in range(n_patients):
        place = folder / f"Doe^Jane{number}"
        place.mkdir(parents=True)
        for name in names:
            image = pydicom.dcmread(str(pydicom.data.get_testdata_file(name)))
            image.PatientID = f"MRN{number // 2}"
            for copy in range(3):
                image.SOPInstanceUID = f"1.2.3.{number // 2}.{copy}"
                image.save_as(place / f"{copy}{name}")
    return folder


def command(*arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command of fastdeid that must end well, some files quarantined or not."""
    done = subprocess.run(
        [*FASTDEID, *map(str, arguments)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def test_the_scripts_say_what_slurm_must_know(tmp_path: Path) -> None:
    written = write_scripts(
        tmp_path / "s", tmp_path / "w", ["SOURCE"], partitions=16, at_once=4, cpus=2
    )
    plan, array, end = (Path(path).read_text() for path in written.scripts)
    for text in (plan, array, end):
        assert "#SBATCH --signal=B:USR1@60\n" in text
        assert "#SBATCH --requeue\n" in text
        assert "#SBATCH --cpus-per-task=2\n" in text
    assert "#SBATCH --array=0-15%4\n" in array
    assert f" plan SOURCE --json > {tmp_path}/s/plan.json.unfinished &" in plan
    assert f" partition {tmp_path}/w &" in array
    assert f" finalise {tmp_path}/w &" in end
    for path in written.scripts:
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


@pytest.mark.parametrize("option", ["time=1", "--comment=a b", '--x="', "--x=%j"])
def test_an_option_that_no_script_can_hold_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError):
        write_scripts(tmp_path / "s", tmp_path, [], partitions=1, sbatch_options=[option])


def test_quotes_of_a_shell_do_not_get_through(tmp_path: Path) -> None:
    written = write_scripts(tmp_path / "s", tmp_path, ["$(touch hacked)'; x"], partitions=1)
    assert "'$(touch hacked)'\"'\"'; x'" in Path(written.scripts[0]).read_text()


def test_submitting_without_slurm_says_so(tmp_path: Path) -> None:
    key = write_key(tmp_path / "key")
    done = subprocess.run(
        [*FASTDEID, "slurm", tmp_path, tmp_path / "out", "--key", key, "--submit"],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no sbatch here" in done.stderr


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a Slurm for all tests of this module."""
    if not slurm.is_installed():
        pytest.skip("slurmctld, slurmd and munge are not installed, or we are not root")
    with slurm.running(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.mark.jit
def test_an_array_with_tasks_that_are_killed_gives_what_one_process_gives(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    source, key = archive(tmp_path / "source"), write_key(tmp_path / "key")
    command("run", source, tmp_path / "one", "--key", key, "--workers", "0")
    said = command(
        *("slurm", source, tmp_path / "out", "--key", key, "--partitions", "4", "--submit"),
        env=cluster,
    )
    _, array, last = (line.split()[1] for line in said.splitlines())
    killed = {f"{array}_0": ["scontrol", "requeue"], f"{array}_1": ["scancel", "-b", "-s", "USR1"]}
    deadline = time.monotonic() + 120
    while jobs := slurm.queue(cluster):
        assert time.monotonic() < deadline, logs(tmp_path)
        for job, state in jobs:
            if state == "PENDING":
                # Slurm lets a task that was put back wait for two minutes.
                begin = ["scontrol", "update", f"JobId={job}", "StartTime=now"]
                subprocess.run(begin, env=cluster, check=False, capture_output=True)
            if job in killed and state == "RUNNING":
                done = subprocess.run([*killed[job], job], env=cluster, check=False)
                if not done.returncode:
                    del killed[job]
        time.sleep(0.3)
    assert not killed
    assert result(tmp_path / "out") == result(tmp_path / "one"), logs(tmp_path)
    planned = json.loads((tmp_path / "out.link-table" / "slurm" / "plan.json").read_text())
    assert planned["partitions"] == 4
    shown = subprocess.run(
        ["scontrol", "show", "job", f"{array}_0"], env=cluster, capture_output=True, check=True
    )
    assert b"Restarts=1" in shown.stdout
    assert last


def logs(tmp_path: Path) -> str:
    """Return what the steps have said."""
    paths = sorted((tmp_path / "out.link-table" / "slurm").glob("*.log"))
    return "\n".join(f"{path.name}: {path.read_text()}" for path in paths)
