"""The scorer sees what is wrong, in both directions: it is judged before it judges."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from collections.abc import Callable

import pydicom
from pydicom.dataset import Dataset

from tests.corpus.finished import corpus, paired
from tests.corpus.outputs import Pair
from tests.corpus.scoring import PROFILES, Judge, Score

FEW = 12
KEEP_ALL = frozenset({"clean_descriptors", "retain_longitudinal_modified_dates"})


def damaged(number: int, damage: Callable[[Dataset], None]) -> Score:
    """Return the score of a basic run whose number-th output was changed behind its back."""
    pairs = paired("archive", "basic")[:FEW]
    data_set = pydicom.dcmread(io.BytesIO(pairs[number].output))
    damage(data_set)
    out = io.BytesIO()
    data_set.save_as(out, enforce_file_format=True)
    one = pairs[number]
    pairs[number] = Pair(one.file, one.verdict, one.output_path, out.getvalue())
    return Judge(PROFILES["basic"]).judge(pairs)


def test_files_published_as_they_are_lose_every_point_of_removal_and_none_of_keeping() -> None:
    pairs = [
        Pair(file, file.answers.verdict, "", file.data if file.answers.verdict == "ok" else b"")
        for file in corpus("archive")[:: FEW // 3]
    ]
    score = Judge(KEEP_ALL).judge(pairs)
    missed = Counter(one.category for one in score.findings)
    for category, required in score.required.items():
        if category.startswith("kept"):
            assert missed[category] == 0, category
        elif category.startswith(("removed", "shifted", "mapped", "marker")):
            assert missed[category] == required or category == "removed word of name", category


def test_empty_outputs_lose_every_point_of_keeping() -> None:
    empty = Dataset()
    empty.file_meta = pydicom.dataset.FileMetaDataset()
    empty.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    empty.SOPClassUID = empty.SOPInstanceUID = "1.2.3"
    out = io.BytesIO()
    pydicom.dcmwrite(out, empty, enforce_file_format=True)
    pairs = [
        Pair(file, file.answers.verdict, "", out.getvalue()) for file in corpus("archive")[:FEW]
    ]
    score = Judge(KEEP_ALL).judge(pairs)
    for category in ("kept value", "kept phrase", "shifted date", "required type 1"):
        missed = {(one.source, one.path) for one in score.missed(category)}
        assert missed, category
    assert len(score.missed("kept phrase")) == score.required["kept phrase"]
    assert score.missed("removed") == []


def test_one_name_in_one_element_is_found() -> None:
    def leak(data_set: Dataset) -> None:
        data_set.Manufacturer = "ACME for jane DOE"

    findings = damaged(0, leak).missed("removed")
    assert {one.path for one in findings} == {"Manufacturer"}


def test_a_name_in_bytes_is_found() -> None:
    def leak(data_set: Dataset) -> None:
        data_set.PixelData = "Doe^Jane".encode("utf-16-le").ljust(128)

    assert {one.path for one in damaged(0, leak).missed("removed")} == {"bytes"}


def test_one_lost_value_is_found() -> None:
    def lose(data_set: Dataset) -> None:
        del data_set.KVP

    assert [one.path for one in damaged(0, lose).missed("kept value")] == ["KVP"]


def test_a_uid_mapped_in_two_ways_and_a_reference_that_leads_nowhere_are_found() -> None:
    def remap(data_set: Dataset) -> None:
        data_set.SOPInstanceUID = data_set.SOPInstanceUID + ".1"

    score = damaged(0, remap)
    assert [one.problem for one in score.missed("mapped uid")] == ["mapped in two ways"] * len(
        score.missed("mapped uid")
    )
    assert score.missed("mapped uid") != []


def test_one_date_moved_by_another_number_of_days_is_found() -> None:
    def shifted(data: bytes, *, break_one: bool) -> bytes:
        data_set = pydicom.dcmread(io.BytesIO(data))
        data_set.StudyDate = "20010101"
        if break_one:
            data_set.SeriesDate = "20010103"
        out = io.BytesIO()
        data_set.save_as(out, enforce_file_format=True)
        return out.getvalue()

    files = [file for file in corpus("archive") if file.answers.patient == "doe"][:2]
    pairs = [
        Pair(file, "ok", "", shifted(file.data, break_one=place == 1))
        for place, file in enumerate(files)
    ]
    judge = Judge(KEEP_ALL)
    missed = judge.judge(pairs).missed("shifted date")
    assert "SeriesDate" in {one.path for one in missed}


def test_a_missing_row_is_a_wrong_verdict() -> None:
    pairs = paired("archive", "basic")[:FEW]
    pairs[0] = dataclasses.replace(pairs[0], verdict="missing", output=b"")
    score = Judge(PROFILES["basic"]).judge(pairs)
    assert [one.category for one in score.findings][:1] == ["verdict"]
