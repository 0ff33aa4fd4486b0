"""Runs over the corpora, once for all tests that score them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from fastdeid.engines import local
from fastdeid.errors import ProfileError
from tests.corpus import archive, held_out
from tests.corpus.answers import File
from tests.corpus.outputs import Pair, pairs, write
from tests.corpus.scoring import PROFILES, Judge, Score
from tests.runs import KEY

BUILDERS: Final = {"archive": archive.build, "held_out": held_out.build}
CASTS: Final = {"archive": archive.CAST, "held_out": held_out.CAST}


@cache
def corpus(name: str) -> list[File]:
    """Return the files of a corpus."""
    return BUILDERS[name]()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="corpus")


def path_of(profile: str) -> str:
    """Return the file of a profile of ours, or the name of one of fastdeid's."""
    own = Path(__file__).parent / f"{profile}.toml"
    return str(own) if own.exists() else profile


def require(profile: str) -> None:
    """Skip the running test where this version cannot run a profile."""
    try:
        finished("held_out", profile)
    except ProfileError as error:
        pytest.skip(f"profile {profile}: {error}")


@cache
def finished(name: str, profile: str) -> tuple[Path, Path]:
    """Return target and link table of a run over a corpus."""
    place = Path(_folder().name) / name
    source, target = place / "source", place / profile
    if not source.exists():
        write(corpus(name), source)
    key = place / "project.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    local.run(source, target, key=key, profile=path_of(profile), workers=0, pixels="off")
    return target, place / f"{profile}.link-table"


@cache
def paired(name: str, profile: str) -> list[Pair]:
    """Return the files of a corpus with their outputs."""
    return list(pairs(corpus(name), *finished(name, profile), KEY))


@cache
def score(name: str, profile: str) -> Score:
    """Return the score of a run over a corpus."""
    cast = {person.key: person for person in CASTS[name]}
    return Judge(PROFILES[profile], cast).judge(paired(name, profile))
