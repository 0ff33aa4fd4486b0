"""A small release that tests share, and copies of it that they may damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verification import release as releases
from tests.verification.release import Release


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a release of a few instances."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releases, "N_INSTANCES", 2)
        return releases.make(folder, {1: "jpeg"})


@pytest.fixture
def copy(clean: Release, tmp_path: Path) -> Release:
    """Return a copy that a test may damage."""
    for name in ("source", "target", "target.link-table"):
        shutil.copytree(clean.folder / name, tmp_path / name)
    shutil.copy(clean.folder / "project.key", tmp_path)
    return Release(tmp_path, clean.outputs)
