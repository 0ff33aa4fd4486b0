"""How a kept private value is treated: by its VR, or by that of the table where it was lost."""

from __future__ import annotations

import pytest

from fastdeid.profiles.private_tables import PrivateAttribute
from tests import builders as b
from tests.private.deciding import B_FACTOR, PHILIPS, creator, decide, rules

ACME = "ACME 1.0"
CREATOR = creator(0x00290010, ACME)
TAG = 0x00291001


def treated(vr: str, *listed: str, value: bytes = b"1 ", **options: str) -> str:
    """Return what is done to a value of `vr` when a table lists the VRs `listed`."""
    private = rules(PrivateAttribute(ACME, 0x0029, 0x01, listed), **options)  # type: ignore[arg-type]
    decided = dict(decide(CREATOR + b.element(TAG, vr, value), private))
    assert (0x00290010 in decided) == (TAG in decided)
    return decided.get(TAG, "remove")


@pytest.mark.parametrize("vr", ["CS", "DS", "FL", "LO", "OB", "SH", "ST", "US"])
def test_a_value_with_the_listed_vr_is_kept_as_it_is(vr: str) -> None:
    assert treated(vr, vr) == "keep"


@pytest.mark.parametrize(
    ("vr", "expected"),
    [
        ("UI", "map_uid UI"),
        ("DA", "shift DA"),
        ("DT", "shift DT"),
        ("TM", "shift TM"),
        ("PN", "dummy PN"),
        ("AS", "cap_age AS"),
    ],
)
def test_a_kept_value_passes_the_action_of_its_vr(vr: str, expected: str) -> None:
    assert treated(vr, vr) == expected
    # Also where the VR was lost, or the value stands in a text element.
    assert treated("UN", vr) == expected
    if vr != "AS":
        assert treated("LO", vr) == expected
    # And where the table promises less than the file says.
    assert treated(vr, "LO") == expected
    assert treated(vr) == expected


@pytest.mark.parametrize(("dates", "expected"), [("remove", "remove"), ("keep", "keep")])
def test_dates_go_as_the_profile_asks(dates: str, expected: str) -> None:
    for vr in ("DA", "DT", "TM"):
        assert treated(vr, vr, dates=dates) == expected
    assert treated("LO", "LO", dates=dates) == "keep"


def test_uids_are_kept_where_the_profile_keeps_them() -> None:
    assert treated("UI", "UI", uids="keep") == "keep"


@pytest.mark.parametrize(
    ("vr", "listed"),
    [("LO", "FL"), ("PN", "US"), ("UT", "OB"), ("LT", "DS"), ("UI", "IS"), ("OB", "CS")],
)
def test_a_value_that_can_hold_more_than_the_table_promises_goes(vr: str, listed: str) -> None:
    assert treated(vr, listed) == "remove"


@pytest.mark.parametrize(("vr", "listed"), [("IS", "DS"), ("US", "SS"), ("SH", "CS"), ("FL", "OB")])
def test_a_value_that_can_hold_no_more_than_the_table_promises_stays(vr: str, listed: str) -> None:
    assert treated(vr, listed) == "keep"


def test_of_several_listed_vrs_the_one_of_the_file_counts() -> None:
    assert treated("UI", "LO", "UI") == "map_uid UI"
    assert treated("LO", "LO", "UI") == "keep"
    assert treated("SH", "LO", "UI") == "map_uid UI"


def test_a_lost_vr_that_could_be_of_two_kinds_cannot_be_told() -> None:
    assert treated("UN", "LO", "UI") == "remove"
    assert treated("UN", "OW", "OB") == "keep"


def test_without_a_listed_vr_any_value_is_kept_by_its_own() -> None:
    assert treated("FD") == "keep"
    assert treated("UN") == "keep"
    assert treated("UN", value=bytes(5000)) == "remove"


def test_a_value_that_begins_as_an_item_is_a_sequence_that_was_not_read() -> None:
    item = b.item(b.text(0x00100010, "PN", "DOE", b.IMPLICIT), b.IMPLICIT) + b"\0\0"
    for listed in ([], ["LO"], ["SQ"], ["OB"]):
        assert treated("UN", *listed, value=item) == "remove"


def test_in_implicit_vr_the_table_says_what_a_value_is() -> None:
    data = creator(0x00990010, "NQHeader", b.IMPLICIT)
    data += b.text(0x00991002, "UI", "1.2.3.4", b.IMPLICIT)
    data += b.text(0x00991005, "LT", "done", b.IMPLICIT)
    assert decide(data, encoding=b.IMPLICIT) == [
        (0x00990010, "keep"),
        (0x00991002, "map_uid UI"),
        (0x00991005, "keep"),
    ]


# Unix times

GE = "GEMS_IDEN_01"


@pytest.mark.parametrize(
    ("dates", "decided"), [("shift", "shift_unix SL"), ("keep", "keep"), ("remove", "")]
)
@pytest.mark.parametrize("vr", ["SL", "UN"])
def test_a_known_unix_time_that_may_stay_is_a_date(vr: str, dates: str, decided: str) -> None:
    # (0009,xx27) Image actual date of GE: no table calls it safe, a profile or a file may.
    data = creator(0x00090010, GE) + b.element(0x00091027, vr, b"\x40\xa5\xd9\x3f")
    said = PrivateAttribute(GE, 0x0009, 0x27, ())
    assert decide(data) == []
    found = dict(decide(data, rules(said, dates=dates)))
    assert found.get(0x00091027, "") == decided


# Sequences

STACK = 0x2001105F


def stack(
    content: bytes, encoding: b.Encoding = b.EXPLICIT, *, undefined: bool = True, vr: str = "SQ"
) -> bytes:
    """Return a Stack Sequence of Philips with one item."""
    inner = b.IMPLICIT if vr == "UN" else encoding
    items = [b.item(content, inner, undefined=undefined)]
    return creator(0x20010010, PHILIPS, encoding) + b.sequence(
        STACK, items, encoding, undefined=undefined, vr=vr
    )


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG], ids=repr)
def test_a_listed_sequence_is_kept_and_its_contents_pass_the_same_rules(
    encoding: b.Encoding,
) -> None:
    content = (
        b.text(0x00081155, "UI", "1.2.3", encoding)
        + b.text(0x00100010, "PN", "DOE^JANE", encoding)
        + b.text(0x00180024, "SH", "EPI", encoding)
        + creator(0x20010010, PHILIPS, encoding)
        + b.number(B_FACTOR, "FL", 1.0, encoding=encoding)
        + b.text(0x20011099, "LO", "DOE", encoding)
        + creator(0x20050010, "SOMEBODY", encoding)
        + b.text(0x20051001, "LO", "DOE", encoding)
    )
    decided = decide(stack(content, encoding), encoding=encoding)
    assert decided == [
        (0x20010010, "keep"),
        (STACK, "keep"),
        (b.ITEM, "keep"),
        (0x00081155, "map_uid UI"),
        (0x00100010, "patient_name PN"),
        (0x00180024, "keep"),
        (0x20010010, "keep"),
        (B_FACTOR, "keep"),
    ]


def test_a_sequence_that_is_not_listed_goes_with_all_below_it() -> None:
    content = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 1.0)
    inner = b.sequence(0x00081140, [b.item(content)])
    data = creator(0x20010010, "ACME") + b.sequence(STACK, [b.item(content + inner)])
    assert decide(data) == []


def test_a_sequence_in_unknown_bytes_is_kept_when_it_was_read() -> None:
    content = creator(0x20010010, PHILIPS, b.IMPLICIT)
    content += b.number(B_FACTOR, "FL", 1.0, encoding=b.IMPLICIT)
    assert (B_FACTOR, "keep") in decide(stack(content, vr="UN"))
    assert (B_FACTOR, "keep") in decide(stack(content, undefined=False, vr="UN"))


def test_a_sequence_in_unknown_bytes_that_cannot_be_read_goes() -> None:
    content = creator(0x20010010, PHILIPS, b.IMPLICIT) + b"\1\x20\3\x10\xff\xff\0\0"
    assert decide(stack(content, undefined=False, vr="UN")) == []
    whole = stack(creator(0x20010010, PHILIPS, b.IMPLICIT), undefined=False, vr="UN")
    assert decide(whole) != []
    # What begins as an item of big endian, which PS3.5 section 6.2.2 does not allow in UN.
    data = creator(0x20010010, "ACME") + b.element(0x20011001, "UN", b"\xff\xfe\xe0\0" + bytes(4))
    site = rules(PrivateAttribute("ACME", 0x2001, 1, ()))
    assert decide(data, site) == []


def test_items_where_the_table_lists_a_value_go() -> None:
    content = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 1.0)
    data = creator(0x20010010, PHILIPS) + b.sequence(B_FACTOR, [b.item(content)])
    assert decide(data) == []


def test_a_value_where_the_table_lists_a_sequence_goes() -> None:
    data = creator(0x20010010, PHILIPS)
    assert decide(data + b.text(STACK, "LO", "DOE^JANE")) == []
    assert decide(data + b.text(STACK, "UN", "DOE^JANE")) == []


def test_a_standard_attribute_in_disguise_goes_from_a_private_sequence() -> None:
    content = (
        b.text(0x00081140, "LO", "DOE^JANE")
        + b.text(0x00180024, "PN", "DOE^JANE")
        + b.sequence(0x00181030, [b.item(b.text(0x00180024, "SH", "DOE"))])
        + b.text(0x00189999, "LO", "DOE^JANE")
    )
    decided = [tag for tag, _ in decide(stack(content))]
    assert decided == [0x20010010, STACK, b.ITEM]
