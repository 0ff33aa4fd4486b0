"""`make demo`: build a sample archive, de-identify it, and show where everything is.

Everything stands below `build/demo`, so that a user can look around afterwards.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import pydicom
from pydicom.dataset import Dataset

from bench.sample_archive import SCREEN_CAPTURE, build_sample_archive
from fastdeid.link_table import open_link_table

FOLDER = Path("build/demo")
# Exit code 3 says that some files were quarantined: the archive holds a damaged one.
ACCEPTED = (0, 3)
SHOWN = """
    PatientName PatientID PatientBirthDate AccessionNumber ReferringPhysicianName InstitutionName
    StudyDescription ContrastBolusRoute StudyDate StudyInstanceUID SOPInstanceUID
    OtherPatientIDsSequence Modality SliceThickness Rows Columns
    PatientIdentityRemoved DeidentificationMethod LongitudinalTemporalInformationModified
    """.split()


def fastdeid(*arguments: str) -> None:
    """Run the command line as a user would, after showing it."""
    print("\n$ fastdeid", *arguments, flush=True)
    command = [sys.executable, "-m", "fastdeid", *arguments]
    code = subprocess.run(command, check=False).returncode
    if code not in ACCEPTED:
        sys.exit(code)


def main() -> None:
    """Build, run, show."""
    warnings.simplefilter("ignore")  # pydicom has much to say about what is planted
    archive, target, key = FOLDER / "archive", FOLDER / "deidentified", FOLDER / "PROJECT.key"
    links = FOLDER / "deidentified.link-table"
    for folder in (target, links):
        shutil.rmtree(folder, ignore_errors=True)
    count = build_sample_archive(archive)
    print(f"{count} files in {archive}, in folders such as {next(iter(sorted(archive.iterdir())))}")
    if not key.exists():
        fastdeid("keygen", str(key))
    fastdeid("run", str(archive), str(target), "--key", str(key))
    show_header(archive, target, links, key)
    show_pixels(archive, target, links, key)
    print(f"\noutputs            {target}")
    print(f"research manifest  {target / 'manifest.parquet'} (no PHI)")
    print(f"link table         {links} (PHI, encrypted)")


def show_header(archive: Path, target: Path, links: Path, key: Path) -> None:
    """Print some attributes of one instance before and after, side by side."""
    rows = open_link_table(links, key).instances.to_table().to_pylist()
    # The one that the leak check had most to do with.
    row = max((row for row in rows if row["verdict"] == "ok"), key=lambda row: row["n_cleaned"])
    before = pydicom.dcmread(archive / row["source_path"])
    after = pydicom.dcmread(target / row["output_path"])
    print(f"\nbefore  {archive / row['source_path']}\nafter   {target / row['output_path']}\n")
    for keyword in SHOWN:
        print(f"{keyword:40}{shown(before, keyword):42}{shown(after, keyword)}")
    private = [sum(element.tag.is_private for element in ds) for ds in (before, after)]
    print(f"{'private elements':40}{private[0]:<42}{private[1]}")


def show_pixels(archive: Path, target: Path, links: Path, key: Path) -> None:
    """Write the screen capture before and after as pictures; print what was masked."""
    rows = open_link_table(links, key).instances.to_table().to_pylist()
    row = next(row for row in rows if row["source_path"].endswith(SCREEN_CAPTURE))
    paths = archive / row["source_path"], target / row["output_path"]
    frames = [pydicom.dcmread(path).pixel_array[0] for path in paths]
    print("\nA name burnt into the pixels of a screen capture, masked in every frame:\n")
    for name, frame in zip(("before", "after"), frames, strict=True):
        cv2.imwrite(str(FOLDER / f"screen-{name}.png"), frame)
        print(f"{name:8}{FOLDER / f'screen-{name}.png'}")
    for box in json.loads(row["masks"]):
        where = f"rows {box['top']} to {box['bottom']}, columns {box['left']} to {box['right']}"
        numbers = f"frames {box['first_frame']} to {box['last_frame']}"
        print(f"        {numbers}, {where}: {box['reason']}, score {box['score']:.2f}")


def shown(ds: Dataset, keyword: str) -> str:
    """Return the value of an attribute in at most 40 characters, "-" when it is absent."""
    if keyword not in ds:
        return "-"
    value = ds[keyword].value
    if isinstance(value, pydicom.Sequence):
        return f"{len(value)} item(s)"
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


if __name__ == "__main__":
    main()
