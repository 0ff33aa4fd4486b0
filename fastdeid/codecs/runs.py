"""Frames without an image codec: RLE Lossless (PS3.5 annex G), deflated, and native ones (A.4)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastdeid.codecs.codec import (
    Codec,
    Samples,
    damaged,
    even,
    fill_pixels,
    sample_width,
    shape_of,
    stored_values,
)
from fastdeid.dicom.rle import decode_frame, encode_frame
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Box, Layout, mask_boxes


class RunLengthCodec(Codec):
    """RLE Lossless: byte planes of samples, colour by pixel once decoded.

    Of single bits each is a byte.
    """

    def _samples(self, frame: bytes) -> Samples:
        layout = self.layout
        width = sample_width(layout)
        n_pixels = layout.rows * layout.columns
        native = decode_frame(frame, n_pixels, layout.samples_per_pixel, width)
        return np.frombuffer(native, f"<u{width}").reshape(shape_of(layout))

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        return stored_values(self._samples(frame), self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        samples = self._samples(frame)
        fill_pixels(samples, boxes, fill)
        layout = self.layout
        native = samples.tobytes()
        return encode_frame(native, layout.columns, layout.samples_per_pixel, sample_width(layout))


class NativeCodec(Codec):
    """Encapsulated Uncompressed Explicit VR Little Endian: native frames in fragments (A.4.11).

    A frame of single bits ends at a whole byte.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        if layout.is_subsampled and layout.columns % 2:
            raise DicomError("frame_length")
        self._has_bits = layout.bits_allocated == 1
        n_bytes = -(-layout.rows * layout.columns // 8)
        self._length = n_bytes if self._has_bits else layout.frame_length

    def _native(self, frame: bytes) -> bytearray:
        """Return a native frame of the right length."""
        expected = self._length
        if len(frame) - expected not in {0, expected % 2}:
            raise damaged("codec_frame_size")
        return bytearray(frame[:expected])

    def _coded(self, native: bytearray) -> bytes:
        return bytes(native)

    def _bits(self, native: bytearray) -> Samples:
        """Return single bits, the first of a byte is its least significant one (8.1.1)."""
        of = self.layout
        bits = np.unpackbits(np.frombuffer(native, np.uint8), bitorder="little")
        return bits[: of.rows * of.columns].reshape(shape_of(of))

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        layout = self.coded_layout
        if self._has_bits:
            return self._bits(self._native(frame))
        flat = np.frombuffer(self._native(frame), f"<u{layout.bits_allocated // 8}")
        if layout.is_subsampled:
            pairs = flat.reshape(layout.rows, layout.columns // 2, 4)
            samples = pairs[..., [[0, 2, 3], [1, 2, 3]]].reshape(shape_of(self.layout))
        elif layout.samples_per_pixel == 3 and layout.planar_configuration == 1:
            samples = flat.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0)
        else:
            samples = flat.reshape(shape_of(self.layout))
        return stored_values(samples, self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        native = self._native(frame)
        if self._has_bits:
            bits = self._bits(native)
            fill_pixels(bits, boxes, fill)
            packed = np.packbits(bits.reshape(-1), bitorder="little")
            return even(self._coded(bytearray(packed.tobytes())))
        pixel = (fill[0], *fill) if self.coded_layout.is_subsampled else fill
        mask_boxes(native, self.coded_layout, boxes.tolist(), pixel)
        return even(self._coded(native))

    def grown(self, frame: bytes, boxes: Sequence[Sequence[int]]) -> list[Box]:
        """Return the boxes that `mask` really changes: whole pairs that share chrominance."""
        clipped = super().grown(frame, boxes)
        if not self.coded_layout.is_subsampled:
            return clipped
        return [
            Box(box.top, box.left // 2 * 2, box.bottom, -(-box.right // 2) * 2) for box in clipped
        ]


class DeflatedCodec(NativeCodec):
    """Deflated Image Frame Compression: a native little endian frame, RFC 1951."""

    def _native(self, frame: bytes) -> bytearray:
        expected = self._length
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            native = inflate.decompress(frame, expected + 1)
            if len(native) == expected and not inflate.eof:
                # The end of the last block may stand behind the bytes that were asked for.
                native += inflate.decompress(inflate.unconsumed_tail, 1)
        except zlib.error:
            raise damaged() from None
        if len(native) != expected or not inflate.eof:
            raise damaged("codec_frame_size")
        return bytearray(native)

    def _coded(self, native: bytearray) -> bytes:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflate.compress(native) + deflate.flush()
