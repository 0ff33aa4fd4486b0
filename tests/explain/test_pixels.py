"""`fastdeid explain` tells what was done with pixels, by which stage, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fastdeid.commands import app
from tests.pixels.files import attributes, grey, written

# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
WRITTEN = grey(40, 230)
RULES = """
[[rule]]
name = "banner of our scanner"
credit = "us"
when = [[{ attribute = "Manufacturer", equals = ["ACME"] }]]
boxes = [[80, 0, 96, 192]]
"""


def explained(folder: Path, *arguments: str, **more: str) -> str:
    path = folder / "file.dcm"
    path.write_bytes(written(attributes(Manufacturer="ACME", **more), WRITTEN.tobytes()))
    done = CliRunner().invoke(app, ["explain", str(path), *arguments])
    assert done.exit_code == 0, done.output
    assert "Jane" not in done.output
    return done.output


def test_stages_rules_and_claims_are_told(tmp_path: Path) -> None:
    (tmp_path / "scanners.toml").write_text(RULES)
    profile = tmp_path / "ours.toml"
    profile.write_text(
        'name = "ours"\nversion = "1"\npurpose = "test"\nextends = "basic"\n'
        '[pixels]\nregions = ["scanners.toml"]\n'
    )
    output = explained(tmp_path, "--profile", str(profile))
    assert "region rules: 'banner of our scanner' holds, by Manufacturer; 1 box(es)" in output
    assert "text: sought in every frame; likely by Modality" in output
    assert "masked: 1 box(es), banner of our scanner" in output
    assert "box(es), text" in output
    assert "examined: all 1 frame(s); 113101 and (0028,0301) = NO" in output
    assert "(7FE0,0010) OB PixelData: replaced; boxes filled" in output


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("regions", "text: not sought; --pixels regions"),
        ("off", "pixels: copied as they are, --pixels off"),
    ],
)
def test_what_was_not_looked_at_is_told(mode: str, expected: str, tmp_path: Path) -> None:
    output = explained(tmp_path, "--pixels", mode)
    assert expected in output
    assert "examined: all" not in output
    assert "(7FE0,0010) OB PixelData: kept" in output
