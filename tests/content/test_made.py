"""Objects that highdicom makes, of images that are de-identified with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from fastdeid.outcome import Outcome
from fastdeid.structured import StructuredContent
from tests.content.finding import changes, read, told
from tests.judges import dciodvfy_errors, require
from tests.scenarios.studies import ROOT, deidentify

made = pytest.importorskip("tests.content.made", reason="highdicom is a development dependency")

RESEARCH = ("clean_structured_content", "clean_descriptors", "retain_longitudinal_modified_dates")
Study = list[tuple[Outcome, Dataset]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of source and target."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    """Return the outcome and output of two images, report, key objects, state, segmentation."""
    return deidentify(folder, made.make_all())


def test_every_reference_leads_to_an_output(study: Study) -> None:
    outputs = {str(output.SOPInstanceUID) for _, output in study}
    for _, output in study[2:]:
        found = {
            str(element.value)
            for element in output.iterall()
            if element.keyword == "ReferencedSOPInstanceUID"
        }
        assert found
        assert found <= outputs


def test_no_name_and_no_original_uid_is_left(study: Study, folder: Path) -> None:
    for outcome, _ in study:
        data = (folder / "target" / outcome.path).read_bytes()
        for word in (b"rzybylska", b"Olga", b"Carl", b"Nepomuk", b"SN-778899", ROOT.encode()):
            assert word not in data


def test_the_outputs_stay_valid(study: Study, folder: Path) -> None:
    require("dciodvfy")
    for number, (outcome, _) in enumerate(study):
        before = dciodvfy_errors(folder / "source" / f"{number:03}.dcm")
        after = dciodvfy_errors(folder / "target" / outcome.path)
        assert after - before == {}


def test_a_measurement_report_keeps_its_measurements() -> None:
    """TID 1500: observers, tracking and region are treated, the measurement is not named."""
    report = made.make_all()[2]
    lines = list(told(changes(StructuredContent(RESEARCH).find, read(report))))
    whole = [line for line in lines if line.endswith(": remove") and line.count(".") == 1]
    values = [line for line in lines if not line.endswith(": remove")]
    assert {line.rpartition(".")[2] for line in values} == {
        *("PersonName: dummy", "TextValue: clean", "UID: map_uid"),
    }
    assert len(whole) == 3  # organization of the person, name and serial number of the device
    assert not any("MeasuredValueSequence" in line or "GraphicData" in line for line in lines)
