"""Frames coded and decoded by other libraries than the codecs use, where there are any."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import imagecodecs
import jpeg_ls
import numpy as np
import numpy.typing as npt
import openjpeg.utils
from pydicom.pixels.decoders.rle import _rle_decode_frame

from fastdeid.dicom.rle import encode_frame
from fastdeid.pixels.masks import Layout

Samples = npt.NDArray[Any]
NATIVE = "1.2.840.10008.1.2.1.98"
RLE, DEFLATED = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
LOSSLESS, FIRST_ORDER = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_LS, NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
J2K, J2K_LOSSY = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HTJ2K, HTJ2K_RPCL, HTJ2K_ANY = (f"1.2.840.10008.1.2.4.20{number}" for number in (1, 2, 3))


class Case(NamedTuple):
    """A transfer syntax with how others code and decode its frames."""

    uid: str
    encode: Callable[[Samples, Layout], bytes]
    decode: Callable[[bytes, Layout], Samples]
    bits: tuple[int, ...]
    lossless: bool = True


def _native(samples: Samples) -> bytes:
    return samples.astype(samples.dtype.newbyteorder("<")).tobytes()


def _packed(samples: Samples, of: Layout) -> bytes:
    """Return a native frame; of single bits the first of a byte is the least significant one."""
    if of.bits_allocated > 1:
        return _native(samples)
    return np.packbits(samples.reshape(-1), bitorder="little").tobytes()


def _unpacked(native: bytes, of: Layout) -> Samples:
    n_samples = of.rows * of.columns * of.samples_per_pixel
    if of.bits_allocated > 1:
        return np.frombuffer(native, f"<u{of.bits_allocated // 8}", n_samples)
    bits = np.unpackbits(np.frombuffer(native, np.uint8), bitorder="little")
    return bits[:n_samples]


def _shaped(flat: Samples, of: Layout) -> Samples:
    grey = of.samples_per_pixel == 1
    return flat.reshape((of.rows, of.columns) if grey else (of.rows, of.columns, 3))


def _of_type(samples: Samples, of: Layout) -> Samples:
    """Return what a decoder gave as stored values: patterns of Bits Stored."""
    bits = of.bits_allocated
    patterns = samples.astype(np.int64) & ((1 << of.bits_stored) - 1)
    if of.signed:
        patterns -= (patterns >> (of.bits_stored - 1)) << of.bits_stored
    return patterns.astype(f"{'i' if of.signed else 'u'}{max(bits // 8, 1)}")


def _rle(samples: Samples, of: Layout) -> bytes:
    width = max(of.bits_allocated // 8, 1)
    return encode_frame(_native(samples), of.columns, of.samples_per_pixel, width)


def _rle_back(coded: bytes, of: Layout) -> Samples:
    width = max(of.bits_allocated // 8, 1)
    planes = _rle_decode_frame(coded, of.rows, of.columns, of.samples_per_pixel, 8 * width)
    by_plane = np.frombuffer(planes, f"<u{width}").reshape(of.samples_per_pixel, -1)
    return _of_type(_shaped(by_plane.T, of), of)


def _deflated(samples: Samples, of: Layout) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(_packed(samples, of)) + deflate.flush()


def _deflated_back(coded: bytes, of: Layout) -> Samples:
    native = zlib.decompressobj(wbits=-15).decompress(coded)
    return _of_type(_shaped(_unpacked(native, of), of), of)


def lossless_frame(samples: Samples, of: Layout, predictor: int = 1) -> bytes:
    """Code with libjpeg-turbo, JPEG lossless."""
    unsigned = samples.view(f"u{samples.dtype.itemsize}") & ((1 << of.bits_stored) - 1)
    return bytes(
        imagecodecs.jpeg8_encode(
            unsigned, lossless=True, predictor=predictor, bitspersample=of.bits_stored
        )
    )


def _lossless_back(coded: bytes, of: Layout) -> Samples:
    return _of_type(imagecodecs.jpeg8_decode(coded), of)


def jpeg_ls_frame(samples: Samples, of: Layout, near: int = 0, interleave: int = 2) -> bytes:
    """Code with CharLS, colour by plane (0), line (1) or pixel (2)."""
    unsigned = samples.view(f"u{samples.dtype.itemsize}") & ((1 << of.bits_stored) - 1)
    ordered = unsigned.transpose(2, 0, 1) if samples.ndim == 3 and not interleave else unsigned
    shape = (of.rows, of.columns, of.samples_per_pixel)
    mode = interleave if samples.ndim == 3 else 0
    return bytes(jpeg_ls.encode_buffer(_native(ordered), *shape, of.bits_stored, near, mode))


def _jpeg_ls_back(coded: bytes, of: Layout) -> Samples:
    samples = imagecodecs.jpegls_decode(coded)
    return _of_type(samples, of)


def _j2k(samples: Samples, of: Layout, **options: Any) -> bytes:
    colours = of.photometric_interpretation in {"YBR_RCT", "YBR_ICT"}
    shape = (of.columns, of.rows, of.samples_per_pixel, of.bits_stored, of.signed)
    return bytes(
        openjpeg.utils.encode_buffer(
            _native(samples), *shape, photometric_interpretation=int(colours),
            use_mct=colours, **options,
        )
    )  # fmt: skip


def _j2k_lossy(samples: Samples, of: Layout) -> bytes:
    return _j2k(samples, of, compression_ratios=[6])


def _j2k_back(coded: bytes, of: Layout) -> Samples:
    return _of_type(openjpeg.utils.decode(coded), of)


def _htj2k(samples: Samples, of: Layout, *, reversible: bool = True) -> bytes:
    colours = of.photometric_interpretation in {"YBR_RCT", "YBR_ICT"}
    return bytes(
        imagecodecs.htj2k_encode(samples, reversible=reversible, rgb=colours, planar=False)
    )


def _htj2k_lossy(samples: Samples, of: Layout) -> bytes:
    return _htj2k(samples, of, reversible=False)


def _htj2k_back(coded: bytes, of: Layout) -> Samples:
    return _of_type(imagecodecs.htj2k_decode(coded, planar=False), of)


def _native_back(coded: bytes, of: Layout) -> Samples:
    return _of_type(_shaped(_unpacked(coded, of), of), of)


CASES = {
    "native": Case(NATIVE, _packed, _native_back, (1, 8, 16, 32)),
    "RLE": Case(RLE, _rle, _rle_back, (1, 8, 12, 16, 32)),
    "deflated": Case(DEFLATED, _deflated, _deflated_back, (1, 8, 12, 16, 32)),
    "JPEG lossless": Case(
        LOSSLESS, lambda samples, of: lossless_frame(samples, of, 6), _lossless_back, (8, 12, 16)
    ),
    "JPEG lossless, first order": Case(
        FIRST_ORDER, lossless_frame, _lossless_back, (5, 8, 10, 12, 16)
    ),
    "JPEG-LS": Case(JPEG_LS, jpeg_ls_frame, _jpeg_ls_back, (5, 8, 12, 16)),
    "near-lossless": Case(
        NEAR, lambda samples, of: jpeg_ls_frame(samples, of, 3), _jpeg_ls_back, (8, 12), False
    ),
    "JPEG 2000": Case(J2K, _j2k, _j2k_back, (1, 5, 8, 12, 16, 24)),
    "JPEG 2000, lossy": Case(J2K_LOSSY, _j2k_lossy, _j2k_back, (8, 12), False),
    "HTJ2K": Case(HTJ2K, _htj2k, _htj2k_back, (8, 12, 16)),
    "HTJ2K, RPCL": Case(HTJ2K_RPCL, _htj2k, _htj2k_back, (8, 12)),
    "HTJ2K, lossy": Case(HTJ2K_ANY, _htj2k_lossy, _htj2k_back, (8, 16), False),
}
