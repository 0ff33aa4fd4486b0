"""One partition: read its rows of the plan, write its outputs, commit its part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from fastdeid.attempts import Attempt
from fastdeid.columns import part_table, references_table
from fastdeid.errors import FastdeidError
from fastdeid.input_types import Input
from fastdeid.inputs import inputs_of
from fastdeid.objects import is_remote
from fastdeid.outcome import Outcome
from fastdeid.storage import flush
from fastdeid.summary import INTERNAL_ERROR, PartitionSummary, place_of, tally
from fastdeid.verdicts import WITH_OUTPUT, Verdict
from fastdeid.workspace import Part, Workspace

TICK_SECONDS: Final = 0.25
# Files handed over at once: a tick may come between.
_AT_ONCE: Final = 32
# A stop waits for the files at hand.
_BYTES_AT_ONCE: Final = 64 << 20
# Why a file is quarantined that took more memory than there is, or ended its process, twice.
RESOURCE: Final = "resource"

# Called every TICK_SECONDS with files and bytes of the partition so far; may raise to stop.
Tick = Callable[[int, int], None]


class Processor(Protocol):
    """What de-identifies one file; `deidentify.Deidentifier` is one."""

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds per stage so far."""

    def process_many(
        self, source_paths: Sequence[Input], *, overwrite: bool = False
    ) -> list[Outcome]:
        """De-identify files. Bad input is an outcome, never an error."""

    def begin(self, partition: int) -> None:
        """Begin a partition: what is published from now on belongs to it."""

    def commit(self) -> None:
        """Let all outputs of the partition appear, before it is committed."""

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
    reasons = entries.column("reason").to_pylist()
    sizes = entries.column("size").to_pylist()
    faults: list[str] = []
    settings = workspace.settings
    inputs = inputs_of(os.fsencode(settings.source), entries)
    attempt = workspace.attempt(number)
    try:
        processor.begin(number)
        rows = process_files(
            processor, inputs, reasons, sizes, faults=faults, tick=tick, attempt=attempt
        )
        started = time.perf_counter()
        processor.commit()
        if settings.sync and not is_remote(settings.target):
            flush(settings.target)
        seconds = since(before, processor.seconds)
        seconds["flush"] = time.perf_counter() - started
        summary = summarise_rows(number, rows, sum(sizes), seconds, faults)
        part = Part(part_table(rows), seconds, faults, references_table(rows))
        workspace.write_part(number, part)
    finally:
        attempt.end()
    return summary


def process_files(
    processor: Processor,
    inputs: Sequence[Input],
    reasons: Sequence[str],
    sizes: Sequence[int],
    *,
    faults: list[str],
    tick: Tick = no_tick,
    attempt: Attempt | None = None,
) -> list[Outcome]:
    """Return the outcome of every file, in order. Entries with a reason are not opened.

    attempt: notes what is at hand; what it condemns is quarantined and not opened.
    """
    rows: list[Outcome] = []
    due = time.monotonic() + TICK_SECONDS
    done = 0
    condemned = attempt.condemned if attempt else frozenset()
    for batch in _batches(sizes, 1 if attempt and attempt.again else _AT_ONCE):
        start = batch.start
        if attempt is not None:
            attempt.take_up(start, len(batch))
        listed = [Outcome(Verdict.UNREADABLE, reasons[at]) for at in batch]
        opened = [at for at in batch if not reasons[at] and at not in condemned]
        outcomes = _process(processor, [inputs[at] for at in opened], faults)
        for at in condemned.intersection(batch):
            listed[at - start] = Outcome(Verdict.QUARANTINED, RESOURCE, source_size=sizes[at])
        for at, outcome in zip(opened, outcomes, strict=True):
            listed[at - start] = outcome
            if outcome.reason in {INTERNAL_ERROR, RESOURCE}:
                outcome.source_size = sizes[at]
        rows += listed
        done += sum([sizes[at] for at in batch])
        if time.monotonic() >= due:
            tick(len(rows), done)
            due = time.monotonic() + TICK_SECONDS
    return rows


def _batches(sizes: Sequence[int], most: int) -> Iterator[range]:
    """Yield the files to take up together: not many, and not many bytes unless one has them."""
    first = total = 0
    for at, size in enumerate(sizes):
        if at > first and (at - first >= most or total + size > _BYTES_AT_ONCE):
            yield range(first, at)
            first, total = at, 0
        total += size
    if first < len(sizes):
        yield range(first, len(sizes))


def _process(processor: Processor, paths: Sequence[Input], faults: list[str]) -> list[Outcome]:
    """De-identify files together; one by one when that fails, since one file never stops others."""
    try:
        return processor.process_many(paths)
    except FastdeidError:
        raise
    except MemoryError:
        if len(paths) == 1:
            return [Outcome(Verdict.QUARANTINED, RESOURCE)]
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
    return PartitionSummary(
        number=number,
        outcomes=tally([str(row.verdict) for row in rows], [row.reason for row in rows]),
        bytes_planned=bytes_planned,
        bytes_read=sum(row.source_size for row in rows),
        bytes_written=sum(row.output_size for row in rows if row.verdict in WITH_OUTPUT),
        seconds=seconds,
        faults=faults,
    )


def since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return the seconds per stage between two readings."""
    return {stage: seconds - before.get(stage, 0.0) for stage, seconds in after.items()}
