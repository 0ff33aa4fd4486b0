"""Archives to read, as bytes, and what a walk finds in them."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from fastdeid import plan
from fastdeid.engines import local
from fastdeid.listing import Entry
from tests.conversion.archive import tree, write_key
from tests.verification.release import PATIENTS, a_file

Files = dict[str, bytes]
KEY: Final = bytes(range(1, 33))
MODES: Final = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz"}
FORMATS: Final = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}


def files(n_patients: int = 2, n_instances: int = 3) -> Files:
    """Return files of patients, in folders with their names, and something else."""
    found = {
        f"{patient.name}/{number:03}": a_file(patient, number, "native")
        for patient in PATIENTS[:n_patients]
        for number in range(n_instances)
    }
    return {**found, "README": b"no DICOM"}


def tar_bytes(
    content: Files, suffix: str = ".tar", form: str = "pax", more: tuple[tarfile.TarInfo, ...] = ()
) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=MODES[suffix], format=FORMATS[form]) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return file.getvalue()


def zip_bytes(content: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def write_files(folder: Path, content: Files) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def run(source: Path, target: Path) -> dict[str, bytes]:
    """De-identify in this process; return the outputs and the manifest."""
    key = target.with_suffix(".key")
    if not key.exists():
        write_key(key, KEY)
    local.run(source, target, key=key, workers=0, pixels="off", sync=False)
    return tree(target)


def walk(source: Path) -> list[Entry]:
    return list(plan.walk(os.fsencode(source)))


def reasons(path: Path) -> dict[str, str]:
    """Return the reasons of what a walk of one archive finds, by name; "" is the archive itself."""
    return {one.path.decode().removeprefix("/"): one.reason for one in walk(path)}
