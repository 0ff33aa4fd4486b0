"""Whole files in every coded transfer syntax: masked, and decoded by another library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fastdeid.pixels.masks import Layout
from fastdeid.verdicts import Verdict
from tests.codecs.coding import CASES, Case
from tests.codecs.jpegs import coded as jpeg
from tests.codecs.jpegs import shown
from tests.pixels.encapsulating import check_offsets, file_of, frames_in
from tests.pixels.files import (
    COLUMNS,
    ROWS,
    STROKES,
    codes_of,
    grey,
    outside,
    read,
    treat,
)

Samples = npt.NDArray[Any]
# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
ONE_FRAGMENT = {"native", "RLE", "deflated"}
# By name: attributes, clean frame, frame with text.
PICTURES: dict[str, tuple[dict[str, Any], Samples, Samples]] = {
    "8 bits": ({}, grey(40, 40), grey(40, 230)),
    "12 bits": (
        {"BitsAllocated": 16, "BitsStored": 12},
        grey(300, 300, np.uint16),
        grey(300, 3900, np.uint16),
    ),
}
PAIRS = [(name, "12 bits" if 12 in case.bits else "8 bits") for name, case in CASES.items()]


def layout_of(more: dict[str, Any]) -> Layout:
    bits = more.get("BitsAllocated", 8)
    stored = more.get("BitsStored", bits)
    name = more.get("PhotometricInterpretation", "MONOCHROME2")
    return Layout(ROWS, COLUMNS, name, more.get("SamplesPerPixel", 1), bits, stored, stored - 1)


@pytest.mark.parametrize(("name", "picture"), PAIRS)
def test_a_name_goes_from_the_one_frame_that_has_it(
    name: str, picture: str, tmp_path: Path
) -> None:
    case: Case = CASES[name]
    more, clean, with_name = PICTURES[picture]
    of = layout_of(more)
    frames = [case.encode(samples, of) for samples in (clean, with_name, clean)]
    lossy = {} if case.lossless else {"LossyImageCompression": "01"}
    n_fragments = 1 if name in ONE_FRAGMENT else 2
    before = file_of(frames, case.uid, n_fragments=n_fragments, **more, **lossy)
    outcome, after = treat(before, tmp_path)
    assert outcome.verdict is Verdict.OK, outcome.reason
    assert (outcome.frames_examined, outcome.frames_masked) == (3, 1)
    old, new = frames_in(before), frames_in(after)
    assert [one == other for one, other in zip(old, new, strict=True)] == [True, False, True]
    ds = read(after)
    assert ds.file_meta.TransferSyntaxUID == case.uid
    assert ds.get("LossyImageCompression", "00") == ("00" if case.lossless else "01")
    assert "113101" in codes_of(ds)
    check_offsets(after)
    shown_before, shown_after = (case.decode(coded[1], of) for coded in (old, new))
    left = outside(outcome, 3)[1]
    # Of irreversible streams, two decoders differ by a rounding.
    change = np.abs(shown_after[left].astype(int) - shown_before[left])
    assert change.max() <= (0 if case.lossless else 1)
    assert not shown_after[~left].any()
    assert (~left[STROKES]).mean() >= 0.9


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_name_goes_from_a_jpeg(options: dict[str, Any], tmp_path: Path) -> None:
    frames = [jpeg(samples, quality=90, **options) for samples in (grey(40, 40), grey(40, 230))]
    syntax = "1.2.840.10008.1.2.4.50"
    before = file_of(frames, syntax, n_fragments=2, LossyImageCompression="01")
    outcome, after = treat(before, tmp_path)
    assert (outcome.verdict, outcome.frames_masked) == (Verdict.OK, 1)
    new = frames_in(after)
    assert new[0] == frames_in(before)[0]
    assert read(after).LossyImageCompression == "01"
    check_offsets(after)
    left = outside(outcome, 2)[1]
    one, other = shown(frames[1]), shown(new[1])
    assert np.array_equal(one[left], other[left])
    assert other[~left].max() <= 1
    assert (~left[STROKES]).mean() >= 0.9
