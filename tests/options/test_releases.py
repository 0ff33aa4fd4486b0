"""Whole runs under options, and `verify` over what they released."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.engines import local, verifying
from fastdeid.keys import write_key
from tests import builders as b
from tests.runs import ct_image

HEAD = 'name = "site"\nversion = "1"\npurpose = "a test"\nextends = "basic"\n'


UIDS = 'options = ["retain_uids"]\n'
SHIFTED = 'options = ["retain_longitudinal_modified_dates"]\n'
FULL = (
    'options = ["retain_uids", "retain_longitudinal_full_dates", "retain_institution_identity"]\n'
)
CONDITION = """
[[rule]]
attribute = "StationName"
action = "K"
reason = "a test says so"
when = { modality = ["CT"] }
"""


@pytest.mark.parametrize("body", [UIDS, SHIFTED, FULL, CONDITION])
def test_what_a_profile_retains_is_no_finding(body: str, tmp_path: Path) -> None:
    source, target, key = tmp_path / "source", tmp_path / "target", tmp_path / "key"
    source.mkdir()
    write_key(key)
    profile = tmp_path / "site.toml"
    profile.write_text(HEAD + body)
    for number in range(2):
        uid = b.text(0x00080018, "UI", f"1.2.826.0.1.3680043.10.1.4.{number}")
        day = b.text(0x00080020, "DA", "20030102")
        hospital = b.text(0x00080080, "LO", "General Hospital")
        (source / str(number)).write_bytes(b.part10(ct_image(uid, day, hospital)))
    summary = local.run(source, target, key=key, profile=str(profile), workers=0, pixels="off")
    assert summary.verdicts["ok"] == 2
    verified = verifying.verify(
        target,
        link_table=tmp_path / "target.link-table",
        key=key,
        source=source,
        workers=0,
        use_dciodvfy=False,
    )
    assert verified.findings == []
