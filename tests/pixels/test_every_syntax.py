"""A name goes from frames of every transfer syntax and photometric interpretation.

Faces and grounds take turns: each transfer syntax meets several of both. What came out is judged by
decoders that fastdeid does not use, where there are any.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from fastdeid.outcome import Outcome
from fastdeid.verdicts import WITH_OUTPUT
from tests.codecs.coding import CASES
from tests.codecs.jpegs import coded as jpeg
from tests.codecs.jpegs import coded_ybr as jpeg_ybr
from tests.codecs.jpegs import shown
from tests.pixels.encapsulating import file_of, frames_in
from tests.pixels.faces import FACES, drawn
from tests.pixels.files import (
    COLUMNS,
    NATIVE,
    ROWS,
    attributes,
    codes_of,
    frames_of,
    outside,
    read,
    treat,
    written,
)
from tests.pixels.grounds import GROUNDS, ground
from tests.pixels.pictures import PICTURES, Picture, native, samples_of

# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
Samples = npt.NDArray[Any]
Bits = npt.NDArray[np.bool_]

TEXT: Final = "DOE, JANE"
TOP, LEFT = 34, 14
IN_COLOUR: Final = ("RGB", "YBR_FULL")
# What streams of a transfer syntax hold beside grey of 8 to 16 bits (PS3.5 section 8.2).
BESIDE: Final = {
    "native": ("32 bits", "1 bit", "palette", "RGB by plane", "YBR_FULL_422", *IN_COLOUR),
    "RLE": ("32 bits", "1 bit", "palette", "RGB, 16 bits", *IN_COLOUR),
    "deflated": ("32 bits", "1 bit", "palette", "RGB by plane", "YBR_FULL_422", *IN_COLOUR),
    "JPEG lossless": ("palette", *IN_COLOUR),
    "JPEG lossless, first order": ("segmented palette", "RGB, 16 bits", *IN_COLOUR),
    "JPEG-LS": ("palette", *IN_COLOUR),
    "JPEG 2000": ("1 bit", "palette", "YBR_RCT", *IN_COLOUR),
    "JPEG 2000, lossy": ("YBR_ICT",),
    "HTJ2K": ("palette", "YBR_RCT", "RGB"),
    "HTJ2K, RPCL": ("YBR_RCT",),
}
GREY: Final = ("8 bits", "MONOCHROME1", "12 bits", "12 bits, signed", "16 bits")


class Drawn(NamedTuple):
    """A view between 0 and 1 with a name in it, and where its strokes are."""

    view: npt.NDArray[np.float64]
    strokes: Bits


def with_name(face: str, behind: str) -> Drawn:
    """Return a name in white."""
    ink = drawn(face, TEXT) / 255
    cover = np.zeros((ROWS, COLUMNS))
    cover[TOP : TOP + ink.shape[0], LEFT : LEFT + ink.shape[1]] = ink
    return Drawn(ground(behind) * (1 - cover) + cover, cover > 0.5)


def turns(pairs: list[tuple[str, str]]) -> list[Any]:
    """Return pairs with a face and a ground each, in turns."""
    rows = []
    for number, (syntax, name) in enumerate(pairs):
        face = list(FACES)[number % len(FACES)]
        behind = "flat" if name == "1 bit" else GROUNDS[number // 2 % len(GROUNDS)]
        rows.append(pytest.param(syntax, name, face, behind, id=f"{syntax}-{name}-{face}-{behind}"))
    return rows


def check_told(outcome: Outcome, after: bytes, strokes: Bits) -> Bits:
    """Assert what is told of one masked frame; return where it was left as it was."""
    assert outcome.verdict in WITH_OUTPUT, outcome.reason
    assert (outcome.frames_examined, outcome.frames_masked) == (1, 1)
    assert "113101" in codes_of(read(after))
    left = outside(outcome, 1)[0]
    assert (~left[strokes]).mean() >= 0.9
    assert left.mean() > 0.6
    return np.asarray(left)


NATIVE_PAIRS: Final = [
    (str(syntax), name)
    for syntax in NATIVE
    for name in PICTURES
    if name not in {"YBR_RCT", "YBR_ICT"}
    # Of the others the bytes are those of the first; the header differs, or all is deflated.
    and (syntax in {ExplicitVRLittleEndian, ExplicitVRBigEndian} or name in {"8 bits", "16 bits"})
]


@pytest.mark.parametrize(("syntax", "name", "face", "behind"), turns(NATIVE_PAIRS))
def test_from_native_frames(syntax: str, name: str, face: str, behind: str, tmp_path: Path) -> None:
    picture, (view, strokes) = PICTURES[name], with_name(face, behind)
    is_big = syntax == ExplicitVRBigEndian
    pixels = native(picture.stored(view), picture, ">" if is_big else "<")
    more = dict(picture.more)
    if is_big:
        # Of OW, the first of two samples of 8 bits, or bits, is in the second byte (PS3.5 8.1.1).
        pixels = _swapped(pixels) if more.get("BitsAllocated", 8) <= 8 else pixels
        more |= {key: _swapped(value) for key, value in more.items() if isinstance(value, bytes)}
    before = written(attributes(**more), pixels, syntax)
    outcome, after = treat(before, tmp_path)
    left = check_told(outcome, after, strokes)
    old, new = (_decoded(data, picture, swaps=is_big) for data in (before, after))
    assert np.array_equal(new[left], old[left])
    assert (new[~left] == picture.black).all()
    assert read(after).file_meta.TransferSyntaxUID == syntax


def _swapped(words: bytes) -> bytes:
    return np.frombuffer(words, "<u2").byteswap().tobytes()


def _decoded(data: bytes, picture: Picture, *, swaps: bool) -> Samples:
    """Return the stored values of the frame as pydicom reads them; bits are unpacked here."""
    ds = read(data)
    if ds.BitsAllocated > 1:
        return np.asarray(frames_of(ds)[0])
    raw = _swapped(ds.PixelData) if swaps else ds.PixelData
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    return bits[: ROWS * COLUMNS].reshape(ROWS, COLUMNS)


def coded_pairs() -> list[tuple[str, str]]:
    """Return every transfer syntax of coded frames with the pictures that it has."""
    return [
        (name, picture)
        for name, case in CASES.items()
        for picture in (*GREY, *BESIDE.get(name, ()))
        if PICTURES[picture].layout().bits_stored in {*case.bits}
        # Patterns of signed values jump at 0, which a bounded loss is not made for.
        and not (picture.endswith("signed") and name == "near-lossless")
    ]


@pytest.mark.parametrize(("name", "what", "face", "behind"), turns(coded_pairs()))
def test_from_coded_frames(name: str, what: str, face: str, behind: str, tmp_path: Path) -> None:
    case, picture = CASES[name], PICTURES[what]
    view, strokes = with_name(face, behind)
    frame = encoded(name, picture, picture.stored(view))
    lossy = {} if case.lossless else {"LossyImageCompression": "01"}
    before = file_of([frame], case.uid, n_fragments=1, **picture.more, **lossy)
    outcome, after = treat(before, tmp_path)
    left = check_told(outcome, after, strokes)
    ds = read(after)
    assert ds.file_meta.TransferSyntaxUID == case.uid
    assert ds.get("LossyImageCompression", "00") == ("00" if case.lossless else "01")
    old, new = (decoded(name, picture, frames_in(data)[0]) for data in (before, after))
    # Of irreversible streams, two decoders differ by a rounding.
    assert np.abs(new[left].astype(np.int64) - old[left]).max() <= (0 if case.lossless else 1)
    assert (new[~left] == picture.black).all()


def encoded(name: str, picture: Picture, samples: Samples) -> bytes:
    """Return a coded frame; those without an image codec hold a native one."""
    if name == "native":
        return native(samples, picture)
    if name == "deflated":
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflate.compress(native(samples, picture)) + deflate.flush()
    return CASES[name].encode(samples, picture.layout())


def decoded(name: str, picture: Picture, frame: bytes) -> Samples:
    """Return what another decoder makes of a frame."""
    if name == "native":
        return samples_of(frame, picture)
    if name == "deflated":
        return samples_of(zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame), picture)
    return CASES[name].decode(frame, picture.layout())


# JPEG in blocks of coefficients -----------------------------------------------------------------

BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
STREAMS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "grey": ("8 bits", {}),
    "grey, restarts": ("8 bits", {"restart_marker_blocks": 5}),
    "MONOCHROME1": ("MONOCHROME1", {"optimize": True}),
    "progressive": ("8 bits", {"progressive": True}),
    "RGB": ("RGB", {"keep_rgb": True}),
    "4:4:4": ("YBR_FULL", {"subsampling": 0}),
    "4:2:2": ("YBR_FULL_422", {"subsampling": 1}),
    "4:2:0": ("YBR_FULL_422", {"subsampling": 2}),
    "4:2:0, restarts": ("YBR_FULL_422", {"subsampling": 2, "restart_marker_rows": 1}),
    "4:2:0, progressive": ("YBR_FULL_422", {"subsampling": 2, "progressive": True}),
}


@pytest.mark.parametrize(
    ("syntax", "name", "face", "behind"),
    turns([(syntax, name) for name in STREAMS for syntax in (BASELINE, EXTENDED)]),
)
def test_from_jpeg_of_8_bits(
    syntax: str, name: str, face: str, behind: str, tmp_path: Path
) -> None:
    what, options = STREAMS[name]
    picture, (view, strokes) = PICTURES[what], with_name(face, behind)
    code = jpeg_ybr if what.startswith("YBR") else jpeg
    frame = code(picture.stored(view), quality=92, **options)
    before = file_of([frame], syntax, n_fragments=2, LossyImageCompression="01", **picture.more)
    outcome, after = treat(before, tmp_path)
    left = check_told(outcome, after, strokes)
    assert read(after).LossyImageCompression == "01"
    old, new = (shown(frames_in(data)[0]).astype(int) for data in (before, after))
    # Pillow smooths shared chrominance: its change may reach beyond the box, that of luminance not.
    near = cv2.erode(left.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    assert np.array_equal(np.atleast_3d(new)[left][:, 0], np.atleast_3d(old)[left][:, 0])
    assert np.array_equal(new[near], old[near])
    inside = strokes & ~left
    assert np.abs(new[inside] - picture.black).max() <= 2


@pytest.mark.parametrize("name", ["12 bits", "8 bits"])
def test_from_jpeg_extended_of_12_bits(name: str, tmp_path: Path) -> None:
    view, strokes = with_name("Aileron", "CT")
    samples = PICTURES["12 bits"].stored(view)
    more = PICTURES["12 bits"].more
    frame = bytes(imagecodecs.jpeg8_encode(samples, level=95, bitspersample=12))
    if name == "8 bits":  # as some writers have it: fewer bits than are stored
        samples, more = (samples >> 4).astype(np.uint8), {**more, "BitsStored": 8}
        frame = jpeg(samples, quality=95)
    before = file_of([frame], EXTENDED, n_fragments=1, LossyImageCompression="01", **more)
    outcome, after = treat(before, tmp_path)
    left = check_told(outcome, after, strokes)
    old, new = (imagecodecs.jpeg8_decode(frames_in(data)[0]) for data in (before, after))
    assert np.array_equal(new[left], old[left])
    assert not new[~left].any()
