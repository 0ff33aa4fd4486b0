"""Bytes that fastdeid writes itself: file meta (PS3.10 section 7.1), elements (PS3.5 section 7)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from fastdeid.dicom.encodings import EXPLICIT_BIG, IMPLICIT_LITTLE

# A UUID-derived UID of this project, PS3.5 section B.2; it names the implementation, not the
# instance.
IMPLEMENTATION_CLASS_UID: Final = b"2.25.298749728536163316383616100902503160372"
IMPLEMENTATION_VERSION_NAME: Final = b"FASTDEID_0"

_PREAMBLE: Final = bytes(128) + b"DICM"
_LONG: Final = frozenset(
    ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
)
ITEM: Final = 0xFFFEE000


def element(tag: int, vr: str, value: bytes, encoding: int) -> bytes:
    """Return one data element of defined length; `value` is padded by the caller."""
    order = ">" if encoding == EXPLICIT_BIG else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if encoding == IMPLICIT_LITTLE or tag == ITEM:
        return head + struct.pack(order + "I", len(value)) + value
    if vr in _LONG:
        return head + vr.encode("ascii") + struct.pack(order + "HI", 0, len(value)) + value
    return head + vr.encode("ascii") + struct.pack(order + "H", len(value)) + value


def item(elements: list[bytes], encoding: int) -> bytes:
    """Return a sequence item of defined length that holds whole elements."""
    return element(ITEM, "", b"".join(elements), encoding)


def file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> bytes:
    """Return preamble, prefix and file meta information, PS3.10 sections 7.1 and 7.2.

    The UIDs come without padding. The preamble is zero; neither the source application entity
    title nor private information of the input is passed on.
    """
    length = len(sop_instance_uid)
    before, after = _around_instance(sop_class_uid, transfer_syntax, length + (length & 1))
    padded = sop_instance_uid.encode("ascii") + b"\0" * (length & 1)
    return before + padded + after


@lru_cache(maxsize=256)
def _around_instance(sop_class_uid: str, transfer_syntax: str, length: int) -> tuple[bytes, bytes]:
    """Return what stands before and after the padded instance UID, which alone is new each time."""
    before = (
        b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01"
        + _uid(b"\x02\0\x02\0", sop_class_uid.encode("ascii"))
        + b"\x02\0\x03\0UI"
        + length.to_bytes(2, "little")
    )
    after = _uid(b"\x02\0\x10\0", transfer_syntax.encode("ascii")) + _IMPLEMENTATION
    group_length = len(before) + length + len(after)
    head = b"%b\x02\0\0\0UL\x04\0%b" % (_PREAMBLE, group_length.to_bytes(4, "little"))
    return head + before, after


def _uid(tag: bytes, value: bytes) -> bytes:
    length = len(value) + (len(value) & 1)
    return b"%bUI%b%b" % (tag, length.to_bytes(2, "little"), value.ljust(length, b"\0"))


_IMPLEMENTATION: Final = _uid(b"\x02\0\x12\0", IMPLEMENTATION_CLASS_UID) + (
    b"\x02\0\x13\0SH%b%b"
    % (len(IMPLEMENTATION_VERSION_NAME).to_bytes(2, "little"), IMPLEMENTATION_VERSION_NAME)
)
