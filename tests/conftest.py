"""Fixtures that every test may use, and how hard hypothesis tries."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
# Real files beside the checkout; tests that use them are skipped where they are absent.
SHARED = REPOSITORY.parent / "shared" / "dicom"

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_QUIET)
settings.register_profile("long", max_examples=2000, deadline=None, suppress_health_check=_QUIET)
settings.register_profile("interpreted", settings.get_profile("default"), max_examples=20)
_INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "interpreted" if _INTERPRETED else "default")
)


def pytest_configure(config: pytest.Config) -> None:
    """Let hash functions of interpreted kernels wrap around, as compiled arithmetic does."""
    if _INTERPRETED:
        np.seterr(over="ignore")
        # numpy's switch holds for this thread only; tests start others.
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered:RuntimeWarning")


def wheel_files() -> list[Path]:
    """Return the DICOM files and their neighbours in pydicom's wheel, sorted; no download."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def shared_files() -> list[Path]:
    """Return the real files beside the checkout, sorted; none where the folder is absent."""
    return sorted(path for path in SHARED.rglob("*") if path.is_file()) if SHARED.is_dir() else []


def real_files() -> list[Path]:
    """Return every real file there is."""
    return wheel_files() + shared_files()


@pytest.fixture(scope="session")
def project_key() -> bytes:
    """Return the 32 bytes of the tests' project key."""
    return bytes(range(32))


@pytest.fixture
def key_file(tmp_path: Path, project_key: bytes) -> Path:
    """Return a project key file of mode 0600."""
    path = tmp_path / "PROJECT.key"
    path.touch(mode=0o600)
    path.write_bytes(project_key)
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of compiled code where numba is told not to compile."""
    if _INTERPRETED:
        mark = pytest.mark.skip(reason="NUMBA_DISABLE_JIT is set")
        for one in items:
            if one.get_closest_marker("jit"):
                one.add_marker(mark)


def pytest_report_header() -> str:
    """Say which real files the run has."""
    return (
        f"real files: {len(wheel_files())} of pydicom, {len(shared_files())} shared; {sys.platform}"
    )
