"""Encapsulated documents are replaced by a valid document of the same kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pydicom.dataset import Dataset

from fastdeid.deidentify import Deidentifier
from fastdeid.verdicts import Verdict
from tests.judges import dciodvfy_errors, require
from tests.runs import PSEUDONYMS, basic_profile
from tests.scenarios.studies import ENCAPSULATED_PDF, deidentify, instance, save

ENCAPSULATED_CDA = "1.2.840.10008.5.1.4.1.1.104.2"
ENCAPSULATED_STL = "1.2.840.10008.5.1.4.1.1.104.3"
ENCAPSULATED_OBJ = "1.2.840.10008.5.1.4.1.1.104.4"
ENCAPSULATED_MTL = "1.2.840.10008.5.1.4.1.1.104.5"


def document(sop_class: str, mime_type: str, content: bytes) -> Dataset:
    return instance(
        sop_class,
        4,
        1,
        "M3D" if sop_class[-1] in "345" else "DOC",
        ConversionType="SD",
        BurnedInAnnotation="YES",
        ContentDate="20170623",
        ContentTime="101112",
        AcquisitionDateTime="20170623101112",
        DocumentTitle="Letter about Mrs. Przybylska",
        ConceptNameCodeSequence=[],
        MIMETypeOfEncapsulatedDocument=mime_type,
        EncapsulatedDocument=content + b"\0" * (len(content) % 2),
        EncapsulatedDocumentLength=len(content),
    )


def is_pdf(data: bytes) -> bool:
    """Follow the cross-reference table (ISO 32000-1 section 7.5.4) to every object."""
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF", data)[-1])
    lines = data[start:].split(b"\n")
    count = int(lines[1].split()[1])
    offsets = [int(line[:10]) for line in lines[3 : 2 + count]]
    objects = [b"%d 0 obj" % number for number in range(1, count)]
    found = zip(offsets, objects, strict=True)
    return data.startswith(b"%PDF-1.") and all(data[at:].startswith(name) for at, name in found)


def is_cda(data: bytes) -> bool:
    return ET.fromstring(data).tag == "{urn:hl7-org:v3}ClinicalDocument"


def is_stl(data: bytes) -> bool:
    n_triangles = int.from_bytes(data[80:84], "little")
    return len(data) == 84 + 50 * n_triangles > 84


def is_obj(data: bytes) -> bool:
    kinds = [line.split()[0] for line in data.split(b"\n") if line]
    return kinds.count(b"v") >= 3 and kinds.count(b"f") >= 1


def is_mtl(data: bytes) -> bool:
    return b"newmtl " in data


@pytest.mark.parametrize(
    ("sop_class", "mime_type", "is_valid"),
    [
        (ENCAPSULATED_PDF, "application/pdf", is_pdf),
        (ENCAPSULATED_CDA, "text/XML", is_cda),
        (ENCAPSULATED_STL, "model/stl", is_stl),
        (ENCAPSULATED_OBJ, "model/obj", is_obj),
        (ENCAPSULATED_MTL, "model/mtl", is_mtl),
    ],
)
@pytest.mark.parametrize("length", [101, 300_000])
def test_the_document_is_a_valid_dummy_of_its_type(
    tmp_path: Path,
    sop_class: str,
    mime_type: str,
    is_valid: Callable[[bytes], bool],
    length: int,
) -> None:
    original = b"%PDF-1.4 Secret letter " + b"about Mrs. Przybylska " * (length // 22)
    ((outcome, output),) = deidentify(tmp_path, [document(sop_class, mime_type, original)])
    data = output.EncapsulatedDocument[: output.EncapsulatedDocumentLength]
    assert is_valid(data)
    assert len(output.EncapsulatedDocument) - len(data) in {0, 1}
    assert output.MIMETypeOfEncapsulatedDocument == mime_type
    assert output.DocumentTitle == ""
    whole = (tmp_path / "target" / outcome.path).read_bytes()
    for word in (b"Secret", b"Przybylska", b"Letter"):
        assert word not in whole
    assert outcome.output_size == len(whole) < 4000


def test_a_document_of_an_unknown_type_is_quarantined(tmp_path: Path) -> None:
    source = save(document(ENCAPSULATED_PDF, "application/msword", b"Secret"), tmp_path / "a.dcm")
    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, tmp_path / "target")
    outcome = deidentifier.process(bytes(source))
    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "unsupported_mime_type")
    assert not list(tmp_path.glob("target/**/*"))


def test_a_document_stays_a_valid_instance(tmp_path: Path) -> None:
    require("dciodvfy")
    ((outcome, _),) = deidentify(
        tmp_path, [document(ENCAPSULATED_PDF, "application/pdf", b"%PDF-1.4 Secret letter")]
    )
    before = dciodvfy_errors(tmp_path / "source" / "000.dcm")
    after = dciodvfy_errors(tmp_path / "target" / outcome.path)
    assert after - before == {}
