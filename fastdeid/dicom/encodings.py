"""Encodings of a data set and the transfer syntaxes that use them, PS3.5 section 10 and annex A."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.kernels.elements import BIG, EXPLICIT
from fastdeid.tags import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    VR_NAMES,
)

IMPLICIT_LITTLE: Final = 0
EXPLICIT_LITTLE: Final = EXPLICIT
EXPLICIT_BIG: Final = EXPLICIT | BIG

# The transfer syntax that says each encoding, for files that do not say it themselves.
SYNTAX_OF: Final = {
    EXPLICIT_LITTLE: EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_LITTLE: IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_BIG: EXPLICIT_VR_BIG_ENDIAN,
}

# Syntaxes whose whole data set is deflated after the file meta information, PS3.5 section A.5 and
# A.7.
DEFLATED: Final = frozenset(
    {
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.4.95",  # JPIP Referenced Deflate
        "1.2.840.10008.1.2.4.205",  # JPIP HTJ2K Referenced Deflate
    }
)

# Encapsulated syntaxes of PS3.5 annex A: their data set is explicit VR little endian.
_ENCAPSULATED: Final = (
    *("1.2.840.10008.1.2.4." + last for last in (
        "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64",
        "65", "66", "70", "80", "81", "90", "91", "92", "93", "94", "100", "100.1", "101", "101.1",
        "102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1", "107",
        "108", "110", "111", "112", "201", "202", "203", "204",
    )),
    "1.2.840.10008.1.2.5",  # RLE Lossless
    "1.2.840.10008.1.2.8.1",  # Deflated Image Frame Compression
    "1.2.840.10008.1.2.1.98",  # Encapsulated Uncompressed Explicit VR Little Endian
    "1.2.840.10008.1.2.6.1",  # RFC 2557 MIME encapsulation
    "1.2.840.10008.1.2.6.2",  # XML Encoding
)  # fmt: skip

ENCODING_OF: Final[dict[str, int]] = {
    **dict.fromkeys(_ENCAPSULATED, EXPLICIT_LITTLE),
    **dict.fromkeys(DEFLATED, EXPLICIT_LITTLE),
    **{syntax: encoding for encoding, syntax in SYNTAX_OF.items()},
}


def vr_codes() -> npt.NDArray[np.uint8]:
    """Return shape (65536,): the VR number of two bytes, first byte high; 0 for none."""
    codes = np.zeros(1 << 16, np.uint8)
    for number, name in enumerate(VR_NAMES):
        if name:
            codes[ord(name[0]) << 8 | ord(name[1])] = number
    codes.flags.writeable = False
    return codes
