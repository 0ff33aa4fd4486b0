"""A small finished run over real DICOM files, for what is made from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pydicom

from fastdeid.engines import local
from fastdeid.pseudonyms import Pseudonyms
from tests import builders as b
from tests.conversion.archive import write_key
from tests.linkage.tables import KEY, write_csv
from tests.runs import ct_image

PATIENTS = ("0011", "0012", "0013")
RADIOGRAPH = "1.2.840.10008.5.1.4.1.1.7"
_ROOT = "1.2.826.0.1.3680043.10.7"


class Released(NamedTuple):
    """Where a run has put what, and who its patients were."""

    target: Path
    link_table: Path
    key: Path

    @property
    def outputs(self) -> list[pydicom.Dataset]:
        """The outputs, sorted by path."""
        return [pydicom.dcmread(path) for path in sorted(self.target.rglob("*.dcm"))]


def release(
    folder: Path,
    *,
    profile: str = "basic",
    crosswalk: Path | None = None,
    verdicts: Mapping[str, int] | None = None,
) -> Released:
    """De-identify three patients of issuer CLINIC with two studies of one and three instances.

    verdicts: that the run must come to, by default all are ok.
    """
    source = folder / "source"
    for number, patient in enumerate(PATIENTS):
        for study in (1, 2):
            for instance in range(1, 2 * study):
                place = source / patient / str(study)
                place.mkdir(parents=True, exist_ok=True)
                data = _instance(patient, f"{_ROOT}.{number + 1}.{study}", study, instance)
                (place / f"IM{instance}").write_bytes(data)
    key = write_key(folder / "PROJECT.key", KEY)
    target = folder / "target"
    options: Any = {"profile": profile, "crosswalk": crosswalk, "pixels": "off"}
    summary = local.run(source, target, key=key, workers=0, **options)
    assert summary.verdicts == (verdicts or {"ok": 12})
    return Released(target, folder / "target.link-table", key)


def _instance(patient: str, study: str, number: int, instance: int) -> bytes:
    return b.part10(
        ct_image(
            b.text(0x00080018, "UI", f"{study}.9.{instance}"),
            b.text(0x00080020, "DA", "20240301"),
            b.text(0x00080050, "SH", f"ACC-{patient}-{number}"),
            b.text(0x00100010, "PN", f"Doe^Jane{patient}"),
            b.text(0x00100020, "LO", patient),
            b.text(0x00100021, "LO", "CLINIC"),
            b.text(0x00180015, "CS", "CHEST"),
            b.text(0x0020000D, "UI", study),
            b.text(0x0020000E, "UI", f"{study}.9"),
            b.text(0x00200011, "IS", str(number)),
            b.text(0x00200013, "IS", str(instance)),
            b.number(0x00280010, "US", 2),
            b.number(0x00280011, "US", 2),
            b.number(0x00280002, "US", 1),
            b.text(0x00280004, "CS", "MONOCHROME2"),
            b.number(0x00280100, "US", 16),
            b.number(0x00280101, "US", 16),
            b.number(0x00280102, "US", 15),
            b.number(0x00280103, "US", 0),
        )
    )


def code(patient: str) -> str:
    """Return the pseudonym of a patient of the run."""
    return Pseudonyms(KEY).patient(patient, "CLINIC")


def site_table(folder: Path) -> Path:
    """Write a table of the site: a row per study, one of a patient without images."""
    rows = [
        f"{patient},ACC-{patient}-{study},2024-03-{study:02},{study}.5,Jane{patient} Doe"
        for patient in (*PATIENTS, "9999")
        for study in (1, 2)
    ]
    return write_csv(folder, "mrn,acc,taken,value,name\n" + "\n".join(rows) + "\n")
