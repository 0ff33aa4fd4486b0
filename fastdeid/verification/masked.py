"""Pixel data of which boxes were filled, beside the pixel data that they were made of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from fastdeid import tags
from fastdeid.errors import DicomError
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.masks import Layout
from fastdeid.pixels.native import NativeFrames

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]


def same_but_masked(source: Bytes, output: Bytes, masks: Sequence[MaskedBox]) -> bool:
    """Tell whether two files have the same samples outside the boxes that were filled.

    source, output: whole files, of deflated ones the inflated data sets. Frames without boxes must
    be the same byte for byte; in native ones, boxes must hold one colour only.
    """
    before, after = (
        pydicom.dcmread(io.BytesIO(data.tobytes()), force=True) for data in (source, output)
    )
    try:
        layout = layout_of(before)
        n_frames = int(before.get("NumberOfFrames") or 1)
        syntax = UID(before.file_meta.get("TransferSyntaxUID") or tags.EXPLICIT_VR_LITTLE_ENDIAN)
        if syntax.is_encapsulated:
            return _same_coded(before, after, layout, n_frames, masks)
        big_endian = syntax == tags.EXPLICIT_VR_BIG_ENDIAN
        frames = NativeFrames(
            layout,
            n_frames,
            len(before.PixelData),
            big_endian=big_endian,
            is_word=before["PixelData"].VR == "OW",
        )
        return _same_native(before.PixelData, after.PixelData, frames, masks)
    except (DicomError, ValueError, AttributeError):
        return False


def layout_of(ds: pydicom.Dataset) -> Layout:
    """Return the layout of the samples of a data set."""
    stored = int(ds.get("BitsStored") or ds.BitsAllocated)
    return Layout(
        rows=int(ds.Rows),
        columns=int(ds.Columns),
        photometric_interpretation=str(ds.get("PhotometricInterpretation") or "MONOCHROME2"),
        samples_per_pixel=int(ds.get("SamplesPerPixel") or 1),
        bits_allocated=int(ds.BitsAllocated),
        bits_stored=stored,
        high_bit=int(ds.get("HighBit") or stored - 1),
        signed=bool(ds.get("PixelRepresentation")),
        planar_configuration=int(ds.get("PlanarConfiguration") or 0),
    )


def _same_native(
    before: bytes, after: bytes, frames: NativeFrames, masks: Sequence[MaskedBox]
) -> bool:
    if len(before) != len(after) or before[frames.needed :] != after[frames.needed :]:
        return False

    def read(value: bytes) -> Callable[[int], Samples]:
        def one(frame: int) -> Samples:
            start, length = frames.group(frame // frames.group_size)
            return frames.samples(value[start : start + length], frame)

        return one

    one, other = read(before), read(after)
    return all(
        _same_outside(one(frame), other(frame), boxes) and _one_colour(other(frame), boxes)
        for frame, boxes in enumerate(_boxes(masks, frames.n_frames))
    )


def _same_coded(
    before: pydicom.Dataset,
    after: pydicom.Dataset,
    layout: Layout,
    n_frames: int,
    masks: Sequence[MaskedBox],
) -> bool:
    from fastdeid.codecs import codec_for

    codec = codec_for(before.file_meta.TransferSyntaxUID, layout)
    pairs = zip(_coded(before, n_frames), _coded(after, n_frames), strict=True)
    for (one, other), boxes in zip(pairs, _boxes(masks, n_frames), strict=True):
        if one == other:
            continue
        if not boxes or not _same_outside(codec.decode(one), codec.decode(other), boxes):
            return False
    return True


def _coded(ds: pydicom.Dataset, n_frames: int) -> Iterator[bytes]:
    offsets = None
    if "ExtendedOffsetTable" in ds:
        offsets = ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths
    yield from generate_frames(ds.PixelData, number_of_frames=n_frames, extended_offsets=offsets)


def _boxes(masks: Sequence[MaskedBox], n_frames: int) -> Iterator[list[MaskedBox]]:
    for frame in range(1, n_frames + 1):
        yield [mask for mask in masks if mask.first_frame <= frame <= mask.last_frame]


def _same_outside(one: Samples, other: Samples, boxes: Sequence[MaskedBox]) -> bool:
    if one.shape != other.shape:
        return False
    outside = np.ones(one.shape[:2], np.bool_)
    for box in boxes:
        outside[box.top : box.bottom, box.left : box.right] = False
    return np.array_equal(one[outside], other[outside])


def _one_colour(samples: Samples, boxes: Sequence[MaskedBox]) -> bool:
    inside = [
        samples[box.top : box.bottom, box.left : box.right].reshape(-1, *samples.shape[2:])
        for box in boxes
    ]
    return all(bool((one == inside[0][0]).all()) for one in inside)
