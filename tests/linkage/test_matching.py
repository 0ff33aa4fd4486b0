"""Tables against the link table: which rows have no images, and why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fastdeid.errors import InputError, KeyFileError
from fastdeid.link_table import open_link_table
from fastdeid.linkage.known import Unmatched, open_known
from fastdeid.pseudonyms import Pseudonyms
from tests.conversion.archive import write_key
from tests.linkage.released import PATIENTS, Released, code, site_table
from tests.linkage.tables import PSEUDONYMS, linked, write_csv

OTHER_KEY = bytes(range(2, 34))


def test_rows_without_images_are_counted_and_listed(tmp_path: Path, released: Released) -> None:
    listing = tmp_path / "unmatched.csv"
    made = linked(
        site_table(tmp_path),
        issuer="CLINIC",
        accession="acc",
        known=open_known(released.link_table, PSEUDONYMS),
        listing=listing,
    )
    found = made.linked
    assert (found.rows, found.unmatched_patients, found.unmatched_accessions) == (8, 2, 2)
    assert found.patients_without_rows == 0
    assert found.unmatched == Unmatched(looked_at=1)
    assert {row["patient"] for row in made.rows} >= {code(patient) for patient in PATIENTS}
    assert listing.read_text().splitlines() == [
        "row,reason,patient_id,issuer,accession_number",
        "7,patient_without_images,9999,CLINIC,ACC-9999-1",
        "8,patient_without_images,9999,CLINIC,ACC-9999-2",
        "7,accession_without_images,9999,CLINIC,ACC-9999-1",
        "8,accession_without_images,9999,CLINIC,ACC-9999-2",
    ]


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ("0011\n0012\n", Unmatched(looked_at=2, other_issuer=2)),
        ("11\n", Unmatched(looked_at=1, leading_zeros=1)),
        ("11.0\n", Unmatched(looked_at=1, fraction=1)),
        ("4711\n", Unmatched(looked_at=1)),
    ],
)
def test_why_patients_have_no_images_is_told(
    tmp_path: Path, released: Released, ids: str, why: Unmatched
) -> None:
    known = open_known(released.link_table, PSEUDONYMS)
    made = linked(write_csv(tmp_path, "mrn\n" + ids), known=known)
    assert made.linked.unmatched == why
    assert made.linked.patients_without_rows == 3


def test_another_key_is_refused(tmp_path: Path, released: Released) -> None:
    other = write_key(tmp_path / "other.key", OTHER_KEY)
    with pytest.raises(KeyFileError, match="another project key"):
        open_link_table(released.link_table, other)
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in released.link_table.glob("*.parquet"):
        shutil.copy(path, moved)
    with pytest.raises(KeyFileError, match="another project key"):
        open_link_table(moved, OTHER_KEY)
    with pytest.raises(KeyFileError, match="another project key"):
        open_known(moved, Pseudonyms(OTHER_KEY))
    assert open_link_table(moved, released.key).identities.count_rows() > 0


def test_a_link_table_that_is_not_whole_is_refused(tmp_path: Path, released: Released) -> None:
    with pytest.raises(InputError, match=r"no instances\.parquet"):
        open_link_table(tmp_path, released.key)
    (tmp_path / "instances.parquet").write_bytes(b"Doe^Jane")
    with pytest.raises(InputError, match="cannot be read"):
        open_link_table(tmp_path, released.key)
