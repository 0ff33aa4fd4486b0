"""The contact sheet of masked frames: before and after, and for its owner only."""

from __future__ import annotations

import base64
import itertools
import re
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest

from bench.sample_archive import PATIENTS, add_screen_capture
from fastdeid.engines import local
from fastdeid.errors import InputError, KeyFileError, UsageError
from fastdeid.keys import read_key, write_key
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reporting import review
from fastdeid.reporting.report import write_report
from fastdeid.reporting.review import write_review
from fastdeid.sealing import Sealing
from tests.reporting.browser import AXE, browse

# Whole runs are left out of the pass without compiled kernels.
pytestmark = pytest.mark.jit


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run over one picture with the name of its patient in it."""
    folder = tmp_path_factory.mktemp("masked")
    (folder / "source" / PATIENTS[0].folder).mkdir(parents=True)
    add_screen_capture(folder / "source", PATIENTS[0])
    write_key(folder / "PROJECT.key")
    local.run(folder / "source", folder / "target", key=folder / "PROJECT.key", workers=0)
    return folder


@pytest.fixture(scope="module")
def page(finished: Path) -> Path:
    """Return the first page of its contact sheet."""
    done = write_review(finished / "target.link-table", finished / "PROJECT.key")
    assert (done.instances, done.left_out, done.unreadable) == (1, 0, 0)
    return Path(done.path) / "index.html"


def pictures(page: Path) -> list[Any]:
    """Return the pictures of a page, as OpenCV reads them."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page.read_text())
    raw = [np.frombuffer(base64.b64decode(one), np.uint8) for one in found]
    return [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in raw]


def test_every_masked_frame_is_there_before_and_after(finished: Path, page: Path) -> None:
    (row,) = pq.read_table(finished / "target" / "manifest.parquet").to_pylist()
    before, after = pictures(page)[:2]
    assert before.shape == after.shape
    scale = max(before.shape[:2]) / max(row["rows"], row["columns"])
    box = row["masks"][0]
    top, left, bottom, right = (
        round(box[side] * scale) for side in ("top", "left", "bottom", "right")
    )
    inside = np.s_[top + 2 : bottom - 2, left + 2 : right - 2]
    assert np.ptp(before[inside]) > 50
    assert np.ptp(after[inside]) == 0
    assert row["output_path"] in page.read_text()


def test_the_report_tells_how_much_was_masked(finished: Path) -> None:
    text = Path(write_report(finished / "target.link-table", finished / "PROJECT.key")).read_text()
    plain = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    (row,) = pq.read_table(finished / "target" / "manifest.parquet").to_pylist()
    area = sum(
        (box["bottom"] - box["top"])
        * (box["right"] - box["left"])
        * (box["last_frame"] - box["first_frame"] + 1)
        for box in row["masks"]
    )
    share = 100 * area / (row["rows"] * row["columns"] * 2)
    steps = (0, 0.1, 0.5, 1, 2, 5, 10, 25, 50, 100)
    said = [
        f"up to {most:g} % {int(least < share <= most)}"
        for least, most in itertools.pairwise(steps)
    ]
    assert " ".join(said) in plain
    assert f"frames masked {row['frames_masked']}" in plain
    assert f"text {len(row['masks'])}" in plain


def test_only_its_owner_reads_it_and_it_is_not_passed_on(finished: Path, page: Path) -> None:
    assert page.parent.stat().st_mode & 0o777 == 0o700
    assert page.stat().st_mode & 0o777 == 0o600
    assert (finished / "target") not in page.parents


def test_it_takes_the_place_of_an_earlier_one(finished: Path, page: Path) -> None:
    (page.parent / "page-002.html").write_text("of an earlier run")
    write_review(finished / "target.link-table", finished / "PROJECT.key")
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]
    assert not list(page.parent.parent.glob("*.unfinished"))


def test_what_cannot_be_shown_is_named_and_counted(finished: Path, page: Path) -> None:
    moved = finished / "elsewhere"
    moved.mkdir(exist_ok=True)
    done = write_review(finished / "target.link-table", finished / "PROJECT.key", moved)
    assert (done.instances, done.unreadable) == (0, 1)
    assert "cannot be shown" in page.read_text()
    write_review(finished / "target.link-table", finished / "PROJECT.key")


def test_what_does_not_fit_is_refused(finished: Path, tmp_path: Path) -> None:
    work, key = finished / "target.link-table", finished / "PROJECT.key"
    with pytest.raises(UsageError):
        write_review(tmp_path, key)
    with pytest.raises(InputError, match="SOURCE has moved"):
        write_review(work, key, tmp_path / "none")
    write_key(tmp_path / "other.key")
    with pytest.raises(KeyFileError):
        write_review(work, tmp_path / "other.key")


def test_it_renders_without_a_request(page: Path, tmp_path: Path) -> None:
    with browse(tmp_path) as tab:
        tab.open(page)
        assert tab.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert tab.told("Runtime.exceptionThrown") == []
        urls = {one["request"]["url"] for one in tab.told("Network.requestWillBeSent")}
        assert {url for url in urls if not url.startswith("data:")} == {page.as_uri()}


@pytest.fixture(scope="module")
def sheet(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first of two pages: more pictures than one page takes, and one that is none."""
    (one,) = review._instances(
        str(finished / "target.link-table"), Sealing(Pseudonyms(read_key(finished / "PROJECT.key")))
    )
    folder = tmp_path_factory.mktemp("sheet")
    gone = msgspec.structs.replace(one, output_path="gone.dcm")
    places = (str(finished / "source"), str(finished / "target"))
    assert review._write_pages(str(folder), [one] * 25 + [gone], *places) == 25
    return folder / "index.html"


def test_pages_work_by_keyboard(sheet: Path, tmp_path: Path) -> None:
    where = "document.activeElement.getAttribute('href')"
    with browse(tmp_path) as tab:
        tab.open(sheet)
        reached = []
        for _ in range(3):
            tab.press("Tab", 9)
            reached.append(tab.evaluate(where))
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert tab.evaluate(style) == "solid"
            assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
        assert reached == ["#main", "index.html", "page-002.html"]
        tab.events.clear()
        tab.press("Enter", 13, "\r")
        tab.wait("Page.loadEventFired")
        assert tab.evaluate("document.querySelector('[aria-current]').textContent") == "page 2"
        assert tab.evaluate("document.querySelector('figcaption').textContent").endswith(
            "cannot be shown"
        )


@pytest.mark.parametrize("name", ["index.html", "page-002.html"])
def test_an_accessibility_check_finds_nothing(sheet: Path, name: str, tmp_path: Path) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm install --prefix build axe-core)")
    with browse(tmp_path) as tab:
        tab.open(sheet.with_name(name))
        passed, found = tab.check_accessibility(AXE)
    assert found == []
    assert {"color-contrast", "landmark-one-main", "region", "skip-link"} <= set(passed)
    assert name != "index.html" or "image-alt" in passed


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "RGB", "YBR_FULL", "PALETTE COLOR"])
def test_pictures_are_shown_as_they_are_meant(photometric: str, tmp_path: Path) -> None:
    from fastdeid.reporting.frames import Frames, window_of

    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 2, 2, 8, 8, 7
    ds.PixelRepresentation, ds.PhotometricInterpretation = 0, photometric
    three = photometric in {"RGB", "YBR_FULL"}
    ds.SamplesPerPixel = 3 if three else 1
    red = {"RGB": bytes([255, 0, 0]), "YBR_FULL": bytes([76, 85, 255])}.get(photometric, b"\0")
    if three:
        ds.PlanarConfiguration = 0
    if photometric == "PALETTE COLOR":
        for name, value in (("Red", 255), ("Green", 0), ("Blue", 0)):
            setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
            setattr(ds, f"{name}PaletteColorLookupTableData", bytes([value]) * 256)
    ds.PixelData = red * 4
    ds["PixelData"].VR = "OB"
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=False)
    frames = Frames(str(tmp_path / "one.dcm"))
    samples = frames.samples(0)
    blue, green, red_shown = frames.picture(samples, window_of(samples))[0, 0].tolist()
    if photometric == "MONOCHROME1":
        assert blue == green == red_shown == 255
    else:
        assert red_shown > 240
        assert max(blue, green) < 15
