"""Profiles of the tests' own: written as TOML files, loaded as a site's are."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fastdeid.rules import Profile, load_profile


def profile_of(body: str) -> Profile:
    """Return the profile of a TOML text that extends basic."""
    head = 'name = "site"\nversion = "1"\npurpose = "a test"\nextends = "basic"\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_text(head + body, encoding="utf-8")
        return load_profile(str(path))


def with_options(options: Iterable[str]) -> Profile:
    """Return basic with some options, loaded once."""
    return _with_options(tuple(sorted(options)))


@functools.lru_cache(maxsize=64)
def _with_options(options: tuple[str, ...]) -> Profile:
    return profile_of(f"options = {list(options)}\n".replace("'", '"'))
