"""Dummy documents are valid files of their MIME type."""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree as ET

import pytest

from fastdeid.documents import dummy_document
from fastdeid.errors import DicomError

HL7 = "{urn:hl7-org:v3}"


def test_the_pdf_is_found_by_its_cross_reference_table() -> None:
    pdf = dummy_document("application/pdf")
    assert pdf.startswith(b"%PDF-1.4\n")
    assert pdf.endswith(b"%%EOF\n")
    found = re.search(rb"startxref\n(\d+)\n", pdf)
    assert found is not None
    start = int(found[1])
    assert pdf[start : start + 9] == b"xref\n0 6\n"
    entries = [pdf[at : at + 20] for at in range(start + 9, start + 9 + 6 * 20, 20)]
    assert entries[0] == b"0000000000 65535 f \n"
    for number, entry in enumerate(entries[1:], 1):
        assert pdf[int(entry[:10]) :].startswith(b"%d 0 obj\n" % number)
        assert entry[10:] == b" 00000 n \n"


def test_the_stream_of_the_pdf_is_as_long_as_it_says() -> None:
    pdf = dummy_document("application/pdf")
    found = re.search(rb"/Length (\d+) >>\nstream\n(.*)\nendstream", pdf, re.DOTALL)
    assert found is not None
    assert len(found[2]) == int(found[1])
    assert b"(DEIDENTIFIED) Tj" in found[2]


def test_the_cda_has_the_header_that_cda_r2_requires() -> None:
    root = ET.fromstring(dummy_document("text/XML"))
    assert root.tag == f"{HL7}ClinicalDocument"
    children = [child.tag.removeprefix(HL7) for child in root]
    assert children == [
        *("typeId", "id", "code", "title", "effectiveTime", "confidentialityCode"),
        *("recordTarget", "author", "custodian", "component"),
    ]


def test_the_stl_has_one_triangle() -> None:
    stl = dummy_document("model/stl")
    (count,) = struct.unpack_from("<I", stl, 80)
    assert count == 1
    assert len(stl) == 84 + 50 * count
    assert not stl.startswith(b"solid")  # that would be the text form


def test_the_obj_and_mtl_are_wavefront_text() -> None:
    assert dummy_document("model/obj").count(b"\nv ") == 3
    assert b"\nf 1 2 3\n" in dummy_document("model/obj")
    assert b"\nnewmtl " in dummy_document("model/mtl")


@pytest.mark.parametrize(
    "mime_type", ["application/pdf ", "Application/PDF", "application/pdf; charset=binary"]
)
def test_a_mime_type_is_recognised_as_it_is_written(mime_type: str) -> None:
    assert dummy_document(mime_type) == dummy_document("application/pdf")


@pytest.mark.parametrize("mime_type", ["", "image/jpeg", "application/msword", "pdf"])
def test_a_mime_type_without_a_dummy_is_refused(mime_type: str) -> None:
    with pytest.raises(DicomError, match=r"unsupported_mime_type in \(0042,0012\)"):
        dummy_document(mime_type)
