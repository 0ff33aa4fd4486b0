"""A private attribute is known by its creator, in whatever block and item (PS3.5 section 7.8)."""

from __future__ import annotations

import pytest

from fastdeid.profiles.private_tables import PrivateAttribute
from tests import builders as b
from tests.private.deciding import B_FACTOR, PHILIPS, creator, decide, rules

ONE = b.number(B_FACTOR, "FL", 1000.0)
KEPT = [(0x20010010, "keep"), (B_FACTOR, "keep")]
each_encoding = pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG], ids=repr)


@each_encoding
def test_what_the_table_lists_is_kept_with_its_creator(encoding: b.Encoding) -> None:
    data = creator(0x20010010, PHILIPS, encoding)
    data += b.number(B_FACTOR, "FL", 1000.0, encoding=encoding)
    assert decide(data, encoding=encoding) == KEPT


def test_what_the_table_does_not_list_goes_with_its_creator() -> None:
    assert decide(creator(0x20010010, PHILIPS) + b.text(0x20011099, "LO", "DOE^JANE")) == []


@pytest.mark.parametrize("block", [0x10, 0x11, 0x7F, 0xFF])
def test_a_block_may_be_anywhere(block: int) -> None:
    data = creator(0x20010000 | block, PHILIPS) + b.number(0x20010003 | block << 8, "FL", 1.0)
    assert decide(data) == [(0x20010000 | block, "keep"), (0x20010003 | block << 8, "keep")]


def test_a_creator_may_reserve_two_blocks() -> None:
    data = creator(0x20010010, PHILIPS) + creator(0x20010011, PHILIPS)
    data += ONE + b.number(0x20011103, "FL", 2.0)
    assert [tag for tag, _ in decide(data)] == [0x20010010, 0x20010011, B_FACTOR, 0x20011103]


def test_only_the_creators_of_kept_blocks_stay() -> None:
    data = creator(0x20010010, PHILIPS) + creator(0x20010011, "JANE DOE'S PACS") + ONE
    assert decide(data + b.text(0x20011101, "LO", "X")) == KEPT


@pytest.mark.parametrize(
    "name",
    [
        "Philips Imaging DD 001   ",
        " Philips Imaging DD 001",
        "Philips Imaging DD 001\0",
        "PHILIPS IMAGING DD 001",
        "philips imaging  dd 001",
    ],
)
def test_padding_spaces_and_case_of_a_creator_do_not_matter(name: str) -> None:
    assert decide(creator(0x20010010, name) + ONE) == KEPT


@pytest.mark.parametrize("name", ["Philips Imaging DD 0011", "Philips Imaging DD", "Philips", "_"])
def test_a_creator_with_another_name_has_other_attributes(name: str) -> None:
    assert decide(creator(0x20010010, name) + ONE) == []


@pytest.mark.parametrize("name", ["BrainWave: 1.2.840.113819.3", "SIEMENS CT VA0  COAD"])
def test_creators_with_colons_and_two_spaces_are_found(name: str) -> None:
    group, tag, vr = (0x2001, 0x20011031, "US") if ":" in name else (0x0019, 0x001910B0, "DS")
    data = creator(group << 16 | 0x10, name) + b.element(tag, vr, b"1 ")
    assert [tag for tag, _ in decide(data, rules(sources=["tcia"]))] == [group << 16 | 0x10, tag]


def test_the_same_element_of_another_group_is_another_attribute() -> None:
    assert decide(creator(0x20030010, PHILIPS) + b.number(0x20031003, "FL", 1.0)) == []


# Orphans


def test_an_element_without_creator_goes() -> None:
    assert decide(ONE) == []


def test_an_element_of_a_block_that_nobody_reserved_goes() -> None:
    assert decide(creator(0x20010010, PHILIPS) + b.number(0x20011103, "FL", 1.0)) == []


@pytest.mark.parametrize("value", [b"", b"  ", b"\0\0"])
def test_an_empty_creator_reserves_nothing(value: bytes) -> None:
    assert decide(b.element(0x20010010, "LO", value) + ONE) == []


def test_a_creator_that_stands_twice_reserves_nothing() -> None:
    twice = creator(0x20010010, PHILIPS) + creator(0x20010010, "ACME")
    assert decide(twice + ONE) == []
    assert decide(creator(0x20010010, PHILIPS) * 2 + ONE) == []


@pytest.mark.parametrize("length", [65, 66, 1024, 2000, 60000])
def test_a_creator_of_more_than_64_characters_reserves_nothing(length: int) -> None:
    long = "A" * length
    declared = b.number(0x00080301, "US", 0x2001) + b.text(0x00080302, "LO", long)
    declared += b.text(0x00080303, "CS", "SAFE")
    data = b.sequence(0x00080300, [b.item(declared)]) + creator(0x20010010, long) + ONE
    private = rules(PrivateAttribute(long, 0x2001, 0x03, ("FL",)))
    assert decide(data, private) == []


@pytest.mark.parametrize("element", [0x0001, 0x000F, 0x0100, 0x0103, 0x0FFF])
def test_illegal_private_elements_go(element: int) -> None:
    data = creator(0x20010001, PHILIPS) + creator(0x20010010, PHILIPS) + ONE
    assert decide(data + b.text(0x20010000 | element, "LO", "DOE")) == KEPT


@pytest.mark.parametrize("group", [0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF])
def test_odd_groups_that_are_not_private_go(group: int) -> None:
    data = creator(group << 16 | 0x10, PHILIPS) + b.number(group << 16 | 0x1003, "FL", 1.0)
    private = rules(PrivateAttribute(PHILIPS, group, 0x03, ("FL",)))
    reading = b.text(0x00080060, "CS", "MR") if group > 8 else b""
    assert decide(reading + data, private) == []


def test_the_length_of_a_private_group_goes() -> None:
    length = b.number(0x20010000, "UL", 42)
    assert decide(length + creator(0x20010010, PHILIPS) + ONE) == KEPT


def test_a_creator_that_is_a_sequence_reserves_nothing() -> None:
    inner = b.item(creator(0x20010010, PHILIPS) + ONE)
    assert decide(b.sequence(0x20010010, [inner]) + ONE) == []


def test_a_creator_whose_vr_was_lost_counts() -> None:
    data = b.element(0x20010010, "UN", PHILIPS.encode()) + ONE
    assert decide(data) == KEPT


def test_a_creator_in_an_even_group_reserves_nothing() -> None:
    data = creator(0x20000010, PHILIPS) + ONE
    assert decide(data) == []


# Items


@each_encoding
def test_items_reserve_blocks_of_their_own(encoding: b.Encoding) -> None:
    block = creator(0x20010011, PHILIPS, encoding)
    block += b.number(0x20011103, "FL", 1.0, encoding=encoding)
    outer = creator(0x20010010, PHILIPS, encoding)
    nested = b.sequence(0x00081140, [b.item(block, encoding)], encoding)
    stray = b.number(0x20011103, "FL", 1.0, encoding=encoding)
    expected = [(0x20010011, "keep"), (0x20011103, "keep"), (0x20010010, "keep")]
    assert decide(nested + outer + stray, encoding=encoding) == expected[:2]


def test_a_creator_around_a_sequence_does_not_reach_into_it() -> None:
    inner = b.sequence(0x00081140, [b.item(ONE)])
    assert decide(inner + creator(0x20010010, PHILIPS)) == []


def test_blocks_of_one_item_do_not_count_in_the_next() -> None:
    items = [b.item(creator(0x20010010, PHILIPS) + ONE), b.item(ONE)]
    assert decide(b.sequence(0x00081140, items)) == KEPT
