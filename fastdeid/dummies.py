"""Dummy values for action D: valid for every VR and VM, ASCII only, and plainly synthetic."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

TEXT: Final = b"DEIDENTIFIED"
DATE: Final = b"19000101"
ORGANISATION_ROOT: Final = b"2.25.0"

# PS3.5 table 6.2-1. One value; text is padded and repeated by `dummy_value`.
_TEXT_VALUES: Final = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), TEXT),
    "AS": b"000Y",
    "DA": DATE,
    "DT": DATE + b"000000",
    "TM": b"000000",
    "DS": b"0",
    "IS": b"0",
    "UI": ORGANISATION_ROOT,
    "UR": b"http://deidentified.invalid/",
}
# Attributes whose format is narrower than their VR.
FORMATTED: Final = {0x00080201: b"+0000"}  # Timezone Offset From UTC
# Bytes of one value.
_BINARY_SIZES: Final = {
    **dict.fromkeys(("OB", "OW", "SS", "UN", "US"), 2),
    **dict.fromkeys(("AT", "FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}


def pad(value: bytes, vr: str) -> bytes:
    """Return `value` with an even length (PS3.5 section 6.2): NUL for UI and bytes, else space."""
    if len(value) % 2 == 0:
        return value
    return value + (b" " if vr in _TEXT_VALUES and vr != "UI" else b"\0")


def dummy_value(vr: str, vm: str = "1", tag: int = 0) -> bytes:
    """Return the dummy of a VR with as many values as `vm` ("1", "2-n", "3", ...) asks at least.

    tag: of an attribute whose format PS3.3 restricts further, see FORMATTED; else 0.
    """
    if tag in FORMATTED:
        return pad(FORMATTED[tag], vr)
    count = int(vm.partition("-")[0]) if vm[:1].isdigit() else 1
    if vr in _BINARY_SIZES:
        return bytes(_BINARY_SIZES[vr] * count)
    return pad(b"\\".join([_TEXT_VALUES[vr]] * count), vr)


# Trees: an element is (tag, VR, value), the value of an SQ a tuple of items.
_Element = tuple[int, str, object]
_Item = tuple[_Element, ...]

# PS3.3 section 8.8: a private coding scheme, whose designator starts with 99.
_CODE: Final[_Item] = (
    (0x00080100, "SH", TEXT),
    (0x00080102, "SH", b"99FASTDEID"),
    (0x00080104, "LO", TEXT),
)
_COMMENT: Final[_Item] = (
    (0x00080100, "SH", b"121106"),
    (0x00080102, "SH", b"DCM"),
    (0x00080104, "LO", b"Comment"),
)
_KEY_OBJECT_DESCRIPTION: Final[_Item] = (
    (0x00080100, "SH", b"113012"),
    (0x00080102, "SH", b"DCM"),
    (0x00080104, "LO", b"Key Object Description"),
)
KEY_OBJECT_SELECTION: Final = "1.2.840.10008.5.1.4.1.1.88.59"


def _reference(sop_class_uid: bytes) -> _Item:
    return ((0x00081150, "UI", sop_class_uid), (0x00081155, "UI", ORGANISATION_ROOT))


def _content(concept: _Item) -> _Item:
    return (
        (0x0040A010, "CS", b"CONTAINS"),
        (0x0040A040, "CS", b"TEXT"),
        (0x0040A043, "SQ", (concept,)),
        (0x0040A160, "UT", TEXT),
    )


# One valid minimal item for every sequence that Table E.1-1 replaces (PS3.3: Type 1 present, Type 2
# present, 1C where the item would have no content without it).
_ITEMS: Final[Mapping[int, _Item]] = {
    0x00080082: _CODE,  # Institution Code Sequence
    0x00081072: (  # Operator Identification Sequence, Table 10-1
        (0x00080080, "LO", TEXT),
        (0x00401101, "SQ", (_CODE,)),
    ),
    0x00081110: _reference(b"1.2.840.10008.3.1.2.3.1"),  # Referenced Study Sequence
    0x00081111: _reference(
        b"1.2.840.10008.3.1.2.3.3"
    ),  # Referenced Performed Procedure Step Sequence
    0x00340001: (  # Flow Identifier Sequence
        (0x00340002, "OB", bytes(2)),
        (0x00340003, "UI", b"1.2.840.10008.1.2.7.1"),
        (0x00340004, "UL", 90000),
    ),
    0x00401101: _CODE,  # Person Identification Code Sequence
    0x0040A073: (  # Verifying Observer Sequence, C.17.2
        (0x0040A027, "LO", TEXT),
        (0x0040A030, "DT", DATE + b"000000"),
        (0x0040A075, "PN", TEXT),
        (0x0040A088, "SQ", ()),
    ),
    0x0040A168: _CODE,  # Concept Code Sequence, C.18.1
    0x0040A730: _content(_COMMENT),  # Content Sequence, C.17.3
    0x0040B020: (  # Waveform Annotation Sequence, C.10.10
        (0x0040A0B0, "US", (1, 0)),
        (0x00700006, "ST", TEXT),
    ),
    0x00700001: (  # Graphic Annotation Sequence, C.10.5
        (0x00700002, "CS", TEXT),
        (
            0x00700009,
            "SQ",
            (
                (
                    (0x00700005, "CS", b"PIXEL"),
                    (0x00700020, "US", 2),
                    (0x00700021, "US", 1),
                    (0x00700022, "FL", (1.0, 1.0)),
                    (0x00700023, "CS", b"POINT"),
                ),
            ),
        ),
    ),
    0x00700060: ((0x00700002, "CS", TEXT), (0x00700062, "IS", b"1")),  # Graphic Layer Sequence
}
_NUMBER_CODES: Final = {"US": "H", "UL": "I", "FL": "f"}
_LONG_VRS: Final = frozenset(("OB", "SQ", "UT"))


def dummy_items(tag: int, sop_class: str, *, explicit: bool, big_endian: bool) -> bytes:
    """Return the items of a dummy sequence, without its header, in the encoding of the data set.

    Sequences that no row of Table E.1-1 replaces have no items.
    """
    item = _ITEMS.get(tag)
    if item is None:
        return b""
    if tag == 0x0040A730 and sop_class == KEY_OBJECT_SELECTION:
        item = _content(_KEY_OBJECT_DESCRIPTION)
    return _encode_item(item, explicit, ">" if big_endian else "<")


def _encode_item(item: _Item, explicit: bool, order: str) -> bytes:
    content = b"".join(_encode(element, explicit, order) for element in item)
    return struct.pack(f"{order}HHI", 0xFFFE, 0xE000, len(content)) + content


def _encode(element: _Element, explicit: bool, order: str) -> bytes:
    tag, vr, value = element
    data = _encode_value(vr, value, explicit, order)
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return head + struct.pack(f"{order}I", len(data)) + data
    if vr in _LONG_VRS:
        return head + vr.encode() + struct.pack(f"{order}2xI", len(data)) + data
    return head + vr.encode() + struct.pack(f"{order}H", len(data)) + data


def _encode_value(vr: str, value: object, explicit: bool, order: str) -> bytes:
    if isinstance(value, bytes):
        return pad(value, vr)
    if isinstance(value, tuple) and vr == "SQ":
        return b"".join(_encode_item(item, explicit, order) for item in value)
    numbers = value if isinstance(value, tuple) else (value,)
    return struct.pack(f"{order}{len(numbers)}{_NUMBER_CODES[vr]}", *numbers)
