"""Every row of Table E.1-1 under every option and under combinations: 655 x 10 and more.

First the rules, at every Type that an attribute can have; then whole files through the public path.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.profiles.tables import CURVE_DATA_PATTERN, PRIVATE_PATTERN
from fastdeid.rules import Rules
from tests.options.expected import ALL_ROWS, OPTIONS, ROWS, Expected, expect, tag_of
from tests.options.profiles import with_options

UNKNOWN = "1.2.3"
CT = "1.2.840.10008.5.1.4.1.1.2"
PET = "1.2.840.10008.5.1.4.1.1.128"
PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
SOP_CLASSES = (UNKNOWN, CT, PET, PRESENTATION_STATE, COMPREHENSIVE_SR, RT_PLAN)
DATES = ("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates")


def decided(rules: Rules, tag: int, context: int = 0) -> Expected:
    operation, kind = rules.decide(tag, context)
    replaced = operation.name == "REPLACE"
    return Expected(operation.name, rules.kinds[kind].replace if replaced else "")


def wrong_rows(options: tuple[str, ...], sop_class: str) -> list[str]:
    rules = with_options(options).rules(sop_class)
    return [
        row.pattern
        for row in ROWS
        if decided(rules, tag_of(row)) != expect(row, options, rules.attribute_type(tag_of(row)))
    ]


def test_the_rows_are_all_but_two_that_name_groups() -> None:
    others = {row.pattern for row in ALL_ROWS if not row.vr}
    assert others == {CURVE_DATA_PATTERN, PRIVATE_PATTERN}
    assert (len(ROWS) + len(others), len(OPTIONS)) == (655, 10)


@pytest.mark.parametrize("sop_class", SOP_CLASSES)
@pytest.mark.parametrize("option", OPTIONS)
def test_every_row_is_obeyed_under_every_option(option: str, sop_class: str) -> None:
    assert wrong_rows((option,), sop_class) == []


@pytest.mark.parametrize("sop_class", [COMPREHENSIVE_SR, PRESENTATION_STATE, RT_PLAN, ENHANCED_CT])
@pytest.mark.parametrize("option", OPTIONS)
def test_every_row_is_obeyed_at_every_place_that_kept_sequences_lead_to(
    option: str, sop_class: str
) -> None:
    rules = with_options([option]).rules(sop_class)
    by_tag = {tag_of(row): row for row in ROWS}
    places = rules._contexts.places
    wrong, reached = [], [0]
    for context in reached:
        for tag, place in places[context].items():
            found = decided(rules, tag, context)
            if tag in by_tag and found != expect(by_tag[tag], [option], place.attribute_type):
                wrong.append((hex(tag), context))
            if place.child >= 0 and found.operation == "KEEP" and place.child not in reached:
                reached.append(place.child)
    assert wrong == []
    assert len(reached) > 5


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_changes_the_rows_that_it_has_a_code_for_and_no_other(option: str) -> None:
    rules, basic = (with_options(names).rules(UNKNOWN) for names in ((option,), ()))
    column = 1 + OPTIONS.index(option)
    without = [row for row in ROWS if not row.codes[column]]
    assert [
        r.pattern for r in without if decided(rules, tag_of(r)) != decided(basic, tag_of(r))
    ] == []


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(OPTIONS)).filter(lambda chosen: not chosen.issuperset(DATES)))
def test_every_row_is_obeyed_under_any_combination(chosen: set[str]) -> None:
    options = tuple(sorted(chosen))
    for sop_class in (UNKNOWN, PET):
        assert wrong_rows(options, sop_class) == []


@pytest.mark.parametrize("option", OPTIONS)
def test_curves_go_unless_graphics_are_cleaned(option: str) -> None:
    rules = with_options([option]).rules(CT)
    found = [decided(rules, tag) for tag in (0x50003000, 0x501E0010, 0x50000022)]
    kept = [Expected("KEEP"), Expected("KEEP"), Expected("REPLACE", "clean")]
    assert found == (kept if option == "clean_graphics" else 3 * [Expected("REMOVE")])
    # Audio Sample Data and Audio Comments of a curve: a voice is recognised.
    assert decided(rules, 0x5000200C) == decided(rules, 0x5002200E) == Expected("REMOVE")


@pytest.mark.parametrize("option", OPTIONS)
def test_overlays_are_whole_or_gone(option: str) -> None:
    rules = with_options([option]).rules(CT)
    kept = [Expected("KEEP"), Expected("KEEP"), Expected("REPLACE", "clean")]
    found = [decided(rules, tag) for tag in (0x60003000, 0x60020010, 0x60021500)]
    assert found == (kept if option == "clean_graphics" else 3 * [Expected("REMOVE")])


@pytest.mark.parametrize("option", OPTIONS)
def test_private_elements_are_not_kept_as_a_whole_by_any_option(option: str) -> None:
    rules = with_options([option]).rules(CT)
    assert decided(rules, 0x00091001) == Expected("REMOVE")
    assert (rules.private[:, 0] == 1).all()


# Attributes that no row names: Secondary Review Date and Time, Study Update DateTime, Coding Scheme
# UID, Secondary Reviewer Name.
@pytest.mark.parametrize(
    ("option", "dates", "uid"),
    [
        ("clean_descriptors", Expected("REMOVE"), Expected("REPLACE", "map_uid")),
        ("retain_longitudinal_full_dates", Expected("KEEP"), Expected("REPLACE", "map_uid")),
        (
            *("retain_longitudinal_modified_dates", Expected("REPLACE", "shift")),
            Expected("REPLACE", "map_uid"),
        ),
        ("retain_uids", Expected("REMOVE"), Expected("KEEP")),
    ],
)
def test_attributes_without_a_row_follow_the_option_for_their_vr(
    option: str, dates: Expected, uid: Expected
) -> None:
    rules = with_options([option]).rules(CT)
    for tag in (0x00140102, 0x00140103, 0x0008041F):
        assert decided(rules, tag) == dates
    assert decided(rules, 0x0008010C) == uid
    assert decided(rules, 0x00140104) == Expected("REPLACE", "dummy")
