"""Other readers read of a scrubbed CSA header what they read before: nibabel and dcm2niix."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from fastdeid.csa import scrub
from tests.csa.building import PHYSICS, Tag, csa
from tests.csa.converting import convert
from tests.csa.mosaic import PROTOCOL, TIMES, image_header, mosaic, series_header

VOLUMES = [(1, 0), *((number, 1000) for number in range(2, 9))]


def nibabel_module(name: str) -> Any:
    """Return a module of nibabel, which warns when it is imported; skip the test without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason="nibabel is not installed")


def read(raw: bytes) -> dict[str, list[object]]:
    """Return the values that nibabel reads of a CSA header, by the name of the tag."""
    reader = nibabel_module("nibabel.nicom.csareader")
    return {name: tag["items"] for name, tag in reader.read(raw)["tags"].items()}


def test_nibabel_reads_the_same_physics() -> None:
    tags = [*PHYSICS, Tag("PatientName", "PN", [b"DOE^JANE"], garbage=b"DOE")]
    raw = csa(tags)
    scrubbed = scrub(raw)
    assert scrubbed is not None
    before, after = read(raw), read(scrubbed)
    assert before.pop("PatientName") == [b"DOE^JANE"]
    assert not any(after.pop("", []))
    assert after == before
    assert after["MosaicRefAcqTimes"] == [*TIMES]
    assert after["B_matrix"] == [250, -250, 353.5, 250, -353.5, 500]


def test_nibabel_reads_the_numbers_of_the_protocol() -> None:
    scrubbed = scrub(series_header())
    assert scrubbed is not None
    values = read(scrubbed)
    assert set(values) == {"MrProtocolVersion", "MrPhoenixProtocol", ""}
    (text,) = values["MrPhoenixProtocol"]
    assert isinstance(text, str)
    assert len(text) == len(PROTOCOL)
    parse = nibabel_module("nibabel.nicom.ascconv").parse_ascconv
    numbers, _ = parse(text[text.index("###") :])
    assert numbers == {
        "ulVersion": 0x14B44B6,
        "sPat": {"lAccelFactPE": 2, "ucRefScanMode": 4},
        "sKSpace": {"lPhaseEncodingLines": 128},
        "sSliceArray": {"lSize": 4, "ucMode": 4},
        "alTR": [6600000],
    }


def dump(folder: Path, raw: bytes) -> str:
    """Return what GDCM prints of a CSA image header."""
    program = shutil.which("gdcmdump")
    if program is None:
        pytest.skip("gdcmdump is not installed")
    path = folder / "image.dcm"
    path.write_bytes(mosaic(1, 1000, raw, None))
    done = subprocess.run(
        [program, "--csa", path], capture_output=True, check=True, text=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("form", ["SV10", "older"])
def test_gdcm_reads_the_same_physics(form: str, tmp_path: Path) -> None:
    secret = Tag("ImageComments", "LT", [b"DOE^JANE"], garbage=b"DOE")
    before = dump(tmp_path, csa([*PHYSICS, secret], form=form))
    scrubbed = scrub(csa([*PHYSICS, secret], form=form))
    assert scrubbed is not None
    after = dump(tmp_path, scrubbed)
    assert "DOE^JANE" in before
    assert "DOE" not in after
    lines = [line for line in before.splitlines() if line.partition("'")[2]]
    kept = [line for line in lines if any(tag.name in line for tag in PHYSICS)]
    assert len(kept) == len(PHYSICS)
    assert set(kept) <= set(after.splitlines())


def test_dcm2niix_reads_diffusion_and_slice_timing(tmp_path: Path) -> None:
    series = series_header()
    originals = [mosaic(n, bv, image_header(bv, n), series) for n, bv in VOLUMES]
    scrubbed = [mosaic(n, bv, scrub(image_header(bv, n)), scrub(series)) for n, bv in VOLUMES]
    before = convert(tmp_path / "before", originals)
    after = convert(tmp_path / "after", scrubbed)
    assert after.bval == before.bval
    assert after.bval.split() == [str(b_value) for _, b_value in VOLUMES]
    assert after.bvec == before.bvec
    assert after.bvec.split()
    assert after.sidecar["SliceTiming"] == [time / 1000 for time in TIMES]
    for name in (
        "PhaseEncodingDirection",
        "BandwidthPerPixelPhaseEncode",
        "ParallelReductionFactorInPlane",
    ):
        assert after.sidecar[name] == before.sidecar[name], name


def test_without_the_headers_dcm2niix_reads_neither(tmp_path: Path) -> None:
    files = [mosaic(n, bv, None, None) for n, bv in VOLUMES]
    converted = convert(tmp_path, files)
    assert "SliceTiming" not in converted.sidecar
    assert not converted.bval
