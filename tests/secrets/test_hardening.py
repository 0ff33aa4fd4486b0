"""What a process of fastdeid lets out: no core dump, no file for others."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests import builders as b
from tests.conversion.archive import write_key
from tests.runs import ct_image

PROBE = """
import os, resource
from fastdeid import hardening
hardening.forbid_dumps(); hardening.forbid_others()
import ctypes
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
print(oct(os.umask(0)))
"""


def test_no_core_dump_and_nothing_for_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["(0, 0) 0", "0o77"]


@pytest.mark.jit
def test_the_command_writes_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b.part10(ct_image()))
    key = write_key(tmp_path / "key")
    before = os.umask(0)
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        arguments = [
            "run",
            "source",
            "target",
            "--key",
            "fd:0",
            "--workers",
            "1",
            "--pixels",
            "off",
        ]
        with key.open("rb") as opened:
            done = subprocess.run(
                [sys.executable, "-m", "fastdeid", *arguments],
                cwd=tmp_path,
                stdin=opened,
                check=False,
                timeout=300,
            )
    finally:
        os.umask(before)
    assert done.returncode == 0
    assert resource.getrlimit(resource.RLIMIT_CORE) == limits
    made = [tmp_path / "target", *(tmp_path / "target").rglob("*")]
    assert len(made) > 5
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
