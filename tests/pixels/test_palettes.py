"""Palette colour lookup tables, PS3.3 C.7.6.3.1.5 and C.7.9.2."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.pixels.processing import _expand_segmented_lut

from fastdeid.errors import DicomError
from fastdeid.pixels.palettes import Descriptor, parse_descriptor, read_segments, read_table


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)


def test_no_entries_mean_65536() -> None:
    assert parse_descriptor(words(0, 5, 16), signed=False) == Descriptor(65536, 5, 16)


def test_the_first_value_mapped_is_signed_when_samples_are() -> None:
    assert parse_descriptor(words(256, 0xFFFF, 8), signed=True).first == -1
    assert parse_descriptor(words(256, 0xFFFF, 8), signed=False).first == 65535


def test_entries_of_8_bits_stand_one_per_byte_or_per_word() -> None:
    of = Descriptor(3, 0, 8)
    assert read_table(b"\1\2\3\0", of).tolist() == [1, 2, 3]
    assert read_table(b"\1\0\2\0\3\0", of).tolist() == [1, 2, 3]


def test_bytes_in_big_endian_words_stand_the_other_way() -> None:
    assert read_table(b"\2\1\4\3", Descriptor(4, 0, 8), big_endian=True).tolist() == [1, 2, 3, 4]


def test_segments_are_expanded_as_by_pydicom() -> None:
    #        discrete 0 9       linear to 100 in 5  again the first segment
    coded = (0, 2, 0, 9, 1, 5, 100, 2, 1, 0, 0)
    with pytest.raises(DicomError, match="palette_segment"):
        read_segments(words(*coded), Descriptor(9, 0, 16))  # an indirect segment at 0
    later = (0, 1, 7, 0, 2, 0, 9, 1, 5, 100, 2, 1, 3, 0)
    found = read_segments(words(*later), Descriptor(10, 0, 16)).tolist()
    assert found == [7, 0, 9, 27, 45, 64, 82, 100, 0, 9]
    linear = (0, 1, 0, 1, 10, 1000)
    found = read_segments(words(*linear), Descriptor(11, 0, 16)).tolist()
    assert np.abs(np.array(found) - _expand_segmented_lut(linear, "H")).max() <= 1


@pytest.mark.parametrize("coded", [(1, 3, 9), (0, 9, 1), (5, 1, 1), (2, 1, 0)])
def test_damaged_segments_are_refused(coded: tuple[int, ...]) -> None:
    with pytest.raises(DicomError, match="palette_"):
        read_segments(words(*coded), Descriptor(3, 0, 16))


def test_segments_of_entries_of_8_bits_are_bytes() -> None:
    #       discrete 7  discrete 0 9  linear to 100 in 5  1 segment at byte 3: discrete 0 9
    coded = bytes((0, 1, 7, 0, 2, 0, 9, 1, 5, 100, 2, 1, 3, 0, 0, 0))
    found = read_segments(coded, Descriptor(10, 0, 8)).tolist()
    assert found == [7, 0, 9, 27, 45, 64, 82, 100, 0, 9]
    assert found == _expand_segmented_lut(tuple(coded), "<B")
    swapped = np.frombuffer(coded, "<u2").byteswap().tobytes()
    assert read_segments(swapped, Descriptor(10, 0, 8), big_endian=True).tolist() == found


def test_segments_of_words_are_read_where_bytes_are_due() -> None:
    assert read_segments(words(0, 3, 1, 2, 3), Descriptor(3, 0, 8)).tolist() == [1, 2, 3]


def test_a_linear_segment_that_is_copied_begins_at_the_entry_before_it() -> None:
    #        discrete 10 20  linear to 40 in 2  discrete 0  1 segment at word 4: linear from 0
    coded = (0, 2, 10, 20, 1, 2, 40, 0, 1, 0, 2, 1, 4, 0)
    found = read_segments(words(*coded), Descriptor(7, 0, 16)).tolist()
    assert found == [10, 20, 30, 40, 0, 20, 40]
