"""What the header makes likely moves the thresholds; what it denies does not end the search."""

from __future__ import annotations

import pytest

from fastdeid.pixels.expectation import LIKELY, UNLIKELY, thresholds_for
from fastdeid.pixels.text import DEFAULT, Thresholds

CT = "1.2.840.10008.5.1.4.1.1.2"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize(
    ("modality", "image_type", "sop_class", "burned_in", "expected"),
    [
        ("CT", "ORIGINAL\\PRIMARY\\AXIAL", CT, "", UNLIKELY),
        ("CT", "ORIGINAL\\PRIMARY\\AXIAL", CT, "YES", LIKELY),
        ("CT", "DERIVED\\SECONDARY", CT, "NO", DEFAULT),
        ("CT", "DERIVED\\SECONDARY\\SCREEN SAVE", CT, "NO", LIKELY),
        ("CT", "ORIGINAL\\PRIMARY", CAPTURE, "NO", LIKELY),
        ("CT", "ORIGINAL\\PRIMARY", CAPTURE + ".4", "NO", LIKELY),
        ("US", "ORIGINAL\\PRIMARY", "", "NO", LIKELY),
        ("CR", "", "", "", DEFAULT),
    ],
)
def test_thresholds(
    modality: str, image_type: str, sop_class: str, burned_in: str, expected: Thresholds
) -> None:
    assert thresholds_for(modality, image_type, sop_class, burned_in) == expected
