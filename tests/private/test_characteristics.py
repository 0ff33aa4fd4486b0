"""What a file declares of its own private blocks in (0008,0300), PS3.3 section C.12.1."""

from __future__ import annotations

import pytest

from tests import builders as b
from tests.private.deciding import B_FACTOR, PHILIPS, creator, decide, rules

ACME = "ACME 1.0"
E = b.EXPLICIT


def declaration(
    status: str,
    *more: bytes,
    name: str = ACME,
    group: int = 0x0029,
    encoding: b.Encoding = E,
) -> bytes:
    """Return an item of (0008,0300) on one block; `more` are elements behind the status."""
    return b.item(
        b.number(0x00080301, "US", group, encoding=encoding)
        + b.text(0x00080302, "LO", name, encoding)
        + b.text(0x00080303, "CS", status, encoding)
        + b"".join(more),
        encoding,
    )


def safe(*elements: int, encoding: b.Encoding = E) -> bytes:
    """Return Nonidentifying Private Elements."""
    return b.number(0x00080304, "US", *elements, encoding=encoding)


def actions(*pairs: tuple[str, list[int]], encoding: b.Encoding = E) -> bytes:
    """Return a Deidentification Action Sequence."""
    items = [
        b.item(
            b.number(0x00080306, "US", *elements, encoding=encoding)
            + b.text(0x00080307, "CS", action, encoding),
            encoding,
        )
        for action, elements in pairs
    ]
    return b.sequence(0x00080305, items, encoding)


def decided(*items: bytes, encoding: b.Encoding = E, block: int = 0x10) -> dict[int, str]:
    """Return what happens to elements 01 (LO), 02 (UI), 03 (DA), 04 (US) and 05 (SQ) of ACME."""
    at = 0x00290000 | block << 8
    block_item = b.item(b.text(0x00080100, "SH", "T-1", encoding), encoding)
    data = (
        b.sequence(0x00080300, items, encoding)
        + creator(0x00290000 | block, ACME, encoding)
        + b.text(at | 1, "LO", "value", encoding)
        + b.text(at | 2, "UI", "1.2.3", encoding)
        + b.text(at | 3, "DA", "20200101", encoding)
        + b.number(at | 4, "US", 7, encoding=encoding)
        + b.sequence(at | 5, [block_item], encoding)
    )
    found = decide(data, encoding=encoding)
    return {tag & 0xFF: how for tag, how in found if tag >> 8 == at >> 8}


WHOLE = {1: "keep", 2: "map_uid UI", 3: "shift DA", 4: "keep", 5: "keep"}
each_encoding = pytest.mark.parametrize("encoding", [b.EXPLICIT, b.BIG], ids=repr)


@each_encoding
def test_a_safe_block_is_kept_and_passes_the_actions_of_its_vrs(encoding: b.Encoding) -> None:
    assert decided(declaration("SAFE", encoding=encoding), encoding=encoding) == WHOLE


def test_a_declared_block_may_be_relocated() -> None:
    assert decided(declaration("SAFE"), block=0x7E) == WHOLE


@each_encoding
def test_of_a_mixed_block_the_listed_elements_are_kept(encoding: b.Encoding) -> None:
    item = declaration("MIXED", safe(1, 4, encoding=encoding), encoding=encoding)
    assert decided(item, encoding=encoding) == {1: "keep", 4: "keep"}


def test_nothing_is_kept_of_an_unsafe_block() -> None:
    assert decided(declaration("UNSAFE")) == {}


@pytest.mark.parametrize("status", ["", "safe", "SAFE ISH", "SAFE\\UNSAFE"])
def test_a_status_that_is_not_enumerated_is_unsafe(status: str) -> None:
    assert decided(declaration(status)) == {}


@each_encoding
def test_the_actions_are_carried_out_by_vr(encoding: b.Encoding) -> None:
    pairs = (("D", [1, 2, 5]), ("Z", [3]), ("X", [4]))
    item = declaration("MIXED", actions(*pairs, encoding=encoding), encoding=encoding)
    assert decided(item, encoding=encoding) == {1: "dummy LO", 2: "map_uid UI", 3: "empty"}


def test_action_u_is_for_uids_only() -> None:
    item = declaration("UNSAFE", actions(("U", [1, 2, 3])))
    assert decided(item) == {2: "map_uid UI"}


def test_an_action_beats_the_list_of_safe_elements() -> None:
    item = declaration("MIXED", safe(1, 4), actions(("X", [1])))
    assert decided(item) == {4: "keep"}


def test_an_unknown_action_removes() -> None:
    assert decided(declaration("SAFE", actions(("C", [1]), ("K", [4])))) == {
        number: how for number, how in WHOLE.items() if number not in {1, 4}
    }


def test_two_actions_on_one_element_remove_it() -> None:
    assert 1 not in decided(declaration("SAFE", actions(("D", [1]), ("Z", [1]))))


def test_an_action_on_nothing_makes_the_block_unsafe() -> None:
    assert decided(declaration("SAFE", actions(("D", [])))) == {}


def test_of_two_items_on_one_block_the_stricter_counts() -> None:
    assert decided(declaration("SAFE"), declaration("UNSAFE")) == {}
    assert decided(declaration("SAFE"), declaration("MIXED", safe(1))) == {1: "keep"}
    both = (declaration("SAFE", actions(("Z", [1]))), declaration("SAFE", actions(("D", [1]))))
    assert 1 not in decided(*both)


def test_the_creator_is_compared_without_case_and_padding() -> None:
    assert decided(declaration("SAFE", name="  acme 1.0 ")) == WHOLE
    assert decided(declaration("SAFE", name="ACME 1.01")) == {}
    assert decided(declaration("SAFE", group=0x002B)) == {}


@pytest.mark.parametrize(
    "item",
    [
        b.item(b.text(0x00080302, "LO", ACME) + b.text(0x00080303, "CS", "SAFE")),
        b.item(b.number(0x00080301, "US", 0x0029) + b.text(0x00080303, "CS", "SAFE")),
        b.item(b.number(0x00080301, "US", 0x0029) + b.text(0x00080302, "LO", ACME)),
        declaration("SAFE", b.text(0x00080303, "CS", "SAFE")),
        declaration("MIXED"),
        declaration("MIXED", b.element(0x00080304, "US", b"\1")),
        declaration("MIXED", b.text(0x00080304, "IS", "1\\2 ")),
        declaration("MIXED", b.number(0x00080304, "US", *[0x0101] * 600)),
        b.item(b""),
    ],
)
def test_an_item_that_does_not_say_all_it_must_declares_nothing_safe(item: bytes) -> None:
    assert decided(item) == {}


def test_what_a_file_calls_unsafe_goes_though_a_table_lists_it() -> None:
    item = declaration("UNSAFE", name=PHILIPS, group=0x2001)
    data = b.sequence(0x00080300, [item]) + creator(0x20010010, PHILIPS)
    assert decide(data + b.number(B_FACTOR, "FL", 1.0)) == []


def test_a_declaration_inside_an_item_declares_nothing() -> None:
    inner = b.item(b.sequence(0x00080300, [declaration("SAFE")]))
    data = b.sequence(0x00081140, [inner]) + creator(0x00290010, ACME)
    assert decide(data + b.text(0x00291001, "LO", "DOE")) == []


def test_a_declaration_holds_in_items_too() -> None:
    block = creator(0x00290010, ACME) + b.number(0x00291004, "US", 7)
    data = b.sequence(0x00080300, [declaration("SAFE")])
    data += b.sequence(0x00081140, [b.item(block)])
    assert decide(data) == [(0x00290010, "keep"), (0x00291004, "keep")]


def test_declarations_count_only_where_the_profile_says_so() -> None:
    data = b.sequence(0x00080300, [declaration("SAFE")]) + creator(0x00290010, ACME)
    data += b.number(0x00291004, "US", 7)
    assert decide(data, rules(declared=False)) == []


def test_in_implicit_vr_the_declared_vr_counts() -> None:
    encoding = b.IMPLICIT
    definitions = [
        b.item(
            b.number(0x00080308, "US", number, encoding=encoding)
            + b.text(0x0008030A, "CS", vr, encoding),
            encoding,
        )
        for number, vr in ((1, "LO"), (2, "UI"), (3, "DA"))
    ]
    more = b.sequence(0x00080310, definitions, encoding)
    found = decided(declaration("SAFE", more, encoding=encoding), encoding=encoding)
    # Of the last one nothing says that it is a sequence; its bytes do.
    assert found == {1: "keep", 2: "map_uid UI", 3: "shift DA", 4: "keep", 5: "keep"}
