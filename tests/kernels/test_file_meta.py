"""The kernels that read file meta information and pack values, against their twins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.dicom.encodings import vr_codes
from fastdeid.kernels import file_meta as kernel
from fastdeid.kernels.elements import N_COLUMNS, OPERATION
from fastdeid.kernels.values import pack_operations, pack_values
from fastdeid.tags import VR_NAMES
from tests.builders import element, file_meta, text
from tests.kernels import naive
from tests.kernels.naive import FileMeta
from tests.kernels.scanning import ONLY

CODES = vr_codes()
EXTRA = st.sampled_from(
    [
        b"",
        text(0x00020016, "AE", "SCANNER"),
        element(0x00020102, "OB", b"private "),
        element(0x00020010, "UI", b""),
        element(0x00020100, "UN", b"\2\0\2\0"),
    ]
)


def scan(data: bytes, start: int) -> FileMeta | str:
    header = np.frombuffer(bytearray(data + b"\xee" * 16), np.uint8)
    places = np.full(kernel.N_PLACES, 99, np.int64)
    status = kernel.scan_file_meta(header, start, len(data), CODES, places)
    if status != kernel.DONE:
        return {kernel.TRUNCATED: "truncated", kernel.UNKNOWN_VR: "unknown_vr"}[int(status)]
    end, syntax, syntax_length, sop_class, class_length = places.tolist()
    return FileMeta(
        end, data[syntax : syntax + syntax_length], data[sop_class : sop_class + class_length]
    )


@given(extra=EXTRA, behind=st.sampled_from([b"", b"\x08\0", element(0x00080005, "CS", b"A ")]))
def test_group_2_ends_where_the_data_set_begins(extra: bytes, behind: bytes) -> None:
    meta = file_meta(extra=extra)
    found = scan(b"DICM" + meta + behind, 4)
    assert found == naive.scan_file_meta(b"DICM" + meta + behind, 4, VR_NAMES[1:])
    assert isinstance(found, FileMeta)
    assert found.end == 4 + len(meta)


@settings(max_examples=4 * settings().max_examples)
@given(extra=EXTRA, data=st.data())
def test_damaged_file_meta_is_judged_alike(extra: bytes, data: st.DataObject) -> None:
    raw = bytearray(file_meta(extra=extra))
    at = data.draw(st.integers(0, len(raw)))
    patches = st.sampled_from([b"", b"\xff\xff", b"UN", b"UI", b"\2\0", b"\0\0"])
    raw[at : at + 2] = data.draw(patches)
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for damaged in (bytes(raw), cut):
        assert scan(damaged, 0) == naive.scan_file_meta(damaged, 0, VR_NAMES[1:])


VALUES = st.one_of(st.none(), st.sampled_from([b"", b"1", b"1.2"]), st.binary(max_size=300))


@st.composite
def some_files(draw: st.DrawFn) -> list[list[bytes | None]]:
    """Return as many values of each of some files; some files are like the one before."""
    width = draw(st.integers(0, 5))
    one = st.lists(VALUES, min_size=width, max_size=width)
    files = draw(st.lists(one, min_size=1, max_size=5))
    for number in draw(st.sets(st.integers(1, 4))):
        files[number:] = [files[number - 1], *files[number:]] if number <= len(files) else []
    return files


@pytest.mark.parametrize("room", [0, 1, 1000])
@given(files=some_files(), data=st.data())
def test_values_are_packed_so_that_no_two_lists_look_alike(
    room: int, files: list[list[bytes | None]], data: st.DataObject
) -> None:
    width = len(files[0])
    values = [value for one in files for value in one]
    header = np.frombuffer(bytearray(b"." + b"".join(value or b"" for value in values)), np.uint8)
    found = np.zeros((len(values), 3), np.int64)
    at = 1
    for row, value in enumerate(values):
        length = len(value or b"")
        found[row] = (-1 if value is None else row, at, length)
        at += length
    places = np.array(data.draw(st.permutations(range(width))), np.int64)
    firsts = np.arange(len(files), dtype=np.int64) * width
    for numbers in (places, firsts):
        numbers.setflags(write=False)
    keys = [naive.pack_values([one[place] for place in places.tolist()]) for one in files]
    wanted = b"".join(keys)
    packed = np.full(max(0, len(wanted) + room - 1) + 1, 0xEE, np.uint8)[:-1]
    ends, repeats = np.zeros((2, len(files)), np.int64)
    n = pack_values(header, firsts, found, places, packed, ends, repeats)
    if len(packed) < len(wanted):
        assert n == -len(wanted)
        return
    assert packed[:n].tobytes() == wanted
    assert ends.tolist() == np.cumsum([len(key) for key in keys]).tolist()
    assert repeats.tolist() == [0, *(int(one == other) for one, other in pairwise(keys))]
    assert set(packed[n:].tolist()) <= {0xEE}


@given(operations=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=31))
def test_operations_are_the_digits_of_one_number(operations: list[int | None]) -> None:
    n = len(operations)
    table = np.zeros((n, N_COLUMNS), np.int64)
    found = np.zeros((n, 3), np.int64)
    for row, operation in enumerate(operations):
        # The row of an attribute is not its place among those that are looked for.
        table[n - 1 - row, OPERATION] = operation or 0
        found[row, 0] = -1 if operation is None else n - 1 - row
    places = np.arange(n, dtype=np.int64)
    places.setflags(write=False)
    packed = np.zeros(1, np.int64)
    assert pack_operations(table, ONLY, found, places, packed) == 1
    assert packed.tolist() == [naive.pack_operations(operations)]
