"""Files that somebody made to do harm, and what processing one of them costs."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from fastdeid.deidentify import Deidentifier
from fastdeid.outcome import Outcome
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.verdicts import WITH_OUTPUT
from tests import builders as b
from tests.runs import KEY, basic_profile, ct_image

SECONDS: Final = 1.0
MEMORY: Final = 256 << 20
BOMB_SECONDS: Final = 0.3
BOMB_MEMORY: Final = 64 << 20
VRS: Final = (
    *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF"),
    *("OL", "OV", "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN"),
    *("UR", "US", "UT", "UV", "ZZ", "\0\0"),
)
# Behind the pixel data: what stands there with a lower tag is dropped without a look.
_TAG: Final = b"\xe1\x7f\x10\x10"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
RLE: Final = "1.2.840.10008.1.2.5"
NAMES: Final = (
    *("../../../etc/passwd", "/etc/passwd", "..", ".", "", "a\0b", "a\nb", "a\tb", "A" * 300),
    *("con", "a/b\\c", "${HOME}", "`id`", "%s%n", "-rf", "\x1b[2J", "1.2/../3"),
)


def lengths() -> Iterator[tuple[str, bytes]]:
    """Yield files with an element of each VR that is as long as nothing can be."""
    for vr in VRS:
        for length in (0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFF):
            long = _TAG + vr.encode("latin-1") + b"\0\0" + struct.pack("<I", length)
            short = _TAG + vr.encode("latin-1") + struct.pack("<H", length & 0xFFFF)
            for form, element in (("long", long), ("short", short)):
                data = ct_image() + element + bytes(32)
                yield f"length {vr!r} {form} {length:x}", b.part10(data)
                yield f"length {vr!r} {form} {length:x} first", b.part10(element + ct_image())
    for length in (0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFF):
        element = _TAG + struct.pack("<I", length) + bytes(16)
        data = ct_image(encoding=b.IMPLICIT)
        yield f"length implicit {length:x}", b.part10(element + data, b.IMPLICIT)
        yield f"length implicit end {length:x}", b.part10(data + element, b.IMPLICIT)


def nesting() -> Iterator[tuple[str, bytes]]:
    """Yield sequences in sequences."""
    for depth in (63, 64, 65, 1000, 100_000):
        begin = b.header(0x7FE11010, "SQ", b.UNDEFINED) + b.tag_bytes(0xFFFEE000) + b"\xff" * 4
        end = b.tag_bytes(0xFFFEE00D) + bytes(4) + b.tag_bytes(0xFFFEE0DD) + bytes(4)
        yield f"nested {depth}", b.part10(ct_image() + begin * depth + end * depth)
        yield f"nested {depth} and never closed", b.part10(ct_image() + begin * depth)
        yield f"items {depth}", b.part10(ct_image() + begin[:12] + begin[12:] * depth)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield a megabyte that inflates to a gigabyte."""
    meta = b.file_meta(DEFLATED)
    packer = zlib.compressobj(9, wbits=-15)
    whole = b.header(0x7FE11010, "OB", 0x3FFF0000)
    head = packer.compress(ct_image() + whole) + packer.flush(zlib.Z_FULL_FLUSH)
    # Behind a full flush a block stands for itself: it can be repeated.
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = block * 1024 + b"\x03\0"
    yield "deflate bomb", bytes(128) + b"DICM" + meta + head + body
    yield "deflate bomb of zeros", bytes(128) + b"DICM" + meta + body
    yield "deflate bomb cut", bytes(128) + b"DICM" + meta + (head + body)[: 1 << 19]


def pixels() -> Iterator[tuple[str, bytes]]:
    """Yield images whose geometry and fragments lie."""
    for rows, columns, bits, frames in (
        (65535, 65535, 16, "2147483647"),
        (65535, 65535, 64, "1"),
        (0, 0, 0, "0"),
        (512, 512, 16, "999999"),
        (2, 2, 65535, "-1"),
        (2, 2, 8, "9" * 12),
        (2, 2, 8, "1e9"),
    ):
        data = ct_image(
            b.text(0x00280008, "IS", frames),
            b.number(0x00280002, "US", 65535),
            b.number(0x00280010, "US", rows),
            b.number(0x00280011, "US", columns),
            b.number(0x00280100, "US", bits),
            b.number(0x60000010, "US", rows),
            b.number(0x60000011, "US", columns),
            b.number(0x60000102, "US", 15),
        )
        yield f"pixels {rows} {columns} {bits} {frames[:12]}", b.part10(data)
    many = b.fragments(0x7FE00010, [b"\xff\xd8"] * 10_000)
    yield "10,000 fragments", coded(many)
    yield "10,000 fragments and frames", coded(many, b.text(0x00280008, "IS", "10000"))
    table = struct.pack("<3I", 0, 0xFFFFFFF0, 4)
    yield "offsets that lie", coded(b.fragments(0x7FE00010, [b"ab", b"cd"], table))
    for length in (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 3, 1):
        lie = b.tag_bytes(0xFFFEE000) + struct.pack("<I", length) + b"abcd"
        whole = b.header(0x7FE00010, "OB", b.UNDEFINED) + b.item(b"") + lie
        yield f"a fragment of {length:x}", coded(whole)
        yield f"a fragment of {length:x} closed", coded(whole + b.tag_bytes(0xFFFEE0DD) + bytes(4))
    extended = b.element(0x7FE00001, "OV", struct.pack("<2Q", 1 << 63, (1 << 64) - 1))
    yield "an extended table that lies", coded(extended + b.fragments(0x7FE00010, [b"ab", b"cd"]))


def coded(pixel_data: bytes, *more: bytes) -> bytes:
    """Return a file in RLE with this pixel data."""
    plain = ct_image(*more)
    at = plain.index(b"\xe0\x7f\x10\x00")
    return b.part10(plain[:at] + pixel_data, meta=b.file_meta(RLE))


def identifiers() -> Iterator[tuple[str, bytes]]:
    """Yield files whose identifiers would be paths, commands or line ends."""
    tags = ((0x00080018, "UI"), (0x00100020, "LO"), (0x0020000D, "UI"), (0x0020000E, "UI"))
    for name in NAMES:
        for tag, vr in (*tags, (0x00100010, "PN"), (0x00080050, "SH")):
            yield f"{name[:12]!r} in {tag:08x}", b.part10(ct_image(b.text(tag, vr, name)))


def everything() -> Iterator[tuple[str, bytes]]:
    """Yield all of them but the bombs."""
    for kind in (lengths, nesting, pixels, identifiers):
        yield from kind()


class Cost(NamedTuple):
    """What a file came to, in CPU seconds: the machine may be busy."""

    outcome: Outcome
    seconds: float


class Victim:
    """A de-identifier in this process, and a folder for one file at a time."""

    def __init__(self, folder: Path, pixels: PixelMode = PixelMode.OFF) -> None:
        self.target = folder / "target"
        self._folder = folder
        self.deidentifier = Deidentifier(
            basic_profile(), Pseudonyms(KEY), self.target, pixels=pixels
        )
        self.process(b.part10(ct_image()))

    def process(self, data: bytes, name: bytes = b"input") -> Cost:
        """De-identify the bytes of a file; its output is checked and removed."""
        return self.process_all([data], name)[0]

    def process_all(self, files: list[bytes], name: bytes = b"input") -> list[Cost]:
        """De-identify files together."""
        paths = [bytes(self._folder) + b"/%d " % n + name for n in range(len(files))]
        for path, data in zip(paths, files, strict=True):
            with open(path, "wb") as file:
                file.write(data)
        began = time.process_time()
        outcomes = self.deidentifier.process_many(paths, overwrite=True)
        seconds = time.process_time() - began
        for outcome in outcomes:
            self._check(outcome)
        return [Cost(outcome, seconds) for outcome in outcomes]

    def _check(self, outcome: Outcome) -> None:
        assert isinstance(outcome, Outcome)
        if outcome.verdict not in WITH_OUTPUT:
            assert outcome.reason
            assert outcome.reason != "internal_error"
            return
        parts = outcome.path.split("/")
        assert len(parts) == 4, "the path has other folders"
        assert all(part.strip(".") and part.isascii() and part.isprintable() for part in parts)
        path = self.target / outcome.path
        # Of damaged copies in one batch the last one stands.
        path.unlink(missing_ok=True)
