"""What a run leaves on purpose is no finding of its proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.engines import local, verifying
from fastdeid.keys import write_key
from tests import builders as b
from tests.runs import ct_image

HEAD = 'name = "site"\nversion = "1"\npurpose = "a test"\nextends = "{}"\n{}'
NAME, PATIENT_ID, BIRTH_DATE, STUDY_DATE = 0x00100010, 0x00100020, 0x00100030, 0x00080020


def code(value: str, meaning: str) -> bytes:
    parts = (
        *(b.text(0x00080100, "SH", value), b.text(0x00080102, "SH", "DCM")),
        b.text(0x00080104, "LO", meaning),
    )
    return b.sequence(0x00082218, [b.item(b"".join(parts))])


CASES = {
    "an institution in which somebody lives": (
        ("basic", 'options = ["retain_institution_identity"]'),
        [b.text(0x00080080, "LO", "Saint Mary Hosp"), b.text(0x00380400, "LO", "Saint Mary Hosp")],
    ),
    "a neonate": (
        ("basic", 'options = ["retain_longitudinal_full_dates"]'),
        [b.text(BIRTH_DATE, "DA", "20240305"), b.text(STUDY_DATE, "DA", "20240305")],
    ),
    "a station called like somebody, a serial number like a request": (
        ("basic", 'options = ["retain_device_identity"]'),
        [
            *(b.text(0x00181000, "LO", "12345678"), b.text(0x00080050, "SH", "12345678")),
            *(b.text(NAME, "PN", "Ward^John"), b.text(0x00081010, "SH", "WARD3CT")),
        ],
    ),
    "somebody called like a private creator": (
        ("research", ""),
        [
            *(b.text(NAME, "PN", "Philips^Imaging"), b.number(0x2005100E, "FL", 1.5)),
            b.text(0x20050010, "LO", "Philips MR Imaging DD 001"),
        ],
    ),
    "a parameter like a number": (
        ("basic", ""),
        [b.text(PATIENT_ID, "LO", "1000"), b.text(0x00180024, "SH", "*ep_b1000t")],
    ),
    "somebody called like a meaning": (
        ("basic", ""),
        [b.text(NAME, "PN", "Observer^Ann"), code("121008", "Person Observer Name")],
    ),
    "somebody whose number is a code": (
        ("basic", ""),
        [b.text(PATIENT_ID, "LO", "121008"), code("121008", "Person Observer Name")],
    ),
    "somebody called like a clinical word": (
        ("research", ""),
        [b.text(NAME, "PN", "White^Al"), b.text(0x0008103E, "LO", "white matter lesion")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_proof_of_a_release_does_not_find_it(case: str, tmp_path: Path) -> None:
    profile, elements = CASES[case]
    source, target, key = tmp_path / "source", tmp_path / "target", tmp_path / "key"
    source.mkdir()
    write_key(key)
    (tmp_path / "site.toml").write_text(HEAD.format(*profile))
    (source / "one").write_bytes(b.part10(ct_image(*elements)))
    site = str(tmp_path / "site.toml")
    summary = local.run(source, target, key=key, profile=site, workers=0, pixels="off")
    assert summary.verdicts == {"ok": 1}
    verified = verifying.verify(
        target,
        link_table=tmp_path / "target.link-table",
        key=key,
        source=source,
        workers=0,
        use_dciodvfy=False,
    )
    assert verified.findings == []
