"""One partition: read its rows of the plan, write its outputs, commit its part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from fastdeid.columns import part_table, references_table
from fastdeid.errors import FastdeidError
from fastdeid.outcome import Outcome
from fastdeid.summary import INTERNAL_ERROR, PartitionSummary, place_of, tally
from fastdeid.verdicts import Verdict
from fastdeid.workspace import Part, Workspace

TICK_SECONDS: Final = 0.25
# Files handed over at once: a tick may come between.
_AT_ONCE: Final = 32

# Called every TICK_SECONDS with files and bytes of the partition so far; may raise to stop.
Tick = Callable[[int, int], None]


class Processor(Protocol):
    """What de-identifies one file; `deidentify.Deidentifier` is one."""

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds per stage so far."""

    def process_many(
        self, source_paths: Sequence[bytes], *, overwrite: bool = False
    ) -> list[Outcome]:
        """De-identify files. Bad input is an outcome, never an error."""

    def close(self) -> None:
        """Release what is held."""


def no_tick(files: int, size: int) -> None:
    """Report to nobody."""


def run_partition(
    workspace: Workspace, number: int, processor: Processor, *, tick: Tick = no_tick
) -> PartitionSummary:
    """De-identify the files of one partition and commit it.

    Doing it again is harmless: the outputs are there already and equal.

    Raises OutputError when the target or the link table cannot be written.
    """
    before = dict(processor.seconds)
    entries = workspace.partition(number)
    paths = entries.column("path").to_pylist()
    reasons = entries.column("reason").to_pylist()
    sizes = entries.column("size").to_pylist()
    faults: list[str] = []
    source = os.fsencode(workspace.settings.source)
    rows = process_files(processor, source, paths, reasons, sizes, faults=faults, tick=tick)
    seconds = since(before, processor.seconds)
    summary = summarise_rows(number, rows, sum(sizes), seconds, faults)
    workspace.write_part(number, Part(part_table(rows), seconds, faults, references_table(rows)))
    return summary


def process_files(
    processor: Processor,
    source: bytes,
    paths: Sequence[bytes],
    reasons: Sequence[str],
    sizes: Sequence[int],
    *,
    faults: list[str],
    tick: Tick = no_tick,
) -> list[Outcome]:
    """Return the outcome of every file, in order. Entries with a reason are not opened."""
    prefix = source.rstrip(b"/") + b"/"
    rows: list[Outcome] = []
    due = time.monotonic() + TICK_SECONDS
    done = 0
    for start in range(0, len(paths), _AT_ONCE):
        batch = slice(start, start + _AT_ONCE)
        listed = [Outcome(Verdict.UNREADABLE, reason) for reason in reasons[batch]]
        opened = [at for at, reason in enumerate(reasons[batch]) if not reason]
        outcomes = _process(processor, [prefix + paths[start + at] for at in opened], faults)
        for at, outcome in zip(opened, outcomes, strict=True):
            listed[at] = outcome
            if outcome.reason == INTERNAL_ERROR:
                outcome.source_size = sizes[start + at]
        rows += listed
        done += sum(sizes[batch])
        if time.monotonic() >= due:
            tick(len(rows), done)
            due = time.monotonic() + TICK_SECONDS
    return rows


def _process(processor: Processor, paths: Sequence[bytes], faults: list[str]) -> list[Outcome]:
    """De-identify files together; one by one when that fails, since one file never stops others."""
    try:
        return processor.process_many(paths)
    except (FastdeidError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001
        if len(paths) == 1:
            faults.append(place_of(error))
            return [Outcome(Verdict.QUARANTINED, INTERNAL_ERROR)]
    return [outcome for path in paths for outcome in _process(processor, [path], faults)]


def summarise_rows(
    number: int,
    rows: Sequence[Outcome],
    bytes_planned: int,
    seconds: dict[str, float],
    faults: list[str],
) -> PartitionSummary:
    """Return what the rows of a partition came to."""
    ok = Verdict.OK
    return PartitionSummary(
        number=number,
        outcomes=tally([str(row.verdict) for row in rows], [row.reason for row in rows]),
        bytes_planned=bytes_planned,
        bytes_read=sum(row.source_size for row in rows),
        bytes_written=sum(row.output_size for row in rows if row.verdict == ok),
        seconds=seconds,
        faults=faults,
    )


def since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return the seconds per stage between two readings."""
    return {stage: seconds - before.get(stage, 0.0) for stage, seconds in after.items()}
