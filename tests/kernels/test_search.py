"""The search kernels against a search at every position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.kernels import search as kernel
from fastdeid.kernels.elements import ENTRY, EXPLICIT, OPERATION
from fastdeid.kernels.rules import FIRST_NEEDLE, N_ENTRY_COLUMNS, N_NEEDLES
from fastdeid.tags import VR_NAMES
from tests.builders import element, encode
from tests.kernels import naive
from tests.kernels.damage import SAMPLES
from tests.kernels.naive import Needle
from tests.kernels.scanning import ONLY, Scanned

# Few letters, so that needles stand in texts; and neighbours that boundaries speak about.
ALPHABET: Final = b"abAB12.. \0\xe4"
WORDS: Final = st.lists(st.sampled_from(ALPHABET), min_size=3, max_size=6).map(bytes)
NEEDLES: Final = st.lists(st.builds(Needle, WORDS, st.integers(0, 3)), max_size=6)
TEXTS: Final = st.lists(st.sampled_from(ALPHABET), max_size=60).map(bytes)


CHECKED: Final = np.zeros(1, np.uint8)
CHECKED.setflags(write=False)


class Needles:
    """Needles as the kernel takes them, and its workspaces. The first one is not active."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        stored = [Needle(b"never looked for", 0), *needles]
        joined = b"".join(needle.value for needle in stored)
        self.arena = np.frombuffer(bytearray(joined), np.uint8)
        ends = np.cumsum([len(needle.value) for needle in stored])
        self.table = np.array(
            [
                [end - len(needle.value), len(needle.value), needle.boundary]
                for needle, end in zip(stored, ends.tolist(), strict=True)
            ],
            np.int64,
        )
        self.active = np.arange(1, len(stored) + 1, dtype=np.int64)
        self.n_active = len(needles)
        self.heads = np.zeros(kernel.N_HEADS, np.int32)
        self.links = np.zeros(len(stored), np.int32)
        # The memo: the first entry is one that no row has brought up, the second has the needles.
        self.entries = np.zeros((2, N_ENTRY_COLUMNS), np.int64)
        self.entries[1, [FIRST_NEEDLE, N_NEEDLES]] = 1, len(needles)

    def arguments(self) -> tuple[object, ...]:
        """Return the last arguments of `find_needle`."""
        return (self.arena, self.table, self.active, self.n_active, self.heads, self.links)


def find(text: bytes, needles: Sequence[Needle], least: int = 0) -> int:
    """Search `text` in the middle of other bytes; return the number of a needle, or -1."""
    around = np.frombuffer(bytearray(b"ab1" + text + b"1ab"), np.uint8)
    start, end = 3, 3 + len(text)
    found = kernel.find_needle(around, start, end, least, *Needles(needles).arguments())
    return int(found) - 1 if found >= 0 else -1


@settings(max_examples=4 * settings().max_examples)
@given(text=TEXTS, needles=NEEDLES, least=st.sampled_from([0, 3, 4, 5]))
def test_a_needle_is_found_where_one_stands(text: bytes, needles: list[Needle], least: int) -> None:
    standing = naive.find_needle(text, needles, least)
    found = find(text, needles, least)
    assert (found in standing) if standing else found == -1


@given(word=WORDS, before=TEXTS, after=TEXTS, boundary=st.integers(0, 3))
def test_a_planted_needle_is_found_unless_its_neighbours_forbid(
    word: bytes, before: bytes, after: bytes, boundary: int
) -> None:
    needles = [Needle(word, boundary)]
    text = before + word.swapcase() + after
    assert (find(text, needles) == 0) == bool(naive.find_needle(text, needles, 0))


@pytest.mark.parametrize(
    ("text", "value", "boundary", "stands"),
    [
        (b"Dr. SMITH!", b"Smith", 0, True),
        (b"blacksmiths", b"smith", 0, True),
        (b"Lee-Ann", b"lee", 1, True),
        (b"sleep", b"lee", 1, False),
        (b"12Lee3", b"lee", 1, True),
        (b"on 19800501,", b"19800501", 2, True),
        (b"119800501", b"19800501", 2, False),
        (b"1.2.3", b"1.2.3", 2, True),
        (b"1.2.34", b"1.2.3", 2, False),
        (b"1.2.3.4", b"1.2.3", 2, False),
        (b"4.1.2.3", b"1.2.3", 2, False),
        (b"is 1.2.3.", b"1.2.3", 2, True),
        (b"x1.2.3", b"1.2.3", 2, True),
        (b".1.2.3.", b"1.2.3", 2, True),
        (b"x4711", b"4711", 3, False),
        (b"(4711)", b"4711", 3, True),
        ("Müller".encode(), "MüLLER".encode(), 0, True),
        ("Müller".encode("utf-16-le"), "Müller".encode("utf-16-le").strip(b"\0"), 0, True),
        (b"S\0M\0I\0T\0H\0", b"s\0m\0i\0t\0h", 1, True),
    ],
)
def test_boundaries_tell_a_value_from_a_part_of_another(
    text: bytes, value: bytes, boundary: int, stands: bool
) -> None:
    assert (find(text, [Needle(value, boundary)]) == 0) is stands
    assert bool(naive.find_needle(text, [Needle(value, boundary)], 0)) is stands


def bring_up(scanned: Scanned, is_met: bool) -> None:
    """Let the last row bring up the needles, or none of the rows."""
    scanned.table[: scanned.n_rows, ENTRY] = -1
    scanned.table[scanned.n_rows - 1, ENTRY] = 1 if is_met else -1


def find_rows(
    scanned: Scanned, needles: Sequence[Needle], least: npt.NDArray[np.int64], passed_over: int
) -> list[int]:
    arrays = Needles(needles)
    hits = np.zeros((scanned.n_rows, 2), np.int64)
    n = kernel.find_rows_with_needles(
        *(scanned.header, scanned.table, scanned.files, ONLY, np.array([passed_over]), least),
        CHECKED,
        *(arrays.arena, arrays.entries, arrays.table, arrays.heads, arrays.links, 1, hits),
    )
    assert not hits[:n, 0].any()
    rows: list[int] = hits[:n, 1].tolist()
    return rows


@given(data=st.data())
def test_kept_leaves_with_a_needle_are_collected(data: st.DataObject) -> None:
    raw = encode(data.draw(st.sampled_from(SAMPLES))) + element(0x7FE00010, "OW", b"Doe^Jane")
    scanned = Scanned(raw, 0, EXPLICIT)
    rows = scanned.result().rows
    operations = data.draw(
        st.lists(st.sampled_from([0, 0, 1]), min_size=len(rows), max_size=len(rows))
    )
    scanned.table[: len(rows), OPERATION] = operations
    bring_up(scanned, data.draw(st.booleans()))
    needles = data.draw(
        st.lists(st.sampled_from([Needle(b"doe", 1), Needle(b"1.2", 2), Needle(b"Jan", 0)]))
    )
    least = {vr: data.draw(st.sampled_from([0, 99])) if vr == "UI" else 3 for vr in VR_NAMES}
    passed_over = data.draw(st.sampled_from([-1, len(rows) - 1]))
    values = {
        number: (row.vr, raw[row.value : row.value + row.length])
        for number, row in enumerate(rows)
        if not (row.sequence or row.item or operations[number] or number == passed_over)
    }
    numbers = np.array([least[vr] for vr in VR_NAMES], np.int64)
    numbers.setflags(write=False)
    wanted = naive.find_rows_with_needles(values, needles, least)
    if not (scanned.table[: len(rows), ENTRY] >= 0).any():
        wanted = []
    assert find_rows(scanned, needles, numbers, passed_over) == wanted


def test_values_that_are_not_loaded_are_left_to_the_caller() -> None:
    raw = element(0x00420011, "OB", b"Smith " * 1000) + element(0x00420012, "LO", b"Smith ")
    scanned = Scanned(raw, 0, EXPLICIT, steps=[64])
    least = np.zeros(len(VR_NAMES), np.int64)
    least.setflags(write=False)
    bring_up(scanned, True)
    assert find_rows(scanned, [Needle(b"smith", 0)], least, -1) == [1]
