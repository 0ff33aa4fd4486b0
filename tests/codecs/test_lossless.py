"""Masked frames, judged by another decoder: boxes black, every other sample as it was."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("imagecodecs")
pytest.importorskip("jpeg_ls")
pytest.importorskip("openjpeg")

from fastdeid.codecs import codec_for, is_coded
from fastdeid.errors import CodecMissingError, DicomError
from fastdeid.pixels.masks import Layout, fill_samples
from tests.codecs.coding import CASES, HTJ2K_RPCL, J2K_LOSSY, JPEG_LS, RLE, Case, jpeg_ls_frame
from tests.codecs.drawing import BOXES, drawn, expected, layout, masked_places

GREYS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOURS = {"RGB": "RGB", "YBR_FULL": "YBR_FULL"}
TRANSFORMED = {"YBR_RCT": "RGB", "YBR_ICT": "RGB"}


def layouts(name: str, case: Case) -> list[tuple[str, str, Layout]]:
    """Return every layout that a syntax can have."""
    found = []
    for bits in case.bits:
        allocated = 1 if bits == 1 else 8 if bits <= 8 else 16 if bits <= 16 else 32
        for photometric in GREYS if bits > 1 else GREYS[:2]:
            # Patterns of signed values jump at 0, which a bounded loss is not made for.
            signs = photometric == "MONOCHROME2" and name != "near-lossless" and bits > 1
            for signed in (False, True) if signs else (False,):
                of = layout(photometric, allocated, bits, signed=signed)
                found.append((f"{name}, {photometric}, {bits} bits{', signed' * signed}", name, of))
        transformed = TRANSFORMED if "2000" in name or "HTJ2K" in name else {}
        for photometric in (*COLOURS, *transformed) if bits in {8, 12} else ():
            if (photometric == "YBR_ICT") == case.lossless and photometric in TRANSFORMED:
                continue
            of = layout(photometric, allocated, bits)
            found.append((f"{name}, {photometric}, {bits} bits", name, of))
    return found


EVERY = [row for name, case in CASES.items() for row in layouts(name, case)]
each_layout = pytest.mark.parametrize(
    ("name", "of"), [row[1:] for row in EVERY], ids=[row[0] for row in EVERY]
)


def black(of: Layout) -> tuple[int, ...]:
    return fill_samples(of, palette_index=7 if of.photometric_interpretation[0] == "P" else None)


@each_layout
def test_only_the_boxes_change(name: str, of: Layout) -> None:
    case = CASES[name]
    samples = drawn(of)
    coded = case.encode(samples, of)
    codec = codec_for(case.uid, of)
    before = codec.decode(coded)
    if case.lossless:
        np.testing.assert_array_equal(before, samples)
    else:
        assert 0 < np.abs(before.astype(float) - samples).max() <= (1 << of.bits_stored) / 2
    masked = codec.mask(coded, BOXES, black(codec.layout))
    assert len(masked) % 2 == 0
    after = expected(before, of, black(codec.layout))
    np.testing.assert_array_equal(case.decode(masked, of), after)
    np.testing.assert_array_equal(codec.decode(masked), after)
    assert codec.decode(masked).dtype == samples.dtype


@pytest.mark.parametrize("name", CASES)
def test_a_frame_without_a_box_keeps_its_bytes(name: str) -> None:
    of = layout("MONOCHROME2")
    coded = CASES[name].encode(drawn(of), of)
    codec = codec_for(CASES[name].uid, of)
    assert codec.mask(coded, [(50, 60, 70, 80), (5, 5, 5, 9)], (0,)) == coded
    assert codec.mask(coded, [], (0,)) == coded
    assert codec.grown(coded, [(-1, 2, 5, 99)]) == [(0, 2, 5, 50)]


@pytest.mark.parametrize("interleave", [0, 1, 2])
@pytest.mark.parametrize("near", [0, 2])
def test_jpeg_ls_keeps_its_interleaving(interleave: int, near: int) -> None:
    of = layout("RGB")
    coded = jpeg_ls_frame(drawn(of), of, near, interleave)
    codec = codec_for(JPEG_LS, of)
    before = codec.decode(coded)
    assert np.abs(before.astype(int) - drawn(of)).max() <= near
    masked = codec.mask(coded, BOXES, (0, 0, 0))
    scan = masked.index(b"\xff\xda")
    # SOS: 2 bytes of marker, 2 of length, 1 of components; each of those takes 2 (C.2.3).
    assert masked[scan + 6 + 2 * masked[scan + 4]] == interleave
    assert masked[scan + 5 + 2 * masked[scan + 4]] == 0
    np.testing.assert_array_equal(codec.decode(masked), expected(before, of, (0, 0, 0)))


def test_htj2k_keeps_its_precision_and_progression() -> None:
    of = layout("MONOCHROME2", 16, 12)
    codec = codec_for(HTJ2K_RPCL, of)
    once = codec.mask(CASES["HTJ2K"].encode(drawn(of), of), [BOXES[0]], (0,))
    # The frame had 16 bits. One of 12 keeps them: Ssiz is 11.
    narrow = once[:42] + b"\x0b" + once[43:]
    masked = codec.mask(narrow, [BOXES[1]], (0,))
    assert masked[42] == 11
    coding = masked.index(b"\xff\x52")
    assert masked[coding + 5] == 2  # SGcod: progression order RPCL (A.6.1)
    assert b"\xff\x55" in masked[: masked.index(b"\xff\x90")]  # TLM


def test_a_lossy_transform_of_colours_becomes_a_reversible_one() -> None:
    codec = codec_for(J2K_LOSSY, layout("YBR_ICT"))
    assert codec.changes(every_frame=True) == {0x00280004: "YBR_RCT"}
    assert codec.changes(every_frame=False) == {}
    assert codec_for(J2K_LOSSY, layout("YBR_RCT")).changes(every_frame=True) == {}


@pytest.mark.parametrize("name", ["native", "deflated"])
def test_native_frames_may_be_by_plane_or_share_chrominance(name: str) -> None:
    """Y1 Y2 Cb Cr of two pixels (PS3.3 C.7.6.3.1.2)."""
    case = CASES[name]
    rgb = drawn(layout("RGB"))
    planes = layout("RGB")._replace(planar_configuration=1)
    codec = codec_for(case.uid, planes)
    coded = case.encode(np.ascontiguousarray(rgb.transpose(2, 0, 1)), planes)
    np.testing.assert_array_equal(codec.decode(coded), rgb)
    masked = codec.mask(coded, BOXES, (0, 0, 0))
    np.testing.assert_array_equal(codec.decode(masked), expected(rgb, planes, (0, 0, 0)))
    shared = layout("YBR_FULL_422")
    pairs = np.arange(37 * 25 * 4, dtype=np.uint32).astype(np.uint8)
    codec = codec_for(case.uid, shared)
    coded = case.encode(pairs, shared)
    decoded = codec.decode(coded)
    assert decoded[0, :4].tolist() == [[0, 2, 3], [1, 2, 3], [4, 6, 7], [5, 6, 7]]
    assert codec.grown(coded, [(0, 1, 9, 3)]) == [(0, 0, 9, 4)]
    after = codec.decode(codec.mask(coded, [(0, 1, 9, 3)], (16, 128, 128)))
    assert after[:9, :4].reshape(-1, 3).tolist() == [[16, 128, 128]] * 36
    np.testing.assert_array_equal(after[9:], decoded[9:])
    np.testing.assert_array_equal(after[:, 4:], decoded[:, 4:])


def test_what_has_no_codec_is_refused() -> None:
    of = layout("MONOCHROME2")
    for uid in ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.100", ""):
        assert not is_coded(uid)
        with pytest.raises(DicomError, match="unsupported_transfer_syntax"):
            codec_for(uid, of)
    with pytest.raises(DicomError, match="unsupported_photometric_interpretation"):
        codec_for(RLE, of._replace(photometric_interpretation="XYB"))
    for allocated, samples in ((12, 1), (64, 1), (1, 3)):
        with pytest.raises(DicomError, match="unsupported_bits_allocated"):
            codec_for(RLE, of._replace(bits_allocated=allocated, samples_per_pixel=samples))
    with pytest.raises(DicomError, match="unsupported_bits_allocated"):
        codec_for(HTJ2K_RPCL, layout("MONOCHROME2", 32, 20))


@pytest.mark.parametrize("name", CASES)
def test_a_frame_of_another_size_is_refused(name: str) -> None:
    of = layout("MONOCHROME2")
    case = CASES[name]
    coded = case.encode(drawn(of), of)
    fewer = of._replace(rows=36)
    # Runs may go on behind the last pixel of a segment.
    others = (of._replace(columns=51), of._replace(rows=38), *[fewer] * (name != "RLE"))
    for other in others:
        with pytest.raises(DicomError):
            codec_for(case.uid, other).decode(coded)
    with pytest.raises(DicomError):
        codec_for(case.uid, layout("RGB")).decode(coded)


def test_places_of_the_boxes_are_what_the_test_thinks() -> None:
    assert masked_places(layout("MONOCHROME2")).sum() == 11 * 35 + 7 * 6 + 4


@pytest.mark.parametrize("name", ["imagecodecs", "jpeg_ls"])
def test_a_package_that_is_missing_is_named_with_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    needed = [
        uid for uid in (JPEG_LS, J2K_LOSSY, HTJ2K_RPCL) if (uid == JPEG_LS) == (name == "jpeg_ls")
    ]
    for uid in needed:
        assert is_coded(uid)
        with pytest.raises(CodecMissingError, match=r"pip install 'fastdeid\[codecs\]'") as caught:
            codec_for(uid, layout("MONOCHROME2"))
        assert caught.value.reason == "codec_missing"
    codec_for(RLE, layout("MONOCHROME2"))
