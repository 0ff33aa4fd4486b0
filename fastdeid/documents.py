"""Dummy encapsulated documents, a small valid file of each MIME type (PS3.3 A.45 and A.85)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Final

from fastdeid.errors import DicomError
from fastdeid.tags import MIME_TYPE_OF_ENCAPSULATED_DOCUMENT

_TITLE: Final = b"DEIDENTIFIED"


def _pdf() -> bytes:
    """Return a one-page PDF 1.4 that reads DEIDENTIFIED (ISO 32000-1)."""
    text = b"BT /F1 24 Tf 72 720 Td (" + _TITLE + b") Tj ET"
    resources = b"<< /Font << /F1 5 0 R >> >>"
    bodies = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources %s >>"
        % resources,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(bodies) + 1
    return b"%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n" % (
        out,
        count,
        table,
        count,
    ) + b"startxref\n%d\n%%%%EOF\n" % len(out)


def _cda() -> bytes:
    """Return a CDA Release 2 document without content: header elements required, all unknown."""
    unknown = b'<id nullFlavor="UNK"/>'
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<ClinicalDocument xmlns="urn:hl7-org:v3">\n'
        b'<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>\n'
        b'<id root="2.25.0"/>\n'
        b'<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>\n'
        b"<title>" + _TITLE + b"</title>\n"
        b'<effectiveTime value="19000101"/>\n'
        b'<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>\n'
        b"<recordTarget><patientRole>" + unknown + b"</patientRole></recordTarget>\n"
        b'<author><time nullFlavor="UNK"/><assignedAuthor>'
        + unknown
        + b"</assignedAuthor></author>\n"
        b"<custodian><assignedCustodian><representedCustodianOrganization>"
        + unknown
        + b"</representedCustodianOrganization></assignedCustodian></custodian>\n"
        b"<component><nonXMLBody><text>"
        + _TITLE
        + b"</text></nonXMLBody></component>\n</ClinicalDocument>\n"
    )


def _stl() -> bytes:
    """Return a binary STL of one triangle."""
    triangle = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    return _TITLE.ljust(80, b" ") + struct.pack("<I", 1) + triangle


def _obj() -> bytes:
    """Return a Wavefront OBJ of one triangle."""
    return b"# " + _TITLE + b"\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


def _mtl() -> bytes:
    """Return a Wavefront MTL of one grey material."""
    return b"# " + _TITLE + b"\nnewmtl " + _TITLE + b"\nKd 0.5 0.5 0.5\n"


_MAKERS: Final[dict[str, Callable[[], bytes]]] = {
    "application/pdf": _pdf,
    "text/xml": _cda,
    "application/xml": _cda,
    "model/stl": _stl,
    "application/sla": _stl,
    "model/obj": _obj,
    "model/mtl": _mtl,
}


@cache
def dummy_document(mime_type: str) -> bytes:
    """Return the dummy document of a MIME type, not padded.

    Raises DicomError for a MIME type without a dummy.
    """
    maker = _MAKERS.get(mime_type.partition(";")[0].strip(" \0").lower())
    if maker is None:
        raise DicomError("unsupported_mime_type", MIME_TYPE_OF_ENCAPSULATED_DOCUMENT)
    return maker()
