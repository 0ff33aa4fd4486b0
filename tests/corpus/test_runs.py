"""Whole runs over the corpus: everything that identifies is gone, everything clinical is there."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.corpus.finished import CASTS, finished, paired, score
from tests.corpus.searching import fold, people_words
from tests.judges import dciodvfy_errors

RUNS = [("archive", "basic"), ("held_out", "basic")]


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_everything_that_identifies_is_gone(name: str, profile: str) -> None:
    result = score(name, profile)
    assert result.missed("removed") == []
    assert sum(result.required[one] for one in result.required if one.startswith("removed")) > 1000


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_everything_that_may_stay_is_as_it_was(name: str, profile: str) -> None:
    result = score(name, profile)
    assert result.missed("kept") == []
    assert result.missed("required type 1") == []
    assert sum(result.required[one] for one in result.required if one.startswith("kept")) > 500


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_uids_dates_references_and_markers_are_right(name: str, profile: str) -> None:
    result = score(name, profile)
    assert result.findings == []


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_no_name_of_a_file_and_no_table_for_research_identifies(name: str, profile: str) -> None:
    target, _ = finished(name, profile)
    paths = [str(path.relative_to(target)) for path in target.rglob("*")]
    manifest = str(pq.read_table(target / "manifest.parquet").to_pylist())
    folded = fold(" ".join((*paths, manifest)))
    for person in CASTS[name]:
        for word in people_words(person):
            # What is shorter stands in pseudonyms by chance.
            assert len(word) < 5 or fold(word) not in folded
        assert person.patient_id.lstrip("0").lower() not in folded


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_no_object_has_a_new_error_of_dciodvfy(name: str, profile: str, tmp_path: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for pair in paired(name, profile):
        if pair.verdict != "ok":
            continue
        kind = (pair.data_set.SOPClassUID, pair.file.answers.patient)
        if kind in seen:
            continue
        seen.add(kind)
        source, output = tmp_path / "source", tmp_path / "output"
        source.write_bytes(pair.file.data)
        output.write_bytes(pair.output)
        new = dciodvfy_errors(output) - dciodvfy_errors(source)
        assert new == {}, (pair.file.answers.source, new)
