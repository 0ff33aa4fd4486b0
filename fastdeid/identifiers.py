"""Identifiers of patients and requests: one normalisation, for DICOM and for tables.

White space and NUL around an identifier are padding (PS3.5 section 6.2). Everything else counts:
leading zeros, letter case, punctuation and the form of a letter in Unicode. The issuer is part of a
patient's identity: the same ID from two issuers is two patients, and so is one ID with an issuer
and without one.
"""

from __future__ import annotations

from typing import Final

_PADDING: Final = " \0"


def normalise(identifier: str) -> str:
    """Return an identifier as it goes into a pseudonym; "" for one that is only padding."""
    return identifier.strip(_PADDING).strip()


def widen(identifier: str, width: int) -> str:
    """Return an identifier of digits with the leading zeros that it has lost, others unchanged.

    width: characters of a whole identifier; 0 to leave all as they are.
    """
    is_number = identifier.isascii() and identifier.isdigit()
    return identifier.zfill(width) if is_number else identifier


def without_fraction(identifier: str) -> str:
    """Return 123 for 123.0, which programs make of whole numbers with gaps; others unchanged."""
    whole, point, fraction = identifier.partition(".")
    is_whole = point and whole.isascii() and whole.isdigit() and not fraction.strip("0")
    return whole if is_whole else identifier
