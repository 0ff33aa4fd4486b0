"""Pixel data of which boxes were filled, beside the pixel data that they were made of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import generate_frames

from fastdeid import tags
from fastdeid.codecs import codec_for, is_coded
from fastdeid.errors import CodecMissingError, DicomError
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.masks import Layout
from fastdeid.pixels.native import NativeFrames

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

_BLOCK: Final = 8
_DAMAGE: Final = (DicomError, ValueError, AttributeError, IndexError)


def same_but_masked(source: Bytes, output: Bytes, masks: Sequence[MaskedBox]) -> bool:
    """Tell whether two files have the same samples outside the boxes that were filled.

    source, output: whole files, of deflated ones the inflated data sets. Frames without boxes must
    be the same byte for byte.
    """
    before, after = _read(source), _read(output)
    try:
        if is_coded(_syntax(before)):
            return _same_coded(before, after, masks)
        return _same_native(before.PixelData, after.PixelData, _native(before), masks)
    except _DAMAGE:
        return False


def boxes_are_filled(output: Bytes, masks: Sequence[MaskedBox]) -> bool | None:
    """Tell whether the boxes of every frame hold one colour; None where no codec is installed.

    output: as in `same_but_masked`. In JPEG with shared chrominance a box has a margin of blocks in
    which only chrominance was filled.
    """
    after = _read(output)
    try:
        return all(
            _one_colour(samples, boxes, margin)
            for samples, boxes, margin in _masked_frames(after, masks)
        )
    except CodecMissingError:
        return None
    except _DAMAGE:
        return False


def _read(data: Bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data.tobytes()), force=True)


def _syntax(ds: pydicom.Dataset) -> str:
    return str(ds.file_meta.get("TransferSyntaxUID") or tags.EXPLICIT_VR_LITTLE_ENDIAN)


def _n_frames(ds: pydicom.Dataset) -> int:
    return int(ds.get("NumberOfFrames") or 1)


def _native(ds: pydicom.Dataset) -> NativeFrames:
    return NativeFrames(
        layout_of(ds),
        _n_frames(ds),
        len(ds.PixelData),
        big_endian=_syntax(ds) == tags.EXPLICIT_VR_BIG_ENDIAN,
        is_word=ds["PixelData"].VR == "OW",
    )


def _masked_frames(
    ds: pydicom.Dataset, masks: Sequence[MaskedBox]
) -> Iterator[tuple[Samples, list[MaskedBox], tuple[int, int]]]:
    """Yield samples, boxes and their margin (rows, columns) of each frame with boxes."""
    boxes_of = _boxes(masks, _n_frames(ds))
    if not is_coded(_syntax(ds)):
        read = _reader(ds.PixelData, _native(ds))
        for frame, boxes in enumerate(boxes_of):
            if boxes:
                yield read(frame), boxes, (0, 0)
        return
    codec = codec_for(_syntax(ds), layout_of(ds))
    for coded, boxes in zip(_coded(ds), boxes_of, strict=True):
        if boxes:
            yield codec.decode(coded), boxes, _margin(coded)


def _margin(coded: bytes) -> tuple[int, int]:
    """Return how far filled chrominance may reach beyond filled luminance, in rows and columns.

    ISO/IEC 10918-1 B.2.2: sampling factors of the components, blocks of 8 by 8.
    """
    at = 2
    while coded[:2] == b"\xff\xd8" and coded[at : at + 1] == b"\xff":
        marker, length = coded[at + 1], int.from_bytes(coded[at + 2 : at + 4], "big")
        if marker in {0xC0, 0xC1, 0xC2}:
            factors = coded[at + 11 : at + 2 + length : 3]
            across, down = max(one >> 4 for one in factors), max(one & 15 for one in factors)
            return _BLOCK * (down - 1), _BLOCK * (across - 1)
        at += 2 + length
    return 0, 0


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

    one, other = _reader(before, frames), _reader(after, frames)
    return all(
        _same_outside(one(frame), other(frame), boxes)
        for frame, boxes in enumerate(_boxes(masks, frames.n_frames))
    )


def _reader(value: bytes, frames: NativeFrames) -> Callable[[int], Samples]:
    def one(frame: int) -> Samples:
        start, length = frames.group(frame // frames.group_size)
        return frames.samples(value[start : start + length], frame)

    return one


def _same_coded(
    before: pydicom.Dataset, after: pydicom.Dataset, masks: Sequence[MaskedBox]
) -> bool:
    codec = codec_for(_syntax(before), layout_of(before))
    pairs = zip(_coded(before), _coded(after), strict=True)
    for (one, other), boxes in zip(pairs, _boxes(masks, _n_frames(before)), strict=True):
        if one == other:
            continue
        if not boxes or not _same_outside(codec.decode(one), codec.decode(other), boxes):
            return False
    return True


def _coded(ds: pydicom.Dataset) -> Iterator[bytes]:
    offsets = None
    if "ExtendedOffsetTable" in ds:
        offsets = ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths
    yield from generate_frames(
        ds.PixelData, number_of_frames=_n_frames(ds), extended_offsets=offsets
    )


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


def _one_colour(samples: Samples, boxes: Sequence[MaskedBox], margin: tuple[int, int]) -> bool:
    """Tell whether all boxes of a frame hold the same value, but for a margin of whole blocks."""
    colours = {
        next(filter(None, (_colour(samples[core]) for core in _cores(box, margin))), None)
        for box in boxes
    }
    return len(colours) == 1 and None not in colours


def _colour(inside: Samples) -> bytes | None:
    """Return the value that all samples have, None when they have several."""
    first = inside[0, 0]
    return bytes(first.tobytes()) if bool((inside == first).all()) else None


def _cores(box: MaskedBox, margin: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of a box that may be all that was filled, the box itself first.

    Luminance was filled in the blocks that the text touched, chrominance in larger ones.
    """
    for rows in _spans(box.top, box.bottom, margin[0]):
        for columns in _spans(box.left, box.right, margin[1]):
            yield rows, columns


def _spans(start: int, end: int, margin: int) -> Iterator[slice]:
    ends = [end, *(one for one in range((end - 1) // _BLOCK * _BLOCK, start, -_BLOCK))]
    for first in range(start, min(start + margin, end - 1) + 1, _BLOCK):
        for last in ends:
            if first < last and end - last <= margin:
                yield slice(first, last)
