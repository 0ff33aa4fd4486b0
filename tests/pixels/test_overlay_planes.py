"""Overlays that a profile keeps are searched for text as images are, PS3.3 section C.9.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fastdeid.outcome import Outcome
from fastdeid.rules import Profile
from fastdeid.verdicts import Verdict
from tests.options.profiles import with_options
from tests.pixels.files import (
    COLUMNS,
    ROWS,
    STROKES,
    attributes,
    codes_of,
    frames_of,
    grey,
    read,
    run_length,
    treat,
    written,
)

# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
Bits = npt.NDArray[np.bool_]
CLEAN = grey(40, 40)
EMPTY: Bits = np.zeros((ROWS, COLUMNS), np.bool_)
FRAME: Bits = EMPTY.copy()
FRAME[80:82, 10:180] = FRAME[60:90, 100:102] = True


@pytest.fixture(scope="module")
def keeping() -> Profile:
    return with_options(["clean_graphics"])


def plane(bits: Bits, *, big_endian: bool = False, n_frames: int = 1) -> list[tuple[int, str, Any]]:
    """Return the elements of an overlay plane, group 6000."""
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    packed += bytes(len(packed) % 2)
    if big_endian:  # of OW, the bytes of each word are swapped
        packed = np.frombuffer(packed, "<u2").byteswap().tobytes()
    elements: list[tuple[int, str, Any]] = [
        *((0x0010, "US", bits.shape[-2]), (0x0011, "US", bits.shape[-1]), (0x0040, "CS", "G")),
        *((0x0050, "SS", [1, 1]), (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", packed)),
    ]
    return [*elements, (0x0015, "IS", n_frames)] if n_frames > 1 else elements


def with_plane(ds: Dataset, elements: list[tuple[int, str, Any]]) -> Dataset:
    for element, vr, value in elements:
        ds.add_new(0x60000000 | element, vr, value)
    return ds


def bits_of(data: bytes, shape: tuple[int, ...], *, big_endian: bool = False) -> Bits:
    raw = read(data)[0x60003000].value
    if big_endian:
        raw = np.frombuffer(raw, "<u2").byteswap().tobytes()
    flat = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    return flat[: np.prod(shape)].reshape(shape).astype(np.bool_)


def check_cleared(outcome: Outcome, before: Bits, after: Bits) -> None:
    """Assert that the text is gone, and no other bit."""
    assert {mask.reason for mask in outcome.masks} == {"text_in_overlay_6000"}
    inside = np.zeros(before.shape, np.bool_)
    for mask in outcome.masks:
        frames = inside[mask.first_frame - 1 : mask.last_frame]
        frames[:, mask.top : mask.bottom, mask.left : mask.right] = True
    assert not after[inside].any()
    assert np.array_equal(after[~inside], before[~inside])


SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_name_in_an_overlay_is_cleared(syntax: str, keeping: Profile, tmp_path: Path) -> None:
    big = syntax == ExplicitVRBigEndian
    shown = STROKES | FRAME
    ds = with_plane(attributes(BitsAllocated=16), plane(shown, big_endian=big))
    pixels = CLEAN.astype(">u2" if big else "<u2").tobytes()
    outcome, after = treat(written(ds, pixels, syntax), tmp_path, profile=keeping)
    bits = bits_of(after, (ROWS, COLUMNS), big_endian=big)
    check_cleared(outcome, shown[None], bits[None])
    assert bits[STROKES].mean() <= 0.1
    assert bits[FRAME & ~STROKES].all()
    assert read(after).PixelData == pixels
    assert (outcome.frames_examined, outcome.frames_masked) == (1, 0)
    assert "113101" in codes_of(read(after))
    assert read(after).BurnedInAnnotation == "NO"


def test_every_frame_of_an_overlay_is_examined(keeping: Profile, tmp_path: Path) -> None:
    # 96 x 191 bits: frames begin within a byte.
    shown = np.stack([FRAME, STROKES | FRAME, FRAME])[:, :, :-1]
    ds = with_plane(attributes(), plane(shown, n_frames=3))
    outcome, after = treat(written(ds, CLEAN.tobytes()), tmp_path, profile=keeping)
    check_cleared(outcome, shown, bits_of(after, shown.shape))
    assert {(mask.first_frame, mask.last_frame) for mask in outcome.masks} == {(2, 2)}


def test_an_overlay_behind_the_window_is_cleared_on_its_way(
    keeping: Profile, tmp_path: Path
) -> None:
    shown = np.zeros((1024, 1024), np.bool_)  # 128 KiB: it is never loaded
    shown[500 : 500 + ROWS, 300 : 300 + COLUMNS] = STROKES
    ds = with_plane(attributes(), plane(shown))
    before = written(ds, CLEAN.tobytes())
    outcome, after = treat(before, tmp_path, profile=keeping)
    check_cleared(outcome, shown[None], bits_of(after, shown.shape)[None])
    assert len(read(after)[0x60003000].value) == 1024 * 1024 // 8


@pytest.mark.parametrize("bits", [EMPTY, FRAME], ids=["empty", "a frame"])
def test_an_overlay_without_text_keeps_its_bytes(
    bits: Bits, keeping: Profile, tmp_path: Path
) -> None:
    before = written(with_plane(attributes(), plane(bits)), CLEAN.tobytes())
    outcome, after = treat(before, tmp_path, profile=keeping)
    assert (outcome.verdict, outcome.masks) == (Verdict.OK, ())
    assert read(after)[0x60003000].value == read(before)[0x60003000].value
    assert "113101" in codes_of(read(after))


def test_an_overlay_of_another_length_is_quarantined(keeping: Profile, tmp_path: Path) -> None:
    elements = [one if one[0] != 0x3000 else (*one[:2], one[2][:-2]) for one in plane(STROKES)]
    outcome, _ = treat(
        written(with_plane(attributes(), elements), CLEAN.tobytes()), tmp_path, profile=keeping
    )
    assert (outcome.verdict, outcome.tag) == (Verdict.QUARANTINED, 0x60003000)


def test_an_overlay_in_bits_of_the_samples_is_examined(keeping: Profile, tmp_path: Path) -> None:
    elements = [one for one in plane(EMPTY) if one[0] not in {0x0100, 0x0102, 0x3000}]
    elements += [(0x0100, "US", 16), (0x0102, "US", 12)]
    ds = with_plane(attributes(BitsAllocated=16, BitsStored=12), elements)
    samples = CLEAN.astype("<u2")
    before = samples | STROKES.astype("<u2") << 12
    outcome, after = treat(written(ds, before.tobytes()), tmp_path, profile=keeping)
    assert {mask.reason for mask in outcome.masks} == {"text_in_overlay_bits"}
    shown = np.frombuffer(read(after).PixelData, "<u2").reshape(samples.shape)
    assert (shown >> 12)[STROKES].mean() <= 0.1
    assert "113101" in codes_of(read(after))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_an_overlay_in_bits_of_coded_samples_is_examined_where_decoding_shows_it(
    signed: bool, keeping: Profile, tmp_path: Path
) -> None:
    elements = [one for one in plane(EMPTY) if one[0] not in {0x0100, 0x0102, 0x3000}]
    elements += [(0x0100, "US", 16), (0x0102, "US", 12)]
    of = attributes(BitsAllocated=16, BitsStored=12, PixelRepresentation=int(signed))
    samples = CLEAN.astype("<u2") | STROKES.astype("<u2") << 12
    before = run_length(with_plane(of, elements), [samples.astype("<i2") if signed else samples])
    outcome, after = treat(before, tmp_path, profile=keeping)
    assert outcome.verdict is Verdict.OK, outcome.reason
    if (
        signed
    ):  # the sign is drawn through these bits: nobody has seen them, and that is not claimed
        assert (outcome.masks, "113101" in codes_of(read(after))) == ((), False)
        return
    assert {mask.reason for mask in outcome.masks} == {"text_in_overlay_bits"}
    assert (frames_of(read(after))[0] >> 12)[STROKES].mean() <= 0.1
    assert "113101" in codes_of(read(after))


def test_overlays_that_go_are_not_looked_at(tmp_path: Path) -> None:
    before = written(with_plane(attributes(), plane(STROKES)), CLEAN.tobytes())
    outcome, after = treat(before, tmp_path)
    assert (outcome.masks, 0x60003000 in read(after)) == ((), False)
    assert "113101" in codes_of(read(after))
