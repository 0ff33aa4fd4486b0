"""Measure decoding and masking of coded frames on one core, beside the libraries to choose from.

`python -m bench.codecs` prints a table in MB of native samples a second, of the fastest of several
rounds, all candidates in turns. Mask: a frame decoded, a box of a twentieth filled, coded again.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import imagecodecs
import jpeg_ls
import numpy as np
import numpy.typing as npt
import openjpeg.utils
from PIL import Image

from fastdeid.codecs import codec_for
from fastdeid.dicom.rle import encode_frame
from fastdeid.pixels.masks import Layout

Samples = npt.NDArray[Any]
SIDE = 512
BOX = (20, 40, 100, 204)


class Candidate(NamedTuple):
    """A name, what is measured, and the bytes of native samples that it handles."""

    name: str
    run: Callable[[], object]
    n_bytes: int


def slices() -> Samples:
    """Return a 12-bit frame as CT has it: smooth tissue, noise, air."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] - SIDE / 2
    body = np.hypot(rows * 1.3, columns) < 230
    tissue = 1000 + 300 * np.sin(columns / 40) * np.cos(rows / 31) + rng.normal(0, 12, body.shape)
    slice_ = np.where(body, tissue, rng.normal(20, 4, body.shape))
    return np.asarray(slice_.clip(0, 4095).astype(np.uint16))


def sweep() -> Samples:
    """Return a frame as ultrasound has it: speckle in a sector, black around, some colour."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    sector = np.abs(columns - SIDE / 2) < rows * 0.7
    grey = cv2.GaussianBlur(rng.gamma(2, 30, sector.shape), (0, 0), 1.2) * sector
    colours = np.dstack([grey] * 3)
    colours[300:360, 200:300, 0] += 80
    return np.asarray(colours.clip(0, 255).astype(np.uint8))


def _jpeg(samples: Samples, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def _own(name: str, uid: str, of: Layout, coded: bytes, n_bytes: int) -> list[Candidate]:
    codec = codec_for(uid, of)
    fill = (0,) * of.samples_per_pixel
    return [
        Candidate(f"{name} | decode | fastdeid", lambda: codec.decode(coded), n_bytes),
        Candidate(f"{name} | mask | fastdeid", lambda: codec.mask(coded, [BOX], fill), n_bytes),
    ]


def _lossless(name: str, samples: Samples, of: Layout) -> list[Candidate]:
    """Return the candidates of the lossless syntaxes for one picture."""
    n, bits = of.samples_per_pixel, of.bits_stored
    native, size = samples.tobytes(), samples.nbytes
    j2k = imagecodecs.jpeg2k_encode(
        samples, codecformat="j2k", bitspersample=bits, reversible=True, mct=n == 3
    )
    jls = bytes(jpeg_ls.encode_buffer(native, SIDE, SIDE, n, bits, 0, 2 if n == 3 else 0))
    ht = imagecodecs.htj2k_encode(samples, reversible=True, rgb=n == 3)
    sof3 = imagecodecs.jpeg8_encode(samples, lossless=True, predictor=1, bitspersample=bits)
    rle = encode_frame(native, SIDE, n, samples.itemsize)
    uid = "1.2.840.10008.1.2."
    options = {"photometric_interpretation": int(n == 3), "use_mct": n == 3}
    shape = (SIDE, SIDE, n, bits)
    others: dict[str, Callable[[], object]] = {
        "JPEG lossless | decode | libjpeg-turbo": lambda: imagecodecs.jpeg8_decode(sof3),
        "JPEG lossless | decode | jpegsof3": lambda: imagecodecs.jpegsof3_decode(sof3),
        "JPEG-LS | decode | imagecodecs": lambda: imagecodecs.jpegls_decode(jls),
        "JPEG-LS | decode | pyjpegls": lambda: jpeg_ls.decode_buffer(jls),
        "JPEG-LS | encode | imagecodecs": lambda: imagecodecs.jpegls_encode(samples),
        "JPEG-LS | encode | pyjpegls": lambda: jpeg_ls.encode_buffer(
            native, *shape, 0, 2 if n == 3 else 0
        ),
        "JPEG 2000 | decode | imagecodecs": lambda: imagecodecs.jpeg2k_decode(j2k),
        "JPEG 2000 | decode | pylibjpeg-openjpeg": lambda: openjpeg.utils.decode(j2k),
        "JPEG 2000 | encode | imagecodecs": lambda: imagecodecs.jpeg2k_encode(
            samples, codecformat="j2k", bitspersample=bits, reversible=True, mct=n == 3
        ),
        "JPEG 2000 | encode | pylibjpeg-openjpeg": lambda: openjpeg.utils.encode_buffer(
            native, *shape, is_signed=False, **options
        ),
        "HTJ2K | decode | OpenJPH (imagecodecs)": lambda: imagecodecs.htj2k_decode(ht),
        "HTJ2K | decode | OpenJPEG (imagecodecs)": lambda: imagecodecs.jpeg2k_decode(ht),
        "HTJ2K | encode | OpenJPH (imagecodecs)": lambda: imagecodecs.htj2k_encode(
            samples, reversible=True, rgb=n == 3
        ),
    }
    return [
        *_own(f"{name} | RLE", uid + "5", of, rle, size),
        *_own(f"{name} | JPEG lossless", uid + "4.70", of, bytes(sof3), size),
        *_own(f"{name} | JPEG-LS", uid + "4.80", of, jls, size),
        *_own(f"{name} | JPEG 2000", uid + "4.90", of, bytes(j2k), size),
        *_own(f"{name} | HTJ2K", uid + "4.201", of, bytes(ht), size),
        *[Candidate(f"{name} | {label}", run, size) for label, run in others.items()],
    ]


def _baseline(name: str, samples: Samples, of: Layout, **options: Any) -> list[Candidate]:
    coded = _jpeg(samples, **options)
    array = np.frombuffer(coded, np.uint8)
    found = _own(name, "1.2.840.10008.1.2.4.50", of, coded, samples.nbytes)
    opencv = Candidate(
        f"{name} | decode | OpenCV",
        lambda: cv2.imdecode(array, cv2.IMREAD_UNCHANGED),
        samples.nbytes,
    )
    return [*found, opencv]


def candidates() -> list[Candidate]:
    """Return what is measured."""
    ct, us = slices(), sweep()
    grey = Layout(SIDE, SIDE, "MONOCHROME2")
    colour = Layout(SIDE, SIDE, "YBR_FULL_422", 3)
    return [
        *_lossless("CT", ct, Layout(SIDE, SIDE, "MONOCHROME2", 1, 16, 12, 11)),
        *_lossless("US", us, Layout(SIDE, SIDE, "RGB", 3)),
        *_baseline("US | JPEG baseline, grey", us[..., 1].copy(), grey),
        *_baseline("US | JPEG baseline, 4:2:2", us, colour, subsampling=1),
        *_baseline("US | JPEG baseline, 4:2:0", us, colour, subsampling=2),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    measured = candidates()
    fastest = [float("inf")] * len(measured)
    for _ in range(rounds):
        for number, one in enumerate(measured):
            start = time.perf_counter()
            one.run()
            fastest[number] = min(fastest[number], time.perf_counter() - start)
    print("| picture | syntax | what | with | ms a frame | MB/s |\n|---|---|---|---|---|---|")
    for one, seconds in zip(measured, fastest, strict=True):
        print(f"| {one.name} | {seconds * 1e3:.1f} | {one.n_bytes / seconds / 1e6:.0f} |")


if __name__ == "__main__":
    main()
