"""Files through dcm2niix: what it reads of diffusion and slice timing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest


class Converted(NamedTuple):
    """Content of the .bval and .bvec files, and the sidecar."""

    bval: str
    bvec: str
    sidecar: dict[str, object]


def convert(folder: Path, files: Iterable[bytes]) -> Converted:
    """Return what dcm2niix makes of one series; skips the test where it is not installed."""
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix is not installed")
    source, target = folder / "dicom", folder / "nifti"
    source.mkdir(parents=True)
    target.mkdir()
    for number, data in enumerate(files):
        (source / f"{number}.dcm").write_bytes(data)
    subprocess.run(
        [program, "-b", "y", "-ba", "n", "-z", "n", "-f", "out", "-o", target, source],
        capture_output=True,
        check=True,
        timeout=60,
    )
    sidecar = json.loads((target / "out.json").read_text())
    return Converted(_text(target / "out.bval"), _text(target / "out.bvec"), sidecar)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
