"""Tables as sites have them, and what `link` makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fastdeid.linkage.link import Columns, Linked, link
from fastdeid.pseudonyms import Pseudonyms

KEY = bytes(range(32))
PSEUDONYMS = Pseudonyms(KEY)


def write_csv(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    """Write a CSV file as it stands."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_parquet(folder: Path, name: str = "table.parquet", **columns: Any) -> Path:
    """Write columns, lists or Arrow arrays, as a Parquet file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


class Made:
    """A linked table: its rows, and what was said of it."""

    def __init__(self, path: Path, linked: Linked) -> None:
        self.path = path
        self.linked = linked
        self.table = pq.read_table(path)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return list(self.table.to_pylist())

    def of(self, patient_id: str, issuer: str = "") -> list[dict[str, Any]]:
        """Return the rows of one patient, named by the original ID."""
        code = PSEUDONYMS.patient(patient_id, issuer)
        return [row for row in self.rows if row["patient"] == code]


def linked(table: Path, *, patient_id: str = "mrn", **options: Any) -> Made:
    """Link a table into a file beside it; options are those of Columns and of `link`."""
    names = set(Columns.__struct_fields__)
    columns = {name: options.pop(name) for name in list(options) if name in names}
    out = table.parent / "linked.parquet"
    options.setdefault("pseudonyms", PSEUDONYMS)
    result = link(table, out, columns=Columns(patient_id=patient_id, **columns), **options)
    return Made(out, result)


def offset(patient_id: str, issuer: str = "") -> int:
    """Return the date offset of a patient, in days."""
    return PSEUDONYMS.date_offset(PSEUDONYMS.patient(patient_id, issuer))
