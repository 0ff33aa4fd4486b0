"""Digests of whole inputs and outputs, as anybody can compute them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from fastdeid.deidentify import Deidentifier
from fastdeid.pseudonyms import Pseudonyms
from tests.runs import KEY, basic_profile


def digest(path: Path) -> str:
    """Return the BLAKE2b-256 of a file."""
    return hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()


# In memory alone; with pixel data as a range of the source; deflated as a whole.
@pytest.mark.parametrize("name", ["rtplan.dcm", "CT_small.dcm", "image_dfl.dcm"])
def test_digests_are_those_of_input_and_output(name: str, tmp_path: Path) -> None:
    source = Path(str(get_testdata_file(name, download=False)))
    deidentifier = Deidentifier(basic_profile(), Pseudonyms(KEY), tmp_path, digests=True)
    outcome = deidentifier.process(bytes(source))
    deidentifier.close()
    assert outcome.source_digest == digest(source)
    assert outcome.output_digest == digest(tmp_path / outcome.path)


def test_nothing_is_read_for_digests_that_nobody_asked_for(tmp_path: Path) -> None:
    deidentifier = Deidentifier(basic_profile(), Pseudonyms(KEY), tmp_path)
    outcome = deidentifier.process(bytes(Path(str(get_testdata_file("CT_small.dcm")))))
    deidentifier.close()
    assert (outcome.source_digest, outcome.output_digest) == ("", "")
