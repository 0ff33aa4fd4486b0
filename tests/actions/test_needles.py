"""What is searched for because of an original value, and what is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.needles import (
    ANYWHERE,
    NOT_IN_DIGITS,
    NOT_IN_LETTERS,
    NOT_IN_WORD,
    Needle,
    find_needles,
)

LATIN_1 = ("ISO_IR 100",)


def hits(needles: list[Needle], text: bytes) -> list[Needle]:
    """Return the needles that a search of `text` finds: what `Needle` says, written with `re`."""
    before_after = {
        ANYWHERE: (rb"", rb""),
        NOT_IN_LETTERS: (rb"(?<![A-Za-z])", rb"(?![A-Za-z])"),
        NOT_IN_DIGITS: (rb"(?<![0-9])(?<![0-9]\.)", rb"(?!\.?[0-9])"),
        NOT_IN_WORD: (rb"(?<![A-Za-z0-9])", rb"(?![A-Za-z0-9])"),
    }
    found = []
    for needle in needles:
        before, after = before_after[needle.boundary]
        if re.search(before + re.escape(needle.value) + after, text, re.IGNORECASE):
            found.append(needle)
    return found


def name(value: str, charsets: tuple[str, ...] = LATIN_1, codec: str = "latin_1") -> list[Needle]:
    return find_needles("name", value.encode(codec), charsets)


@pytest.mark.parametrize(
    "text",
    [
        b"Johnson",
        b"for JOHNSON, Margaret",
        b"johnson_margaret",
        b"MJohnson",
        b"Johnsons",
        b"J\0o\0h\0n\0s\0o\0n\0",  # UTF-16 little endian
        b"\0J\0o\0h\0n\0s\0o\0n",  # UTF-16 big endian
    ],
)
def test_a_long_name_is_found_anywhere_in_any_case(text: bytes) -> None:
    assert hits(name("Johnson^Margaret"), text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"Doe", True),
        (b"seen by J. Doe.", True),
        (b"DOE_2", True),
        (b"does", False),
        (b"Kudoed", False),
    ],
)
def test_a_short_name_is_found_as_a_word(text: bytes, found: bool) -> None:
    assert bool(hits(name("Doe^J"), text)) is found


@pytest.mark.parametrize("text", [b"Ng^Yu", b"Yu Ng", b"Pho Ng", b"Ng,Pho", b"Pho_Ng"])
def test_names_of_two_letters_are_found_as_pairs(text: bytes) -> None:
    assert hits(name("Ng^Pho^Yu"), text)


def test_a_name_of_short_parts_is_found_whole_where_short_needles_do_not_count() -> None:
    assert any(len(needle.value) >= 6 for needle in hits(name("Doe^Jane"), b"x Doe^Jane x"))


def test_a_pair_needs_five_characters() -> None:
    assert hits(name("Ng^Yu"), b"for Ng, Yu")
    assert not hits(name("Ng^Yu"), b"YuNg scan")
    assert hits(name("Ng^Ana"), b"NgAna")
    assert hits(name("Ng^Ana"), b"AnaNg")


@pytest.mark.parametrize(
    "text",
    [
        b"M\xfcller",
        "Müller".encode(),
        b"Muller",
        b"Mueller",
        b"MUELLER",
        "MÜLLER".encode(),
        b"M\xdcLLER",
        "Müller".encode("utf-16-le"),
        "Müller".encode("utf-16-be"),
        "Mu\u0308ller".encode(),
    ],
)
def test_an_accented_name_is_found_as_people_write_it(text: bytes) -> None:
    assert hits(name("Müller^Eva"), text)


@pytest.mark.parametrize(
    ("original", "text"),
    [
        ("O'Brien^Pat", b"OBRIEN"),
        ("O'Brien^Pat", b"O'Brien"),
        ("O'Brien^Pat", b"O BRIEN"),
        ("D\N{RIGHT SINGLE QUOTATION MARK}Angelo^Pat", b"Angelo"),
        ("Johnson2^Pat", b"for Johnson"),
        ("Smith-Jones^A", b"Mrs Smith"),
        ("Smith-Jones^A", b"JONES"),
        ("Søren^Bo", b"Soren"),
        ("Strauß^Jo", b"Strauss"),
        ("García López^Ana", b"Lopez"),
        ("Doe^Jane=Zoe^Zara", b"Zara"),
    ],
)
def test_parts_of_names_are_found_on_their_own(original: str, text: bytes) -> None:
    assert hits(name(original, ("ISO_IR 192",), "utf_8"), text)


@pytest.mark.parametrize(
    "text", [b"Aubigne", b"D'AUBIGNE", b"D AUBIGNE", b"daubigne", b"d\x92aubign\xe9"]
)
def test_an_accented_part_behind_an_apostrophe_is_found_without_either(text: bytes) -> None:
    assert hits(name("d'Aubigné^Paul"), text)


@pytest.mark.parametrize(
    ("original", "charsets", "codec"),
    [
        ("山田^太郎", ("ISO_IR 192",), "utf_8"),
        ("王^小东", ("GB18030",), "gb18030"),
        ("\u0429\u0443\u043a\u0438\u043d", ("ISO_IR 144",), "iso8859_5"),
        ("홍길동", ("ISO_IR 192",), "utf_8"),
    ],
)
def test_names_of_other_scripts_are_found_in_their_character_set_utf_8_and_utf_16(
    original: str, charsets: tuple[str, ...], codec: str
) -> None:
    needles = name(original, charsets, codec)
    part = original.rpartition("^")[2]
    for text in (part.encode(codec), part.encode(), part.encode("utf-16-le")):
        assert hits(needles, b"[" + text + b"]")


def test_a_name_in_iso_2022_is_found_without_its_escape_sequences() -> None:
    raw = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    needles = find_needles("name", raw, ("", "ISO 2022 IR 87"))
    assert hits(needles, b"\x1b$B45<T;3ED\x1b(B")  # "patient Yamada" in one run of JIS X 0208
    assert hits(needles, b"Mr Yamada")


def test_bytes_outside_the_declared_character_set_are_searched_as_they_stand() -> None:
    assert hits(find_needles("name", b"M\xfcller^Eva", ()), b"M\xfcller")
    assert hits(find_needles("name", "Müller^Eva".encode(), ()), "Müller".encode())
    assert hits(find_needles("name", "Müller^Eva".encode(), LATIN_1), "Müller".encode())


@pytest.mark.parametrize("original", ["CT", "MR^", "HEAD", "Chest^Abdomen", "UNKNOWN", "Dr^Prof"])
def test_a_name_that_is_a_defined_term_is_not_searched_alone(original: str) -> None:
    needles = name(original)
    for kept in (b"CT", b"MR", b"HEAD ", b"CHEST", b"ABDOMEN ", b"UNKNOWN ", b"ORIGINAL\\PRIMARY"):
        assert hits(needles, kept) == []


def test_a_defined_term_is_searched_together_with_the_rest_of_the_name() -> None:
    needles = name("Head^Ann")
    assert hits(needles, b"HEAD^ANN") or hits(needles, b"Ann")
    assert hits(name("Head^Jo"), b"Head^Jo")
    assert hits(name("Head^Jo"), b"Jo Head")
    assert not hits(name("Head^Jo"), b"HEAD FIRST-SUPINE")


@pytest.mark.parametrize("original", ["White^Al", "Long^Bo", "Gray^Cy", "Willis^Bo", "Young^Jo"])
def test_common_surnames_are_searched_although_they_are_words(original: str) -> None:
    assert hits(name(original), b"Mr " + original.partition("^")[0].encode())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"HOSP-4711", True),
        (b"id=hosp-4711;", True),
        (b"HOSP-47110", False),
        (b"XHOSP-4711", False),
    ],
)
def test_an_identifier_is_found_as_a_whole(text: bytes, found: bool) -> None:
    assert bool(hits(find_needles("patient", b"HOSP-4711", ()), text)) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"0012345", True),
        (b"12345", True),
        (b"MRN12345", True),
        (b"123456", False),
        (b"-12345.678", False),
        (b"0.12345", False),
        (b"1.2.12345.6", False),
    ],
)
def test_a_number_is_found_as_a_whole_and_without_leading_zeros(text: bytes, found: bool) -> None:
    assert bool(hits(find_needles("patient", b"0012345", ()), text)) is found


def test_each_of_several_identifiers_is_searched() -> None:
    needles = find_needles("patient", b"ABCD1\\EFGH2 ", ())
    assert hits(needles, b"ABCD1")
    assert hits(needles, b"EFGH2")


@pytest.mark.parametrize("raw", [b"", b"1", b"123", b"ABC", b"0000000", b"HEAD", b"CHEST"])
def test_an_identifier_that_is_too_short_or_a_term_is_not_searched(raw: bytes) -> None:
    assert find_needles("patient", raw, ()) == []


def test_a_short_study_number_is_not_searched_because_images_have_such_numbers() -> None:
    assert find_needles("identifier", b"1000", ()) == []
    assert find_needles("identifier", b"100047", ())
    assert find_needles("identifier", b"A1000", ())


@pytest.mark.parametrize(
    "text",
    [
        b"19610517",
        b"1961-05-17",
        b"1961.05.17",
        b"1961/05/17",
        b"17.05.1961",
        b"17/05/1961",
        b"05/17/1961",
        b"17-05-1961",
        b"05-17-1961",
        b"19610517 101112",
        b"born 17-MAY-1961",
        b"17 May 1961",
        b"May 17, 1961",
    ],
)
@pytest.mark.parametrize("raw", [b"19610517", b"19610517101112.5+0100", b"1961.05.17"])
def test_a_date_is_found_in_the_forms_that_people_type(raw: bytes, text: bytes) -> None:
    assert hits(find_needles("date", raw, ()), text)


@pytest.mark.parametrize("text", [b"119610517", b"196105171", b"1.2.19610517.3", b"1961-05-1"])
def test_a_date_is_not_found_inside_a_number(text: bytes) -> None:
    found = {needle.value for needle in hits(find_needles("date", b"19610517", ()), text)}
    assert found <= {b"1961"}  # the year alone decides nothing, see tests/leaks


@pytest.mark.parametrize(
    "raw",
    [b"", b"00000000", b"19000000", b"20231301", b"20230230", b"1961", b"196105", b"00010101"],
)
def test_a_date_that_cannot_be_real_is_not_searched(raw: bytes) -> None:
    assert find_needles("date", raw, ()) == []


def test_both_ends_of_several_dates_are_searched() -> None:
    needles = find_needles("date", b"20200101\\20200102", ())
    assert hits(needles, b"20200101")
    assert hits(needles, b"20200102")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"1.2.826.0.1.3680043", True),
        (b"see 1.2.826.0.1.3680043\0", True),
        (b"1.2.826.0.1.3680043.1", False),
        (b"1.2.826.0.1.36800431", False),
        (b"11.2.826.0.1.3680043", False),
    ],
)
def test_a_uid_is_found_as_a_whole(text: bytes, found: bool) -> None:
    needles = find_needles("uid", b"1.2.826.0.1.3680043\0", ())
    assert bool(hits(needles, text)) is found


def test_a_short_uid_is_not_searched() -> None:
    assert find_needles("uid", b"1.2.3\0", ()) == []


def test_an_address_is_found_as_a_whole() -> None:
    needles = find_needles("phrase", b"12 Elm Street ", ())
    assert hits(needles, b"lives at 12 ELM STREET, Springfield")
    assert not hits(needles, b"Elm")
    assert find_needles("phrase", b"Elm", ()) == []


def test_an_institution_named_like_the_maker_of_the_scanner_is_not_searched() -> None:
    assert find_needles("phrase", b"TOSHIBA ", ()) == []
    assert hits(find_needles("phrase", b"Toshiba Hospital", ()), b"TOSHIBA HOSPITAL")
    assert hits(name("Siemens^Werner"), b"Siemens")


@given(
    st.sampled_from(["name", "patient", "identifier", "phrase", "date", "uid"]),
    st.binary(max_size=64),
    st.sampled_from([(), LATIN_1, ("ISO_IR 192",), ("GB18030",), ("", "ISO 2022 IR 87")]),
)
def test_any_bytes_give_needles_of_three_bytes_or_more(
    harvest: str, raw: bytes, charsets: tuple[str, ...]
) -> None:
    needles = find_needles(harvest, raw, charsets)
    assert all(len(needle.value) >= 3 and 0 <= needle.boundary <= 3 for needle in needles)
    assert len(set(needles)) == len(needles)
    assert len(needles) <= 400


@given(st.from_regex(r"[A-Za-z]{5,12}\^[A-Za-z]{5,12}", fullmatch=True))
def test_a_name_finds_itself(original: str) -> None:
    needles = name(original)
    for part in original.split("^"):
        assert hits(needles, part.encode()) or not needles
