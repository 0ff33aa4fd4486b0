"""Other people's readers as judges of an output: dcmdump, gdcmdump, dciodvfy.

They come with Debian's dcmtk, libgdcm-tools and dicom3tools. A test that needs one is skipped, with
the reason, on a machine without it; `.ci/run` installs all three.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

PACKAGES: Final = {
    "dcmcjpeg": "dcmtk",
    "dcmdump": "dcmtk",
    "gdcmdump": "libgdcm-tools",
    "dciodvfy": "dicom3tools",
    "chromium": "chromium",
}

# Numbers, positions and quoted values differ between an input and its output; the complaint, its
# tag and the Type that it names do not.
_VALUES: Final = re.compile(
    r"(\(0x[0-9a-f]{4},0x[0-9a-f]{4}\))|\[[^\]]*\]|<[^<>]*\d[^<>]*>"
    r"|0x[0-9a-f]+|(?<!Type )\b\d[\d.]*\b",
    re.IGNORECASE,
)


def require(tool: str) -> None:
    """Skip the running test where `tool` is not installed."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian: {PACKAGES[tool]})")


def _run(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=120, check=False)


def dcmdump_accepts(path: Path) -> bool:
    """Tell whether DCMTK reads the whole file without an error."""
    require("dcmdump")
    done = _run("dcmdump", "--quiet", path)
    return done.returncode == 0


def gdcmdump_accepts(path: Path) -> bool:
    """Tell whether GDCM reads the whole file without an error."""
    require("gdcmdump")
    done = _run("gdcmdump", path)
    return done.returncode == 0 and b"Failed to read" not in done.stderr


def dciodvfy_errors(path: Path) -> Counter[str]:
    """Return the error lines of dciodvfy with their counts, without numbers and values.

    Two files that are wrong in the same way have equal counters: an output has no new error when
    `dciodvfy_errors(output) - dciodvfy_errors(source)` is empty.
    """
    require("dciodvfy")
    done = _run("dciodvfy", path)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return Counter(normalise(line) for line in lines if line.startswith("Error"))


def normalise(line: str) -> str:
    """Return a line of dciodvfy without offsets, numbers and values, its attribute names kept."""
    return " ".join(_VALUES.sub(lambda match: match[1] or "*", line).split())
