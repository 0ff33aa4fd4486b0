"""Time and memory of `fastdeid link` over a table of many rows, larger than the bar for memory.

    python -m bench.link_rows --rows 10000000 --folder build/link

Makes a table of random rows (CSV or Parquet, one row group of all rows with --one-group), links it
in a process of its own, and reports rows per second and the largest resident set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bench.timing import PeakMemory

_CHUNK: Final = 500_000


def rows(number: int, n_patients: int, seed: int) -> pa.Table:
    """Return random rows: MRNs with leading zeros, accession numbers, two dates, a value."""
    random = np.random.default_rng(seed)
    patients = random.integers(0, n_patients, number)
    days = random.integers(10_000, 19_000, number)
    seconds = random.integers(0, 86_400, number)
    stamps = (days * 86_400 + seconds).astype("datetime64[s]")
    return pa.table(
        {
            "mrn": [f"{patient:010}" for patient in patients.tolist()],
            "acc": [f"A{accession:012}" for accession in random.integers(0, 10**12, number)],
            "admitted": np.datetime_as_string(days.astype("datetime64[D]")).tolist(),
            "taken": np.datetime_as_string(stamps).tolist(),
            "note": ["free text that nobody has asked for"] * number,
            "value": random.normal(size=number),
        }
    )


def write_table(path: Path, n_rows: int, n_patients: int, *, one_group: bool) -> None:
    """Write the table in pieces; with `one_group` a Parquet file is one row group."""
    pieces = (rows(min(_CHUNK, n_rows - at), n_patients, at) for at in range(0, n_rows, _CHUNK))
    if path.suffix == ".csv":
        first = next(pieces)
        with pa.csv.CSVWriter(path, first.schema) as writer:
            writer.write_table(first)
            for piece in pieces:
                writer.write_table(piece)
        return
    if one_group:
        pq.write_table(pa.concat_tables(pieces), path, row_group_size=n_rows)
        return
    first = next(pieces)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)


def measure(table: Path, key: Path) -> dict[str, float | int | str]:
    """Link the table and return seconds, rows per second and the largest resident set in MiB."""
    out = table.with_name("linked.parquet")
    out.unlink(missing_ok=True)
    options = "--patient-id mrn --accession acc --dates admitted,taken --keep value --json".split()
    command = [sys.executable, "-m", "fastdeid", "link", str(table), *options]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--out", str(out), "--key", str(key)], stdout=subprocess.PIPE
    )
    memory = PeakMemory(process.pid)
    memory.start()
    answer, _ = process.communicate()
    seconds = time.perf_counter() - start
    peak = memory.finish()
    n_rows = int(json.loads(answer)["rows_written"])
    return {
        "table": table.suffix,
        "megabytes": table.stat().st_size >> 20,
        "rows": n_rows,
        "seconds": round(seconds, 1),
        "rows per second": round(n_rows / seconds),
        "peak MiB": peak >> 20,
    }


def main() -> None:
    """Make the tables and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--patients", type=int, default=500_000)
    parser.add_argument("--folder", type=Path, default=Path("build/link"))
    parser.add_argument("--one-group", action="store_true")
    parser.add_argument("--formats", default="parquet,csv")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    key = options.folder / "PROJECT.key"
    key.unlink(missing_ok=True)
    key.touch(mode=0o600)
    key.write_bytes(bytes(range(1, 33)))
    for suffix in options.formats.split(","):
        table = options.folder / f"table.{suffix}"
        write_table(table, options.rows, options.patients, one_group=options.one_group)
        print(json.dumps(measure(table, key)), flush=True)
        os.unlink(table)


if __name__ == "__main__":
    main()
