"""Clearing bits of samples against plain numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.kernels.overlay_bits import clear_bits
from tests.kernels import naive

SIZES = [(np.uint8, 8), (np.uint16, 16), (np.uint32, 32)]


@pytest.mark.parametrize(("dtype", "bits"), SIZES)
@given(data=st.data())
def test_the_kernel_agrees_with_plain_numbers(
    dtype: type[np.unsignedinteger], bits: int, data: st.DataObject
) -> None:
    number = st.integers(0, (1 << bits) - 1)
    samples = data.draw(st.lists(number, max_size=40))
    keep, sign, fill = data.draw(number), data.draw(number), data.draw(number)
    held = np.array(samples, dtype)
    clear_bits(held, dtype(keep), dtype(sign), dtype(fill))
    assert held.tolist() == naive.clear_bits(samples, keep, sign, fill)
