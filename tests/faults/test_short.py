"""The campaigns of `make faults`, in short."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import damage, fuzz, kills
from tests.faults.ground import Ground
from tests.faults.hostile import (
    BOMB_MEMORY,
    BOMB_SECONDS,
    SECONDS,
    Victim,
    identifiers,
    lengths,
    nesting,
    pixels,
)
from tests.house.imports import REPOSITORY

# Plain Python in place of kernels would take minutes.
pytestmark = pytest.mark.jit


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """Return a de-identifier that has started."""
    return Victim(tmp_path_factory.mktemp("victim"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_runs_that_are_killed_at_random_moments_go_on(tmp_path: Path) -> None:
    done = kills.campaign(Ground(tmp_path, n_patients=3, n_files=40), moments=6, seed=1)
    assert done["faults"] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_no_failing_system_call_is_taken_for_success() -> None:
    command = [sys.executable, "-m", "tests.faults.calls", "--stride", "30", "--files", "2"]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
    )
    figures = json.loads(done.stdout)
    assert figures["faults"] == []
    assert {"write", "rename", "link", "open", "close", "syncfs"} <= figures["tried"].keys()
    assert figures["tried"]["open"] > 1
    assert done.returncode == 0


@pytest.mark.parametrize("kind", [lengths, nesting, pixels, identifiers])
def test_a_hostile_file_has_an_output_or_a_reason(victim: Victim, kind: object) -> None:
    assert callable(kind)
    for name, data in kind():
        assert victim.process(data).seconds < SECONDS, name


def test_a_sequence_in_a_hundred_thousand_others_is_too_deep(victim: Victim) -> None:
    for name, data in nesting():
        outcome = victim.process(data).outcome
        if "100000" in name or "1000" in name:
            assert outcome.reason, name


BOMB = """
import resource, sys, tempfile
from pathlib import Path
from tests.faults.hostile import Victim, bombs
victim = Victim(Path(sys.argv[1]))
for name, data in bombs():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cost = victim.process(data)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(cost.outcome.reason, cost.seconds, (after - before) << 10)
"""


def test_a_deflate_bomb_is_put_out_before_it_fills_the_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 3
    for reason, seconds, memory in lines:
        assert reason == "deflate_budget"
        # CPU seconds; a busy machine takes longer for the same work.
        assert float(seconds) < 3 * BOMB_SECONDS
        assert int(memory) < BOMB_MEMORY


def test_cut_and_changed_files_have_an_output_or_a_reason(victim: Victim) -> None:
    seeds = damage.seeds()
    assert len(seeds) == 30
    for seed in seeds:
        files = list(damage.damaged(seed, stride=211))
        for cost in victim.process_all(files):
            assert cost.seconds < len(files) * SECONDS


def test_mutations_of_the_corpus_have_an_output_or_a_reason(tmp_path: Path) -> None:
    assert len(fuzz.corpus()) > 60
    done = fuzz.compiled(tmp_path, 1_500, seed=int(os.environ.get("FUZZ_SEED", "3")))
    assert done["faults"] == []
    verdicts = done["verdicts"]
    assert isinstance(verdicts, dict)
    assert verdicts["ok"] > 50
