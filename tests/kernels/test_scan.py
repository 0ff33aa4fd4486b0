"""The scan kernels against a recursive parser: sound and damaged bytes, through any window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.kernels import elements as kernel
from fastdeid.kernels.elements import BULK, FLAGS, FRAGMENTS, LONG
from fastdeid.kernels.rows import REPEATED, find_first, find_rows, find_standing
from tests.builders import (
    EXPLICIT,
    IMPLICIT,
    Element,
    Encoding,
    element,
    encode,
    fragments,
    item,
    sequence,
)
from tests.kernels import naive
from tests.kernels.damage import PLAIN_ENCODINGS, damaged, sound
from tests.kernels.naive_scan import RefusedError, Row, Scan
from tests.kernels.scanning import DICTIONARY, ONLY, Scanned, coding_of

each_encoding = pytest.mark.parametrize(
    "encoding", PLAIN_ENCODINGS, ids=["explicit", "implicit", "big endian"]
)
# Sizes of the pieces in which a file arrives. Big ones keep the number of calls low.
STEPS = st.lists(st.one_of(st.integers(1, 40), st.integers(100, 9000)), min_size=1, max_size=6)


def expected(data: bytes, encoding: Encoding, start: int = 0) -> Scan:
    return naive.scan_elements(
        data, start, DICTIONARY, explicit=encoding.explicit, big=encoding.big_endian
    )


def outcome(parse: Callable[[], Scan]) -> object:
    """Return what both parsers must agree on: rows and end, or the error and its place."""
    try:
        scan = parse()
    except RefusedError as error:
        return error.reason, error.tag, error.offset
    return [columns(row) for row in scan.rows], scan.end


def columns(row: Row) -> tuple[object, ...]:
    return tuple(value for name, value in vars(row).items() if name != "end_offset")


def assert_same(data: bytes, encoding: Encoding, steps: list[int], n_rows: int) -> None:
    found = Scanned(data, 0, coding_of(encoding), steps=steps, n_rows=n_rows)
    wanted = outcome(lambda: expected(data, encoding))
    assert outcome(found.result) == wanted


@each_encoding
@given(data=st.data())
def test_any_data_set_is_read_as_the_standard_says(encoding: Encoding, data: st.DataObject) -> None:
    raw = data.draw(sound(encoding))
    assert_same(raw, encoding, data.draw(STEPS), data.draw(st.integers(1, 9)))


@each_encoding
@settings(max_examples=4 * settings().max_examples)
@given(data=st.data())
def test_damaged_bytes_give_the_same_rows_or_the_same_error(
    encoding: Encoding, data: st.DataObject
) -> None:
    raw = data.draw(damaged(encoding))
    assert_same(raw, encoding, data.draw(STEPS), data.draw(st.integers(1, 9)))


@each_encoding
@given(raw=st.binary(max_size=200))
def test_bytes_that_are_no_dicom_at_all_give_the_same_error(encoding: Encoding, raw: bytes) -> None:
    assert_same(raw, encoding, [7], 1)


@given(value=st.sampled_from([bytes(4098), bytes(20000)]), vr=st.sampled_from(["OW", "UN", "UT"]))
def test_a_long_value_is_not_loaded_where_it_is_not_loaded_yet(value: bytes, vr: str) -> None:
    raw = element(0x00420011, vr, value) + element(0x7FE00010, "OW", b"\1\2")
    scanned = Scanned(raw, 0, kernel.EXPLICIT, steps=[64])
    assert scanned.table[:2, FLAGS].tolist() == [BULK | LONG, 0]
    assert outcome(scanned.result) == outcome(lambda: expected(raw, EXPLICIT))


@pytest.mark.parametrize(
    ("vr", "length", "flags"), [("UT", 4098, LONG), ("UT", 4096, 0), ("LT", 4098, 0)]
)
def test_a_long_value_is_marked_although_it_is_loaded(vr: str, length: int, flags: int) -> None:
    raw = element(0x00420011, vr, bytes(length))
    assert Scanned(raw, 0, kernel.EXPLICIT).table[0, FLAGS] == flags


def test_a_text_value_is_loaded_however_long() -> None:
    raw = element(0x00104000, "LT", b"x" * 6000)
    scanned = Scanned(raw, 0, kernel.EXPLICIT, steps=[64])
    assert scanned.table[0, FLAGS] == 0
    assert outcome(scanned.result) == outcome(lambda: expected(raw, EXPLICIT))


@pytest.mark.parametrize("vr", ["UN", ""])
def test_a_private_value_that_is_a_sequence_is_one_whatever_its_vr(vr: str) -> None:
    # PS3.5 section 6.2.2: what UN holds is in implicit VR, little endian.
    encoding = EXPLICIT if vr else IMPLICIT
    name = element(0x00100010, "PN", b"Doe^Jane", IMPLICIT)
    raw = element(0x00091001, "UN", item(name, IMPLICIT), encoding)
    rows = Scanned(raw, 0, coding_of(encoding)).result().rows
    assert [row.tag for row in rows] == [0x00091001, 0xFFFEE000, 0x00100010]
    assert [row.sequence for row in rows] == [True, False, False]
    assert [row.implicit for row in rows][2]


@pytest.mark.parametrize(
    "value",
    [
        item(b"\x10\x00\x10\x00\xff\0\0\0Doe", IMPLICIT),  # an element beyond its item
        item(b"", IMPLICIT) + b"\0\0",
        item(element(0x00100010, "PN", b"Doe^Jane", IMPLICIT), IMPLICIT)[:-2],
        item(b"\xff" * 12, IMPLICIT),
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    ],
)
def test_a_private_value_that_only_begins_as_a_sequence_is_bytes(value: bytes) -> None:
    after = element(0x00100010, "PN", b"Doe^Jane", IMPLICIT)
    raw = element(0x00091001, "UN", value, IMPLICIT) + after
    rows = Scanned(raw, 0, 0, steps=[9]).result().rows
    assert [(row.tag, row.sequence) for row in rows] == [(0x00091001, False), (0x00100010, False)]


def test_only_the_innermost_of_tried_sequences_is_given_up() -> None:
    inner = element(0x00111001, "UN", item(b"\xff" * 12, IMPLICIT), IMPLICIT)
    raw = element(0x00091001, "UN", item(inner, IMPLICIT), IMPLICIT)
    rows = Scanned(raw, 0, 0).result().rows
    assert [(row.tag, row.sequence) for row in rows] == [
        *((0x00091001, True), (0xFFFEE000, False), (0x00111001, False))
    ]


@pytest.mark.parametrize(
    ("length", "is_sequence", "flags"),
    [(kernel.MOST_TRIED - 8, True, 0), (kernel.MOST_TRIED - 6, False, LONG)],
)
def test_a_very_long_private_value_is_not_looked_into(
    length: int, is_sequence: bool, flags: int
) -> None:
    inner = element(0x00420011, "OB", bytes(length - 8), IMPLICIT)
    raw = element(0x00091001, "UN", item(inner, IMPLICIT))
    scanned = Scanned(raw, 0, kernel.EXPLICIT, steps=[1 << 16])
    assert scanned.result().rows[0].sequence == is_sequence
    assert scanned.table[0, FLAGS] & LONG == flags
    assert outcome(scanned.result) == outcome(lambda: expected(raw, EXPLICIT))


@given(
    parts=st.lists(st.integers(0, 300).map(bytes), max_size=8),
    table=st.sampled_from([b"", bytes(8)]),
    steps=STEPS,
)
def test_fragments_are_walked_over_in_any_window(
    parts: list[bytes], table: bytes, steps: list[int]
) -> None:
    raw = encode([Element(0x00280010, "US", b"\1\0")])
    start = len(raw) + 12
    raw += fragments(0x7FE00010, parts, table)
    scanned = Scanned(raw + element(0xFFFCFFFC, "OB", bytes(4)), 0, kernel.EXPLICIT, steps=steps)
    row = scanned.result().rows[1]
    assert scanned.table[1, FLAGS] & (BULK | FRAGMENTS) == BULK | FRAGMENTS
    assert (row.value, row.length) == (start, naive.skip_fragments(raw, start))


@given(data=st.binary(max_size=60), steps=STEPS)
def test_fragments_that_are_none_are_refused(data: bytes, steps: list[int]) -> None:
    head = element(0x7FE00010, "OB", b"")[:8] + b"\xff\xff\xff\xff"
    scanned = Scanned(head + data, 0, kernel.EXPLICIT, steps=steps)
    length = naive.skip_fragments(head + data, len(head))
    assert (scanned.status >= kernel.TRUNCATED) == (length is None)


@given(data=st.data())
def test_the_last_row_of_each_wanted_tag_is_found(data: st.DataObject) -> None:
    inner = element(0x00100010, "PN", b"A^B ")
    some = st.sampled_from(
        [
            element(0x00080018, "UI", b"1.2\0"),
            element(0x00100010, "PN", b"Doe "),
            element(0x00100020, "LO", b""),
            sequence(0x00081140, [item(inner)]),
            sequence(0x00100020, [item(inner)]),
            element(0x00100020, "UN", bytes(5000)),
        ]
    )
    raw = b"".join(data.draw(st.lists(some, max_size=6)))
    known = st.sampled_from([0x00080018, 0x00081140, 0x00100010, 0x00100020])
    tags = sorted(data.draw(st.sets(known)))
    assert_found(raw, tags)


def assert_found(raw: bytes, tags: list[int]) -> None:
    scanned = Scanned(raw, 0, kernel.EXPLICIT)
    rows = scanned.result().rows
    wanted = np.array(tags, np.int64)
    wanted.setflags(write=False)
    found = np.full((len(tags), 3), 99, np.int64)
    numbers = naive.find_rows(rows, tags)
    repeats = naive.count_rows(rows, tags) > len(numbers)
    assert find_rows(scanned.table, scanned.files, ONLY, wanted, found) == repeats
    if repeats:
        assert found[0, 0] == REPEATED
        return
    for tag, (row, at, length) in zip(tags, found.tolist(), strict=True):
        assert row == numbers.get(tag, -1)
        is_value = row >= 0 and not rows[row].sequence and rows[row].length <= kernel.BULK_LENGTH
        assert (at, length) == ((rows[row].value, rows[row].length) if is_value else (0, 0))


@given(data=st.data())
def test_the_first_row_of_a_tag_or_of_a_group_is_found_at_any_depth(data: st.DataObject) -> None:
    inner = element(0x00081155, "UI", b"1.2\0")
    raw = sequence(0x00081140, [item(inner)]) + element(0x60023000, "OW", b"12")
    scanned = Scanned(raw, 0, kernel.EXPLICIT)
    rows = scanned.result().rows
    end = data.draw(st.integers(0, len(rows)))
    mask = data.draw(st.sampled_from([0xFFFFFFFF, 0xFF000000, 0xFFFF0000]))
    wanted = data.draw(st.sampled_from([0x00081155, 0x00100010, 0x60023000])) & mask
    assert find_first(scanned.table, end, mask, wanted) == naive.find_first(
        rows[:end], mask, wanted
    )


@given(data=st.data())
def test_rows_that_stand_are_those_below_kept_rows(data: st.DataObject) -> None:
    inner = element(0x00081155, "UI", b"1.2\0")
    raw = sequence(0x00081140, [item(inner), item(inner + sequence(0x00081199, [item(inner)]))])
    scanned = Scanned(inner + raw, 0, kernel.EXPLICIT)
    rows = scanned.result().rows
    some = st.sampled_from([0, 0, 0, 1, 2, 3])
    operations = data.draw(st.lists(some, min_size=len(rows), max_size=len(rows)))
    scanned.table[: len(rows), kernel.OPERATION] = operations
    found = np.zeros(data.draw(st.sampled_from([0, 1, 9])), np.int64)
    wanted = naive.find_standing(rows, operations, 0x00081155)
    assert find_standing(scanned.table, 0, scanned.n_rows, 0x00081155, found) == len(wanted)
    n_stored = min(len(found), len(wanted))
    assert found[:n_stored].tolist() == wanted[:n_stored]
