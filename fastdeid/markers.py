"""The elements that say what was done: (0012,0062) to (0012,0064), (0028,0303); PS3.15 E.1.1.

And those that a profile has for every instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.dicom.writer import element, item

CODE_VALUE = 0x00080100
CODING_SCHEME_DESIGNATOR = 0x00080102
CODE_MEANING = 0x00080104


class Markers(NamedTuple):
    """Encoded elements to insert. places: (n, 3), tag, start, length in `data`; ascending."""

    places: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]


def make_markers(
    method: str,
    codes: Sequence[tuple[str, str, str]],
    encoding: int,
    *,
    temporal: str = "REMOVED",
    inserted: Sequence[tuple[int, str, str]] = (),
) -> Markers:
    """Return the marker elements in an encoding.

    method: for (0012,0063), values separated by a backslash. codes: value, scheme and meaning of
    each item of (0012,0064), CID 7050; without any, the sequence is left out. temporal: value of
    (0028,0303). inserted: tag, VR and ASCII value of further elements, none of them a marker.
    """
    items = b"".join(
        item(
            [
                element(CODE_VALUE, "SH", _text(value), encoding),
                element(CODING_SCHEME_DESIGNATOR, "SH", _text(scheme), encoding),
                element(CODE_MEANING, "LO", _text(meaning), encoding),
            ],
            encoding,
        )
        for value, scheme, meaning in codes
    )
    rows = [
        (tags.PATIENT_IDENTITY_REMOVED, "CS", _text("YES")),
        (tags.DEIDENTIFICATION_METHOD, "LO", _text(method)),
        (tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, "CS", _text(temporal)),
        *((tag, vr, _text(value)) for tag, vr, value in inserted),
    ]
    if codes:
        rows.append((tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE, "SQ", items))
    encoded = [(tag, element(tag, vr, value, encoding)) for tag, vr, value in sorted(rows)]
    places = []
    start = 0
    for tag, data in encoded:
        places.append((tag, start, len(data)))
        start += len(data)
    data = b"".join(data for _, data in encoded)
    return Markers(np.array(places, np.int64), np.frombuffer(bytearray(data), np.uint8))


def _text(value: str) -> bytes:
    encoded = value.encode("ascii")
    return encoded + b" " * (len(encoded) & 1)
