"""The kernel that packs what decides on private elements, against its twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.kernels.elements import OPERATION
from fastdeid.kernels.private import pack_private, remove_unused_creator
from tests import builders as b
from tests import strategies
from tests.kernels import naive
from tests.kernels.scanning import Scanned, coding_of

CHARACTERISTICS = b.sequence(
    0x00080300,
    [b.item(b.number(0x00080301, "US", 0x0029) + b.element(0x00080302, "LO", b"ACME"))],
)


def packed(scanned: Scanned, size: int = 1 << 16) -> bytes:
    target = np.zeros(size, np.uint8)
    n = int(pack_private(scanned.header, scanned.table, 0, scanned.n_rows, target))
    if n < 0:
        return packed(scanned, -n)
    return target[:n].tobytes()


@settings(max_examples=50)
@given(
    nodes=strategies.data_sets(max_depth=2, max_size=4),
    encoding=st.sampled_from(b.ENCODINGS),
    steps=st.sampled_from([(1 << 20,), (64,)]),
    size=st.sampled_from([0, 20, 1 << 16]),
    characteristics=st.booleans(),
)
def test_private_rows_are_packed_with_all_that_stands_below_them(
    nodes: tuple[b.Node, ...],
    encoding: b.Encoding,
    steps: tuple[int, ...],
    size: int,
    characteristics: bool,
) -> None:
    data = b.encode(nodes, encoding)
    if characteristics and encoding == b.EXPLICIT:
        data = CHARACTERISTICS + data
    scanned = Scanned(data, 0, coding_of(encoding), steps=steps)
    assert packed(scanned, size) == naive.pack_private(data, scanned.result().rows)


@pytest.mark.parametrize(
    "value",
    [
        bytes(1024),
        bytes(1025),
        bytes(5000),
        b"\xfe\xff\x00\xe0" + bytes(4),
        b"\xff\xfe\xe0\0" + bytes(4),
        b"\xfe\xff",
    ],
)
@pytest.mark.parametrize("vr", ["LO", "UN", "OB"])
def test_values_that_may_be_left_unloaded_are_no_part_of_the_key(vr: str, value: bytes) -> None:
    data = b.element(0x00290010, vr, value) + b.element(0x00291010, vr, value)
    loaded = Scanned(data, 0, coding_of(b.EXPLICIT))
    unloaded = Scanned(data, 0, coding_of(b.EXPLICIT), steps=[64])
    assert packed(loaded) == packed(unloaded) == naive.pack_private(data, loaded.result().rows)


def test_a_file_without_private_elements_has_no_key() -> None:
    data = CHARACTERISTICS + b.text(0x00080060, "CS", "MR")
    assert packed(Scanned(data, 0, coding_of(b.EXPLICIT))) == b""


@given(data=st.data())
def test_a_creator_goes_with_the_last_element_of_its_block(data: st.DataObject) -> None:
    block = (
        b.element(0x00290010, "LO", b"ACME")
        + b.element(0x00290011, "LO", b"OTHER ")
        + b.element(0x00291010, "OB", b"12")
        + b.element(0x00291020, "OB", b"34")
        + b.element(0x00291110, "OB", b"56")
    )
    raw = b.sequence(0x00081140, [b.item(block), b.item(block)]) + block
    scanned = Scanned(raw, 0, coding_of(b.EXPLICIT))
    rows = scanned.result().rows
    some = st.sampled_from([0, 1, 1, 1, 2, 3])
    operations = data.draw(st.lists(some, min_size=len(rows), max_size=len(rows)))
    scanned.table[: len(rows), OPERATION] = operations
    number = data.draw(st.sampled_from([n for n, row in enumerate(rows) if row.tag & 0x1000]))
    wanted = naive.remove_unused_creator(rows, operations, number)
    remove_unused_creator(scanned.table, 0, scanned.n_rows, number)
    assert scanned.table[: len(rows), OPERATION].tolist() == wanted
