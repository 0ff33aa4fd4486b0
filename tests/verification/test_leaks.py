"""Every one of 300 planted leaks of 30 kinds is found, and nothing in the clean release."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pydicom
import pytest

from fastdeid.engines.verifying import Verification
from tests.verification.release import N_INSTANCES, PATIENTS, Release, make
from tests.verification.tampering import FORMS, KINDS

# Whole runs are left out of the pass without compiled kernels.
pytestmark = pytest.mark.jit
NAMES = list(KINDS)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a clean release. Instance n is what kind of tampering n needs."""
    forms = {number: FORMS[name] for number, name in enumerate(NAMES) if name in FORMS}
    return make(tmp_path_factory.mktemp("verify"), forms)


@pytest.fixture(scope="module")
def tampered(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Verification:
    """Return what verification says of a copy in which every output has been tampered with."""
    folder = tmp_path_factory.mktemp("tampered")
    for name in ("source", "target", "target.link-table"):
        shutil.copytree(release.folder / name, folder / name)
    shutil.copy(release.folder / "project.key", folder)
    copy = Release(folder, release.outputs)
    for number, (tamper, _) in enumerate(KINDS.values()):
        for patient in PATIENTS:
            tamper(copy.path(patient, number), patient)
    return copy.verify()


def test_nothing_is_found_in_a_clean_release(release: Release) -> None:
    done = release.verify()
    assert done.findings == []
    assert (done.exit_code, done.verified) == (0, 300)


def test_there_are_300_leaks_of_30_kinds() -> None:
    assert len(KINDS) == N_INSTANCES == 30
    assert len(PATIENTS) == 10


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_leaks_are_found(release: Release, tampered: Verification, number: int) -> None:
    found = defaultdict(set)
    for finding in tampered.findings:
        found[finding.path].add(finding.kind)
    _, kind = KINDS[NAMES[number]]
    overlooked = [
        patient.name
        for patient in PATIENTS
        if kind not in found[release.outputs[patient.number, number]]
    ]
    assert overlooked == []


def test_findings_hold_no_value(tampered: Verification) -> None:
    text = str(tampered.findings).lower()
    for patient in PATIENTS:
        for value in (*patient.name.split("^"), patient.identifier, patient.accession):
            assert len(value) < 4 or value.lower() not in text


def test_writing_an_output_anew_is_no_leak(release: Release, tmp_path: Path) -> None:
    """Pydicom writes the same elements: what `test_leaks_are_found` finds, the tampering did."""
    path = release.path(PATIENTS[0], 0)
    before = path.read_bytes()
    try:
        pydicom.dcmread(path).save_as(path)
        kinds = {finding.kind for finding in release.verify().findings}
    finally:
        path.write_bytes(before)
    assert kinds <= {"digest_differs", "size_differs"}
