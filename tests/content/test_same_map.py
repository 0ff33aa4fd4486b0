"""One map of UIDs for a whole study: whatever an output refers to is there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from pydicom.dataset import Dataset

from fastdeid.outcome import Outcome
from tests.content import referring
from tests.scenarios.studies import STUDY, deidentify, image
from tests.scenarios.test_references import (
    key_objects,
    presentation_state,
    report,
    segmentation,
    structure_set,
)

# Referenced Study Sequence and RT Referenced Study Sequence hold Study Instance UIDs.
STUDY_CLASSES: Final = ("1.2.840.10008.3.1.2.3.1", "1.2.840.10008.3.1.2.3.2")
MAKERS: Final = (
    *(report, key_objects, presentation_state, structure_set, segmentation),
    *(referring.plan, referring.dose, referring.registration, referring.electrocardiogram),
    *(referring.frames, referring.derived),
)

Study = dict[str, tuple[Outcome, Dataset]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of source and target."""
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    """Return outcome and output of every object by the name of its maker."""
    images = [image(1, 1), image(1, 2)]
    names = ["first", "second", *(make.__name__ for make in MAKERS)]
    done = deidentify(folder, [*images, *(make() for make in MAKERS)])
    return dict(zip(names, done, strict=True))


def uids(data_set: Dataset, keyword: str) -> list[str]:
    """Return the values of an attribute wherever it stands."""
    return [str(element.value) for element in data_set.iterall() if element.keyword == keyword]


def test_every_reference_leads_to_an_output(study: Study) -> None:
    outputs = {str(output.SOPInstanceUID) for _, output in study.values()}
    studies = {str(output.StudyInstanceUID) for _, output in study.values()}
    assert len(outputs) == len(study)
    assert len(studies) == 1
    for name, (_, output) in study.items():
        assert set(uids(output, "ReferencedSOPInstanceUID")) <= outputs | studies, name


@pytest.mark.parametrize(
    ("referrer", "target"),
    [
        ("plan", "structure_set"),
        ("plan", "dose"),
        ("dose", "plan"),
        ("dose", "structure_set"),
        ("structure_set", "second"),
        ("registration", "first"),
        ("registration", "second"),
        ("electrocardiogram", "first"),
        ("frames", "first"),
        ("frames", "second"),
        ("derived", "first"),
        ("segmentation", "first"),
        ("presentation_state", "second"),
    ],
)
def test_references_are_not_lost(study: Study, referrer: str, target: str) -> None:
    known = str(study[target][1].SOPInstanceUID)
    assert known in uids(study[referrer][1], "ReferencedSOPInstanceUID")


@pytest.mark.parametrize(
    "keyword", ["SeriesInstanceUID", "FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"]
)
def test_series_and_frames_of_reference_are_those_of_the_study(study: Study, keyword: str) -> None:
    first = study["first"][1]
    own = {str(output.SeriesInstanceUID) for _, output in study.values()}
    frames = {str(first.FrameOfReferenceUID)}
    for name, (_, output) in study.items():
        assert set(uids(output, keyword)) <= own | frames, name


def test_no_original_uid_is_left(study: Study, folder: Path) -> None:
    root = STUDY.rsplit(".", 1)[0].encode()
    for outcome, _ in study.values():
        assert root not in (folder / "target" / outcome.path).read_bytes()


@pytest.mark.parametrize(
    "keyword",
    [
        *("OriginalAttributesSequence", "MACParametersSequence", "DigitalSignaturesSequence"),
        *("EncryptedAttributesSequence", "IconImageSequence", "ModifiedAttributesSequence"),
        *("DigitalSignatureUID", "CertificateOfSigner", "MAC", "EncryptedContent"),
    ],
)
def test_signatures_ciphers_earlier_values_and_icons_go(study: Study, keyword: str) -> None:
    before = referring.derived()
    if keyword != "MAC":
        assert any(element.keyword == keyword for element in before.iterall())
    for _, output in study.values():
        assert not any(element.keyword == keyword for element in output.iterall())


def test_nothing_that_they_held_is_left(study: Study, folder: Path) -> None:
    data = (folder / "target" / study["derived"][0].path).read_bytes()
    for word in (b"Vorher", b"Vera", b"Nepomuk", b"secret", b"FACE", b"20170624"):
        assert word not in data
