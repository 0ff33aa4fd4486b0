"""A whole run over folders named after patients: nothing of them below TARGET or on the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fastdeid.keys import write_key
from tests import builders as b
from tests.conftest import REPOSITORY
from tests.link_tables import read_link_table
from tests.runs import ct_image

PLANTED = (
    "Przybylska",
    "Wilhelmine",
    "ZQ-5551237",
    "AX99812345",
    "19431107",
    "20170623",
    "Nepomuk",
)


def an_image(number: int) -> bytes:
    """Return an image with planted values in its header, file meta, preamble and padding."""
    elements = [
        b.text(0x00080018, "UI", f"1.2.276.0.7230010.3.1.{number}"),
        b.text(0x00080020, "DA", "20170623"),
        b.text(0x00080050, "SH", "AX99812345"),
        b.text(0x00080070, "LO", "for Przybylska"),
        b.text(0x00080080, "LO", "Sankt Nepomuk"),
        b.text(0x00081090, "LO", "Scanner of Wilhelmine"),
        b.text(0x00091001, "LO", "Przybylska"),
        b.text(0x00100010, "PN", "Przybylska^Wilhelmine"),
        b.text(0x00100020, "LO", "ZQ-5551237"),
        b.text(0x00100030, "DA", "19431107"),
    ]
    meta = b.file_meta(extra=b.text(0x00020016, "AE", "NEPOMUK_CT"))
    preamble = b"Przybylska^Wilhelmine".ljust(128)
    data_set = ct_image(*elements)
    return b.part10(data_set, meta=meta, preamble=preamble, trailing=b"ZQ-5551237" * 3)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run: source, target, link, and output of the command."""
    folder = tmp_path_factory.mktemp("Nepomuk") / "run"
    patient = folder / "source" / "Przybylska^Wilhelmine 19431107" / "ZQ-5551237"
    patient.mkdir(parents=True)
    for number in range(3):
        (patient / f"Przybylska_{number}.dcm").write_bytes(an_image(number))
    (patient / "20170623_cut.dcm").write_bytes(an_image(9)[:500])
    (patient / "Przybylska letter.txt").write_text("Dear Mrs. Przybylska")
    (patient / "copy of AX99812345").write_bytes(an_image(1))
    write_key(folder / "project.key")
    arguments = [str(folder / "source"), str(folder / "target"), "--workers", "0"]
    options = ["--link-table", str(folder / "link"), "--key", str(folder / "project.key")]
    done = subprocess.run(
        [sys.executable, "-m", "fastdeid", "run", *arguments, "--pixels", "off", *options],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr.decode()  # one file is cut off
    (folder / "screen").write_bytes(done.stdout + done.stderr)
    return folder


def test_no_name_and_no_byte_below_the_target_holds_a_planted_value(place: Path) -> None:
    names, contents = [], []
    for parent, folders, files in os.walk(place / "target"):
        names += folders + files
        contents += [(Path(parent) / file).read_bytes().lower() for file in files]
    assert len([name for name in names if name.endswith(".dcm")]) == 3
    for value in PLANTED:
        assert not [name for name in names if value.lower() in name.lower()]
        for codec in ("utf-8", "utf-16-le"):
            planted = value.lower().encode(codec)
            assert not [content for content in contents if planted in content], value


def test_the_research_manifest_decoded_holds_no_planted_value(place: Path) -> None:
    tables = list((place / "target").rglob("*.parquet"))
    assert tables
    for path in tables:
        table = pq.read_table(path)
        text = str(table.to_pylist()) + str(table.schema)
        for value in (*PLANTED, "1.2.276.0.7230010", "source"):
            assert value.lower() not in text.lower(), value


def test_the_screen_shows_no_value_and_no_name_of_a_source_file(place: Path) -> None:
    screen = (place / "screen").read_text().replace(str(place), "")
    for value in PLANTED:
        assert value.lower() not in screen.lower()


def test_only_the_link_table_holds_them_and_only_its_owner_reads_it(place: Path) -> None:
    tables = sorted((place / "link").glob("*.parquet"))
    key = place / "project.key"
    text = " ".join(str(read_link_table(path, key).to_pylist()) for path in tables)
    for value in ("Przybylska", "ZQ-5551237", "AX99812345"):
        assert value in text
    assert (place / "link").stat().st_mode & 0o077 == 0
    for path in (place / "link").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path.name
