"""The working folder of a run, inside the link table's: settings, plan, parts, lock.

Everything appears under its final name only when it is complete (temporary name, then rename), so
that a run may be killed at any moment. A part names the plan it belongs to: the parts of an older
plan count as absent. Plan and parts hold originals: they are encrypted, see `sealing`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa

from fastdeid import files, objects
from fastdeid.attempts import Attempt
from fastdeid.errors import KeyFileError, OutputError, UsageError
from fastdeid.naming import DEFAULT_TEMPLATE
from fastdeid.objects import is_remote
from fastdeid.pixels.modes import PixelMode
from fastdeid.plan import Cuts
from fastdeid.plan_file import PlanFile, write_plan_file
from fastdeid.replaced import replaced_file
from fastdeid.sealing import PROJECT, Sealing
from fastdeid.storage import TEMPORARY, close_read

SETTINGS_FILE: Final = "run.json"
PLAN_FILE: Final = "plan.parquet"
SUMMARY_FILE: Final = "summary.json"
LOCK_FILE: Final = "lock"
_OF_PARTITIONS: Final = frozenset({"attempt", "part", "references"})
_PLAN_ID: Final = b"fastdeid.plan"
_SECONDS: Final = b"fastdeid.seconds"
_FAULTS: Final = b"fastdeid.faults"


class Settings(msgspec.Struct, frozen=True):
    """What a run depends on besides SOURCE; a run is only continued with equal settings.

    source, target, link_table: absolute paths, symbolic links resolved. key_id: public id of the
    project key. sync: whether outputs are on disk before their partition counts as done.
    digests: whether digests of inputs and outputs are recorded. template: of output paths.
    pseudonyms: "keyed", or "random", see `drawn_key`.
    link_table_key: what the link table is encrypted under, see `sealing`. key_file: where the key
    was when a cluster's run was planned.
    crosswalk: absolute path of the site's own pseudonyms, "" for none; its digest; whether several
    originals may be one subject in it.
    pixels: how far to look into pixel data; versions that did not say so did not look.
    shard_bytes: size of the tar archives that outputs stand in, 0 for files of their own.
    """

    source: str
    target: str
    link_table: str
    profile: str
    profile_version: str
    profile_digest: str
    options: tuple[str, ...]
    method: str
    key_id: str
    fastdeid_version: str
    sync: bool = True
    digests: bool = False
    template: str = DEFAULT_TEMPLATE
    pseudonyms: str = "keyed"
    link_table_key: str = PROJECT
    key_file: str = ""
    crosswalk: str = ""
    crosswalk_digest: str = ""
    shared_subjects: bool = False
    pixels: str = PixelMode.OFF
    shard_bytes: int = 0


class Part(msgspec.Struct, frozen=True):
    """One committed partition: its rows, seconds per stage, and faults of fastdeid met in it.

    references: see `columns.references_table`; None in a part that was read, because those of a
    whole archive may not fit into memory.
    """

    table: pa.Table
    seconds: dict[str, float]
    faults: list[str]
    references: pa.Table | None = None


class Workspace:
    """The files of one run. Opening a folder reads nothing: settings and plan are read on use.

    sealing: what plan and parts are encrypted with; whoever only reads settings and summary needs
    none.
    """

    def __init__(self, folder: str | os.PathLike[str], sealing: Sealing | None = None) -> None:
        self.folder = os.fspath(folder)
        self._sealing = sealing
        self._settings: Settings | None = None
        self._plan: PlanFile | None = None

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @property
    def link_table(self) -> str:
        """The folder that holds the link table."""
        return os.path.dirname(self.folder)

    @property
    def sealing(self) -> Sealing:
        """What plan, parts and link table are encrypted with."""
        if self._sealing is None:
            raise KeyFileError("the project key is needed, --key PROJECT.key")
        return self._sealing

    # Settings -------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether a file of that name is in the folder."""
        return files.exists(self._path(name))

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        if self._settings is None:
            try:
                text = files.read(self._path(SETTINGS_FILE))
                self._settings = msgspec.json.decode(text, type=Settings)
            except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
                raise UsageError("the link table's folder holds no run that can go on") from None
            except OSError as error:
                raise OutputError(f"the link table cannot be read: {error.strerror}") from None
        return self._settings

    def write_settings(self, settings: Settings) -> None:
        """Create the folders and keep the settings."""
        try:
            files.make_folders(self.link_table, 0o700)
            files.make_folders(self.folder, 0o700)
        except OSError as error:
            raise OutputError(f"the link table cannot be written: {error.strerror}") from None
        self._settings = settings
        self._write(SETTINGS_FILE, msgspec.json.format(msgspec.json.encode(settings)))

    # Plan -----------------------------------------------------------------------------------

    def write_plan(
        self, batches: Iterable[pa.RecordBatch], cuts: Cuts, *, shares: list[int], digest: str
    ) -> None:
        """Keep a new plan, see `plan_file`; parts of an earlier one no longer count."""
        path, sync = self._path(PLAN_FILE), self.settings.sync
        write_plan_file(path, self.sealing, batches, cuts, shares=shares, digest=digest, sync=sync)
        self._plan = None
        self.remove_stale_parts()

    def has_plan(self) -> bool:
        """Whether a whole plan is there."""
        try:
            _ = self.plan
        except (OSError, pa.ArrowInvalid, KeyError, msgspec.DecodeError):
            return False
        return True

    @property
    def plan(self) -> PlanFile:
        """The plan."""
        if self._plan is None:
            self._plan = PlanFile(self._path(PLAN_FILE), self.sealing)
        return self._plan

    @property
    def starts(self) -> list[int]:
        """First row of every partition, then the number of rows."""
        return self.plan.starts

    @property
    def n_partitions(self) -> int:
        """Number of partitions of the plan."""
        return len(self.starts) - 1

    def partition(self, number: int) -> pa.Table:
        """Return the rows of one partition, columns of plan.SCHEMA."""
        return self.plan.rows(self.starts[number], self.starts[number + 1])

    # Parts ----------------------------------------------------------------------------------

    def _part_path(self, number: int) -> str:
        return self._path(f"part-{number:05d}.arrow")

    def _references_path(self, number: int) -> str:
        return self._path(f"references-{number:05d}.arrow")

    def write_part(self, number: int, part: Part) -> None:
        """Commit one partition."""
        notes = {
            _PLAN_ID: self.plan.id,
            _SECONDS: msgspec.json.encode(part.seconds),
            _FAULTS: msgspec.json.encode(part.faults),
        }
        self._write_references(number, part.references)
        noted = part.table.replace_schema_metadata(notes)
        self._seal(os.path.basename(self._part_path(number)), noted)

    def _write_references(self, number: int, references: pa.Table | None) -> None:
        name = os.path.basename(self._references_path(number))
        if references is None or not references.num_rows:
            files.remove(self._path(name))
            return
        self._seal(name, references.replace_schema_metadata({_PLAN_ID: self.plan.id}))

    def read_references(self, number: int) -> pa.Table | None:
        """Return what the outputs of a committed partition refer to, None for nothing."""
        try:
            table = self._unseal(self._references_path(number))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise OutputError("a table of the run cannot be read") from None
        return table if table.schema.metadata.get(_PLAN_ID) == self.plan.id else None

    def read_part(self, number: int) -> Part | None:
        """Return a committed partition; None when it is absent, damaged or of another plan."""
        try:
            return self._read_part(number)
        except OSError:
            return None

    def require_part(self, number: int) -> Part:
        """Return a partition that was committed. Raises OutputError when that cannot be read."""
        try:
            part = self._read_part(number)
        except OSError as error:
            reason = error.strerror or "an error of the file system"
        else:
            if part is not None:
                return part
            reason = "it is missing or damaged"
        raise OutputError(f"what partition {number} came to cannot be read: {reason}")

    def _read_part(self, number: int) -> Part | None:
        """Do what `read_part` does. Raises OSError for what may be there and cannot be read."""
        plan = self.plan
        try:
            table = self._unseal(self._part_path(number))
            notes = table.schema.metadata
            if notes[_PLAN_ID] != plan.id:
                return None
            if table.num_rows != plan.starts[number + 1] - plan.starts[number]:
                return None
            seconds = msgspec.json.decode(notes[_SECONDS], type=dict[str, float])
            faults = msgspec.json.decode(notes[_FAULTS], type=list[str])
        except (FileNotFoundError, ValueError, KeyError, TypeError, msgspec.DecodeError):
            return None
        return Part(table, seconds, faults)

    def attempt(self, number: int) -> Attempt:
        """Begin an attempt at a partition. Raises OutputError, FastdeidError."""
        return Attempt(self._path(f"attempt-{number:05d}"))

    def committed(self, number: int) -> float:
        """Return when a partition was committed, in seconds since the epoch."""
        return files.modified(self._part_path(number))

    def remove_part(self, number: int) -> None:
        """Take a commit back."""
        files.remove(self._part_path(number))

    def remove_stale_parts(self) -> None:
        """Remove what an interrupted write left and the parts of other plans."""
        if is_remote(self.link_table):
            with contextlib.suppress(OSError):
                objects.sweep(self.link_table)
        for folder in (self.folder, self.link_table):
            for name in files.names(folder):
                if name.endswith(TEMPORARY):
                    files.remove(os.path.join(folder, name))
        for name in files.names(self.folder):
            kind, _, digits = name.removesuffix(".arrow").partition("-")
            if kind in _OF_PARTITIONS and digits.isdigit() and self._is_stale(int(digits)):
                files.remove(self._path(name))

    def _is_stale(self, number: int) -> bool:
        return number >= self.n_partitions or self.read_part(number) is None

    # Summary --------------------------------------------------------------------------------

    def write_summary(self, summary: bytes) -> None:
        """Keep the summary: the sign that the run is finished."""
        self._write(SUMMARY_FILE, summary)

    def read_summary(self) -> bytes | None:
        """Return the summary of a finished run, None when the run is not finished."""
        try:
            return files.read(self._path(SUMMARY_FILE))
        except OSError:
            return None

    def remove_summary(self) -> None:
        """Declare the run unfinished."""
        files.remove(self._path(SUMMARY_FILE))

    def _seal(self, name: str, table: pa.Table) -> None:
        self._write(name, self.sealing.seal(_arrow_file(table), name))

    def _unseal(self, path: str) -> pa.Table:
        """Return a table; raises OSError and ValueError, which pyarrow's ArrowInvalid is."""
        content = self.sealing.unseal(files.read(path), os.path.basename(path))
        return pa.ipc.open_file(pa.py_buffer(content)).read_all()

    def _write(self, name: str, content: Any) -> None:
        with replaced_file(self._path(name), sync=self.settings.sync) as file:
            file.write(content)

    # Lock -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def lock(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the folder against other runs. shared: beside others that share it.

        Raises UsageError when another run holds it. File systems without locks, and object stores,
        are trusted.
        """
        if is_remote(self.folder):
            yield
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path(LOCK_FILE), flags, 0o600)
        except OSError as error:
            raise OutputError(f"the link table cannot be written: {error.strerror}") from None
        try:
            try:
                fcntl.flock(
                    descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
                )
            except BlockingIOError:
                raise UsageError("another run is at work on this TARGET") from None
            except OSError:
                pass
            yield
        finally:
            close_read(descriptor)


def _arrow_file(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
