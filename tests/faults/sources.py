"""A small archive to disturb runs of: images, copies, what is damaged, tar and zip files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests import builders as b
from tests.pixels import files
from tests.runs import ct_image

# In values, names of files and folders: what nobody without the key may ever read.
CANARY: Final = "CANARYQ7"
_ROOT: Final = "1.2.826.0.1.3680043.10.9"


def write_source(folder: Path, n_patients: int, n_files: int, *, long: int = 0) -> Path:
    """Write images of patients; among them copies, a damaged one, and one that is not DICOM.

    long: bytes of pixel data of one more image, which do not fit into a window.
    """
    for patient in range(n_patients):
        place = folder / f"{CANARY}^Jane{patient}"
        place.mkdir(parents=True)
        for number in range(n_files):
            (place / f"IM{number:04d}").write_bytes(image(patient, number))
    (folder / "copies").mkdir()
    (folder / "copies" / "same").write_bytes(image(0, 0))
    (folder / "copies" / "other").write_bytes(image(0, 0, extra=b"\0" * 8))
    (folder / "cut").write_bytes(image(0, 1)[:-4])
    (folder / f"{CANARY}.txt").write_text(f"Dear Mr. {CANARY}")
    if long:
        (folder / "long").write_bytes(image(0, 999, extra=bytes(long)))
    return folder


def write_archives(folder: Path, n_files: int) -> None:
    """Write three archives of images of one patient each, named after them."""
    for patient, suffix in enumerate((".tar", ".tar.gz", ".zip"), start=50):
        images = {f"{CANARY}^Jane/IM{number}": image(patient, number) for number in range(n_files)}
        path = folder / f"{CANARY}{patient}{suffix}"
        path.write_bytes(_packed(images, suffix))


def _packed(content: dict[str, bytes], suffix: str) -> bytes:
    file = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return file.getvalue()
    with tarfile.open(fileobj=file, mode="w:gz" if suffix.endswith("gz") else "w") as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def image(patient: int, number: int, extra: bytes = b"") -> bytes:
    """Return a CT image with the canary in what identifies."""
    root = f"{_ROOT}.{patient}"
    return b.part10(
        ct_image(
            b.text(0x00080018, "UI", f"{root}.3.{number}"),
            b.text(0x00080050, "SH", f"{CANARY}{patient}"),
            b.text(0x00080080, "LO", f"{CANARY} Hospital"),
            b.text(0x00081030, "LO", f"Chest of {CANARY}"),
            b.text(0x00100010, "PN", f"{CANARY}^Jane{patient}"),
            b.text(0x00100020, "LO", f"{CANARY}-{patient}"),
            b.text(0x0020000D, "UI", f"{root}.1"),
            b.text(0x0020000E, "UI", f"{root}.2"),
            b.element(0x7FE00010, "OW", bytes([number % 256]) * 64 + extra),
        )
    )


def write_pictures(folder: Path, number: int) -> None:
    """Write screen captures with names in their pixels."""
    for one in range(number):
        (folder / f"capture{one}").write_bytes(_picture(one))


def _picture(number: int) -> bytes:
    """Return a screen capture with a name in its pixels: native, or two frames of RLE."""
    uids = {"SOPInstanceUID": f"{_ROOT}.99.3.{number}", "StudyInstanceUID": f"{_ROOT}.99.1"}
    ds = files.attributes(PatientName=f"{CANARY}^Jane", SeriesInstanceUID=f"{_ROOT}.99.2", **uids)
    frame = files.grey(20 + number, 220)
    if number % 2:
        return files.run_length(ds, [frame, frame.T.copy().reshape(frame.shape)])
    return files.written(ds, frame.tobytes())


def places_of_canary(place: Path) -> Iterator[str]:
    """Yield the files of a folder, or the file, that show the canary to who has no key."""
    for path in [place, *(place.rglob("*") if place.is_dir() else ())]:
        if shows(path.name.encode()) or (path.is_file() and shows(path.read_bytes())):
            yield path.name.replace(CANARY, "*")


def shows(data: bytes, words: tuple[str, ...] = (CANARY,)) -> bool:
    """Tell whether data hold a word in any common encoding, in any case."""
    folded = data.upper()
    return any(
        word.encode(encoding) in folded
        for word in words
        for encoding in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le")
    )
