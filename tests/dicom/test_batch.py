"""Files read together are read as each of them alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.dicom.batch import BATCH, BatchReader
from fastdeid.dicom.encodings import vr_codes
from fastdeid.errors import DicomError
from fastdeid.kernels import elements as scan
from fastdeid.kernels import file_meta as kernel
from fastdeid.tags import VR_NAMES
from tests.builders import ENCODINGS, EXPLICIT, element, encode, file_meta, part10
from tests.conftest import wheel_files
from tests.dicom.reading import new_reader
from tests.kernels import naive
from tests.runs import basic_profile
from tests.strategies import instances

METAS: Final = st.sampled_from(
    [
        file_meta(),
        file_meta(extra=element(0x00020100, "UI", b"1.2.3\0")),
        file_meta(extra=element(0x00020102, "OB", bytes(300))),
        file_meta(extra=b"\2\0\x16\0??"),
        b"",
    ]
)


@contextlib.contextmanager
def opened(files: Sequence[bytes], folder: Path) -> Iterator[list[int]]:
    fds = []
    for number, data in enumerate(files):
        path = folder / str(number)
        path.write_bytes(data)
        fds.append(os.open(path, os.O_RDONLY))
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def new_batch_reader() -> BatchReader:
    profile = basic_profile()
    return BatchReader(profile.dictionary_keys, profile.dictionary_vrs)


def check(files: Sequence[bytes], folder: Path, reader: BatchReader) -> list[int]:
    """Read files together and alone; return the numbers of the ordinary ones."""
    alone = new_reader()
    with opened(files, folder) as fds:
        ordinary = reader.read(fds, [len(data) for data in files])
        for number in ordinary:
            alone.read(fds[number], len(files[number]))
            rows = reader.rows(number)
            mine = reader.table[rows].copy()
            columns = (scan.PARENT, scan.END)
            shifts = reader.state(number, scan.SHIFT)
            bulk = mine[:, scan.FLAGS] & scan.BULK != 0
            theirs = alone.table[: alone.n_rows]
            same = [scan.TAG, scan.VR, scan.LENGTH]
            assert mine[:, same].tolist() == theirs[:, same].tolist()
            for column in columns:
                shifted = np.where(mine[:, column] < 0, -1, mine[:, column] - rows.start)
                assert shifted.tolist() == theirs[:, column].tolist()
            assert shifts <= 0 or bulk.any()
            values = [reader.value(row) for row in range(rows.start, rows.stop)]
            assert values == [alone.value(row) for row in range(alone.n_rows)]
            assert reader.syntaxes[number] == alone.transfer_syntax
            assert reader.state(number, scan.ENCODING) == alone.encoding
            assert alone.trailing_length == 0
            named = alone.media_storage_sop_class()
            assert reader.media_storage_sop_class(number) == named
    return ordinary


@settings(max_examples=30)
@given(data=st.data())
def test_ordinary_files_of_any_encoding_are_read_together(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    encodings = data.draw(st.lists(st.sampled_from(ENCODINGS), min_size=1, max_size=4))
    files = [part10(encode(data.draw(instances()), one), one) for one in encodings]
    check(files, tmp_path_factory.mktemp("files"), new_batch_reader())


def test_real_files_are_read_together_or_left(tmp_path: Path) -> None:
    reader = new_batch_reader()
    files = [path.read_bytes() for path in wheel_files()]
    n_ordinary = sum(
        len(check(files[start : start + BATCH], tmp_path, reader))
        for start in range(0, len(files), BATCH)
    )
    assert n_ordinary > 60


def test_a_file_that_is_not_ordinary_is_left_and_the_others_are_read(tmp_path: Path) -> None:
    sound = part10(element(0x00080018, "UI", b"1.2.3\0") + element(0x00100010, "PN", b"A^B "))
    too_large = part10(
        element(0x00080018, "UI", b"1.2\0") + element(0x00104000, "LT", b"x" * 60_000) * 2
    )
    files = [
        *(sound, b"", sound[:200], b"no DICOM at all " * 100, sound, too_large),
        *(sound[:-3], sound + b"\0" * 100, b"x" + sound, sound),
    ]
    assert check(files, tmp_path, new_batch_reader()) == [0, 4, 9]


def test_the_window_follows_the_headers(tmp_path: Path) -> None:
    reader = new_batch_reader()
    small = part10(element(0x00080018, "UI", b"1.2.3\0"))
    large = part10(element(0x00080018, "UI", b"1.2\0") + element(0x00104000, "LT", b"x" * 30_000))
    assert check([small, small], tmp_path, reader) == [0, 1]
    assert check([large, small], tmp_path, reader) == [1]
    assert check([large, small], tmp_path, reader) == [0, 1]


def test_more_elements_than_the_table_has_room_for_are_left(tmp_path: Path) -> None:
    reader = new_batch_reader()
    many = part10(b"".join(element(0x00200000 | n, "UN", b"") for n in range(1, 3000)))
    assert check([many] * BATCH, tmp_path, reader)[:3] == [0, 1, 2]
    assert len(check([many] * BATCH, tmp_path, reader)) < BATCH


def test_errors_of_a_file_alone_are_met_when_it_is_read_alone(tmp_path: Path) -> None:
    broken = part10(element(0x00080018, "UI", b"1.2.3\0") + b"\x10\0\x10\0??\0\0")
    assert check([broken], tmp_path, new_batch_reader()) == []
    with opened([broken], tmp_path) as fds, pytest.raises(DicomError, match="unknown_vr"):
        new_reader().read(fds[0], len(broken))


@given(metas=st.lists(METAS, max_size=5), cut=st.integers(0, 60))
def test_file_metas_are_walked_over_at_once(metas: list[bytes], cut: int) -> None:
    behind = element(0x00080005, "CS", b"", EXPLICIT)
    files = [bytes(128) + b"DICM" + meta + behind for meta in metas]
    files[1:2] = [one[: max(0, len(one) - cut)] for one in files[1:2]]
    files[2:3] = [b"x" + one for one in files[2:3]]
    header = np.frombuffer(bytearray(b"".join(files) + b"."), np.uint8)
    states = np.zeros((len(files), scan.N_STATE), np.int64)
    starts = np.cumsum([0, *(len(one) for one in files)])
    states[:, scan.POSITION] = starts[:-1]
    states[:, scan.LOADED] = starts[1:]
    states[:, scan.STATUS] = scan.FRESH
    places = np.zeros((len(files), kernel.N_PLACES), np.int64)
    n = kernel.scan_file_metas(header, states, vr_codes(), places)
    wanted = naive.scan_file_metas(files, VR_NAMES[1:])
    assert n == sum(start is not None for start in wanted)
    found = zip(states[:, scan.POSITION] - starts[:-1], states[:, scan.STATUS], strict=True)
    assert [int(at) if status == scan.FRESH else None for at, status in found] == wanted
