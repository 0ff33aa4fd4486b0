"""Tables as they come: delimiters, encodings, folders, huge cells, and tables that are broken."""

from __future__ import annotations

import gzip
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastdeid import tabular
from fastdeid.errors import FastdeidError, InputError, UsageError
from fastdeid.linkage import grouped
from fastdeid.linkage.link import Columns, link
from fastdeid.tabular import Table
from tests.linkage.tables import PSEUDONYMS, Made, linked, write_csv, write_parquet


def notes(made: Made, patient_id: str) -> list[str]:
    """Return the kept notes of a patient."""
    return [row["note"] for row in made.of(patient_id)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_delimiter_and_byte_order_mark_are_found(
    tmp_path: Path, delimiter: str, start: bytes
) -> None:
    text = '"mrn";x;note\n007;1.5;"a;b"\n'.replace(";", delimiter)
    made = linked(write_csv(tmp_path, start + text.encode()), keep=("note",))
    assert notes(made, "007") == [f"a{delimiter}b"]


def test_quotes_line_breaks_and_nuls_in_values_are_text(tmp_path: Path) -> None:
    made = linked(
        write_csv(tmp_path, 'mrn,note\n1,"two\nlines"\n"2","say ""x"""\n3\0,a\0b\n'), keep=("note",)
    )
    assert [notes(made, patient) for patient in "123"] == [["two\nlines"], ['say "x"'], ["a\0b"]]


@pytest.mark.parametrize(
    ("encoding", "option"), [("utf-16", "utf-8"), ("latin-1", "latin-1"), ("cp1252", "cp1252")]
)
def test_other_encodings_are_read(tmp_path: Path, encoding: str, option: str) -> None:
    table = write_csv(tmp_path, "mrn,note\nMüller,Größe\n".encode(encoding))
    assert notes(linked(table, keep=("note",), encoding=option), "Müller") == ["Größe"]


def test_compressed_csv_is_read(tmp_path: Path) -> None:
    table = write_csv(tmp_path, gzip.compress(b"mrn,note\n1,a\n"), "table.csv.gz")
    assert notes(linked(table, keep=("note",)), "1") == ["a"]


def test_null_texts_are_named(tmp_path: Path) -> None:
    made = linked(write_csv(tmp_path, "mrn,note\nNULL,a\nNA,b\n"), keep=("note",), null=["NULL"])
    assert made.linked.without_patient == 1
    assert notes(made, "NA") == ["b"]


def test_a_huge_cell_is_a_value_and_a_larger_one_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "BLOCK_BYTES", 1 << 20)
    text = "mrn,note\n1," + "x" * 900_000 + "\n2,y\n"
    assert [
        len(note) for note in notes(linked(write_csv(tmp_path, text), keep=("note",)), "1")
    ] == [900_000]
    with pytest.raises(InputError, match="longer than 1 MiB"):
        linked(write_csv(tmp_path / "b", "mrn,note\n1,a\n2," + "x" * 3_000_000 + "\n"))


def test_a_partitioned_folder_is_one_table_whose_keys_are_text(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_parquet(folder / "mrn=007" / "year=2020", note=["a"])
    write_parquet(folder / "mrn=7" / "year=2020", note=["b", "c"])
    write_parquet(folder / "mrn=a%2Fb" / "year=2021", note=["d"])
    write_csv(folder / "_temporary", "broken", "x.csv")
    (folder / "_SUCCESS").touch()
    made = linked(folder, keep=("note", "year"))
    assert notes(made, "007") == ["a"]
    assert sorted(notes(made, "7")) == ["b", "c"]
    assert [row["year"] for row in made.of("a/b")] == ["2021"]


def test_files_of_a_folder_may_spell_ids_in_different_types(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_parquet(folder, "a.parquet", mrn=["1"], note=["a"])
    write_parquet(folder, "b.parquet", mrn=[1], note=pa.array(["b"]).dictionary_encode())
    write_csv(folder, "note,mrn\nc,1\n", "c.csv")
    assert sorted(notes(linked(folder, keep=("note",)), "1")) == ["a", "b", "c"]


def test_files_of_a_folder_with_other_values_in_a_kept_column_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_parquet(folder, "a.parquet", mrn=["1"], note=[1])
    write_parquet(folder, "b.parquet", mrn=["1"], note=["secret"])
    with pytest.raises(InputError, match="differ in column 'note'") as refused:
        linked(folder, keep=("note",))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'mrn'"),
        ("Doe,Jane\n1,2\n", "no column 'mrn'"),
        ("mrn,mrn\n1,2\n", "more than one column 'mrn'"),
        ("mrn,x\n1,2\nDoe,Jane,3\n", "another number of columns"),
        (b"mrn,x\n1,\xff\n", "character encoding"),
        (b"PAR1Doe,Jane", "damaged"),
        (b"PAR1Doe,JanePAR1", "damaged"),
    ],
)
def test_a_broken_table_is_an_error_that_shows_no_value(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(FastdeidError, match=message) as refused:
        linked(write_csv(tmp_path, text), keep=("x",) if b"x" in bytes(str(text), "utf-8") else ())
    assert "Doe" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_an_empty_table_gives_an_empty_table(tmp_path: Path) -> None:
    made = linked(write_csv(tmp_path, "mrn,d\n"), dates=("d",))
    assert made.table.num_rows == 0
    assert made.table.column_names == ["patient", "d"]


def test_an_empty_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="holds no table"):
        linked(tmp_path / "data")


def test_the_output_does_not_become_part_of_the_table(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data", mrn=["1"])
    with pytest.raises(UsageError, match="part of it"):
        link(
            tmp_path / "data",
            tmp_path / "data" / "out.parquet",
            pseudonyms=PSEUDONYMS,
            columns=Columns(patient_id="mrn"),
        )


def test_huge_values_of_parquet_come_in_small_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "_BATCH_BYTES", 1 << 20)
    notes = ["x" * 20_000 + str(number) for number in range(200)]
    table = Table(write_parquet(tmp_path, mrn=["1"] * 200, note=notes), ["mrn", "note"])
    sizes = [batch.num_rows for batch in table.batches()]
    assert sum(sizes) == 200
    assert max(sizes) < 100


def test_a_column_of_the_output_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="same name"):
        linked(write_csv(tmp_path, "mrn,patient\n1,2\n"), keep=("patient",))
    with pytest.raises(UsageError, match="named twice"):
        linked(write_csv(tmp_path, "mrn,d\n1,2\n"), keep=("mrn",))


def test_what_is_not_named_is_dropped_and_so_is_what_parquet_says_of_the_table(
    tmp_path: Path,
) -> None:
    table = pa.table({"mrn": ["1"], "name": ["Doe^Jane"], "note": ["a"]})
    field = table.schema.field("note").with_metadata({"comment": "Doe^Jane"})
    schema = pa.schema([*list(table.schema)[:2], field], {"pandas": "Doe^Jane"})
    pq.write_table(table.cast(schema), tmp_path / "table.parquet")
    made = linked(tmp_path / "table.parquet", keep=("note",))
    assert made.table.column_names == ["patient", "note"]
    assert b"Doe" not in made.path.read_bytes()


def test_an_output_is_never_overwritten(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn\n1\n")
    (tmp_path / "linked.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        linked(table)
    assert (tmp_path / "linked.parquet").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    table = write_csv(tmp_path, "mrn\n1\n")
    (tmp_path / "linked.parquet").symlink_to(tmp_path / "nowhere" / "x")
    with pytest.raises(UsageError, match="exists"):
        linked(table)


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    ids = "mrn\n" + "".join(f"{number}\n" for number in range(50_000))
    table = write_csv(tmp_path, ids)
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.linkage.tables import linked\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "linked(Path(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(table)], capture_output=True, text=True, check=False
    )
    assert "OutputError: the output cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_an_interrupted_table_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(grouped.GroupedFile, "_read", interrupt)
    table = write_csv(tmp_path, "mrn\n1\n")
    with pytest.raises(KeyboardInterrupt):
        linked(table, listing=tmp_path / "unmatched.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_order_of_the_output_does_not_tell_that_of_the_table(tmp_path: Path) -> None:
    n_rows = 1000
    ids = [f"{number:04}" for number in range(n_rows)]
    first = linked(write_parquet(tmp_path / "a", mrn=ids, note=ids[::-1]), keep=("note",))
    turned = linked(write_parquet(tmp_path / "b", mrn=ids[::-1], note=ids), keep=("note",))
    assert first.rows == turned.rows
    codes = [row["patient"] for row in first.rows]
    assert codes == sorted(codes) != [PSEUDONYMS.patient(one, "") for one in ids]


def test_many_rows_go_through_buckets_and_come_out_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped, "_BUCKET_ROWS", 100)
    monkeypatch.setattr(grouped, "_KEPT_BYTES", 1000)
    monkeypatch.setattr(tabular, "BATCH_ROWS", 128)
    numbers = np.random.default_rng(1).integers(0, 50, 3000)
    table = write_parquet(tmp_path, mrn=numbers, note=pa.array(range(3000)))
    made = linked(table, keep=("note",))
    for patient in range(50):
        expected = np.flatnonzero(numbers == patient).tolist()
        assert sorted(row["note"] for row in made.of(str(patient))) == expected
    codes = [row["patient"] for row in made.rows]
    assert sum(a != b for a, b in itertools.pairwise(codes)) == 49
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["linked.parquet", "table.parquet"]


def test_a_terminated_command_leaves_nothing(tmp_path: Path, key_file: Path) -> None:
    table = write_csv(tmp_path, "mrn\n" + "1\n" * 1_000_000)
    names = ["--patient-id", "mrn", "--out", str(tmp_path / "out.parquet")]
    process = subprocess.Popen(
        [sys.executable, "-m", "fastdeid", "link", table, *names, "--key", key_file],
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and not list(tmp_path.glob("out.parquet.*")):
        time.sleep(0.01)
    process.terminate()
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130, message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PROJECT.key", "table.csv"]


def test_the_output_is_shared_and_the_listing_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        made = linked(write_csv(tmp_path, "mrn\n\n"), listing=tmp_path / "unmatched.csv")
    finally:
        os.umask(before)
    assert made.path.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "unmatched.csv").stat().st_mode & 0o777 == 0o600
