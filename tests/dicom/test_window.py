"""The window: the result does not depend on how much is loaded at once, nor memory on the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dicom import reader as reading
from fastdeid.dicom.loaded import WINDOW
from fastdeid.dicom.reader import Reader
from fastdeid.errors import DicomError
from tests.builders import (
    ENCODINGS,
    EXPLICIT,
    IMPLICIT,
    Encoding,
    element,
    encode,
    file_meta,
    fragments,
    header,
    item,
    part10,
    sequence,
)
from tests.conftest import wheel_files
from tests.dicom.reading import Reading, new_reader, read, read_descriptor, read_file, reason
from tests.strategies import instances

NAME: Final = element(0x00100010, "PN", b"A^B ")
PIXEL_DATA: Final = 0x7FE00010
LONG: Final = bytes(range(256)) * 400  # longer than any window of these tests
# The first read must hold preamble and prefix.
WINDOWS: Final = st.tuples(
    *(st.integers(132, 20_000), st.sampled_from([1, 7, 300, 5000]), st.sampled_from([8, 100, 4096]))
)


def read_through(
    data: bytes, windows: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> Reading:
    """Read with a first window, later windows, and a window at each fragment, of these sizes."""
    first, later, hop = windows
    reader = new_reader()
    with monkeypatch.context() as patched:
        patched.setattr(reading, "WINDOW", later)
        patched.setattr(reading, "HOP", hop)
        reader._window = first
        return read(data, reader)


def same(one: Reading, other: Reading) -> bool:
    return (one.tree, one.transfer_syntax, one.trailing_length) == (
        *(other.tree, other.transfer_syntax, other.trailing_length),
    )


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)
@given(data=st.data())
def test_any_window_gives_the_same_elements(encoding: Encoding, data: st.DataObject) -> None:
    raw = encode(data.draw(instances(max_depth=1)), encoding)
    if encoding is EXPLICIT:
        raw += data.draw(st.sampled_from([b"", fragments(PIXEL_DATA, [LONG, b"", b"1234"])]))
    whole = part10(raw, encoding, trailing=data.draw(st.sampled_from([b"", bytes(6)])))
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = read_through(whole, data.draw(WINDOWS), monkeypatch)
    assert same(found, read(whole))


@pytest.mark.parametrize("window", [132, 200, 1000, 5000])
def test_real_files_are_the_same_through_small_windows(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [path for path in wheel_files() if path.stat().st_size < 12_000]
    for path in small[:: 1 if window > 200 else 3]:
        data = path.read_bytes()
        if not reason(data):
            found = read_through(data, (window, window, 64), monkeypatch)
            assert same(found, read(data)), path.name


@pytest.mark.parametrize("vr", "OB OD OF OL OV OW UN UT".split())
@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
def test_a_value_longer_than_the_window_becomes_a_range(vr: str, encoding: Encoding) -> None:
    if not encoding.explicit and vr != "OW":
        return
    long = element(PIXEL_DATA, vr, LONG, encoding)
    inside = sequence(0x00081140, [item(long, encoding)], encoding)
    behind = element(0xFFFCFFFC, "OB", b"12", encoding)
    found = read(part10(inside + long + behind, encoding))
    vr = vr if encoding.explicit else "OW"
    assert found.tree == [
        (0x00081140, "SQ", [[(PIXEL_DATA, vr, LONG)]]),
        (PIXEL_DATA, vr, LONG),
        (0xFFFCFFFC, "OB", b"12"),
    ]
    assert found.unloaded == 2 * len(LONG)


def sparse(folder: Path, start: bytes, end: bytes, size: int) -> Path:
    """Write a file of `size` bytes that takes no room but for its start and end."""
    path = folder / "sparse.dcm"
    with path.open("wb") as file:
        file.write(start)
        file.seek(size - len(end))
        file.write(end)
    return path


def loaded_by(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Reader, int]:
    """Read a file; return the reader and how many bytes it took from the disk."""
    taken = 0
    preadv = os.preadv

    def count(fd: int, buffers: list[memoryview], offset: int) -> int:
        nonlocal taken
        n = preadv(fd, buffers, offset)
        taken += n
        return n

    reader = new_reader()
    with monkeypatch.context() as patched, path.open("rb") as file:
        patched.setattr(os, "preadv", count)
        reader.read(file.fileno(), path.stat().st_size)
    return reader, taken


@pytest.mark.parametrize("size", [1 << 24, 3 << 30])
def test_memory_does_not_grow_with_native_pixel_data(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = element(0xFFFCFFFC, "OB", b"12")
    start = part10(NAME)
    pixels = header(PIXEL_DATA, "OW", size - len(start) - 12 - len(behind))
    path = sparse(tmp_path, start + pixels, behind, size)
    reader, taken = loaded_by(path, monkeypatch)
    assert reader.n_rows == 3
    assert taken <= 2 * WINDOW
    assert len(reader.header) <= 4 * WINDOW
    assert reader.trailing_length == 0


def test_memory_does_not_grow_with_the_number_of_fragments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fragments.dcm"
    path.write_bytes(part10(NAME + fragments(PIXEL_DATA, [bytes(3000)] * 1000)))
    reader, taken = loaded_by(path, monkeypatch)
    assert reader.n_rows == 2
    assert len(reader.header) <= 4 * WINDOW
    assert taken < 2 * path.stat().st_size


def test_large_fragments_are_hopped_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 2 << 30
    end = bytes.fromhex("feffdde000000000")
    start = part10(NAME + header(PIXEL_DATA, "OB", 0xFFFFFFFF) + item(b""))
    first = item(b"")[:4] + (size - len(start) - 8 - len(end)).to_bytes(4, "little")
    reader, taken = loaded_by(sparse(tmp_path, start + first, end, size), monkeypatch)
    assert reader.n_rows == 2
    assert taken <= 2 * WINDOW


def test_a_header_beyond_all_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_HEADER", 1 << 20)
    text = element(0x00104000, "LT", b"x" * 60_000)
    assert reason(part10(text * 10)) == ""
    assert reason(part10(text * 20)) == "header_too_large"
    meta = file_meta(extra=element(0x00020102, "OB", bytes(3 << 20)))
    assert reason(part10(NAME, meta=meta)) in {"header_too_large", "file_meta_truncated"}


def test_more_elements_than_a_table_may_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_ROWS", 1 << 13)
    assert reason(part10(NAME * (1 << 13))) == ""
    assert reason(part10(NAME * ((1 << 13) + 1))) == "too_many_elements"


def test_a_reader_forgets_the_file_before(tmp_path: Path) -> None:
    reader = new_reader()
    files = [path for path in wheel_files() if path.stat().st_size < 50_000][::5]
    for path in files:
        alone = reason(path.read_bytes())
        if alone:
            with pytest.raises(DicomError, match=alone):
                read_file(path, reader)
        else:
            assert same(read_file(path, reader), read_file(path)), path.name


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.dcm"
    path.write_bytes(part10(NAME))
    with path.open("rb") as file, pytest.raises(DicomError, match="changed_while_read"):
        read_descriptor(file.fileno(), path.stat().st_size + 8, new_reader())
