"""Text whose VR was lost on the way is searched as text (PS3.5 section 6.2.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import element, part10, text
from tests.runs import ct_image, deidentify

MODEL = 0x00081090  # Manufacturer's Model Name, kept
NAME = 0x00100010


@pytest.mark.parametrize("vr", ["LO", "UT", "UN"])
@pytest.mark.parametrize("name", ["Smith", "Kuhn", "Ott"])
def test_a_short_name_is_found_in_text_and_in_unknown_bytes(
    vr: str, name: str, tmp_path: Path
) -> None:
    planted = element(MODEL, vr, f"made for {name} ".encode().ljust(16))
    run = deidentify(tmp_path, part10(ct_image(text(NAME, "PN", f"{name}^Zoe"), planted)))
    assert run.outcome.n_cleaned == 1
    assert name.encode() not in run.data


@pytest.mark.parametrize("vr", ["LO", "UN"])
def test_a_short_name_inside_a_word_is_not_that_name(vr: str, tmp_path: Path) -> None:
    kept = element(MODEL, vr, b"bottom lotto ")
    run = deidentify(tmp_path, part10(ct_image(text(NAME, "PN", "Ott^Zoe"), kept)))
    assert run.outcome.n_cleaned == 0
    assert kept in run.data
