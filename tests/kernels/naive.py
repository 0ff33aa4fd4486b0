"""A plain twin of every kernel, written from the standard or from the kernel's promise.

A twin takes whole bytes and Python objects, says what the kernel must find, and knows nothing of
windows, tables or hashing.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from fastdeid.tags import VR_NAMES
from tests.builders import LONG_VRS
from tests.kernels import naive_assemble, naive_pixels, naive_rules, naive_scan
from tests.kernels.naive_rules import Decision, Rules, is_long
from tests.kernels.naive_scan import Row, Scan


def scan_elements(
    data: bytes, start: int, dictionary: Mapping[int, str], *, explicit: bool, big: bool
) -> Scan:
    """Return the rows of a data set; raises naive_scan.RefusedError."""
    return naive_scan.scan_elements(data, start, dictionary, explicit=explicit, big=big)


def skip_fragments(data: bytes, start: int) -> int | None:
    """Return the length of fragments with their delimiter (PS3.5 A.4), None when damaged."""
    return naive_scan.skip_fragments(data, start)


def scan_file_metas(files: Sequence[bytes], vrs: Sequence[str]) -> list[int | None]:
    """Return where the data set of each file starts, None for a file that is not ordinary."""
    starts: list[int | None] = []
    for data in files:
        meta = scan_file_meta(data, 132, vrs) if data[128:132] == b"DICM" else ""
        is_whole = isinstance(meta, FileMeta) and meta.end + 8 <= len(data)
        starts.append(meta.end if isinstance(meta, FileMeta) and is_whole else None)
    return starts


def find_rows(rows: Sequence[Row], tags: Collection[int]) -> dict[int, int]:
    """Return tag -> number of the last row at the top level, for those of `tags` that do."""
    return {row.tag: number for number, row in enumerate(rows) if not row.depth and row.tag in tags}


def find_first(rows: Sequence[Row], mask: int, wanted: int) -> int:
    """Return the number of the first row whose tag & mask is `wanted`, -1 when there is none."""
    return next((number for number, row in enumerate(rows) if row.tag & mask == wanted), -1)


def find_standing(rows: Sequence[Row], operations: Sequence[int], tag: int) -> list[int]:
    """Return the numbers of the rows of `tag` that stand with a value, below kept rows only."""
    return naive_assemble.find_standing(rows, operations, tag)


def count_rows(rows: Sequence[Row], tags: Collection[int]) -> int:
    """Return how many rows at the top level have one of `tags`."""
    return sum(1 for row in rows if not row.depth and row.tag in tags)


class FileMeta(NamedTuple):
    """Where group 0002 ends, and the values of two of its attributes, b"" when absent."""

    end: int
    transfer_syntax: bytes
    sop_class: bytes


def scan_file_meta(data: bytes, start: int, vrs: Collection[str]) -> FileMeta | str:
    """Return what group 0002 (PS3.10 section 7.1) holds, or the reason why it is damaged."""
    at = start
    values = {0x0010: b"", 0x0002: b""}
    while len(data) >= at + 8 and data[at : at + 2] == b"\2\0":
        vr = data[at + 4 : at + 6].decode("latin-1")
        if vr not in vrs:
            return "unknown_vr"
        size, first = (4, at + 8) if vr in LONG_VRS else (2, at + 6)
        value = first + size
        end = value + int.from_bytes(data[first:value], "little")
        if max(value, end) > len(data):
            return "truncated"
        number = int.from_bytes(data[at + 2 : at + 4], "little")
        if number in values:
            values[number] = data[value:end]
        at = end
    return FileMeta(at, values[0x0010], values[0x0002])


def decide_actions(rows: Sequence[Row], rules: Rules) -> list[Decision]:
    """Return the decision on every row."""
    return naive_rules.decide_actions(rows, rules)


def find_texts(
    rows: Sequence[Row],
    operations: Sequence[int],
    entries: Sequence[int],
    *,
    kept: bool,
    texts: Collection[str],
) -> list[int]:
    """Return the numbers of the rows whose texts are looked up in the memo."""
    return naive_rules.find_texts(rows, operations, entries, kept=kept, texts=texts)


def pack_entries(
    files: Sequence[Sequence[int]], kinds: Sequence[int], wanted: Collection[int]
) -> list[list[int]]:
    """Return the entries of wanted kinds in each file, -1 is none; each once, as first met."""
    return [
        list(dict.fromkeys(one for one in file if one >= 0 and kinds[one] in wanted))
        for file in files
    ]


class Needle(NamedTuple):
    """Bytes to look for, and what may not stand beside them."""

    value: bytes
    boundary: int


def find_needle(text: bytes, needles: Sequence[Needle], least: int) -> list[int]:
    """Return the numbers of all needles of `least` bytes or more that stand in `text`."""
    return [
        number
        for number, needle in enumerate(needles)
        if len(needle.value) >= least and any(_stands(text, at, needle) for at in range(len(text)))
    ]


def _stands(text: bytes, at: int, needle: Needle) -> bool:
    end = at + len(needle.value)
    if text[at:end].lower() != needle.value.lower():
        return False
    before, after = text[:at], text[end:]
    no_letters = needle.boundary in {1, 3}
    no_digits = needle.boundary in {2, 3}
    if no_letters and (before[-1:].isalpha() or after[:1].isalpha()):
        return False
    if no_digits and (before[-1:].isdigit() or after[:1].isdigit()):
        return False
    # A point belongs to a number when a digit stands on its other side.
    in_number = _is_point_and_digit(before[-2:][::-1]) or _is_point_and_digit(after[:2])
    return not (no_digits and in_number)


def _is_point_and_digit(pair: bytes) -> bool:
    return len(pair) == 2 and pair[:1] == b"." and pair[1:].isdigit()


def find_rows_with_needles(
    values: Mapping[int, tuple[str, bytes]], needles: Sequence[Needle], least: Mapping[str, int]
) -> list[int]:
    """Return the rows of `values` (VR and bytes by row) that hold a needle."""
    return [row for row, (vr, text) in values.items() if find_needle(text, needles, least[vr])]


def pack_values(values: Sequence[bytes | None]) -> bytes:
    """Return the values, each behind its length plus one; None is 0."""
    return b"".join(
        bytes(4) if value is None else (len(value) + 1).to_bytes(4, "little") + value
        for value in values
    )


def pack_operations(operations: Sequence[int | None]) -> int:
    """Return a number whose digits to the base 4 are the operations, the first one last."""
    return sum((operation or 0) * 4**place for place, operation in enumerate(operations))


def assemble_data_sets(
    data: bytes,
    rows: Sequence[Row],
    operations: Sequence[int],
    values: Mapping[int, bytes],
    inserts: Sequence[tuple[int, bytes]],
) -> bytes:
    """Return the data set that `operations` ask for; raises naive_assemble.TooLongError."""
    return naive_assemble.assemble_data_set(data, rows, operations, values, inserts)


def index_anchors(
    needles: Sequence[Needle], anchors: Sequence[tuple[int, int]], width: int
) -> dict[bytes, list[int]]:
    """Return the numbers of the anchors by their words, in which case does not count."""
    words: dict[bytes, list[int]] = {}
    for number, (owner, offset) in enumerate(anchors):
        word = needles[owner].value[offset : offset + width]
        words.setdefault(bytes(byte | 0x20 for byte in word), []).append(number)
    return words


def find_all(text: bytes, needles: Sequence[Needle]) -> set[tuple[int, int]]:
    """Return place and number of every needle wherever it stands in `text`."""
    return {
        (at, number)
        for number, needle in enumerate(needles)
        for at in range(len(text))
        if _stands(text, at, needle)
    }


def clear_bits(samples: Sequence[int], keep: int, sign: int, fill: int) -> list[int]:
    """Return the samples with the bits of `keep`, and those of `fill` where `sign` is set."""
    return [(sample & keep) | (fill if sample & sign else 0) for sample in samples]


# The twins of the kernels for pixels stand in naive_pixels.py.


def find_components(
    mask: naive_pixels.View, grey: naive_pixels.View
) -> list[naive_pixels.Component]:
    """Return the 8-connected components of the ink."""
    return naive_pixels.find_components(mask, grey)


def count_levels(samples: naive_pixels.Samples, step: int) -> Mapping[int, int]:
    """Return how often each level stands among every `step`-th sample."""
    return naive_pixels.count_levels(samples, step)


def show_window(samples: naive_pixels.Samples, low: float, gain: float) -> naive_pixels.View:
    """Return the levels between 0 and 255 that a window shows."""
    return naive_pixels.show_window(samples, low, gain)


def extend_projections(
    frames: Sequence[naive_pixels.Samples],
) -> tuple[naive_pixels.Samples, naive_pixels.Samples]:
    """Return the least and the largest sample of each place."""
    return naive_pixels.extend_projections(frames)


def find_changed_tiles(
    view: naive_pixels.View, reference: naive_pixels.View, side: int, tolerance: int
) -> list[list[bool]]:
    """Return for each tile whether the views differ there by more than `tolerance`."""
    return naive_pixels.find_changed_tiles(view, reference, side, tolerance)


def fill_boxes(
    frames: naive_pixels.Samples, boxes: Sequence[Sequence[int]], fill: naive_pixels.Samples
) -> naive_pixels.Samples:
    """Return frames with the boxes filled."""
    return naive_pixels.fill_boxes(frames, boxes, fill)


def find_varied_tiles(view: naive_pixels.View, side: int, least: int) -> list[list[bool]]:
    """Return for each tile whether its samples reach over at least `least` levels."""
    return naive_pixels.find_varied_tiles(view, side, least)


def fill_planes(view: naive_pixels.View) -> naive_pixels.Samples:
    """Return the planes that the net sees of a view, in parts."""
    return naive_pixels.fill_planes(view)


def convolve(
    source: naive_pixels.Samples,
    taps: tuple[naive_pixels.Counts, naive_pixels.Samples],
    bias: naive_pixels.Samples,
    seed: naive_pixels.Samples | None,
    shape: tuple[int, int, int],
) -> naive_pixels.Samples:
    """Return maps of bias, seed and weighted samples."""
    return naive_pixels.convolve(source, taps, bias, seed, shape)


def unpack_runs(coded: bytes) -> bytes | None:
    """Return the bytes of an RLE segment, None when a run goes beyond it."""
    return naive_pixels.unpack_runs(coded)


def pack_runs(source: bytes, columns: int) -> bytes:
    """Return an RLE segment of rows."""
    return naive_pixels.pack_runs(source, columns)


def remove_unused_creator(rows: Sequence[Row], operations: Sequence[int], number: int) -> list[int]:
    """Return the operations after a block without any row that stays lost its creator."""
    tag, parent = rows[number].tag, rows[number].parent
    beside = [at for at, row in enumerate(rows) if row.parent == parent]
    block = [at for at in beside if rows[at].tag >> 8 == tag >> 8]
    after = list(operations)
    if all(operations[at] == naive_rules.REMOVE for at in block):
        creator = tag >> 16 << 16 | tag >> 8 & 0xFF
        for at in beside:
            after[at] = naive_rules.REMOVE if rows[at].tag == creator else after[at]
    return after


def pack_private(data: bytes, rows: Sequence[Row]) -> bytes:
    """Return an entry for every private row, each below one, and each of (0008,0300) at the top.

    Values stand in the entries of creators and of what is below (0008,0300), when they are loaded
    in any case and not longer than 1024 bytes.
    """
    packed = b""
    inside: dict[int, str] = {}
    for number, row in enumerate(rows):
        inside[number] = inside.get(row.parent, "")
        if row.tag >> 16 & 1:
            inside[number] = inside[number] or "private"
        elif row.tag == 0x00080300 and row.parent < 0:
            inside[number] = "characteristics"
        if not inside[number]:
            continue
        is_creator = row.tag >> 16 & 1 and 0x10 <= row.tag & 0xFFFF <= 0xFF
        is_leaf = not (row.sequence or row.item)
        raw = data[row.value : row.value + row.length] if is_leaf else b""
        value, length = b"", 0
        if is_leaf and (is_creator or inside[number] == "characteristics"):
            known = not is_long(row) and row.length <= 1024
            value, length = (raw, row.length) if known else (b"", 0xFFFF)
        flags = 2 * row.implicit | 8 * row.sequence | 16 * row.item | 128 * row.big
        flags |= 256 * is_long(row)
        is_item = raw[:4] in {b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"}
        if row.vr == "UN" and not is_long(row) and len(raw) >= 8 and is_item:
            flags |= 512
        vr = VR_NAMES.index(row.vr)
        packed += struct.pack("<IIiBHH", number, row.tag, row.parent, vr, flags, length) + value
    return packed if any(row.tag >> 16 & 1 for row in rows) else b""


def absorb_key(key: bytes) -> hashlib.blake2b:
    """Return keyed BLAKE2b with 16 bytes of output, RFC 7693, before any message."""
    return hashlib.blake2b(digest_size=16, key=key)


def map_uids(
    values: Sequence[bytes], key: bytes, registry: Collection[bytes]
) -> list[bytes | None]:
    """Return the new UID of each value, padded, None for a value that is not one UID to map."""
    mapped: list[bytes | None] = []
    for value in values:
        uid = value.strip(b" \0")
        if not uid or b"\\" in uid or len(value) > 64 or uid in registry:
            mapped.append(None)
            continue
        state = absorb_key(key)
        state.update(uid)
        new = b"2.25.%d" % _version_8(state.digest())
        mapped.append(new + b"\0" * (len(new) % 2))
    return mapped


def _version_8(digest: bytes) -> int:
    """Return the number of a UUID of version 8, RFC 9562 section 5.8."""
    octets = bytearray(digest)
    octets[6] = 0x80 | octets[6] & 0x0F
    octets[8] = 0x80 | octets[8] & 0x3F
    return int.from_bytes(octets, "big")
