"""What becomes of a file depends on file, profile and key: not on what was loaded or met before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from fastdeid.deidentify import Deidentifier
from tests.builders import EXPLICIT, IMPLICIT, element, item, part10, sequence
from tests.conftest import wheel_files
from tests.runs import PSEUDONYMS, basic_profile, ct_image

NAME: Final = b"Smithson^Jonathan "
# Too long to be surely loaded, shorter than the largest window.
LONG: Final = NAME * 300
AFTER: Final = element(0x00104000, "UT", b"Smithson was here ".ljust(5000))


def files(folder: Path) -> list[Path]:
    """Write CT images with long values, where identifiers belong and elsewhere."""
    images = {
        "plain": ct_image(),
        "long name": ct_image(element(0x00100010, "UN", LONG), AFTER),
        "long id": ct_image(element(0x00100020, "UT", LONG), AFTER),
        "long accession": ct_image(element(0x00080050, "UT", LONG), AFTER),
        "long uid": ct_image(element(0x00200052, "UN", b"1.2.3.4.5." * 600)),
        "long private": ct_image(element(0x00091001, "UN", LONG), AFTER),
        "long kept": ct_image(element(0x00181030, "UT", LONG), element(0x00100010, "PN", NAME)),
        "nested": ct_image(
            sequence(0x00081140, [item(element(0x00100010, "UT", LONG) + AFTER)], undefined=True)
        ),
        "document": ct_image(element(0x00420010, "ST", b"title "), element(0x00282000, "OB", LONG)),
    }
    paths = []
    for number, data_set in enumerate(images.values()):
        path = folder / f"{number}.dcm"
        path.write_bytes(part10(data_set))
        paths.append(path)
    implicit = folder / "implicit.dcm"
    image = ct_image(element(0x00282000, "OB", LONG, IMPLICIT), encoding=IMPLICIT)
    implicit.write_bytes(part10(image, IMPLICIT))
    return [*paths, implicit]


def run(paths: Sequence[Path], target: Path, windows: Sequence[int]) -> dict[str, object]:
    """De-identify files one after another, each through its window; return what became of each."""
    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, target)
    results: dict[str, object] = {}
    for path, window in zip(paths, windows, strict=True):
        deidentifier._reader._window = window
        outcome = deidentifier.process(bytes(path), overwrite=True)
        output = (target / outcome.path).read_bytes() if outcome.path else b""
        results[str(path)] = (outcome, output)
    deidentifier.close()
    return results


@pytest.mark.parametrize("window", [200, 1000, 4096, 6000, 8192, 12_000])
def test_any_first_window_gives_the_same_outcome(window: int, tmp_path: Path) -> None:
    for path in files(tmp_path):
        whole = run([path], tmp_path / "whole" / path.stem, [1 << 16])
        assert run([path], tmp_path / f"{window}" / path.stem, [window]) == whole, path.stem


def test_real_files_have_the_same_outcome_in_any_order(tmp_path: Path) -> None:
    paths = [path for path in wheel_files() if path.stat().st_size < 300_000]
    forth = run(paths, tmp_path / "forth", [1 << 16] * len(paths))
    back = run(paths[::-1], tmp_path / "back", [8192] * len(paths))
    assert back == forth


def test_outcomes_say_nothing_of_the_window(tmp_path: Path) -> None:
    path = files(tmp_path)[0]
    assert part10(ct_image(), EXPLICIT) == path.read_bytes()
    assert run([path], tmp_path / "a", [1 << 16]) == run([path], tmp_path / "b", [132])
