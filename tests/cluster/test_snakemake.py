"""The Snakefile of the documentation, run by Debian's snakemake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.test_slurm import FASTDEID, archive, command
from tests.conversion.archive import result, write_key

SNAKEFILE = Path(__file__).resolve().parents[2] / "docs" / "snakemake" / "Snakefile"


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.skipif(shutil.which("snakemake") is None, reason="snakemake is not installed")
def test_the_snakefile_gives_what_one_process_gives(tmp_path: Path) -> None:
    source, key = archive(tmp_path / "source", 2), write_key(tmp_path / "key")
    command("run", source, tmp_path / "one", "--key", key, "--workers", "0")
    given = {"source": source, "target": tmp_path / "out", "key": key, "partitions": 3}
    config = [f"{name}={value}" for name, value in given.items()]
    snakemake = ["snakemake", "--snakefile", str(SNAKEFILE), "--cores", "2"]
    snakemake += ["--directory", str(tmp_path)]
    # Debian's snakemake runs under Debian's Python: what is installed here is not for it.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"/usr/bin:/bin:{Path(sys.executable).parent}"
    done = subprocess.run(
        [*snakemake, "--config", *config, f"fastdeid={' '.join(FASTDEID)}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert result(tmp_path / "out") == result(tmp_path / "one")
