"""Specific Character Set: bytes as PS3.5 Annexes H to K print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dicom.text import codec, decode, encodings_of, parse_charsets

JAPANESE = ("", "ISO 2022 IR 87")
KATAKANA = ("ISO 2022 IR 13", "ISO 2022 IR 87")
KOREAN = ("", "ISO 2022 IR 149")
CHINESE = ("", "ISO 2022 IR 58")
# PS3.5 section H.3.1, H.3.2, I.2, J.3, K.2.
YAMADA = (
    b"Yamada^Tarou=\x1b\x24\x42\x3b\x33\x45\x44\x1b\x28\x42^\x1b\x24\x42\x42\x40\x4f\x3a\x1b\x28\x42"
    b"=\x1b\x24\x42\x24\x64\x24\x5e\x24\x40\x1b\x28\x42^\x1b\x24\x42\x24\x3f\x24\x6d\x24\x26\x1b\x28\x42"
)
YAMADA_KATAKANA = (
    b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3="
    b"\x1b\x24\x42\x3b\x33\x45\x44\x1b\x28\x4a^\x1b\x24\x42\x42\x40\x4f\x3a\x1b\x28\x4a"
    b"=\x1b\x24\x42\x24\x64\x24\x5e\x24\x40\x1b\x28\x4a^\x1b\x24\x42\x24\x3f\x24\x6d\x24\x26\x1b\x28\x4a"
)
HONG = (
    b"Hong^Gildong=\x1b\x24\x29\x43\xfb\xf3^\x1b\x24\x29\x43\xd1\xce\xd4\xd7"
    b"=\x1b\x24\x29\x43\xc8\xab^\x1b\x24\x29\x43\xb1\xe6\xb5\xbf"
)
ZHANG = b"Zhang^XiaoDong=\x1b\x24\x29\x41\xd5\xc5^\x1b\x24\x29\x41\xd0\xa1\xb6\xab="


@pytest.mark.parametrize(
    ("raw", "charsets"),
    [
        (b"", ()),
        (b"ISO_IR 100", ("ISO_IR 100",)),
        (b"ISO_IR 192 ", ("ISO_IR 192",)),
        (b"\\ISO 2022 IR 87 ", ("", "ISO 2022 IR 87")),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", KATAKANA),
        (b"  ", ()),
    ],
)
def test_charset_values_are_split(raw: bytes, charsets: tuple[str, ...]) -> None:
    assert parse_charsets(raw) == charsets


@pytest.mark.parametrize(
    ("raw", "charsets", "text"),
    [
        (b"Doe^Jane ", (), "Doe^Jane"),
        (b"M\xfcller^J\xf6rg", ("ISO_IR 100",), "Müller^Jörg"),
        (b"M\xfcller", ("ISO 2022 IR 100",), "Müller"),
        (b"Wa\xb3\xeasa", ("ISO_IR 101",), "Wałęsa"),
        (b"\xc9\xe3\xda\xd8\xdd", ("ISO_IR 144",), "\u0429\u0443\u043a\u0438\u043d"),
        ("Διονυσιος".encode("iso8859_7"), ("ISO_IR 126",), "Διονυσιος"),
        ("שרון".encode("iso8859_8"), ("ISO_IR 138",), "שרון"),
        ("قباني".encode("iso8859_6"), ("ISO_IR 127",), "قباني"),
        ("นามสกุล".encode("iso8859_11"), ("ISO_IR 166",), "นามสกุล"),
        (b"\xd4\xcf\xc0\xde", ("ISO_IR 13",), "\uff94\uff8f\uff80\uff9e"),
        ("Wang^XiaoDong=王^小东".encode(), ("ISO_IR 192",), "Wang^XiaoDong=王^小东"),
        ("王^小东".encode("gb18030"), ("GB18030",), "王^小东"),
        ("王^小东".encode("gbk"), ("GBK",), "王^小东"),
        (b"M\xfcller", ("ISO IR 100",), "Müller"),  # misspelt as archives have it
    ],
)
def test_single_character_sets_are_decoded(
    raw: bytes, charsets: tuple[str, ...], text: str
) -> None:
    assert decode(raw, charsets) == text


@pytest.mark.parametrize(
    ("raw", "charsets", "text"),
    [
        (YAMADA, JAPANESE, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (
            YAMADA_KATAKANA,
            KATAKANA,
            "\uff94\uff8f\uff80\uff9e^\uff80\uff9b\uff73=山田^太郎=やまだ^たろう",
        ),
        (HONG, KOREAN, "Hong^Gildong=洪^吉洞=홍^길동"),
        (ZHANG, CHINESE, "Zhang^XiaoDong=张^小东="),
        (b"Plain", JAPANESE, "Plain"),
    ],
)
def test_code_extensions_are_decoded(raw: bytes, charsets: tuple[str, ...], text: str) -> None:
    assert decode(raw, charsets) == text


@pytest.mark.parametrize(
    ("raw", "charsets"),
    [
        (b"M\xfcller", ()),
        (b"M\xfcller", ("ISO_IR 192",)),
        (b"\xff\xff", ("GB18030",)),
        (b"M\xfcller", ("ISO_IR 999",)),
        (b"M\xfcller", ("nonsense", "ISO 2022 IR 87")),
    ],
)
def test_what_is_not_in_its_character_set_is_none(raw: bytes, charsets: tuple[str, ...]) -> None:
    assert decode(raw, charsets) is None


CHARSETS = st.sampled_from(
    [(), ("ISO_IR 100",), ("ISO_IR 192",), ("GB18030",), ("ISO_IR 13",), JAPANESE, KOREAN, CHINESE]
)


@given(st.binary(max_size=60), CHARSETS)
def test_any_bytes_decode_or_are_none(raw: bytes, charsets: tuple[str, ...]) -> None:
    text = decode(raw, charsets)
    assert text is None or isinstance(text, str)


@pytest.mark.parametrize(
    ("text", "charsets", "encodings"),
    [
        ("Müller", ("ISO_IR 100",), {b"M\xfcller"}),
        ("Müller", ("ISO_IR 192",), {b"M\xc3\xbcller"}),
        ("Müller", (), set()),
        ("山田", JAPANESE, {b"\x3b\x33\x45\x44"}),
        ("홍", KOREAN, {b"\xc8\xab"}),
        ("洪", KOREAN, {b"\xfb\xf3"}),
        ("张", CHINESE, {b"\xd5\xc5"}),
        ("Tarou", JAPANESE, {b"Tarou"}),
    ],
)
def test_text_is_encoded_as_it_stands_in_files(
    text: str, charsets: tuple[str, ...], encodings: set[bytes]
) -> None:
    assert encodings_of(text, charsets) == encodings


def test_one_character_set_without_extensions_has_a_codec() -> None:
    assert codec(()) == "ascii"
    assert codec(("ISO_IR 192",)) == "utf_8"
    assert codec(JAPANESE) is None
