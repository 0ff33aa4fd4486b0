"""Masked boxes hold one colour: in native and coded frames, whatever the coding."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

pytest.importorskip("imagecodecs")
pytest.importorskip("jpeg_ls")

from fastdeid.codecs import codec_for
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.masks import Layout, fill_samples
from fastdeid.verification.masked import boxes_are_filled
from tests.codecs import coding
from tests.codecs.drawing import drawn, layout
from tests.codecs.jpegs import coded as jpeg
from tests.pixels.files import attributes, saved, written

BASELINE = "1.2.840.10008.1.2.4.50"
BOX = (3, 5, 30, 40)
GREY = layout("MONOCHROME2")


def mask(box: Sequence[int] = BOX, frame: int = 2) -> MaskedBox:
    top, left, bottom, right = box
    return MaskedBox(frame, frame, top, left, bottom, right, "text", 0.9)


def a_file(of: Layout, syntax: str, frames: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    ds = attributes(
        Rows=of.rows,
        Columns=of.columns,
        SamplesPerPixel=of.samples_per_pixel,
        PhotometricInterpretation=of.photometric_interpretation,
        BitsAllocated=of.bits_allocated,
        BitsStored=of.bits_stored,
        PlanarConfiguration=0,
        NumberOfFrames=len(frames),
    )
    ds.file_meta = FileMetaDataset()
    # Pydicom writes no syntax that it does not know.
    ds.file_meta.TransferSyntaxUID = UID(BASELINE if syntax == coding.DEFLATED else syntax)
    ds.PixelData = encapsulate(list(frames))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    said, meant = ds.file_meta.TransferSyntaxUID.encode(), syntax.encode()
    data = saved(ds).replace(said, meant.ljust(len(said), b"\0"), 1)
    return np.frombuffer(data, np.uint8)


def two_frames(
    of: Layout, syntax: str, frame: bytes, box: Sequence[int] = BOX
) -> tuple[npt.NDArray[np.uint8], list[MaskedBox]]:
    """Return a file whose second frame is masked, and what the manifest says of it."""
    codec = codec_for(syntax, of)
    masked = codec.mask(frame, [box], fill_samples(codec.layout))
    boxes = [mask(grown) for grown in codec.grown(frame, [box])]
    return a_file(of, syntax, [frame, masked]), boxes


@pytest.mark.parametrize("name", coding.CASES)
def test_every_coding_is_looked_into(name: str) -> None:
    case = coding.CASES[name]
    data, boxes = two_frames(GREY, case.uid, case.encode(drawn(GREY), GREY))
    assert boxes_are_filled(data, boxes) is True
    # The first frame was not masked.
    assert boxes_are_filled(data, [mask(frame=1)]) is False
    assert boxes_are_filled(data, [mask((3, 5, 31, 40))]) is False


@pytest.mark.parametrize("subsampling", [0, 1, 2], ids=["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("name", ["RGB", "YBR_FULL", "YBR_FULL_422"])
def test_jpegs_of_colours_are_looked_into(name: str, subsampling: int) -> None:
    of = layout(name)._replace(rows=80, columns=96)
    frame = jpeg(drawn(of), subsampling=subsampling)
    data, boxes = two_frames(of, BASELINE, frame, (4, 7, 60, 70))
    assert boxes_are_filled(data, boxes) is True
    assert boxes_are_filled(data, [mask((4, 7, 80, 70))]) is False


@pytest.mark.parametrize("box", [(9, 9, 15, 15), (1, 20, 7, 30), (30, 40, 34, 49)])
def test_small_boxes_of_shared_chrominance_are_judged_by_what_is_filled(
    box: tuple[int, int, int, int],
) -> None:
    of = layout("YBR_FULL_422")
    frame = jpeg(drawn(of), subsampling=2)
    data, boxes = two_frames(of, BASELINE, frame, box)
    assert boxes_are_filled(data, boxes) is True
    assert boxes_are_filled(data, [mask((16, 0, 32, 16))]) is False


def test_native_frames_are_looked_into() -> None:
    samples = np.stack([drawn(GREY), drawn(GREY)])
    samples[1, 3:30, 5:40] = 7
    ds = attributes(Rows=GREY.rows, Columns=GREY.columns, NumberOfFrames=2)
    data = np.frombuffer(written(ds, samples.tobytes()), np.uint8)
    assert boxes_are_filled(data, [mask()]) is True
    assert boxes_are_filled(data, [mask(), mask((0, 0, 2, 2))]) is False
    assert boxes_are_filled(data, [mask(frame=1)]) is False


def _cut(frame: bytes) -> bytes:
    return frame[: len(frame) // 2 // 2 * 2]


@pytest.mark.parametrize("damage", [_cut, lambda _: b"\0" * 64])
def test_a_damaged_frame_is_not_taken_for_filled(damage: Callable[[bytes], bytes]) -> None:
    case = coding.CASES["JPEG lossless"]
    frame = case.encode(drawn(GREY), GREY)
    data = a_file(GREY, case.uid, [frame, damage(frame)])
    assert boxes_are_filled(data, [mask()]) is False


def test_without_the_codec_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    case = coding.CASES["JPEG-LS"]
    data, boxes = two_frames(GREY, case.uid, case.encode(drawn(GREY), GREY))
    monkeypatch.setitem(sys.modules, "jpeg_ls", None)
    assert boxes_are_filled(data, boxes) is None
