"""Small source trees for tests of runs, and what a run left behind, as bytes to compare."""

from __future__ import annotations

import os
from pathlib import Path

from tests.link_tables import read_link_table

KEY = bytes(range(1, 33))


def write_archive(folder: Path, n_patients: int = 6, n_files: int = 20, fate: str = "ok") -> Path:
    """Write folders named after patients, with files that the fake de-identifier accepts.

    Among them: three equal copies of one instance, two that differ, one file that is no DICOM, one
    that is quarantined, a symbolic link and a FIFO.
    """
    for patient in range(n_patients):
        place = folder / f"Doe^Jane{patient}" / "CT"
        place.mkdir(parents=True)
        for number in range(n_files):
            text = f"{fate} P{patient}/S{patient}/T/{number}\nbytes of {patient} {number}"
            (place / f"IM{number:04d}").write_text(text)
    same = f"{fate} P0/S0/T/0\nbytes of 0 0"
    (folder / "copies").mkdir()
    (folder / "copies" / "A").write_text(same)
    (folder / "copies" / "B").write_text(same)
    (folder / "copies" / "C").write_text(f"{fate} P0/S0/T/0\nother bytes")
    (folder / "A_first").mkdir()
    (folder / "A_first" / "D").write_text(f"{fate} P1/S1/T/1\nother bytes, first in the plan")
    (folder / "README").write_text("not DICOM")
    (folder / "broken").write_text("bad truncated\n...")
    (folder / "link").symlink_to(folder / "README")
    os.mkfifo(folder / "pipe")
    return folder


def write_key(path: Path, key: bytes = KEY) -> Path:
    """Write a key file of mode 0600."""
    path.touch(mode=0o600)
    path.write_bytes(key)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Return path and bytes of every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def result(target: Path) -> dict[str, bytes]:
    """Return what a run leaves for its user: the bytes of the outputs, the rows of all tables."""
    link_table = target.with_name(target.name + ".link-table")
    tables = {
        path.name: repr(read_link_table(path, KEY).to_pydict()).encode()
        for path in sorted(link_table.glob("*.parquet"))
    }
    return tree(target) | {f"link-table/{name}": data for name, data in tables.items()}


def verdicts(target: Path) -> dict[str, tuple[str, str | None]]:
    """Return verdict and reason of every source path."""
    link_table = target.with_name(target.name + ".link-table")
    rows = read_link_table(link_table / "instances.parquet", KEY).to_pylist()
    return {row["source_path"]: (row["verdict"], row["reason"]) for row in rows}
