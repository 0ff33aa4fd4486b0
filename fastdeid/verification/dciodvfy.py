"""Errors that dciodvfy of dicom3tools finds in an output and not in its source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Final

from fastdeid import shards
from fastdeid.archives.opening import as_file
from fastdeid.shards import NOWHERE, Place
from fastdeid.verification.findings import Finding

_TOOL: Final = "dciodvfy"
_SECONDS: Final = 120
# Numbers, positions and quoted values differ between an input and its output; the complaint, its
# tag and the Type that it names do not.
_VALUES: Final = re.compile(
    r"(\(0x[0-9a-f]{4},0x[0-9a-f]{4}\))|\[[^\]]*\]|<[^<>]*\d[^<>]*>"
    r"|0x[0-9a-f]+|(?<!Type )\b\d[\d.]*\b",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"\(0x([0-9a-f]{4}),0x([0-9a-f]{4})\)", re.IGNORECASE)


def is_installed() -> bool:
    """Tell whether dciodvfy can be asked."""
    return shutil.which(_TOOL) is not None


def compare(
    source: str, source_path: bytes, target: str, path: str, place: Place = NOWHERE
) -> Iterator[Finding]:
    """Yield a finding for every error of an output that its source does not have.

    place: of the output, where it stands in a shard. Raises OSError when one cannot be read.
    """
    with as_file(os.fsencode(source), source_path) as name:
        before = _errors(name)
    with shards.as_file(target, path, place) as output:
        after = _errors(os.fsencode(output))
    for line in after - before:
        tag = _TAG.search(line)
        yield Finding(path, "dciodvfy_error", f"({tag[1]},{tag[2]})".upper() if tag else "")


def _errors(path: bytes) -> Counter[str]:
    try:
        done = subprocess.run(
            [_TOOL.encode(), path], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Counter()
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return Counter(
        " ".join(_VALUES.sub(lambda match: match[1] or "*", line).split())
        for line in lines
        if line.startswith("Error")
    )
