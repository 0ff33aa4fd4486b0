"""All real files, de-identified once for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from fastdeid.verdicts import Verdict
from tests.conftest import real_files, shared_files
from tests.runs import Run, process


class Case(NamedTuple):
    """One real file and what became of it."""

    source: Path
    run: Run

    @property
    def output(self) -> Path:
        """Return the path of the output of an `ok` file."""
        assert self.run.path is not None, self.source
        return self.run.path


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Return a case for each real file; each has a target of its own, because UIDs repeat."""
    target = tmp_path_factory.mktemp("real_files")
    return [
        Case(source, process(source, target / f"{number:03}"))
        for number, source in enumerate(real_files())
    ]


@pytest.fixture(scope="session")
def accepted(cases: list[Case]) -> list[Case]:
    """Return the cases that have an output."""
    return [case for case in cases if case.run.outcome.verdict is Verdict.OK]


@pytest.fixture
def shared() -> None:
    """Skip where the real files beside the checkout are absent."""
    if not shared_files():
        pytest.skip("the shared folder of real DICOM files is not beside this checkout")
