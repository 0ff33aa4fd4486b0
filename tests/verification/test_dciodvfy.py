"""Errors that an output has for dciodvfy and its source has not."""

from __future__ import annotations

from pathlib import Path

from fastdeid.verification import dciodvfy
from tests import builders as b
from tests.judges import require
from tests.runs import ct_image


def test_only_new_errors_are_findings(tmp_path: Path) -> None:
    require("dciodvfy")
    whole = ct_image(b.text(0x00280004, "CS", "MONOCHROME2"), b.number(0x00280002, "US", 1))
    without = ct_image(b.number(0x00280002, "US", 1))
    for name, content in (("source", whole), ("same", whole), ("output", without)):
        (tmp_path / name).write_bytes(b.part10(content))
    folder = str(tmp_path)
    assert list(dciodvfy.compare(folder, b"source", folder, "same")) == []
    found = list(dciodvfy.compare(folder, b"source", folder, "output"))
    assert {finding.kind for finding in found} == {"dciodvfy_error"}
    assert {finding.path for finding in found} == {"output"}
