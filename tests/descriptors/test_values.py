"""Values are decoded, cleaned and encoded again in their character sets."""

from __future__ import annotations

import pytest

from fastdeid.descriptors import Cleaner, clean_value
from fastdeid.identity import Identity

CLEANER = Cleaner()


@pytest.mark.parametrize(
    ("raw", "charsets", "name", "cleaned"),
    [
        (b"CT Head Doe ", (), "Doe^Jane", b"CT Head"),
        (b"Sch\xe4del M\xfcller", ("ISO_IR 100",), "Müller^J", b"Sch\xe4del"),
        ("Schädel Müller".encode(), ("ISO_IR 192",), "Müller^J", "Schädel".encode()),
        ("胸部 王小东".encode("gb18030"), ("GB18030",), "王^小东", "胸部".encode("gb18030")),
        ("胸部王小东".encode("gbk"), ("GBK",), "王^小东", "胸部".encode("gbk")),
        (
            "頭部 山田 太郎".encode("iso2022_jp"),
            ("", "ISO 2022 IR 87"),
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "頭部".encode("iso2022_jp"),
        ),
        (
            b"CT \x1b$)C\xb8\xd3\xb8\xae \xc8\xab\xb1\xe6\xb5\xbf",
            ("", "ISO 2022 IR 149"),
            "Hong^Gildong=洪^吉洞=홍^길동",
            b"\x1b$)CCT \xb8\xd3\xb8\xae",  # at the start, as PS3.5 annex I has it
        ),
        (b"Doe\\CT\\Jane Doe MR ", (), "Doe^Jane", b"\\CT\\MR"),
        (b"Doe, Jane ", (), "Doe^Jane", b""),
        (b"CT Head ", (), "Doe^Jane", b"CT Head "),
        (b"", (), "Doe^Jane", b""),
        (b"Sch\xe4del", (), "Doe^Jane", None),
        (b"Sch\xe4del", ("ISO_IR 192",), "Doe^Jane", None),
        (b"CT", ("ISO_IR 999",), "Doe^Jane", None),
    ],
)
def test_a_value_keeps_its_character_set(
    raw: bytes, charsets: tuple[str, ...], name: str, cleaned: bytes | None
) -> None:
    identity = Identity([("name", name)])
    assert clean_value(raw, charsets, CLEANER, identity) == cleaned


def test_a_backslash_parts_no_values_in_long_text() -> None:
    identity = Identity([("name", "Doe^Jane")])
    raw = b"a path: c:\\scans\\brain"
    assert clean_value(raw, (), CLEANER, identity, several=False) == raw
