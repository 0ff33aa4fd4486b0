"""Every defined term of PS3.3 C.12.1.1.2, with bytes of its own, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dicom.text import decode, encode

# Table C.12-2, and C.12-3 with the sequences that designate G1: number, escape, bytes, text.
SINGLE_BYTE = (
    (100, b"\x1b-A", b"\xe9", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
    (101, b"\x1b-B", b"\xb3", "\N{LATIN SMALL LETTER L WITH STROKE}"),
    (109, b"\x1b-C", b"\xb6", "\N{LATIN SMALL LETTER H WITH CIRCUMFLEX}"),
    (110, b"\x1b-D", b"\xf3", "\N{LATIN SMALL LETTER K WITH CEDILLA}"),
    (144, b"\x1b-L", b"\xe9", "\N{CYRILLIC SMALL LETTER SHCHA}"),
    (127, b"\x1b-G", b"\xe2", "\N{ARABIC LETTER QAF}"),
    (126, b"\x1b-F", b"\xc4", "\N{GREEK CAPITAL LETTER DELTA}"),
    (138, b"\x1b-H", b"\xf9", "\N{HEBREW LETTER SHIN}"),
    (148, b"\x1b-M", b"\xf0", "\N{LATIN SMALL LETTER G WITH BREVE}"),
    (203, b"\x1b-b", b"\xa4", "\N{EURO SIGN}"),
    (13, b"\x1b)I", b"\xb6", "\N{HALFWIDTH KATAKANA LETTER KA}"),
    (166, b"\x1b-T", b"\xb9", "\N{THAI CHARACTER NO NU}"),
)
# Table C.12-4: term, bytes with escape sequences, text.
MULTI_BYTE = (
    ("ISO 2022 IR 87", b"\x1b$B\x3b\x33\x1b(B", "\u5c71"),
    ("ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B", "\u4e02"),
    ("ISO 2022 IR 149", b"\x1b$)C\xb1\xe6", "\uae38"),
    ("ISO 2022 IR 58", b"\x1b$)A\xb5\xda", "\u7b2c"),
)
# Table C.12-5.
WITHOUT_EXTENSIONS = (
    ("ISO_IR 192", b"\xe5\xb1\xb1", "\u5c71"),
    ("GB18030", b"\x81\x30\x81\x30", "\x80"),
    ("GB18030", b"\xcd\xf5", "\u738b"),
    ("GBK", b"\xcd\xf5", "\u738b"),
)


@pytest.mark.parametrize(("number", "escape", "raw", "text"), SINGLE_BYTE)
def test_a_single_byte_set_alone_needs_no_escape(
    number: int, escape: bytes, raw: bytes, text: str
) -> None:
    for term in (f"ISO_IR {number}", f"ISO 2022 IR {number}"):
        assert decode(b"a" + raw, (term,)) == "a" + text
        assert encode("a" + text, (term,)) == b"a" + raw
    assert decode(escape + raw, (f"ISO 2022 IR {number}",)) == text


@pytest.mark.parametrize("first", ["", "ISO 2022 IR 6"])
@pytest.mark.parametrize(("number", "escape", "raw", "text"), SINGLE_BYTE)
def test_a_single_byte_set_is_designated_by_its_escape(
    number: int, escape: bytes, raw: bytes, text: str, first: str
) -> None:
    charsets = (first, f"ISO 2022 IR {number}")
    assert decode(b"a" + escape + raw, charsets) == "a" + text
    assert decode(raw, charsets) is None
    assert decode(encode(f"a{text}\\{text}b", charsets) or b"", charsets) == f"a{text}\\{text}b"


@pytest.mark.parametrize(("term", "raw", "text"), MULTI_BYTE)
def test_a_multi_byte_set_is_designated_by_its_escape(term: str, raw: bytes, text: str) -> None:
    charsets = ("", term)
    assert decode(b"a " + raw + b" b", charsets) == f"a {text} b"
    assert decode(raw + b"\\" + raw + b"\r\n" + raw, charsets) == f"{text}\\{text}\r\n{text}"
    assert encode(text, charsets) == raw
    assert encode(text + text, charsets) == raw.replace(raw[-5:-3], raw[-5:-3] * 2) or (
        encode(text + text, charsets) == raw + raw[-2:]
    )


@pytest.mark.parametrize(("term", "raw", "text"), WITHOUT_EXTENSIONS)
def test_a_set_without_code_extensions_stands_alone(term: str, raw: bytes, text: str) -> None:
    assert decode(b"a\\" + raw, (term,)) == "a\\" + text
    assert encode("a\\" + text, (term,)) == b"a\\" + raw


@pytest.mark.parametrize("charsets", [(), ("",), ("ISO_IR 6",), ("ISO 2022 IR 6",)])
def test_the_default_repertoire_is_ascii(charsets: tuple[str, ...]) -> None:
    assert decode(b"CT ", charsets) == "CT"
    assert decode(b"\xe9", charsets) is None
    assert encode("CT", charsets) == b"CT"
    assert encode("\xe9", charsets) is None


def test_a_byte_of_two_that_looks_like_a_delimiter_is_none() -> None:
    # 25 5C and 24 5E, katakana bo and hiragana ma: the second bytes are \ and ^.
    raw = b"\x1b$B\x25\x5c\x24\x5e\x1b(B"
    assert decode(raw, ("", "ISO 2022 IR 87")) == "\u30dc\u307e"
    # 0x5C is also a second byte of GBK and Shift JIS.
    assert decode(b"\x81\x5c", ("GBK",)) == "\u4e57"


def test_a_delimiter_puts_the_initial_set_into_force_again() -> None:
    charsets = ("ISO 2022 IR 100", "ISO 2022 IR 144")
    for delimiter in "\\^=\n\r\f\t":
        raw = b"\x1b-L\xe9" + delimiter.encode() + b"\xe9"
        assert decode(raw, charsets) == f"\u0449{delimiter}\xe9"


def test_three_sets_in_one_value() -> None:
    charsets = ("ISO 2022 IR 13", "ISO 2022 IR 87", "ISO 2022 IR 159")
    raw = b"\xb6 \x1b$B\x3b\x33\x1b$(D\x30\x21\x1b(J abc"
    assert decode(raw, charsets) == "\uff76 \u5c71\u4e02 abc"
    assert decode(encode("\uff76 \u5c71\u4e02 abc", charsets) or b"", charsets) == (
        "\uff76 \u5c71\u4e02 abc"
    )


@pytest.mark.parametrize(
    ("raw", "charsets"),
    [
        (b"a\x1b-L\xe9", ("", "ISO 2022 IR 100")),  # designates a set that is not declared
        (b"\x1b$)C\xb1", ("", "ISO 2022 IR 149")),  # half a character
        (b"\x1b$B\x3b\x1b(B", ("", "ISO 2022 IR 87")),
        (b"a\x1b", ("", "ISO 2022 IR 87")),  # no sequence
        (b"a\x1bxyz", ("", "ISO 2022 IR 100")),
        (b"\xe5\xb1\xb1", ("ISO 2022 IR 6", "ISO_IR 192")),  # UTF-8 stands alone
    ],
)
def test_what_the_declared_sets_do_not_say_is_none(raw: bytes, charsets: tuple[str, ...]) -> None:
    assert decode(raw, charsets) is None


TERMS = ["ISO 2022 IR 6", *(f"ISO 2022 IR {number}" for number, *_ in SINGLE_BYTE)]


@given(
    st.lists(st.sampled_from([*TERMS, *(term for term, *_ in MULTI_BYTE)]), min_size=1, max_size=3),
    st.text(st.sampled_from([*"aB 1\\^=\n", *(row[-1] for row in (*SINGLE_BYTE, *MULTI_BYTE))])),
)
def test_what_is_encoded_is_decoded_again(charsets: list[str], text: str) -> None:
    raw = encode(text, tuple(charsets))
    if raw is not None:
        assert decode(raw, tuple(charsets)) == text.rstrip(" \0")
