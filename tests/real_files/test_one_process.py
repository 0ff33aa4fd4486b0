"""One process that takes all files in any order writes what a process of its own would."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid import memo
from fastdeid.deidentify import Deidentifier
from tests.real_files.conftest import Case
from tests.runs import PSEUDONYMS, basic_profile


@pytest.mark.jit
@pytest.mark.parametrize("is_short_of_memory", [False, True])
@pytest.mark.parametrize("step", [1, -1])
def test_what_one_file_leaves_behind_changes_no_other(
    cases: list[Case],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_short_of_memory: bool,
    step: int,
) -> None:
    if is_short_of_memory:  # the memo of resolved values starts anew in the middle of a series
        monkeypatch.setattr(memo, "MOST_ENTRIES", 60)
    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, tmp_path)
    for case in cases[::step]:
        outcome = deidentifier.process(bytes(case.source), overwrite=True)
        alone = case.run.outcome
        assert (outcome.verdict, outcome.reason) == (alone.verdict, alone.reason)
        assert outcome.pseudonyms == alone.pseudonyms
        assert outcome.public == alone.public
        assert outcome.n_cleaned == alone.n_cleaned
        if outcome.path:
            assert (tmp_path / outcome.path).read_bytes() == case.run.data, case.source.name
    deidentifier.close()
