"""The multi-pattern search against a search for every needle at every position."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.kernels import multisearch as kernel
from fastdeid.verification.automaton import Automaton
from tests.kernels import naive
from tests.kernels.naive import Needle

# Few letters, so that needles stand in texts; and bytes that look alike once the bit of the case is
# set.
ALPHABET: Final = b"aAb12.\0 @`\xe4\xc4"
TEXTS: Final = st.lists(st.sampled_from(ALPHABET), max_size=80).map(bytes)


def needles_of(shortest: int) -> st.SearchStrategy[list[Needle]]:
    words = st.lists(st.sampled_from(ALPHABET), min_size=shortest, max_size=shortest + 5).map(bytes)
    return st.lists(st.builds(Needle, words, st.just(0)), max_size=6)


def found_in(text: bytes, needles: list[Needle], *, sparse: bool) -> list[tuple[int, int]]:
    """Search `text` in the middle of other bytes."""
    around = np.frombuffer(b"ab1" + text + b"1ab", np.uint8)
    hits = Automaton([needle.value for needle in needles], sparse=sparse).find(
        around, 3, 3 + len(text)
    )
    return [(place - 3, number) for place, number in hits]


@settings(max_examples=4 * settings().max_examples)
@given(text=TEXTS, data=st.data(), sparse=st.booleans())
def test_every_place_of_every_needle_is_found_once(
    text: bytes, data: st.DataObject, sparse: bool
) -> None:
    needles = data.draw(needles_of(7 if sparse else 3))
    if needles:
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + needles[0].value.swapcase() + text[at:]
    found = found_in(text, needles, sparse=sparse)
    assert len(found) == len(set(found))
    assert set(found) == naive.find_all(text, needles)


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("after", range(5))
def test_a_needle_is_found_at_every_alignment_up_to_the_last_byte(
    before: int, after: int, sparse: bool
) -> None:
    text = bytes(before) + b"QUILLFE" + bytes(after)
    assert found_in(text, [Needle(b"quillfe", 0)], sparse=sparse) == [(before, 0)]


@pytest.mark.parametrize("sparse", [True, False])
def test_more_hits_than_there_is_room_for_are_all_found(sparse: bool) -> None:
    needles = [Needle(b"aaaaaaaa", 0), Needle(b"aaaaaaaaa", 0), Needle(b"AAAAAAAA", 0)]
    text = b"a" * 5000
    found = found_in(text, needles, sparse=sparse)
    assert len(found) == len(set(found)) == 4993 + 4992 + 4993


@given(data=st.data(), width=st.sampled_from([3, 4]), log_size=st.sampled_from([7, 12]))
def test_anchors_are_chained_by_their_words(data: st.DataObject, width: int, log_size: int) -> None:
    needles = data.draw(needles_of(4))
    places = st.tuples(st.sampled_from(range(len(needles))), st.integers(0, 4 - width))
    drawn = data.draw(st.lists(places, max_size=8)) if needles else []
    anchors = [(owner, offset, offset) for owner, offset in drawn]
    starts = np.cumsum([0, *(len(needle.value) for needle in needles)])
    table = [
        (start, len(needle.value)) for start, needle in zip(starts.tolist(), needles, strict=False)
    ]
    heads, links = np.zeros(1 << log_size >> 2, np.int32), np.zeros(len(anchors), np.int32)
    entries, bloom = np.zeros(len(anchors), np.uint64), np.zeros(1 << log_size >> 6, np.uint64)
    used = kernel.index_anchors(
        np.frombuffer(bytearray(b"".join(needle.value for needle in needles)), np.uint8),
        *(np.array(table, np.int64).reshape(-1, 2), np.array(anchors, np.int64).reshape(-1, 3)),
        *(width, 4, log_size, heads, links, entries, bloom),
    )
    chains = []
    for head in heads[heads >= 0].tolist():
        chain = [head]
        while links[chain[-1]] >= 0:
            chain.append(int(links[chain[-1]]))
        chains.append(set(chain))
    assert used == len(chains)
    bits = sum(int(word).bit_count() for word in bloom)
    assert (len(chains) > 0) <= bits <= 3 * len(anchors)
    for (owner, _, shift), entry in zip(anchors, entries.tolist(), strict=True):
        head = bytes(byte | 0x20 for byte in needles[owner].value[:4])
        assert entry.to_bytes(8, "little") == head + bytes(3) + bytes([shift])
    assert sorted(number for chain in chains for number in chain) == list(range(len(anchors)))
    for numbers in naive.index_anchors(needles, drawn, width).values():
        assert any(set(numbers) <= chain for chain in chains)
