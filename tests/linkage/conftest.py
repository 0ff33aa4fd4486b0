"""One small run for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.linkage.released import Released, release


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Return a finished run; tests only read it."""
    return release(tmp_path_factory.mktemp("released"))
