"""The link table is closed to whoever has not the key, and open to whoever has."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from fastdeid import manifest
from fastdeid.engines.local import run
from fastdeid.errors import FastdeidError, KeyFileError, UsageError
from fastdeid.link_table import open_link_table
from fastdeid.link_table_files import TABLES, export, locks, rotate
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing, assert_encrypted, is_encrypted
from tests.conversion.archive import KEY, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier

OTHER = bytes(range(2, 34))
N_ROWS = 6 + 8


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Return the link table of a finished run, beside its key and TARGET."""
    source = write_archive(tmp_path / "source", n_patients=2, n_files=3)
    key = write_key(tmp_path / "P.key")
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    return tmp_path / "out.link-table"


def test_no_byte_of_it_tells_a_path_a_column_or_a_pseudonym(links: Path) -> None:
    for path in links.rglob("*"):
        if path.is_file() and path.name != "run.json":
            content = path.read_bytes()
            for told in (b"Doe^Jane", b"IM0001", b"original_patient_name", b"P0/S0"):
                assert told not in content, path.name


def test_it_opens_as_a_data_set_with_the_key_only(links: Path) -> None:
    table = open_link_table(links, KEY)
    assert table.instances.count_rows() == N_ROWS
    found = table.instances.to_table(["source_path"], filter=pc.field("verdict") == "ok")
    assert "Doe^Jane0/CT/IM0001" in found.column("source_path").to_pylist()
    with pytest.raises(KeyFileError, match="another project key"):
        open_link_table(links, OTHER)
    with pytest.raises(OSError, match="encrypted"):
        pq.read_table(links / "instances.parquet")


def test_duckdb_and_polars_read_it(links: Path) -> None:
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    instances = open_link_table(links, KEY).instances
    query = "SELECT count(*) FROM instances WHERE source_path LIKE 'Doe%'"
    assert duckdb.sql(query).fetchall() == [(6,)]
    scanned = polars.scan_pyarrow_dataset(instances)
    names = polars.col("source_path").str.starts_with("Doe")
    assert scanned.filter(names).collect().height == 6


def test_every_column_that_is_phi_or_unknown_must_be_listed() -> None:
    names = [column.name for column in manifest.INSTANCES.columns]
    phi = [column.name for column in manifest.INSTANCES.columns if column.disclosure == "PHI"]
    assert_encrypted(manifest.INSTANCES, names, phi)
    for missing in phi:
        with pytest.raises(FastdeidError, match=missing):
            assert_encrypted(manifest.INSTANCES, names, set(phi) - {missing})
    with pytest.raises(FastdeidError, match="nickname"):
        Sealing(Pseudonyms(KEY)).encryption(manifest.INSTANCES, [*names, "nickname"])


def test_a_part_opens_under_its_own_name_and_key_only() -> None:
    ours, theirs = Sealing(Pseudonyms(KEY)), Sealing(Pseudonyms(OTHER))
    sealed = ours.seal(b"Doe^Jane", "part-00001.arrow")
    assert ours.unseal(sealed, "part-00001.arrow") == b"Doe^Jane"
    assert sealed != ours.seal(b"Doe^Jane", "part-00001.arrow")
    with pytest.raises(ValueError, match="another key"):
        theirs.unseal(sealed, "part-00001.arrow")
    with pytest.raises(ValueError, match="another key"):
        ours.unseal(sealed, "part-00002.arrow")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(ValueError, match="sealed"):
            ours.unseal(changed, "part-00001.arrow")
        with pytest.raises(ValueError, match="sealed"):
            ours.unseal(sealed[:at], "part-00001.arrow")


def test_rotation_gives_new_keys_and_the_same_rows(links: Path) -> None:
    before = {one.file: one.master for one in locks(links, Pseudonyms(KEY))}
    rows = open_link_table(links, KEY).instances.to_table()
    after = rotate(links, Pseudonyms(KEY))
    assert all(one.opens and one.master != before[one.file] for one in after)
    assert open_link_table(links, KEY).instances.to_table().equals(rows)
    for table in TABLES:
        assert stat.S_IMODE((links / table.file).stat().st_mode) == 0o600
    # The run is finished still.
    key, source = links.parent / "P.key", links.parent / "source"
    again = run(source, links.parent / "out", key=key, workers=0, make=FakeDeidentifier)
    assert again.state == "unchanged"


def test_rotation_can_take_the_encryption_off_and_put_it_on(links: Path) -> None:
    rotate(links, Pseudonyms(KEY), "none")
    assert not is_encrypted(links / "instances.parquet")
    assert pq.read_metadata(links / "instances.parquet").num_rows == N_ROWS
    assert open_link_table(links, KEY).instances.count_rows() == N_ROWS
    with pytest.raises(UsageError, match="key of the link table"):
        run_again(links)
    rotate(links, Pseudonyms(KEY))
    assert is_encrypted(links / "instances.parquet")
    assert run_again(links) == "unchanged"


def run_again(links: Path) -> str:
    folder = links.parent
    arguments = (folder / "source", folder / "out")
    return run(*arguments, key=folder / "P.key", workers=0, make=FakeDeidentifier).state


def test_another_key_neither_rotates_nor_exports(links: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in links.glob("*.parquet")}
    with pytest.raises(KeyFileError):
        rotate(links, Pseudonyms(OTHER))
    with pytest.raises(KeyFileError):
        export(links, tmp_path / "plain", Pseudonyms(OTHER))
    assert {path.name: path.read_bytes() for path in links.glob("*.parquet")} == before
    assert not [path for path in (tmp_path / "plain").rglob("*") if path.is_file()]
    assert not any(one.opens for one in locks(links, Pseudonyms(OTHER)))


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_an_export_is_readable_and_private(links: Path, tmp_path: Path, form: str) -> None:
    written = export(links, tmp_path / "plain", Pseudonyms(KEY), form=form)
    assert written[f"instances.{form}"] == N_ROWS
    path = tmp_path / "plain" / f"instances.{form}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if form == "csv":
        assert "Doe^Jane0/CT/IM0001" in path.read_text()
    else:
        expected = open_link_table(links, KEY).instances.to_table()
        assert pq.read_table(path).equals(pa.table(expected))
    with pytest.raises(UsageError, match="never overwritten"):
        export(links, tmp_path / "plain", Pseudonyms(KEY), form=form)


def test_a_run_under_another_key_is_refused(links: Path) -> None:
    other = write_key(links.parent / "other.key", OTHER)
    folder = links.parent
    with pytest.raises(KeyFileError):
        run(folder / "source", folder / "out", key=other, workers=0, make=FakeDeidentifier)


@pytest.mark.parametrize(("name", "value"), [("fastdeid_version", "0.0.0"), ("profile_digest", "")])
def test_another_version_or_profile_does_not_go_on(links: Path, name: str, value: str) -> None:
    settings = links / "work" / "run.json"
    text = settings.read_text()
    start = text.index(f'"{name}": "') + len(name) + 5
    end = text.index('"', start)
    settings.write_text(text[:start] + value + text[end:])
    os.unlink(links / "work" / "summary.json")
    with pytest.raises(UsageError, match="version"):
        run_again(links)
