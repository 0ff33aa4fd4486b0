"""The hash tables of the decide kernel hold what was put in, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdeid import lookup

TAGS = st.integers(0, 0xFFFFFFFE)
KEYS = st.builds(lambda context, tag: context << 32 | tag, st.integers(0, 300), TAGS)
CELLS = st.integers(-1, 1000)


@given(st.lists(TAGS, min_size=1, unique=True), st.lists(TAGS))
def test_every_tag_is_found_and_no_other(tags: list[int], others: list[int]) -> None:
    keys, slots = lookup.place_tags(np.array(tags, np.uint32))
    assert [lookup.find_tag(keys, tag) for tag in tags] == slots.tolist()
    assert all(lookup.find_tag(keys, tag) < 0 for tag in others if tag not in tags)


@given(st.dictionaries(KEYS, st.tuples(CELLS, CELLS, CELLS)), st.lists(KEYS))
def test_every_key_is_found_and_no_other(
    rows: dict[int, tuple[int, int, int]], others: list[int]
) -> None:
    keys, values = lookup.place_keys(rows)
    assert {key: tuple(values[lookup.find_key(keys, key)].tolist()) for key in rows} == rows
    assert all(lookup.find_key(keys, key) < 0 for key in others if key not in rows)


@given(st.lists(TAGS, min_size=1, unique=True))
def test_tables_are_powers_of_two_and_at_most_half_full(tags: list[int]) -> None:
    keys, _ = lookup.place_tags(np.array(tags, np.uint32))
    assert len(keys) & (len(keys) - 1) == 0
    assert len(keys) >= 2 * len(tags)


def test_a_search_ends_in_a_full_run_of_slots() -> None:
    home = lookup.tag_slot(1, 12)
    same = [tag for tag in range(1, 200_000) if lookup.tag_slot(tag, 12) == home][:20]
    filler = [tag for tag in range(1, 2_000) if tag not in same]
    keys, _ = lookup.place_tags(np.array([*filler, *same], np.uint32))
    assert all(keys[lookup.find_tag(keys, tag)] == tag for tag in same)
    assert lookup.find_tag(keys, 0xFFFFFFFE) == -1
