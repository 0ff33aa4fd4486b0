"""Tables of the site, CSV or Parquet, one file or a folder of them, read in bounded memory.

CSV values are read as text, so that leading zeros survive; Parquet values keep their types. No
message names a value, a path, or a column that the caller has not named.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from fastdeid.errors import InputError, UsageError

BATCH_ROWS: Final = 1 << 16
# Largest row of a CSV file. Memory grows with it.
BLOCK_BYTES: Final = 1 << 23

_BATCH_BYTES: Final = 1 << 26
_DEFLATED: Final = 8  # bytes of CSV in a byte of a compressed file
_PACKED: Final = (".gz", ".bz2", ".zst", ".lz4", ".br")
_PARQUET: Final = b"PAR1"
_DELIMITERS: Final = ",;\t|"
_LONGEST_HEADER: Final = 1 << 20
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Table:
    """Columns of a table: their batches, and about how many rows and bytes there are.

    columns: names, each once. null: texts of a CSV file that stand for a missing value beside the
    empty one. encoding: of a CSV file without a byte order mark.

    Raises UsageError when a column is missing or stands twice, InputError when the table cannot be
    read; so does `batches`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Sequence[str],
        *,
        null: Sequence[str] = (),
        encoding: str = "utf-8",
    ) -> None:
        self.columns = tuple(columns)
        self._null = ["", *null]
        self._encoding = _known_encoding(encoding)
        if len(set(columns)) < len(columns):
            raise UsageError("a column is named twice")
        self._fragments = _fragments(os.fspath(path))
        for file, keys in self._fragments:
            self._check(file, keys)
        self._sizes = {file: _size(file, self.columns) for file, _ in self._fragments}
        self.about_rows = sum(rows for rows, _ in self._sizes.values())
        self.about_bytes = sum(size for _, size in self._sizes.values())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, in batches of about BATCH_ROWS or BLOCK_BYTES."""
        for file, keys in self._fragments:
            own = [name for name in self.columns if name not in keys]
            try:
                read = self._read_parquet if _is_parquet(file) else self._read_csv
                for batch in read(file, own):
                    yield self._whole(batch, keys)
            except (pa.ArrowException, OSError, LookupError, UnicodeError) as error:
                raise _unreadable(error) from None

    def _whole(self, batch: pa.RecordBatch, keys: dict[str, str | None]) -> pa.RecordBatch:
        """Return a batch with its partition keys, columns in order, schema without metadata."""
        arrays = [
            pa.repeat(pa.scalar(keys[name], pa.string()), batch.num_rows)
            if name in keys
            else batch.column(name)
            for name in self.columns
        ]
        return pa.RecordBatch.from_arrays(arrays, names=list(self.columns))

    def _check(self, file: str, keys: dict[str, str | None]) -> None:
        if _is_parquet(file):
            present = _parquet_names(file)
        else:
            present = _header(file, self._delimiter_of(file), self._encoding_of(file))
        for name in self.columns:
            n_times = present.count(name) + (name in keys)
            if n_times > 1:
                raise UsageError(f"the table has more than one column {name!r}")
            if not n_times:
                raise UsageError(f"the table has no column {name!r}")

    # Parquet ---------------------------------------------------------------------------------

    def _read_parquet(self, path: str, names: list[str]) -> Iterator[pa.RecordBatch]:
        # Unlike a scanner of data sets this decodes page by page: row groups may be huge.
        n_rows, size = self._sizes[path]
        at_once = max(1, min(BATCH_ROWS, n_rows * _BATCH_BYTES // max(size, 1)))
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            if names:
                yield from file.iter_batches(at_once, columns=names, use_threads=False)
                return
            for first in range(0, file.metadata.num_rows, BATCH_ROWS):
                n_rows = min(BATCH_ROWS, file.metadata.num_rows - first)
                yield pa.RecordBatch.from_arrays([pa.nulls(n_rows)], names=[""])

    # CSV -------------------------------------------------------------------------------------

    def _read_csv(self, path: str, names: list[str]) -> Iterator[pa.RecordBatch]:
        encoding = self._encoding_of(path)
        refused: list[int] = []

        def refuse(row: Any) -> str:
            refused.append(row.expected_columns)
            return "error"

        try:
            with pa.input_stream(path, compression="detect") as raw:
                reader = pa.csv.open_csv(
                    raw,
                    pa.csv.ReadOptions(block_size=BLOCK_BYTES, encoding=encoding),
                    pa.csv.ParseOptions(
                        delimiter=self._delimiter_of(path),
                        newlines_in_values=True,
                        invalid_row_handler=refuse,
                    ),
                    pa.csv.ConvertOptions(
                        include_columns=names,
                        column_types=dict.fromkeys(names, pa.string()),
                        strings_can_be_null=True,
                        null_values=self._null,
                    ),
                )
                yield from reader
        except pa.ArrowInvalid as error:
            if refused:
                raise InputError("a row of the table has another number of columns") from None
            raise _unreadable(error) from None

    def _encoding_of(self, path: str) -> str:
        return _marked_encoding(path, self._encoding)

    def _delimiter_of(self, path: str) -> str:
        """Return the delimiter under which the header holds what was asked for, or most columns."""
        encoding = self._encoding_of(path)
        headers = {mark: _header(path, mark, encoding) for mark in _DELIMITERS}
        wanted = set(self.columns)
        return max(
            _DELIMITERS, key=lambda mark: (len(wanted & set(headers[mark])), len(headers[mark]))
        )


def column_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of all columns of a table, of its first file and its partition keys.

    They may be values, where a CSV file has no header: never show them.
    """
    found = []
    for file, keys in _fragments(os.fspath(path))[:1]:
        if _is_parquet(file):
            found = [*_parquet_names(file), *keys]
        else:
            headers = [_header(file, mark, _marked_encoding(file, "utf-8")) for mark in _DELIMITERS]
            found = [*max(headers, key=len), *keys]
    return found


def is_text(kind: Any) -> bool:
    """Whether a type of Arrow is text, of any layout."""
    layouts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(layout(kind) for layout in layouts)


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise UsageError("no such character encoding") from None


def _fragments(path: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return the files of a table, each with the partition keys that its folders name, as text.

    Folders are named key=value, values percent-encoded, as Hive and Spark do. Files and folders
    whose names begin with a full stop or an underscore do not belong to the table.
    """
    if os.path.isfile(path):
        return [(path, {})]
    if not os.path.isdir(path):
        raise InputError("there is no such table")
    try:
        files = sorted(ds.dataset(path, format="parquet", schema=pa.schema([])).files)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error) from None
    if not files:
        raise InputError("the folder holds no table")
    folders = [os.path.relpath(os.path.dirname(file), path).split(os.sep) for file in files]
    names = {part.partition("=")[0] for parts in folders for part in parts if "=" in part}
    # Keys are text: as numbers they would lose their leading zeros.
    keys = pa.schema([pa.field(name, pa.string()) for name in sorted(names)])
    hive = ds.partitioning(keys, flavor="hive")
    parsed = (hive.parse("/".join(parts) + "/") for parts in folders)
    return [(file, ds.get_partition_keys(one)) for file, one in zip(files, parsed, strict=True)]


def _marked_encoding(path: str, otherwise: str) -> str:
    start = _start(path, 4)
    marked = (encoding for mark, encoding in _BYTE_ORDER_MARKS if start.startswith(mark))
    return next(marked, otherwise)


def _is_parquet(path: str) -> bool:
    return _start(path, len(_PARQUET)) == _PARQUET


def _size(path: str, columns: Sequence[str]) -> tuple[int, int]:
    """Return about how many rows a file has, and how many bytes its columns have in memory."""
    if not _is_parquet(path):
        size = os.path.getsize(path) * (_DEFLATED if path.endswith(_PACKED) else 1)
        first = _start(path, _LONGEST_HEADER)
        return size * first.count(b"\n") // max(len(first), 1), size
    metadata = pq.read_metadata(path)
    wanted = set(columns)
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    chunks = (group.column(place) for group in groups for place in range(group.num_columns))
    size = sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in wanted
    )
    return metadata.num_rows, size


def _parquet_names(path: str) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error) from None


def _start(path: str, size: int) -> bytes:
    try:
        with pa.input_stream(path, compression="detect") as file:
            return bytes(file.read(size))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error) from None


def _header(path: str, delimiter: str, encoding: str) -> list[str]:
    """Return the first row of a CSV file, [] for a file without rows."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(_start(path, _LONGEST_HEADER))
        lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []
    except UnicodeError as error:
        raise _unreadable(error) from None


def _unreadable(error: BaseException) -> InputError:
    """Return an error that says what happened and holds no value: Arrow quotes rows."""
    if "straddling" in str(error):
        return InputError(f"a row of the table is longer than {BLOCK_BYTES >> 20} MiB")
    if isinstance(error, UnicodeError) or "UTF8" in str(error):
        return InputError("the table is not text in the declared character encoding")
    if isinstance(error, OSError) and error.strerror:
        return InputError(f"the table cannot be read: {error.strerror}")
    return InputError("the table is damaged, or neither CSV nor Parquet")
