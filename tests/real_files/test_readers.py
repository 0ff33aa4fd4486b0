"""What other people's readers say of each output, compared with what they say of its input."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom
import pytest

from tests.judges import dciodvfy_errors, dcmdump_accepts, gdcmdump_accepts, require
from tests.real_files.conftest import Case

_ASKED_AT_ONCE = 4


def refused(accepted: list[Case], accepts: Callable[[Path], bool]) -> list[str]:
    """Return the outputs that a reader refuses although it accepts their inputs."""
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        verdicts = list(pool.map(accepts, (case.output for case in accepted)))
    bad = [case for case, accepted_ in zip(accepted, verdicts, strict=True) if not accepted_]
    return [case.source.name for case in bad if accepts(case.source)]


def test_dcmdump_reads_every_output(accepted: list[Case]) -> None:
    require("dcmdump")
    # One process for all takes a tenth of the time; it does not say which file it refuses.
    paths = [case.output for case in accepted]
    done = subprocess.run(["dcmdump", "--quiet", *paths], capture_output=True, check=False)
    assert done.returncode == 0 or refused(accepted, dcmdump_accepts) == []


def test_gdcmdump_reads_every_output_whose_input_it_reads(accepted: list[Case]) -> None:
    require("gdcmdump")
    assert refused(accepted, gdcmdump_accepts) == []


def test_dciodvfy_finds_no_error_that_the_input_does_not_have(accepted: list[Case]) -> None:
    require("dciodvfy")
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        before = pool.map(dciodvfy_errors, [case.source for case in accepted])
        after = pool.map(dciodvfy_errors, [case.output for case in accepted])
        new = {
            case.source.name: later - earlier
            for case, earlier, later in zip(accepted, before, after, strict=True)
        }
    assert {name: errors for name, errors in new.items() if errors} == {}


@pytest.mark.filterwarnings("ignore")  # values of the inputs that are not what their VR allows
def test_pydicom_reads_every_output_without_force(accepted: list[Case]) -> None:
    for case in accepted:
        data_set = pydicom.dcmread(case.output)
        assert data_set.PatientIdentityRemoved == "YES"
        assert data_set.file_meta.TransferSyntaxUID == case.run.outcome.transfer_syntax
        assert data_set.file_meta.MediaStorageSOPInstanceUID == data_set.SOPInstanceUID
        assert data_set.file_meta.MediaStorageSOPClassUID == data_set.SOPClassUID
        assert sum(1 for _ in data_set.iterall()) > 0
