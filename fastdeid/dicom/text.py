"""Text values and Specific Character Set (0008,0005), PS3.5 section 6.1 and PS3.3 C.12.1.1.2."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Final

# Defined terms without code extensions and their Python codecs.
_CODECS: Final = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859_11",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
# Terms of code extensions, for encoding one component without its escape sequences.
_EXTENSION_CODECS: Final = {
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 58": "gb2312",
}
_PADDING: Final = " \0"
# PS3.5 section 6.1.2.5.3: the initial character set is in force again after these.
_DELIMITERS: Final = b"\\^=\t\n\f\r"
# PS3.5 section 6.1.2.5: ESC, intermediate characters, one final character.
_ESCAPE: Final = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")
_ESCAPE_IN_TEXT: Final = re.compile("\x1b[\x20-\x2f]+[\x30-\x7e]")


def parse_charsets(raw: bytes) -> tuple[str, ...]:
    """Return the values of a Specific Character Set element; () for the default repertoire."""
    values = tuple(value.strip(_PADDING) for value in raw.decode("latin_1").split("\\"))
    return values if any(values) else ()


def _normalised(charset: str) -> str:
    return re.sub(r"^ISO[ _-]?IR[ _-]", "ISO_IR ", charset)


@lru_cache(maxsize=256)
def codec(charsets: tuple[str, ...]) -> str | None:
    """Return the Python codec of a character set without code extensions, else None."""
    if len(charsets) > 1:
        return None
    charset = charsets[0] if charsets else ""
    return _CODECS.get(_normalised(charset.replace("ISO 2022 IR ", "ISO_IR ")))


def decode(raw: bytes, charsets: tuple[str, ...]) -> str | None:
    """Return the text of a value without trailing padding, None when it is not in `charsets`."""
    name = codec(charsets)
    try:
        text = raw.decode(name) if name is not None else _decode_extended(raw, charsets)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None
    return None if text is None else text.rstrip(_PADDING)


def _decode_extended(raw: bytes, charsets: tuple[str, ...]) -> str | None:
    """Decode a value with code extensions (PS3.5 section 6.1.2.5); delimiters reset the state."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    from pydicom import charset as extended

    known = set(extended.python_encoding)
    if any(value not in known for value in charsets):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            encodings = extended.convert_encodings(list(charsets))
            text = extended.decode_bytes(raw, encodings, set(_DELIMITERS))
        except UserWarning:
            return None
    return _ESCAPE_IN_TEXT.sub("", text)  # pydicom leaves those of GB 2312 where they stand


def encodings_of(text: str, charsets: tuple[str, ...]) -> set[bytes]:
    """Return `text` as bytes in each of the character sets, without escape sequences."""
    found = set()
    for charset in charsets or ("",):
        name = codec((charset,)) or _EXTENSION_CODECS.get(charset)
        if name is None:
            continue
        try:
            found.add(_ESCAPE.sub(b"", text.encode(name)))
        except UnicodeEncodeError:
            continue
    return found
