"""A release of ten patients with thirty instances each, made by a whole run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastdeid.engines import local, verifying
from fastdeid.keys import write_key
from tests import builders as b
from tests.link_tables import read_link_table

JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_2000: Final = "1.2.840.10008.1.2.4.90"
N_INSTANCES: Final = 30
SIDE: Final = 32

# A start of image, a scan of made-up data, an end of image: what a reader of markers needs.
SCAN: Final = bytes.fromhex("ffda0008010100003f00") + bytes(range(1, 255)) * 4
JPEG: Final = b"\xff\xd8" + SCAN + b"\xff\xd9"
SIZE: Final = bytes.fromhex("ff51002f0000") + bytes(43)
TILE: Final = bytes.fromhex("ff90000a0000000000000001ff93") + bytes(range(200))
CODE_STREAM: Final = b"\xff\x4f" + SIZE + TILE + b"\xff\xd9"


@dataclass(frozen=True)
class Patient:
    """Originals of one patient, and the character set that their files declare."""

    name: str
    identifier: str
    birth_date: str
    study_date: str
    charset: str = "ISO_IR 100"
    codec: str = "latin_1"

    @property
    def number(self) -> int:
        """Place among all patients."""
        return PATIENTS.index(self)

    @property
    def accession(self) -> str:
        """Accession Number."""
        return f"AX9981{self.number}345"

    @property
    def study(self) -> str:
        """Study Instance UID."""
        return f"1.2.826.0.1.3680043.10.7.{self.number}.1"

    @property
    def phone(self) -> str:
        """Telephone number."""
        return f"+49 89 4400-7{self.number}55"

    @property
    def institution(self) -> str:
        """Institution Name."""
        return f"Sankt Nepomuk Klinik {self.number}"

    def instance(self, number: int) -> str:
        """Return the SOP Instance UID of an instance."""
        return f"1.2.826.0.1.3680043.10.7.{self.number}.3.{number}"


PATIENTS: Final = (
    Patient("Przybylska^Wilhelmine", "ZQ-5551237", "19431107", "20170623"),
    Patient("Müßiggang^Søren", "1209876", "19881225", "20180114"),
    Patient("O'Hanrahan^Siobhan", "MRN8823561", "19491102", "20151231"),
    Patient("Okonkwo-Leclair^Adaeze", "0055301424", "20010919", "20210228"),
    Patient("Li^Wei", "K-77120", "19700505", "20190808"),
    Patient("Nguyễn^Thị Hương", "VN441-12", "19660101", "20160404", "ISO_IR 192", "utf_8"),
    Patient("Иванова^Ольга", "700-81-3", "19920330", "20200920", "ISO_IR 144", "iso8859_5"),
    Patient("Fitz^Ann^Marie", "A1B2C3D4", "19350712", "20111111"),
    Patient("Björnsdóttir^Þórunn", "9911223", "19771023", "20130307"),
    Patient("Head^Axel", "HX-000917", "19591208", "20140523"),
)


def text(tag: int, vr: str, value: str, patient: Patient) -> bytes:
    """Return an element of text in the patient's character set."""
    raw = value.encode(patient.codec)
    return b.element(tag, vr, raw + b" " * (len(raw) % 2))


def data_set(patient: Patient, number: int, pixels: bytes) -> bytes:
    """Return a CT image with everything that identifies."""
    identity = text(0x00080080, "LO", patient.institution, patient)
    item = b.item(b.text(0x00080100, "SH", "T-D1100") + b.text(0x00080104, "LO", "Chest"))
    return b"".join(
        (
            b.text(0x00080005, "CS", patient.charset),
            b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
            b.text(0x00080016, "UI", b.CT_IMAGE_STORAGE),
            b.text(0x00080018, "UI", patient.instance(number)),
            b.text(0x00080020, "DA", patient.study_date),
            b.text(0x00080050, "SH", patient.accession),
            b.text(0x00080060, "CS", "CT"),
            b.text(0x00080070, "LO", "ACME Imaging"),
            identity,
            b.sequence(0x00082218, [item]),
            text(0x00100010, "PN", patient.name, patient),
            b.text(0x00100020, "LO", patient.identifier),
            b.text(0x00100030, "DA", patient.birth_date),
            b.text(0x00102154, "SH", patient.phone),
            b.text(0x00180060, "DS", "120"),
            b.text(0x0020000D, "UI", patient.study),
            b.text(0x0020000E, "UI", patient.study[:-1] + "2"),
            b.text(0x00200013, "IS", str(number)),
            b.number(0x00280002, "US", 1),
            b.text(0x00280004, "CS", "MONOCHROME2"),
            b.number(0x00280010, "US", SIDE),
            b.number(0x00280011, "US", SIDE),
            b.number(0x00280100, "US", 8),
            b.number(0x00280101, "US", 8),
            pixels,
        )
    )


def a_file(patient: Patient, number: int, form: str) -> bytes:
    """Return a file. form: "native", "jpeg", "jpeg 2000" or "deflated"."""
    native = b.element(0x7FE00010, "OB", bytes(24 * SIDE) + bytes(range(256)))
    if form == "jpeg":
        return encapsulated(patient, number, JPEG_BASELINE, JPEG)
    if form == "jpeg 2000":
        return encapsulated(patient, number, JPEG_2000, CODE_STREAM)
    encoding = b.DEFLATED if form == "deflated" else b.EXPLICIT
    return b.part10(data_set(patient, number, native), encoding)


def encapsulated(patient: Patient, number: int, syntax: str, stream: bytes) -> bytes:
    """Return a file with one fragment."""
    pixels = b.fragments(0x7FE00010, [stream + bytes(len(stream) % 2)])
    return b.part10(data_set(patient, number, pixels), meta=b.file_meta(syntax))


@dataclass(frozen=True)
class Release:
    """The folders of a finished run; `outputs` by patient and number of the instance."""

    folder: Path
    outputs: dict[tuple[int, int], str]

    @property
    def target(self) -> Path:
        """The folder of the outputs."""
        return self.folder / "target"

    def path(self, patient: Patient, number: int) -> Path:
        """Return the output of an instance."""
        return self.target / self.outputs[patient.number, number]

    def verify(self, **options: object) -> verifying.Verification:
        """Verify it in this process."""
        given = {"source": self.folder / "source", "workers": 0, "use_dciodvfy": False, **options}
        return verifying.verify(
            self.target,
            link_table=self.folder / "target.link-table",
            key=self.folder / "project.key",
            **given,  # type: ignore[arg-type]
        )


def make(folder: Path, forms: dict[int, str]) -> Release:
    """Write the source and de-identify it. forms: of instances that are not native."""
    for patient in PATIENTS:
        place = folder / "source" / patient.name
        place.mkdir(parents=True)
        for number in range(N_INSTANCES):
            data = a_file(patient, number, forms.get(number, "native"))
            (place / f"{number:03}").write_bytes(data)
    write_key(folder / "project.key")
    summary = local.run(
        folder / "source",
        folder / "target",
        key=folder / "project.key",
        workers=0,
        pixels="off",
        digests=True,
    )
    assert summary.verdicts == {"ok": len(PATIENTS) * N_INSTANCES}
    instances = folder / "target.link-table" / "instances.parquet"
    rows = read_link_table(instances, folder / "project.key").to_pylist()
    outputs = {}
    for row in rows:
        name, number = os.path.split(row["source_path"])
        patient = next(one for one in PATIENTS if one.name == name)
        outputs[patient.number, int(number)] = row["output_path"]
    return Release(folder, outputs)
