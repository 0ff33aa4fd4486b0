"""Values that PS3.3 enumerates for the shape of a content tree: no name, whoever is called so."""

from __future__ import annotations

from typing import Final

from fastdeid.dicom.element_table import ElementTable
from fastdeid.kernels.elements import FLAGS, LENGTH, LONG, N_COLUMNS, SEQUENCE, TAG, VALUE

# Relationship Type, Value Type, Continuity Of Content: PS3.3 C.17.3 and C.18.8.
_VALUES: Final = {
    0x0040A010: frozenset(
        (
            *(b"CONTAINS", b"HAS OBS CONTEXT", b"HAS CONCEPT MOD", b"HAS PROPERTIES"),
            *(b"HAS ACQ CONTEXT", b"INFERRED FROM", b"SELECTED FROM"),
        )
    ),
    0x0040A040: frozenset(
        (
            *(b"TEXT", b"NUM", b"NUMERIC", b"CODE", b"DATE", b"TIME", b"DATETIME", b"UIDREF"),
            *(b"PNAME", b"COMPOSITE", b"IMAGE", b"WAVEFORM", b"SCOORD", b"SCOORD3D", b"TCOORD"),
            *(b"CONTAINER", b"TABLE"),
        )
    ),
    0x0040A050: frozenset((b"SEPARATE", b"CONTINUOUS")),
}


def is_enumerated(loaded: ElementTable, row: int) -> bool:
    """Tell whether a row holds one of the values that its attribute may have, and nothing else."""
    cells, at = loaded.cells, row * N_COLUMNS
    values = _VALUES.get(cells[at + TAG])
    if values is None or cells[at + FLAGS] & (LONG | SEQUENCE):
        return False
    start = cells[at + VALUE]
    return loaded.view[start : start + cells[at + LENGTH]].tobytes().strip(b" ") in values
