"""Unix times in private elements, seconds since 1970-01-01, move by whole days."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dates import shift_unix

MIDDAY = 1_071_230_400  # 2003-12-12 12:00:00 UTC
WHOLE = (("SL", "i"), ("UL", "I"), ("OL", "I"), ("SV", "q"), ("UV", "Q"), ("OV", "Q"))


@pytest.mark.parametrize(("vr", "code"), [*WHOLE, ("FD", "d"), ("OD", "d")])
@pytest.mark.parametrize("order", "<>")
def test_a_time_moves_by_days_of_86_400_seconds(vr: str, code: str, order: str) -> None:
    raw = struct.pack(f"{order}{code}", MIDDAY)
    moved = shift_unix(vr, raw, -10, big_endian=order == ">")
    assert moved == struct.pack(f"{order}{code}", MIDDAY - 864_000)


def test_a_fraction_of_a_second_stays() -> None:
    raw = struct.pack("<d", MIDDAY + 0.125)
    moved = shift_unix("FD", raw, -3650, big_endian=False)
    assert moved == struct.pack("<d", MIDDAY - 315_360_000 + 0.125)


def test_several_values_move_and_unset_ones_stay_unset() -> None:
    raw = struct.pack("<3i", MIDDAY, 0, MIDDAY + 1)
    moved = shift_unix("SL", raw, 1, big_endian=False)
    assert moved == struct.pack("<3i", MIDDAY + 86_400, 0, MIDDAY + 86_401)
    assert shift_unix("SL", b"", 1, big_endian=False) == b""


@pytest.mark.parametrize(
    ("vr", "raw", "days"),
    [
        ("SL", struct.pack("<i", 2**31 - 1), 1),
        ("SL", struct.pack("<i", -(2**31)), -1),
        ("UL", struct.pack("<I", 86_399), -1),
        ("UV", struct.pack("<Q", 2**64 - 1), 1),
        ("FD", struct.pack("<d", math.nan), 1),
        ("FD", struct.pack("<d", math.inf), 1),
        ("FD", struct.pack("<2d", MIDDAY, -math.inf), 1),
        ("FD", bytes(7), 1),
        ("SL", bytes(5), 1),
        ("US", bytes(2), 1),
        ("FL", bytes(4), 1),  # 24 bits are too few for seconds since 1970
        ("DS", b"1071230400", 1),
    ],
)
def test_what_cannot_be_moved_is_none(vr: str, raw: bytes, days: int) -> None:
    assert shift_unix(vr, raw, days, big_endian=False) is None


@given(st.lists(st.integers(10**9, 2**31), max_size=4), st.integers(-3650, 3650))
def test_moving_back_undoes_a_move(values: list[int], days: int) -> None:
    raw = struct.pack(f"<{len(values)}q", *values)
    moved = shift_unix("SV", raw, days, big_endian=False)
    assert moved is not None
    assert shift_unix("SV", moved, -days, big_endian=False) == raw
