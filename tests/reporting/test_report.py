"""The report of a run: what it says, that it tells nothing of a patient, that anybody reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fastdeid.errors import FastdeidError, InputError, KeyFileError, UsageError
from fastdeid.keys import write_key
from fastdeid.reporting.report import write_report
from tests import builders as b
from tests.reporting.browser import AXE, Page, browse
from tests.verification import release as releases
from tests.verification.release import PATIENTS, Release

# Whole runs are left out of the pass without compiled kernels.
pytestmark = pytest.mark.jit
TAB, ENTER = ("Tab", 9), ("Enter", 13, "\r")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a finished run, with files that have no output."""
    folder = tmp_path_factory.mktemp("report")
    broken = folder / "source" / PATIENTS[0].name
    broken.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releases, "N_INSTANCES", 2)
        made = releases.make(folder / "whole", {1: "jpeg"})
    source = made.folder / "source"
    (source / PATIENTS[0].name / "cut").write_bytes(b.part10(b"\x08\x00\x05\x00CS\x0a\x00"))
    (source / "Przybylska.txt").write_text("Dear Mrs. Przybylska")
    target = made.folder / "again"
    key = made.folder / "project.key"
    arguments = [
        "run",
        str(source),
        str(target),
        "--key",
        str(key),
        "--workers",
        "0",
        "--pixels",
        "off",
    ]
    done = subprocess.run([sys.executable, "-m", "fastdeid", *arguments], check=False)
    assert done.returncode == 3
    return Release(target, made.outputs)


def key_of(finished: Release) -> Path:
    return finished.folder.with_name("project.key")


@pytest.fixture(scope="module")
def report(finished: Release) -> Path:
    """Return the page."""
    return Path(write_report(finished.folder.with_name("again.link-table"), key_of(finished)))


@pytest.fixture(scope="module")
def page(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return the page in a browser."""
    with browse(tmp_path_factory.mktemp("browser")) as tab:
        tab.open(report)
        yield tab


def test_it_shows_what_the_run_came_to(report: Path) -> None:
    text = re.sub(r"<[^>]*>", " ", report.read_text())
    for said in ("22 files read, 20 released", "truncated", "not_dicom", "JPEGBaseline8Bit"):
        assert said in " ".join(text.split())
    assert "every patient has one offset yes" in " ".join(text.split())


def test_it_holds_nothing_of_a_patient(report: Path) -> None:
    text = report.read_text().lower()
    for patient in PATIENTS:
        values = (patient.identifier, patient.accession, patient.study, patient.institution)
        for value in (*values, *(part for part in patient.name.split("^") if len(part) > 4)):
            assert value.lower() not in text
    for pattern in (r"2\.25\.\d{9}", r"/source", r"link-table", r"19431107", r"\b[0-9A-Z]{16}\b"):
        assert not re.search(pattern, report.read_text()), pattern


def test_only_its_owner_reads_it(report: Path) -> None:
    assert report.stat().st_mode & 0o077 == 0


def test_it_can_be_written_elsewhere_and_again(finished: Release, tmp_path: Path) -> None:
    work = finished.folder.with_name("again.link-table")
    path = tmp_path / "page.html"
    assert (
        write_report(work, key_of(finished), path)
        == write_report(work, key_of(finished), path)
        == str(path)
    )


def test_a_folder_without_a_run_is_refused(finished: Release, tmp_path: Path) -> None:
    key = key_of(finished)
    with pytest.raises(UsageError):
        write_report(tmp_path, key)
    with pytest.raises(UsageError):
        write_report(tmp_path / "nothing", key)


def test_another_key_is_refused(finished: Release, tmp_path: Path) -> None:
    write_key(tmp_path / "other.key")
    with pytest.raises(KeyFileError, match="another project key"):
        write_report(finished.folder.with_name("again.link-table"), tmp_path / "other.key")


def test_a_run_that_is_not_finished_is_refused(finished: Release, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    work = finished.folder.with_name("again.link-table") / "work"
    (tmp_path / "work" / "run.json").write_bytes((work / "run.json").read_bytes())
    with pytest.raises(InputError):
        write_report(tmp_path, key_of(finished))
    assert issubclass(InputError, FastdeidError)


class Outline(HTMLParser):
    """Collects what a reader of the page cannot do without."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep an element with its attributes."""
        self.tags.append((tag, dict(attributes)))

    def count(self, tag: str) -> int:
        """Return how often an element occurs."""
        return sum(1 for one, _ in self.tags if one == tag)


def test_the_markup_names_every_part(report: Path) -> None:
    outline = Outline()
    outline.feed(report.read_text())
    attributes = [given for _, given in outline.tags]
    assert outline.tags[0][0] == "html"
    assert attributes[0]["lang"] == "en"
    assert outline.count("h1") == outline.count("main") == 1
    assert outline.count("script") == outline.count("img") == outline.count("iframe") == 0
    assert outline.count("caption") == outline.count("table") > 10
    assert all(given.get("scope") for tag, given in outline.tags if tag == "th")
    assert all(given.get("role") == "img" for tag, given in outline.tags if tag == "svg")
    names = [given["id"] for given in attributes if "id" in given]
    assert len(names) == len(set(names))
    for given in attributes:
        for name in ("aria-labelledby", "href", "src"):
            value = given.get(name) or ""
            assert not value or value.lstrip("#") in names or value == "data:,"


def test_it_renders_without_an_error_and_without_a_request(page: Page, report: Path) -> None:
    assert page.evaluate("document.querySelectorAll('svg').length") >= 5
    assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.clientHeight > 20)")
    assert page.told("Runtime.exceptionThrown") == []
    assert [one for one in page.told("Log.entryAdded") if one["entry"]["level"] == "error"] == []
    assert page.told("Runtime.consoleAPICalled") == []
    urls = {one["request"]["url"] for one in page.told("Network.requestWillBeSent")}
    assert {url for url in urls if not url.startswith("data:")} == {report.as_uri()}


def test_it_works_by_keyboard(page: Page) -> None:
    reached = []
    for _ in range(40):
        page.press(*TAB)
        reached.append(
            page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.hash")
        )
        if reached[-1].startswith("SUMMARY"):
            break
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(a => 'A ' + a.hash)")
    assert [*reached] == ["A #main", *links, "SUMMARY undefined"]
    visible = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(visible) == "solid"
    page.press(*ENTER)
    assert page.evaluate("document.querySelector('details').open") is True


def test_an_accessibility_check_finds_nothing(page: Page) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm install --prefix build axe-core)")
    page.evaluate("document.querySelector('details').open = true")
    passed, found = page.check_accessibility(AXE)
    assert found == []
    assert {"color-contrast", "svg-img-alt", "landmark-one-main", "region"} <= set(passed)


def test_it_prints(page: Page) -> None:
    assert len(page.call("Page.printToPDF")["data"]) > 10_000


def test_a_narrow_screen_needs_no_scrolling_to_the_side(page: Page) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
