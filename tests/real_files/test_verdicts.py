"""Each real file is `ok`, or has a reason that a person accepts."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from fastdeid.manifest import ORIGINAL_FIELDS
from fastdeid.verdicts import Verdict
from tests.conftest import SHARED
from tests.real_files.conftest import Case

NO_PIXELS: Final = (Verdict.QUARANTINED, "pixel_data_missing")
NO_CLASS: Final = (Verdict.QUARANTINED, "no_sop_class_uid")
NO_INSTANCE: Final = (Verdict.QUARANTINED, "no_sop_instance_uid")
TRUNCATED: Final = (Verdict.QUARANTINED, "truncated")
NOT_DICOM: Final = (Verdict.NOT_DICOM, "not_dicom")
DIRECTORY: Final = (Verdict.DICOMDIR, "dicomdir")

EXPECTED: Final = {
    # Its pixel data ends before the length that the element states.
    "MR_truncated.dcm": TRUNCATED,
    # Cut off inside a sequence of beams.
    "rtplan_truncated.dcm": TRUNCATED,
    # The encapsulated pixel data has no sequence delimiter.
    "emri_small_jpeg_2k_lossless_too_short.dcm": TRUNCATED,
    # The file meta says JPEG, which is explicit VR; the data set is implicit VR.
    "SC_rgb_jpeg.dcm": (Verdict.QUARANTINED, "unknown_vr"),
    # Fragments for tests of a parser: some elements, no SOP Class, so no rule for them.
    "UN_sequence.dcm": NO_CLASS,
    "empty_charset_LEI.dcm": NO_CLASS,
    "meta_missing_tsyntax.dcm": NO_CLASS,
    "nested_priv_SQ.dcm": NO_CLASS,
    "no_meta_group_length.dcm": NO_CLASS,
    "priv_SQ.dcm": NO_CLASS,
    # SOP Instance UID (0008,0018) is empty or absent: no output could be named.
    "JLSL_RGB_ILV0.dcm": NO_INSTANCE,
    "JLSL_RGB_ILV1.dcm": NO_INSTANCE,
    "JLSL_RGB_ILV2.dcm": NO_INSTANCE,
    "JLSN_RGB_ILV0.dcm": NO_INSTANCE,
    # A space stands before the first element: no offset is right any more.
    "no_meta.dcm": NOT_DICOM,
    # Text, a colour profile, an archive.
    **dict.fromkeys(
        "README README.txt crayons.icc rtplan.dump rtstruct.dump test1.json test_PN.json "
        "zipMR.gz".split(),
        NOT_DICOM,
    ),
    **dict.fromkeys(
        "DICOMDIR DICOMDIR-bigEnd DICOMDIR-empty.dcm DICOMDIR-implicit DICOMDIR-nooffset "
        "DICOMDIR-nopatient DICOMDIR-reordered".split(),
        DIRECTORY,
    ),
}


def expected(case: Case) -> tuple[Verdict, str]:
    # The CT images of a sample file-set without their pixel data: as if cut off before it.
    if case.source.name.startswith("IM0000"):
        return NO_PIXELS
    return EXPECTED.get(case.source.name, (Verdict.OK, ""))


def test_each_file_of_the_wheel_has_the_verdict_that_a_person_gives(cases: list[Case]) -> None:
    own = [case for case in cases if SHARED not in case.source.parents]
    found = {case.source: (case.run.outcome.verdict, case.run.outcome.reason) for case in own}
    assert found == {case.source: expected(case) for case in own}
    assert Counter(verdict for verdict, _ in found.values())[Verdict.OK] >= 90


@pytest.mark.usefixtures("shared")
def test_each_shared_file_has_the_verdict_that_a_person_gives(cases: list[Case]) -> None:
    own = [case for case in cases if SHARED in case.source.parents]
    found = {case.source: (case.run.outcome.verdict, case.run.outcome.reason) for case in own}
    assert found == {case.source: expected(case) for case in own}


def test_an_outcome_without_output_says_where_and_nothing_else(cases: list[Case]) -> None:
    for case in cases:
        outcome = case.run.outcome
        assert (outcome.verdict is Verdict.OK) == (outcome.reason == "")
        assert (outcome.verdict is Verdict.OK) == (case.run.path is not None)
        if outcome.verdict is not Verdict.OK:
            # At most its own UID, so that references to it can be told.
            own = ORIGINAL_FIELDS.index("sop_instance_uid")
            others = [value for at, value in enumerate(outcome.originals) if at != own]
            assert not any(others)
            assert not any(outcome.public)
            assert not any(outcome.pseudonyms)
            assert outcome.reason.replace("_", "").isalpha()


def test_the_same_file_gives_the_same_bytes_each_time(cases: list[Case]) -> None:
    """Copies of one instance are in the wheel and beside the checkout; both give one output."""
    by_source: dict[bytes, set[bytes]] = {}
    for case in cases:
        by_source.setdefault(case.source.read_bytes(), set()).add(case.run.data)
    assert max(len(outputs) for outputs in by_source.values()) == 1
