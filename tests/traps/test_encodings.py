"""Traps 7 and 8: big endian and deflated data sets, character sets."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify

INSTITUTION = 0x00080080
MANUFACTURER = 0x00080070


def test_trap_7_big_endian_is_cleaned_and_stays_big_endian(tmp_path: Path) -> None:
    rows = b.number(0x00280010, "US", 0x0102, encoding=b.BIG)
    assert rows == bytes([0x00, 0x28, 0x00, 0x10, *b"US", 0x00, 0x02, 0x01, 0x02])
    name = b.text(0x00100010, "PN", "Secret^Ann", b.BIG)
    run = deidentify(tmp_path, b.part10(ct_image(rows, name, encoding=b.BIG), b.BIG))
    assert b"Secret" not in run.data
    assert rows in run.data
    assert run.data_set.Rows == 0x0102
    assert run.data_set.PatientIdentityRemoved == "YES"


def test_trap_7_a_deflated_data_set_is_cleaned_and_deflated_again(tmp_path: Path) -> None:
    name = b.text(0x00100010, "PN", "Secret^Ann")
    behind = b"Secret behind"
    data = b.part10(ct_image(name), b.DEFLATED, trailing=behind)
    run = deidentify(tmp_path, data)
    start = 132 + 12 + run.data_set.file_meta.FileMetaInformationGroupLength
    inflater = zlib.decompressobj(-15)
    data_set = inflater.decompress(run.data[start:])
    assert inflater.eof
    assert inflater.unused_data in {b"", b"\0"}
    assert b"Secret" not in data_set
    assert b"Secret" not in run.data
    assert run.data_set.PixelData == bytes(range(8))


def test_trap_7_a_deflate_bomb_is_quarantined(tmp_path: Path) -> None:
    bomb = ct_image(b.element(0x00282000, "OB", bytes(64 << 20)))
    run = deidentify(tmp_path, b.part10(bomb, b.DEFLATED))
    assert (run.outcome.verdict, run.outcome.reason) == (Verdict.QUARANTINED, "deflate_budget")


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("ISO_IR 100", "latin_1", "Müller^Jörg"),
        ("ISO_IR 144", "iso8859_5", "Люксембург^Ян"),
        ("ISO_IR 192", "utf_8", "Wang^XiaoDong=王^小东"),
        ("GB18030", "gb18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_trap_8_replacements_are_ascii_whatever_the_character_set(
    tmp_path: Path, charset: str, codec: str, name: str
) -> None:
    raw = name.encode(codec)
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080005, "CS", charset),
                b.element(0x00100010, "PN", raw + b" " * (len(raw) % 2)),
                b.element(0x00081070, "PN", raw + b" " * (len(raw) % 2)),
            )
        ),
    )
    assert b.text(0x00080005, "CS", charset) in run.data
    assert raw not in run.data
    assert run.data_set.get_item(0x00100010).value.isascii()
    assert run.data_set.get_item(0x00100010).value.strip() == run.outcome.pseudonyms[0].encode()


def test_trap_8_all_three_groups_of_an_iso_2022_name_go(tmp_path: Path) -> None:
    # PS3.5 section H.3.2, example 2: Yamada^Tarou in three groups.
    kanji = b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    kana = b"\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
    name = b"=".join([b"Yamada^Tarou", kanji, kana])
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.element(0x00080005, "CS", b"\\ISO 2022 IR 87 "),
                b.element(0x00100010, "PN", name + b" " * (len(name) % 2)),
                b.element(MANUFACTURER, "LO", b"for \x1b$BB@O:\x1b(B "),  # the given name alone
            )
        ),
    )
    assert run.outcome.verdict is Verdict.OK
    for part in (b"Yamada", b"Tarou", b";3ED", b"B@O:", b"$d$^$@"):
        assert part not in run.data
    assert b.element(0x00080005, "CS", b"\\ISO 2022 IR 87 ") in run.data


def test_trap_8_a_character_set_inside_an_item_stays_with_its_text(tmp_path: Path) -> None:
    meaning = b.element(0x00080104, "LO", "Kopf für Schädel ".encode())
    inside = b.text(0x00080005, "CS", "ISO_IR 192") + meaning
    name = b.element(0x00100010, "PN", "Übel^Änne ".encode())
    code = b.sequence(0x00082218, [b.item(inside + name)])  # Anatomic Region Sequence
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x00080005, "CS", "ISO_IR 100"), code)))
    assert inside in run.data
    assert "Übel".encode() not in run.data


def test_trap_8_a_name_that_its_character_set_cannot_spell_goes_all_the_same(
    tmp_path: Path,
) -> None:
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080005, "CS", "ISO_IR 192"),
                b.element(0x00100010, "PN", b"M\xfcller^J\xf6rg "),  # Latin-1
                b.element(MANUFACTURER, "LO", b"for M\xfcller"),
                b.element(0x00081090, "LO", "for Müller ".encode()),
            )
        ),
    )
    assert run.outcome.verdict is Verdict.OK
    assert run.outcome.n_cleaned == 2
    assert b"ller" not in run.data


def test_trap_8_an_unknown_character_set_is_no_way_around(tmp_path: Path) -> None:
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080005, "CS", "ISO_IR 4711"),
                b.text(0x00100010, "PN", "Secret^Ann"),
                b.text(INSTITUTION, "LO", "Hidden Hospital"),
                b.text(MANUFACTURER, "LO", "seen by SECRET"),
            )
        ),
    )
    assert b"ecret" not in run.data
    assert b"SECRET" not in run.data
    assert b"Hidden" not in run.data
