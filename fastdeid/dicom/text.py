"""Text values and Specific Character Set (0008,0005), PS3.5 section 6.1 and PS3.3 C.12.1.1.2."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

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
_PADDING: Final = " \0"
# PS3.5 section 6.1.2.5.3: the initial character set is in force again after these.
_DELIMITERS: Final = frozenset(b"\\^=\t\n\f\r")
_PIECES: Final = re.compile(r"[\\^=\t\n\f\r]|[^\\^=\t\n\f\r]+")
# PS3.5 section 6.1.2.5: ESC, intermediate characters, one final character.
_ESCAPE: Final = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")
# A sequence, or bytes of one half; an ESC that begins no sequence is a run of its own.
_RUNS: Final = re.compile(
    rb"(\x1b[\x20-\x2f]+[\x30-\x7e])|([\x00-\x1a\x1c-\x7f]+|[\x80-\xff]+|\x1b)"
)


class _Set(NamedTuple):
    """One character set of code extensions.

    escape: the sequence that designates it. name: of the Python codec. high: it is designated to
    G1, bytes from 0x80. width: bytes of a character. prefix: what the codec wants before bytes.
    """

    escape: bytes
    name: str
    high: bool
    width: int = 1
    prefix: bytes = b""

    def decode(self, run: bytes) -> str:
        """Decode bytes of this set; control characters inside two-byte runs stay themselves."""
        if not self.prefix:
            return run.decode(self.name)
        parts = re.split(rb"([\x00-\x20]+)", run)
        return "".join(
            part.decode("ascii") if number % 2 else (self.prefix + part).decode(self.name)
            for number, part in enumerate(parts)
            if part
        )

    def encode(self, text: str) -> bytes:
        """Encode text; sets in G0 with the sequences to them and back to ASCII.

        Raises UnicodeEncodeError for other characters than those of this set.
        """
        raw = text.encode(self.name)
        if not self.prefix:
            if self.name == "shift_jis" and any(byte > 0xDF or 0x80 <= byte < 0xA1 for byte in raw):
                raise UnicodeEncodeError(self.name, text, 0, 1, "two bytes")
            return raw
        if set(_ESCAPE.findall(raw)) - {self.escape, _ASCII.escape}:
            raise UnicodeEncodeError(self.name, text, 0, 1, "another set")
        return raw


_ASCII: Final = _Set(b"\x1b(B", "ascii", high=False)
_ROMAN: Final = _Set(b"\x1b(J", "ascii", high=False)
# PS3.3 tables C.12-3 and C.12-4.
_EXTENSIONS: Final = {
    "ISO 2022 IR 6": _ASCII,
    "ISO 2022 IR 100": _Set(b"\x1b-A", "latin_1", high=True),
    "ISO 2022 IR 101": _Set(b"\x1b-B", "iso8859_2", high=True),
    "ISO 2022 IR 109": _Set(b"\x1b-C", "iso8859_3", high=True),
    "ISO 2022 IR 110": _Set(b"\x1b-D", "iso8859_4", high=True),
    "ISO 2022 IR 144": _Set(b"\x1b-L", "iso8859_5", high=True),
    "ISO 2022 IR 127": _Set(b"\x1b-G", "iso8859_6", high=True),
    "ISO 2022 IR 126": _Set(b"\x1b-F", "iso8859_7", high=True),
    "ISO 2022 IR 138": _Set(b"\x1b-H", "iso8859_8", high=True),
    "ISO 2022 IR 148": _Set(b"\x1b-M", "iso8859_9", high=True),
    "ISO 2022 IR 203": _Set(b"\x1b-b", "iso8859_15", high=True),
    "ISO 2022 IR 166": _Set(b"\x1b-T", "iso8859_11", high=True),
    "ISO 2022 IR 13": _Set(b"\x1b)I", "shift_jis", high=True),
    "ISO 2022 IR 149": _Set(b"\x1b$)C", "euc_kr", high=True, width=2),
    "ISO 2022 IR 58": _Set(b"\x1b$)A", "gb2312", high=True, width=2),
    "ISO 2022 IR 87": _Set(b"\x1b$B", "iso2022_jp", False, 2, b"\x1b$B"),
    "ISO 2022 IR 159": _Set(b"\x1b$(D", "iso2022_jp_2", False, 2, b"\x1b$(D"),
}


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
    extended = name is None or (b"\x1b" in raw and "".join(charsets).startswith("ISO 2022"))
    try:
        text = _decode_extended(raw, charsets) if extended else raw.decode(name or "ascii")
    except (UnicodeDecodeError, LookupError, ValueError):
        return None
    return None if text is None else text.rstrip(_PADDING)


def encode(text: str, charsets: tuple[str, ...]) -> bytes | None:
    """Return `text` in `charsets`, without padding; None when it cannot be written in them.

    With code extensions, what `decode` would not read back is None, too.
    """
    name = codec(charsets)
    try:
        if name is not None:
            return text.encode(name)
        pieces = (_encode_piece(piece, charsets) for piece in _PIECES.findall(text))
        raw = b"".join(pieces)
    except (UnicodeEncodeError, LookupError, ValueError):
        return None
    return raw if decode(raw, charsets) == text.rstrip(_PADDING) else None


def _decode_extended(raw: bytes, charsets: tuple[str, ...]) -> str | None:
    """Decode a value with code extensions (PS3.5 section 6.1.2.5); delimiters reset the state.

    Bytes below 0x80 are those of the set in G0, the others those of the set in G1.
    """
    sets = {_EXTENSIONS[term].escape: _EXTENSIONS[term] for term in _terms(charsets)}
    sets |= {_ASCII.escape: _ASCII, _ROMAN.escape: _ROMAN}
    first = _EXTENSIONS[_terms(charsets)[0]]
    initial = _ASCII, first if first.high else None
    low, high = initial
    text = []
    for escape, run in _RUNS.findall(raw):
        if escape:
            found = sets[escape]
            low, high = (low, found) if found.high else (found, high)
        elif run == b"\x1b":
            return None
        elif run[0] < 0x80:
            text.append(low.decode(run))
            if low.width == 1 and not _DELIMITERS.isdisjoint(run):
                high = initial[1] or high
        elif high is None:
            return None
        else:
            text.append(high.decode(run))
    return "".join(text)


def _encode_piece(piece: str, charsets: tuple[str, ...]) -> bytes:
    """Encode text without delimiters, in as few character sets as it takes from the left."""
    raw = b""
    terms = _terms(charsets)
    at = 0
    current = terms[0]
    while at < len(piece):
        end, term = max((_reach(piece, at, term), term == current, term) for term in terms)[::2]
        if end == at:
            raise ValueError("no character set of the value has a character")
        found = _EXTENSIONS[term]
        encoded = found.encode(piece[at:end])
        needs_escape = found.high and term != current and not encoded.isascii()
        raw += (found.escape if needs_escape else b"") + encoded
        current = term if needs_escape or not found.high else current
        at = end
    # Only JIS X 0201, when that is the initial set, has the Roman letters of Japan.
    return raw.replace(_ASCII.escape, _ROMAN.escape) if terms[0] == "ISO 2022 IR 13" else raw


def _reach(piece: str, start: int, term: str) -> int:
    """Return up to where a character set can write a text."""
    found = _EXTENSIONS[term]
    for end in range(start, len(piece)):
        try:
            found.encode(piece[end])
        except UnicodeEncodeError:
            return end
    return len(piece)


def _terms(charsets: tuple[str, ...]) -> list[str]:
    """Return the terms of code extensions, in order. Raises LookupError for unknown ones."""
    terms = []
    for charset in charsets or ("",):
        term = _normalised(charset).replace("ISO_IR ", "ISO 2022 IR ") or "ISO 2022 IR 6"
        if term not in _EXTENSIONS:
            raise LookupError("unknown character set")
        terms.append(term)
    return terms


def encodings_of(text: str, charsets: tuple[str, ...]) -> set[bytes]:
    """Return `text` as bytes in each of the character sets, without escape sequences."""
    found = set()
    for charset in charsets or ("",):
        name = codec((charset,)) or _extension_codec(charset)
        if name is None:
            continue
        try:
            found.add(_ESCAPE.sub(b"", text.encode(name)))
        except UnicodeEncodeError:
            continue
    return found


def _extension_codec(charset: str) -> str | None:
    found = _EXTENSIONS.get(charset)
    return None if found is None else found.name
