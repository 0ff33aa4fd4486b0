"""Damaged frames end in an error, or in samples of the right shape; no crash, hang or overrun."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("imagecodecs")
pytest.importorskip("jpeg_ls")

from fastdeid.codecs import codec_for
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout
from tests.codecs.coding import CASES
from tests.codecs.drawing import drawn, layout
from tests.codecs.jpegs import coded

GREY, COLOUR = layout("MONOCHROME2", 16, 12), layout("YBR_FULL")
BASELINE = "1.2.840.10008.1.2.4.50"


def small(of: Layout, name: str) -> Layout:
    """Return a layout that interpreted kernels are done with soon; JPEG 2000 needs a larger one."""
    return of if "2000" in name else of._replace(rows=17, columns=19)


FRAMES: dict[str, tuple[str, Layout, bytes]] = {
    f"{name}, {of.photometric_interpretation}": (case.uid, of, case.encode(drawn(of), of))
    for name, case in CASES.items()
    for of in (small(GREY, name), small(COLOUR, name))
} | {
    f"JPEG, {name}": (BASELINE, small(COLOUR, name), coded(drawn(small(COLOUR, name)), **options))
    for name, options in {
        "4:2:0": {"subsampling": 2},
        "restarts": {"restart_marker_blocks": 2},
        "own tables": {"optimize": True, "subsampling": 1},
    }.items()
}


def survives(name: str, frame: bytes) -> bool:
    """Decode and mask a frame; return whether it was taken."""
    uid, of, _ = FRAMES[name]
    codec = codec_for(uid, of)
    try:
        decoded = codec.decode(frame)
        masked = codec.mask(frame, [(3, 5, 14, 22)], (0,) * of.samples_per_pixel)
    except DicomError:
        return False
    assert decoded.shape == drawn(of).shape
    assert decoded.dtype == drawn(of).dtype
    codec.decode(masked)
    return True


@pytest.mark.parametrize("name", FRAMES)
@settings(max_examples=15)
@given(data=st.data())
def test_bits_that_were_flipped(name: str, data: st.DataObject) -> None:
    frame = bytearray(FRAMES[name][2])
    most = data.draw(st.sampled_from([150, len(frame)]))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, min(most, len(frame)) - 1))] ^= 1 << data.draw(
            st.integers(0, 7)
        )
    survives(name, bytes(frame))


@pytest.mark.parametrize("name", FRAMES)
def test_frames_that_were_cut_are_refused(name: str) -> None:
    frame = FRAMES[name][2]
    assert survives(name, frame)
    for length in np.linspace(0, len(frame) - 8, 12).astype(int).tolist():
        assert not survives(name, frame[:length])


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_no_such_frame_is_refused(name: str) -> None:
    for frame in (b"", b"\0", bytes(500), b"\xff" * 500, b"\xff\xd8" + bytes(300)):
        assert not survives(name, frame)


def enlarged(frame: bytes, marker: bytes, skip: int, width: int) -> bytes:
    """Return a frame with 65,535 rows and columns in the header behind a marker, if it has one."""
    at = frame.find(marker) + len(marker) + skip
    if marker not in frame:
        return frame
    return frame[:at] + 2 * (65535).to_bytes(width, "big") + frame[at + 2 * width :]


# Where the size stands behind the marker, and the bytes of a number (10918-1 B.2.2, 15444-1 A.5.1).
SIZES = {
    "RLE": (b"none", 0, 2),
    "native": (b"none", 0, 2),
    "deflated": (b"none", 0, 2),
    "JPEG lossless": (b"\xff\xc3", 3, 2),
    "JPEG-LS": (b"\xff\xf7", 3, 2),
    "JPEG 2000": (b"\xff\x51", 4, 4),
    "HTJ2K": (b"\xff\x51", 4, 4),
    "JPEG": (b"\xff\xc0", 3, 2),
}


@pytest.mark.parametrize("name", SIZES)
def test_the_size_in_a_header_takes_no_memory(name: str) -> None:
    """65,535 rows and columns in a frame of some hundred bytes would be 4 GB."""
    of = layout("MONOCHROME2")
    uid = CASES[name].uid if name in CASES else BASELINE
    frame = CASES[name].encode(drawn(of), of) if name in CASES else coded(drawn(of))
    codec = codec_for(uid, of._replace(rows=65535, columns=65535))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DicomError):
        codec.decode(enlarged(frame, *SIZES[name]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
