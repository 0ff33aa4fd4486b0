"""Which folders of a run may not lie inside which."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.errors import UsageError
from fastdeid.folders import resolve_paths


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a folder `source` and a file `file`."""
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "file").touch()
    return tmp_path


def test_the_link_table_is_beside_the_target(place: Path) -> None:
    paths = resolve_paths(place / "source", place / "out")
    assert paths.link_table == str(place.resolve() / "out.link-table")


@pytest.mark.parametrize(
    ("source", "target", "link_table"),
    [
        ("source", "source", None),
        ("source", "source/out", None),
        ("source/deep", "source", None),
        ("source", "source/deep/../out", None),
        ("source", ".", None),
        ("source", "out", "out"),
        ("source", "out", "out/link"),
        ("source", "out", "source/link"),
        ("source", "source.out/../source/x", None),
        ("file", "out", None),
        ("source", "file", None),
        ("source", "out", "file"),
    ],
)
def test_folders_that_mix_originals_and_outputs_are_refused(
    place: Path, source: str, target: str, link_table: str | None
) -> None:
    link = None if link_table is None else place / link_table
    with pytest.raises(UsageError) as raised:
        resolve_paths(place / source, place / target, link)
    assert str(place) not in str(raised.value)


def test_links_are_looked_through(place: Path) -> None:
    (place / "alias").symlink_to(place / "source")
    with pytest.raises(UsageError, match="TARGET lies inside SOURCE"):
        resolve_paths(place / "source", place / "alias" / "out")


def test_a_name_that_only_begins_alike_is_not_inside(place: Path) -> None:
    paths = resolve_paths(place / "source", place / "source-deidentified")
    assert paths.target.endswith("/source-deidentified")


def test_a_key_inside_the_target_is_refused(place: Path) -> None:
    with pytest.raises(UsageError, match="key lies inside TARGET"):
        resolve_paths(place / "source", place / "out", key=place / "out" / "P.key")
