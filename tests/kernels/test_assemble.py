"""The assemble kernel against a writer that builds the data set from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.kernels import assemble as kernel
from fastdeid.kernels import elements
from fastdeid.kernels.rules import N_ENTRY_COLUMNS, RESULT, RESULT_LENGTH
from tests.builders import EXPLICIT, IMPLICIT, Encoding, element, encode, fragments, item, sequence
from tests.kernels import naive
from tests.kernels.damage import PLAIN_ENCODINGS, SAMPLES, icon
from tests.kernels.naive_assemble import EMPTY, KEEP, REMOVE, REPLACE, TooLongError
from tests.kernels.naive_scan import Row
from tests.kernels.scanning import ONLY, Scanned, coding_of
from tests.strategies import data_sets

GUARD = 64
LONG = bytes(range(250)) * 20

each_encoding = pytest.mark.parametrize(
    "encoding", PLAIN_ENCODINGS, ids=["explicit", "implicit", "big endian"]
)


class Assembly:
    """One call of the kernel: what it takes besides the scan, and what it has written."""

    def __init__(
        self,
        scanned: Scanned,
        operations: Sequence[int],
        values: Mapping[int, bytes],
        inserts: Sequence[tuple[int, bytes]],
    ) -> None:
        self.scanned = scanned
        table = scanned.table
        table[: scanned.n_rows, elements.OPERATION] = operations
        table[:, elements.ENTRY] = -1
        self.entries = np.zeros((len(values) + 1, N_ENTRY_COLUMNS), np.int64)
        self.arena = np.frombuffer(bytearray(b"".join(values.values()) + b"."), np.uint8)
        at = 0
        for entry, (row, value) in enumerate(values.items()):
            table[row, elements.ENTRY] = entry
            self.entries[entry, [RESULT, RESULT_LENGTH]] = at, len(value)
            at += len(value)
        self.inserts = np.zeros((len(inserts), 3), np.int64)
        at = 0
        for number, (tag, data) in enumerate(inserts):
            self.inserts[number] = tag, at, len(data)
            at += len(data)
        joined = b"".join(data for _, data in inserts)
        self.insert_bytes = np.frombuffer(bytearray(joined + b"."), np.uint8)
        self._totals = np.zeros((1, kernel.N_TOTALS), np.int64)
        self.totals = self._totals[0]
        self.segments = np.zeros((2 * scanned.n_rows + 1, 3), np.int64)

    def run(self, prefix: bytes, size: int) -> int:
        """Call the kernel with an output of `size` bytes that starts with `prefix`."""
        room = np.full(size + GUARD, 0xEE, np.uint8)
        self.out = room[:size]
        meta = np.frombuffer(bytearray(prefix), np.uint8)
        meta_ends = np.array([len(prefix)], np.int64)
        meta_ends.setflags(write=False)
        tried = kernel.assemble_data_sets(
            *(self.scanned.header, self.scanned.table, self.scanned.files, ONLY, 0, 0),
            *(self.entries, self.arena, self.inserts, self.insert_bytes, meta, meta_ends),
            *(self.out, self.segments, np.zeros(elements.MAX_DEPTH, np.int64), self._totals),
        )
        assert room[size:].tolist() == [0xEE] * GUARD
        status = int(self.totals[kernel.STATUS])
        assert tried == (status != kernel.BUFFER_FULL)
        return status

    def result(self, prefix: bytes = b"") -> bytes:
        """Return what is written, with an output that is grown to what the kernel asks for."""
        status = self.run(prefix, len(prefix))
        if status == kernel.BUFFER_FULL:
            status = self.run(prefix, int(self.totals[kernel.NEEDED]))
        if status == kernel.TOO_LONG:
            raise TooLongError
        assert status == kernel.DONE
        return b"".join(
            self.scanned.data[start : start + length]
            if kind == kernel.FROM_SOURCE
            else self.out[start : start + length].tobytes()
            for kind, start, length in self.segments[: self.totals[kernel.N_SEGMENTS]].tolist()
        )


@st.composite
def plans(draw: st.DrawFn, rows: list[Row]) -> tuple[list[int], dict[int, bytes]]:
    """Draw an operation for each row, as decided: below what goes, all goes."""
    operations: list[int] = []
    values: dict[int, bytes] = {}
    for number, row in enumerate(rows):
        operation = draw(st.sampled_from([KEEP, KEEP, KEEP, REMOVE, EMPTY, REPLACE]))
        if row.item or (row.fragments and operation in {EMPTY, REPLACE}):
            operation = KEEP
        if row.parent >= 0 and operations[row.parent] != KEEP:
            operation = REMOVE
        if operation == REPLACE and draw(st.integers(0, 9)):
            values[number] = draw(st.sampled_from([b"", b"NEW ", b"DEIDENTIFIED"]))
        operations.append(operation)
    return operations, values


INSERTS = (
    (0x00080016, element(0x00080016, "UI", b"1.2\0")),
    (0x00120062, element(0x00120062, "CS", b"YES ")),
    (0x00120063, element(0x00120063, "LO", b"by hand ")),
    (0xFFFCFFFC, element(0xFFFCFFFC, "OB", b"")),
)
# Long values in items: ranges of the source inside sequences that must be entered for them.
NESTED_LONG = (
    sequence(
        0x00081140,
        [
            item(element(0x00420011, "OB", LONG) + element(0x00420012, "LO", b"x" * 300)),
            item(element(0x00420011, "UN", LONG + LONG), undefined=True),
            item(element(0x00420012, "LO", b"y" * 300)),
        ],
    ),
    sequence(
        0x00081140,
        [item(sequence(0x00081140, [item(element(0x00420011, "OW", LONG))], undefined=True))],
    )
    + element(0x7FE00010, "OW", LONG),
    icon() + fragments(0x7FE00010, [LONG, b"", LONG]),
)


def check(data: bytes, scanned: Scanned, plan: tuple[list[int], dict[int, bytes]]) -> None:
    operations, values = plan
    rows = scanned.result().rows
    wanted = naive.assemble_data_sets(data, rows, operations, values, INSERTS)
    assembly = Assembly(scanned, operations, values, INSERTS)
    assert assembly.result(b"meta") == b"meta" + wanted
    assert assembly.totals[kernel.FILE_SIZE] == len(wanted)
    counted = assembly.totals[[kernel.N_EMPTIED, kernel.N_REPLACED]].tolist()
    assert counted == [operations.count(EMPTY), operations.count(REPLACE)]


@each_encoding
@settings(max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_what_rows_ask_for_is_written(encoding: Encoding, data: st.DataObject) -> None:
    nodes = data.draw(st.one_of(st.sampled_from(SAMPLES), data_sets(max_depth=1, max_size=3)))
    raw = encode(nodes, encoding)
    scanned = Scanned(raw, 0, coding_of(encoding))
    check(raw, scanned, data.draw(plans(scanned.result().rows)))


@given(data=st.data(), raw=st.sampled_from(NESTED_LONG), steps=st.sampled_from([64, 3000, 9000]))
def test_long_values_become_ranges_of_the_source(
    data: st.DataObject, raw: bytes, steps: int
) -> None:
    scanned = Scanned(raw, 0, elements.EXPLICIT, steps=[steps])
    check(raw, scanned, data.draw(plans(scanned.result().rows)))


@each_encoding
@given(data=st.data())
def test_what_is_kept_wholly_is_identical(encoding: Encoding, data: st.DataObject) -> None:
    raw = encode(data.draw(data_sets(max_depth=1, max_size=4)), encoding)
    scanned = Scanned(raw, 0, coding_of(encoding))
    assembly = Assembly(scanned, [KEEP] * scanned.n_rows, {}, ())
    assert assembly.result() == raw
    assert assembly.totals[kernel.N_SEGMENTS] == 1


@pytest.mark.parametrize("raw", NESTED_LONG)
@pytest.mark.parametrize("step", [16, 700, 100_000])
def test_ranges_and_bytes_give_the_file_again(raw: bytes, step: int) -> None:
    scanned = Scanned(raw, 0, elements.EXPLICIT, steps=[step])
    assert Assembly(scanned, [KEEP] * scanned.n_rows, {}, ()).result() == raw


@pytest.mark.parametrize("operation", [KEEP, REMOVE])
def test_an_insert_stands_behind_elements_of_its_own_tag(operation: int) -> None:
    raw = b"".join(element(tag, "CS", b"A ") for tag in (0x00120062, 0x00120062, 0x00120063))
    scanned = Scanned(raw, 0, elements.EXPLICIT)
    operations = [operation, operation, KEEP]
    insert = (0x00120062, element(0x00120062, "CS", b"YES "))
    wanted = naive.assemble_data_sets(raw, scanned.result().rows, operations, {}, [insert])
    assert Assembly(scanned, operations, {}, [insert]).result() == wanted
    kept = raw[:20] if operation == KEEP else b""
    assert wanted == kept + insert[1] + raw[20:]


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
@pytest.mark.parametrize("length", [65534, 65536])
def test_a_new_value_that_a_length_of_16_bits_cannot_tell_is_refused(
    encoding: Encoding, length: int
) -> None:
    raw = element(0x00081155, "UI", b"1.2\0", encoding)
    scanned = Scanned(raw, 0, coding_of(encoding))
    assembly = Assembly(scanned, [REPLACE], {0: b"1" * length}, ())
    if length > 0xFFFF and encoding is EXPLICIT:
        with pytest.raises(TooLongError):
            assembly.result()
    else:
        assert assembly.result()[8:] == b"1" * length
