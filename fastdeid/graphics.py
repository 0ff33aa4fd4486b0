"""Graphics under the Clean Graphics Option, PS3.15 E.3.3: words are cleaned, geometry stays.

What Table E.1-1 and the profile say of whole overlays, curves and of the sequence itself has been
decided by `rules`; here are the words inside Graphic Annotation Sequence (PS3.3 C.10.5), and those
that describe its layers and groups (C.10.7, C.10.17).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from fastdeid.codes import Operation
from fastdeid.dicom.element_table import ElementTable
from fastdeid.kernels.elements import END, OPERATION, TAG, VR
from fastdeid.tags import VR_NAMES

# A file without these at its top level needs no call of `find`.
MARKED: Final = (0x00700001, 0x00700060, 0x00700234)

_ANNOTATIONS: Final = 0x00700001
# Graphic Layer Description, Graphic Group Label, Graphic Group Description.
_DESCRIPTIONS: Final = (0x00700068, 0x00700207, 0x00700208)
_IS_WORD: Final = np.isin(VR_NAMES, "LO LT SH ST UC UT".split())

Change = tuple[int, Operation, str]


def find(loaded: ElementTable, rows: slice) -> list[Change]:
    """Return (row, operation, replacement) for the words of the graphics of the file `rows`.

    The table's OPERATION has been decided: what is removed stays so. replacement: "clean".
    """
    table = loaded.table[rows]
    tags = table[:, TAG]
    inside = np.zeros(len(table), np.bool_)
    for row in np.flatnonzero(tags == _ANNOTATIONS).tolist():
        inside[row : int(table[row, END]) - rows.start] = True
    # Codes say what kind of graphic it is; their values are no free text (PS3.3 section 8).
    inside &= tags >> 16 != 0x0008
    words = inside & _IS_WORD[table[:, VR]]
    for tag in _DESCRIPTIONS:
        words |= tags == tag
    stays = table[:, OPERATION] != Operation.REMOVE
    found = np.flatnonzero(words & stays) + rows.start
    return [(row, Operation.REPLACE, "clean") for row in found.tolist()]
