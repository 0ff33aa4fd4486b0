"""What a profile says of private elements: options, sources, and rules on single attributes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.private import private_rules
from fastdeid.rules import load_profile
from tests import builders as b
from tests.private.deciding import B_FACTOR, PHILIPS, creator, read

RULE = """
[[rule]]
attribute = "(0029,xx{element:02X})"
creator = "Acme  1.0"
action = "{action}"
reason = "test"
"""


def decide(folder: Path, text: str, data_set: bytes) -> dict[int, str]:
    """Return what a profile that extends "basic" does, tag -> operation or replacement."""
    path = folder / "site.toml"
    path.write_text('name = "site"\nversion = "1"\npurpose = "test"\nextends = "basic"\n' + text)
    profile = load_profile(str(path))
    private = private_rules(profile)
    if private is None:
        return {}
    reader = read(data_set)
    tags = reader.table[:, 0].tolist()
    return {
        tags[one.row]: one.replace or one.operation.name.lower()
        for one in private.find(reader, reader.rows(0), profile.rules(b.CT_IMAGE_STORAGE))
    }


LISTED = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 1.0)
TCIA = creator(0x00190010, "GEMS_ACQU_01") + b.text(0x00191091, "DS", "1.5")
DATE = creator(0x01190010, "MRSC") + b.text(0x01191062, "DA", "20200101")
UID = creator(0x00990010, "NQHeader") + b.text(0x00991002, "UI", "1.2.3")
SAFE = 'options = ["retain_safe_private"{more}]\n'


def test_basic_has_no_private_rules() -> None:
    assert private_rules(load_profile("basic")) is None


def test_the_option_keeps_what_the_standard_lists(tmp_path: Path) -> None:
    data = LISTED + b.text(0x20011099, "LO", "DOE")
    assert list(decide(tmp_path, SAFE.format(more=""), data)) == [0x20010010, B_FACTOR]
    assert decide(tmp_path, "", data) == {}


def test_tcia_is_a_source_that_a_profile_chooses(tmp_path: Path) -> None:
    safe = SAFE.format(more="")
    assert decide(tmp_path, safe, TCIA) == {}
    assert 0x00191091 in decide(tmp_path, safe + 'private_sources = ["tcia"]\n', TCIA)
    both = safe + 'private_sources = ["standard", "tcia"]\n'
    assert len(decide(tmp_path, both, LISTED + TCIA)) == 4


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", None),
        (', "retain_longitudinal_full_dates"', "keep"),
        (', "retain_longitudinal_modified_dates"', "shift"),
    ],
)
def test_dates_go_with_the_option_on_dates(
    option: str, expected: str | None, tmp_path: Path
) -> None:
    text = SAFE.format(more=option) + 'private_sources = ["tcia"]\n'
    assert decide(tmp_path, text, DATE).get(0x01191062) == expected


def test_uids_go_with_the_option_on_uids(tmp_path: Path) -> None:
    assert decide(tmp_path, SAFE.format(more=""), UID)[0x00991002] == "map_uid"
    assert decide(tmp_path, SAFE.format(more=', "retain_uids"'), UID)[0x00991002] == "keep"


@pytest.mark.parametrize(
    ("action", "vr", "expected"),
    [
        ("K", "LO", "keep"),
        ("K", "UI", "map_uid"),
        ("X", "LO", None),
    ],
)
def test_a_rule_of_the_profile_decides_on_its_attribute(
    action: str, vr: str, expected: str | None, tmp_path: Path
) -> None:
    data = creator(0x00290010, "ACME 1.0") + b.element(0x00291001, vr, b"1 ")
    text = RULE.format(element=1, action=action)
    assert decide(tmp_path, text, data).get(0x00291001) == expected


def test_a_rule_beats_the_tables_and_what_the_file_says(tmp_path: Path) -> None:
    rule = RULE.replace("Acme  1.0", PHILIPS).replace("0029", "2001")
    text = SAFE.format(more="") + rule.format(element=3, action="X")
    assert decide(tmp_path, text, LISTED) == {}
    safe = b.number(0x00080301, "US", 0x2001) + b.text(0x00080302, "LO", PHILIPS)
    safe += b.text(0x00080303, "CS", "SAFE")
    assert decide(tmp_path, text, b.sequence(0x00080300, [b.item(safe)]) + LISTED) == {}


@pytest.mark.parametrize("name", ["SIEMENS CSA HEADER", "siemens csa header "])
def test_csa_headers_are_scrubbed_where_the_profile_asks(name: str, tmp_path: Path) -> None:
    data = creator(0x00290011, name) + b.element(0x00291110, "OB", bytes(8))
    data += b.text(0x00291118, "CS", "MR") + b.element(0x00291120, "UN", bytes(5000))
    scrub = SAFE.format(more="") + 'csa_headers = "scrub"\n'
    assert decide(tmp_path, SAFE.format(more=""), data) == {}
    assert decide(tmp_path, 'csa_headers = "scrub"\n', data) == {}
    expected = {0x00290011: "keep", 0x00291110: "csa", 0x00291120: "csa"}
    assert decide(tmp_path, scrub, data) == expected
    other = creator(0x00290011, "SIEMENS CSA NON-IMAGE") + data[-12:]
    assert decide(tmp_path, scrub, other) == {}


def test_mec_mr3_of_toshiba_is_not_kept(tmp_path: Path) -> None:
    text = SAFE.format(more="") + 'private_sources = ["standard", "tcia"]\ncsa_headers = "scrub"\n'
    for name in ("MEC_MR3", "TOSHIBA_MEC_MR3"):
        data = creator(0x700D0010, name) + b.element(0x700D1042, "OB", bytes(64))
        data += b.element(0x700D1000, "OB", bytes(64)) + b.element(0x700D1019, "OB", bytes(64))
        assert decide(tmp_path, text, data) == {}
