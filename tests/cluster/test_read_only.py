"""A run where nothing can be written but TARGET and the link table: as in a container."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.test_slurm import archive, command
from tests.conversion.archive import result, write_key

REPOSITORY = Path(__file__).resolve().parents[2]
KERNELS = REPOSITORY / "kernels"


def test_what_the_image_copies_and_calls_exists() -> None:
    for name in ("Dockerfile", "apptainer.def"):
        text = (REPOSITORY / name).read_text()
        assert "NUMBA_CACHE_DIR=/opt/fastdeid/kernels" in text
        assert "fastdeid.kernels" in text
    assert "USER fastdeid" in (REPOSITORY / "Dockerfile").read_text()


@pytest.fixture
def warmed(tmp_path: Path) -> Path:
    """Return a folder of compiled kernels as a build of the image leaves it."""
    from numba.core.caching import _CacheLocator

    command("--help")
    folder = tmp_path / "kernels"
    inside = folder / _CacheLocator.get_suitable_cache_subpath(str(KERNELS / "search.py"))
    inside.mkdir(parents=True)
    for path in (KERNELS / "__pycache__").glob("*.nb[ic]"):
        shutil.copy(path, inside)
    return folder


@pytest.mark.jit
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_read_only_root_needs_no_place_for_kernels(tmp_path: Path, warmed: Path) -> None:
    source, key = archive(tmp_path / "source", 1), write_key(tmp_path / "key")
    command("run", source, tmp_path / "one", "--key", key, "--workers", "0")
    for name in ("out", "out.link-table"):
        (tmp_path / name).mkdir()
    bound: list[str | Path] = []
    for name in ("out", "out.link-table"):
        bound += ["--bind", tmp_path / name, tmp_path / name]
    before = {path: path.stat().st_mtime_ns for path in warmed.rglob("*")}
    done = subprocess.run(
        [
            *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *bound),
            *("--unshare-net", "--die-with-parent", "--chdir", "/"),
            *(sys.executable, "-m", "fastdeid", "run", source, tmp_path / "out", "--key", key),
            *("--workers", "1", "--json"),
        ],
        env={**os.environ, "NUMBA_CACHE_DIR": str(warmed), "NUMBA_DEBUG_CACHE": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if "bwrap:" in done.stderr:
        pytest.skip(f"bubblewrap cannot run here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    assert result(tmp_path / "out") == result(tmp_path / "one")
    assert {path: path.stat().st_mtime_ns for path in warmed.rglob("*")} == before
