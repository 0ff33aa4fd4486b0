"""A Slurm of one controller and two virtual nodes on this host, for the tests of a module."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DAEMONS: Final = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")

_CONFIGURATION: Final = """
ClusterName=fastdeid
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.sock,cred_expire=3
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
ReturnToService=2
JobRequeue=1
KillWait=5
MaxArraySize=1001
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd-%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def is_installed() -> bool:
    """Whether a Slurm can be started here: the programs are there, and we may."""
    return os.geteuid() == 0 and all(shutil.which(name, path=_PATH) for name in DAEMONS)


_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextmanager
def running(place: Path) -> Iterator[dict[str, str]]:
    """Start a Slurm; yield the environment that its commands need."""
    environment = {**os.environ, "SLURM_CONF": str(place / "slurm.conf"), "PATH": _PATH}
    (place / "state").mkdir()
    (place / "munge.key").touch(mode=0o600)
    (place / "munge.key").write_bytes(os.urandom(128))
    text = _CONFIGURATION.format(place=place, host=socket.gethostname(), ports=_free_ports(3))
    (place / "slurm.conf").write_text(text)
    files = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munge.pid"}
    files |= {"log-file": "munge.log", "seed-file": "munge.seed"}
    munge = [f"--{option}={place / name}" for option, name in files.items()]
    # Slurm's tools know the daemons by their process group: each has its own.
    commands = [["munged", "--foreground", "--force", *munge], ["slurmctld", "-D"]]
    commands += [["slurmd", "-D", "-N", node] for node in ("n1", "n2")]
    daemons = []
    try:
        for command in commands:
            with (place / "daemons.log").open("ab") as log:
                daemons.append(
                    subprocess.Popen(
                        command, env=environment, stdout=log, stderr=log, start_new_session=True
                    )
                )
            if command[0] == "munged":
                _wait((place / "munge.sock").exists)
        _wait(lambda: _idle_nodes(environment) == 2)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(20)


def queue(environment: dict[str, str], wanted: str = "%i %T") -> list[list[str]]:
    """Return the fields of all jobs that have not ended, a task of an array each."""
    done = subprocess.run(
        ["squeue", "--noheader", "--array", "--format", wanted],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


def _idle_nodes(environment: dict[str, str]) -> int:
    done = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--format", "%T"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split().count("idle")


def _wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Slurm does not start"
        time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
