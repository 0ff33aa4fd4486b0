"""Strings planted wherever a file can hold them are in no byte of the output and in no name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import Run, ct_image, deidentify

# Family name, given name, ID, accession number, hospital, dates, a UID: none looks like the others.
FAMILY, GIVEN = "Przybylska", "Wilhelmine"
PATIENT_ID, ACCESSION = "ZQ-5551237", "AX99812345"
HOSPITAL = "Sankt Nepomuk Klinik"
BIRTH, STUDY = "19431107", "20170623"
UID = "1.2.276.0.7230010.3.1.55512.77"
PLANTED = (FAMILY, GIVEN, PATIENT_ID, ACCESSION, HOSPITAL, BIRTH, STUDY, UID)

# Kept text attributes by their VR; LO and others have 64 characters.
MANUFACTURER, MODEL = 0x00080070, 0x00081090
TEXT_VALUE = 0x0040A160


def identity(encoding: b.Encoding = b.EXPLICIT) -> list[bytes]:
    """Return the elements that hold the planted values by right."""

    def text(tag: int, vr: str, value: str) -> bytes:
        return b.text(tag, vr, value, encoding)

    return [
        text(0x00080020, "DA", STUDY),
        text(0x00080050, "SH", ACCESSION),
        text(0x00080080, "LO", HOSPITAL),
        text(0x00100010, "PN", f"{FAMILY}^{GIVEN}"),
        text(0x00100020, "LO", PATIENT_ID),
        text(0x00100030, "DA", BIRTH),
        text(0x00200052, "UI", UID),
    ]


def forms(value: str) -> Iterable[bytes]:
    """Return a value in the encodings and cases in which a byte search finds it."""
    for spelling in (value, value.upper(), value.lower()):
        yield spelling.encode("utf-8")
        yield spelling.encode("utf-16-le")
        yield spelling.encode("utf-16-be")


def assert_clean(run: Run, values: Iterable[str] = PLANTED) -> None:
    assert run.outcome.verdict is Verdict.OK, run.outcome.reason
    everything = run.data.lower()
    for value in values:
        for form in forms(value):
            assert form.lower() not in everything, value
        assert value not in run.outcome.path
        assert all(value.encode() not in public for public in run.outcome.public)


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_the_attributes_that_hold_them_by_right_are_cleaned(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    data = b.part10(ct_image(*identity(encoding), encoding=encoding), encoding)
    assert all(value.encode() in b"".join(identity(encoding)) for value in PLANTED)
    assert_clean(deidentify(tmp_path, data))


@pytest.mark.parametrize("value", PLANTED)
@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
def test_kept_text_attributes_that_hold_one_are_cleaned(
    tmp_path: Path, encoding: b.Encoding, value: str
) -> None:
    def text(tag: int, vr: str, content: str) -> bytes:
        return b.text(tag, vr, content, encoding)

    code = text(0x00080100, "SH", "T-A0100") + text(0x00080104, "LO", f"for {value}!")
    kept = [
        text(MANUFACTURER, "LO", value),
        text(MODEL, "LO", f"made for ({value.upper()})"),
        text(0x00181020, "LO", f"1.0\\{value.lower()}_x\\2.0"),
        text(0x00204000, "LT", "x" * 300 + f" {value} " + "y" * 300),
        b.sequence(0x00082218, [b.item(code, encoding, undefined=True)], encoding),
    ]
    data = b.part10(ct_image(*identity(encoding), *kept, encoding=encoding), encoding)
    assert_clean(deidentify(tmp_path, data))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("value", [FAMILY, GIVEN, PATIENT_ID, ACCESSION, HOSPITAL])
def test_wide_characters_are_no_way_around(tmp_path: Path, codec: str, value: str) -> None:
    wide = f"<{value}>".encode(codec)
    kept = [
        b.element(MANUFACTURER, "LO", wide),
        b.element(0x00282000, "OB", b"icc " + wide),
        b.element(0x00340002, "OB", wide.upper()),
    ]
    assert_clean(deidentify(tmp_path, b.part10(ct_image(*identity(), *kept))))


@pytest.mark.parametrize(
    ("charset", "codec", "name", "typed"),
    [
        ("ISO_IR 100", "latin_1", "Weißmüller^Jörg", ["Weißmüller", "Jörg", "WEISSMUELLER"]),
        ("ISO_IR 192", "utf-8", "Weißmüller^Jörg", ["Weißmüller", "weissmuller", "JÖRG"]),
        ("ISO_IR 101", "iso8859_2", "Wałęsa^Zofia", ["Wałęsa", "WAŁĘSA", "Walesa"]),
        ("ISO_IR 126", "iso8859_7", "Διονυσιος^Νίκη", ["Διονυσιος", "ΔΙΟΝΥΣΙΟΣ"]),
        ("ISO_IR 144", "iso8859_5", "Люксембург^Ян", ["Люксембург", "ЛЮКСЕМБУРГ"]),
        ("GB18030", "gb18030", "Wang^Xiaodong=王^小东", ["Xiaodong", "王小东", "小东"]),
    ],
)
def test_names_are_found_in_the_character_set_of_the_file_and_in_utf_8(
    tmp_path: Path, charset: str, codec: str, name: str, typed: list[str]
) -> None:
    raw = name.encode(codec)
    for spelling in typed:
        for text_codec in {codec, "utf-8"}:
            try:
                text = f"for {spelling} ".encode(text_codec)
            except UnicodeEncodeError:
                continue
            run = deidentify(
                tmp_path,
                b.part10(
                    ct_image(
                        b.text(0x00080005, "CS", charset),
                        b.element(0x00100010, "PN", raw + b" " * (len(raw) % 2)),
                        b.element(MANUFACTURER, "LO", text + b" " * (len(text) % 2)),
                    )
                ),
            )
            assert run.outcome.verdict is Verdict.OK
            assert spelling.encode(text_codec) not in run.data, spelling


def test_iso_2022_names_are_found_between_other_escapes(tmp_path: Path) -> None:
    kanji = b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    charset = b.element(0x00080005, "CS", b"\\ISO 2022 IR 87 ")
    name = b.element(0x00100010, "PN", b"Yamada^Tarou=" + kanji)
    for text in (b"\x1b$B;3ED\x1b(B", b"\x1b$B$O;3ED$G\x1b(B", b"YAMADA", "山田".encode()):
        kept = b.element(MANUFACTURER, "LO", text + b" " * (len(text) % 2))
        run = deidentify(tmp_path, b.part10(ct_image(charset, name, kept)))
        assert run.outcome.n_cleaned == 1
        assert b";3ED" not in run.data
        assert text not in run.data


@pytest.mark.parametrize("vr", ["PN", "LO", "UT", "OB", "UN", "UI"])
def test_values_that_stand_only_in_removed_places_are_gone(tmp_path: Path, vr: str) -> None:
    def element(tag: int) -> bytes:
        value = f"{FAMILY}^{GIVEN}"
        return b.element(tag, vr, value.encode() + b"\0" * (len(value) % 2))

    private = b.text(0x00090010, "LO", "ACME") + element(0x00091001)
    nested = b.sequence(0x00091002, [b.item(element(0x00091101), undefined=True)], undefined=True)
    inside = b.sequence(0x00081115, [b.item(private + nested)])
    removed = b.sequence(0x00400275, [b.item(element(0x00400007))])  # Request Attributes, X
    emptied = b.sequence(0x00400555, [b.item(element(0x0040A160))])  # Acquisition Context
    unknown = element(0x00082227)
    behind = element(0x7FE11001) + element(0xFFFCFFFC)
    meta = b.file_meta(extra=b.text(0x00020013, "SH", FAMILY) + b.text(0x00020016, "AE", GIVEN))
    data = b.part10(
        ct_image(private + nested, inside, removed, emptied, unknown) + behind,
        meta=meta,
        preamble=f"{FAMILY}^{GIVEN}".ljust(128).encode(),
        trailing=f"{FAMILY}^{GIVEN}".encode(),
    )
    run = deidentify(tmp_path, data)
    assert_clean(run, (FAMILY, GIVEN))


@pytest.mark.jit
@pytest.mark.parametrize(
    ("tag", "vr"),
    [(TEXT_VALUE, "UT"), (0x00282000, "OB"), (0x00281201, "OW"), (MANUFACTURER, "UN")],
)
@pytest.mark.parametrize("at", [0, 65_530, 131_064, (1 << 20) - 5, 1_200_000])
def test_long_values_are_searched_beyond_the_window_that_is_read(
    tmp_path: Path, tag: int, vr: str, at: int
) -> None:
    value = b"\x01" * at + f" {FAMILY} {PATIENT_ID} ".encode() + b"\x01" * 70_000
    run = deidentify(tmp_path, b.part10(ct_image(*identity(), b.element(tag, vr, value))))
    assert_clean(run)
    assert run.outcome.n_cleaned == 1


def test_short_names_are_found_whole_in_long_values(tmp_path: Path) -> None:
    value = bytes(100_000) + b" Doe^Jane " + bytes(100_000)
    for tag, vr in ((TEXT_VALUE, "UT"), (0x00282000, "OB"), (MANUFACTURER, "UN")):
        run = deidentify(tmp_path, b.part10(ct_image(b.element(tag, vr, value))))
        assert b"Doe^Jane" not in run.data


def test_a_name_known_only_from_a_sequence_is_looked_for_at_the_top(tmp_path: Path) -> None:
    person = b.item(b.text(0x00100010, "PN", f"{FAMILY}^{GIVEN}"))
    for place in (0x00081115, 0x00400275, 0x00091110):
        kept = b.text(MANUFACTURER, "LO", f"{GIVEN}'s scanner")
        run = deidentify(tmp_path, b.part10(ct_image(b.sequence(place, [person]), kept)))
        assert_clean(run, (FAMILY, GIVEN))


def test_what_was_looked_for_in_one_file_is_not_kept_for_the_next(tmp_path: Path) -> None:
    """Two files of two patients through one process: each is checked for its own names only."""
    from fastdeid.deidentify import Deidentifier
    from tests.runs import PSEUDONYMS, basic_profile

    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, tmp_path / "output")
    cleaned = []
    for number, name in enumerate(("Toshima^Ann", "Other^Eve", "Toshima^Ann", "Other^Eve")):
        source = tmp_path / f"{number}.dcm"
        own = [
            b.text(0x00080018, "UI", f"1.2.3.{number}"),
            b.text(0x00100010, "PN", name),
            b.text(MANUFACTURER, "LO", "Toshima Systems"),
        ]
        source.write_bytes(b.part10(ct_image(*own)))
        cleaned.append(deidentifier.process(bytes(source)).n_cleaned)
    deidentifier.close()
    assert cleaned == [1, 0, 1, 0]


def test_addresses_of_the_archive_that_has_the_original_go(tmp_path: Path) -> None:
    url = b.text(0x00081190, "UR", "http://pacs.nepomuk.example/wado?id=4711")
    uri = b.text(0x0040E010, "UR", "http://pacs.nepomuk.example/4711")
    inside = b.sequence(0x00081115, [b.item(url + uri)])
    run = deidentify(tmp_path, b.part10(ct_image(url, uri, inside)))
    assert b"nepomuk" not in run.data
