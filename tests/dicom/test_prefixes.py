"""Every proper prefix of real files: what was cut off is never taken for a whole.

What holds: the reader accepts a prefix only if it ends where a top-level element ends, for that is
a data set of its own. (In big endian the first byte of the next element may be there too: it is
zero, as padding is.) Of such prefixes an instance is made only if identifiers are in it, and pixel
data where SOP Class or image attributes ask for them. A deflated data set has no such prefix.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Final

import numba
import pytest

from fastdeid.deidentify import Deidentifier
from fastdeid.dicom.encodings import DEFLATED, ENCODING_OF, EXPLICIT_BIG, IMPLICIT_LITTLE
from fastdeid.dicom.reader import Reader
from fastdeid.errors import DicomError
from fastdeid.tags import VR_NAMES
from fastdeid.verdicts import Verdict
from tests.conftest import wheel_files
from tests.dicom.reading import new_reader
from tests.kernels import naive
from tests.kernels.scanning import DICTIONARY
from tests.runs import PSEUDONYMS, basic_profile

BITS_ALLOCATED: Final = 0x00280100
PIXEL_DATA: Final = 0x7FE00010
# Small ones of many kinds: native and encapsulated, in every encoding, with and without file meta,
# sequences of both styles, structured reports, plans, waveforms.
NAMES: Final = """
    ExplVR_BigEndNoMeta.dcm ExplVR_LitEndNoMeta.dcm JPEGLSNearLossless_08.dcm
    JPEGLSNearLossless_16.dcm SC_rgb_jls_lossy_line.dcm SC_rgb_small_odd.dcm
    SC_rgb_small_odd_big_endian.dcm SC_rgb_small_odd_jpeg.dcm rtdose_1frame.dcm
    rtdose_expb_1frame.dcm rtdose_rle_1frame.dcm rtplan.dcm rtstruct.dcm reportsi.dcm
    SC_rgb_rle_2frame.dcm JPEG2000.dcm test-SR.dcm image_dfl.dcm MR_small_RLE.dcm
    MR_small_bigendian.dcm
""".split()
FILES: Final = [path for path in wheel_files() if path.name in NAMES]
# Without compiled kernels only a sample of the prefixes.
STEP: Final = 97 if numba.config.DISABLE_JIT else 1

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def ends_of_elements(data: bytes, reader: Reader) -> dict[int, int]:
    """Return where each top-level element of a file ends, with its tag; of the file just read."""
    coding = ENCODING_OF[reader.transfer_syntax]
    start = 132 if data[128:132] == b"DICM" else 0
    meta = naive.scan_file_meta(data, start, VR_NAMES[1:])
    assert isinstance(meta, naive.FileMeta)
    explicit, big = coding != IMPLICIT_LITTLE, coding == EXPLICIT_BIG
    scan = naive.scan_elements(data, meta.end, DICTIONARY, explicit=explicit, big=big)
    return {row.end_offset: row.tag for row in scan.rows if not row.depth}


def end_of_stream(data: bytes) -> int:
    """Return where the deflated data set of a file ends; padding may follow."""
    meta = naive.scan_file_meta(data, 132, VR_NAMES[1:])
    assert isinstance(meta, naive.FileMeta)
    stream = zlib.decompressobj(wbits=-15)
    stream.decompress(data[meta.end :])
    return len(data) - len(stream.unused_data)


def accepted(fd: int, size: int, reader: Reader) -> bool:
    try:
        reader.read(fd, size)
    except DicomError:
        return False
    return True


def test_there_are_twenty_real_files() -> None:
    assert len(FILES) == 20


@each_file
def test_a_proper_prefix_is_a_data_set_only_where_an_element_ends(path: Path) -> None:
    data = path.read_bytes()
    reader = new_reader()
    with path.open("rb") as file:
        fd = file.fileno()
        reader.read(fd, len(data))
        if reader.transfer_syntax in DEFLATED:
            wanted = allowed = set(range(end_of_stream(data), len(data)))
        else:
            allowed = set(ends_of_elements(data, reader))
            wanted = allowed - {len(data)}
            allowed |= {end + 1 for end in allowed if data[end : end + 1] == b"\0"}
        sizes = set(range(0, len(data), STEP)) | wanted
        found = {size for size in sizes if accepted(fd, size, reader)}
    assert wanted <= found <= allowed


@each_file
def test_no_instance_is_made_of_a_prefix_without_its_pixel_data(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    copy = tmp_path / "prefix.dcm"
    copy.write_bytes(data)
    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, tmp_path / "target")
    whole = deidentifier.process(bytes(copy))
    assert whole.verdict is Verdict.OK
    deflated = whole.transfer_syntax in DEFLATED
    with path.open("rb") as file:
        reader = new_reader()
        reader.read(file.fileno(), len(data))
    ends = {} if deflated else ends_of_elements(data, reader)
    near = {end + by for end in ends for by in (-1, 0, 1)}
    for size in sorted({*range(0, len(data), 11 * STEP), *near} - {len(data)}, reverse=True):
        if size > len(data):
            continue
        os.truncate(copy, size)
        outcome = deidentifier.process(bytes(copy))
        if outcome.verdict is Verdict.OK:
            before = [tag for end, tag in ends.items() if end <= size]
            if deflated:
                assert size >= end_of_stream(data)
                continue
            assert size in ends or data[size - 1 : size] == b"\0"
            # An RT Dose may be without pixel data, but not with Bits Allocated.
            may_lack = "rtdose" in path.name and BITS_ALLOCATED not in before
            assert PIXEL_DATA in before or may_lack or not whole.pixel_length
        else:
            assert (outcome.path, outcome.reason == "") == ("", False)
    deidentifier.close()
    assert not list((tmp_path / "target").rglob("*.unfinished"))
