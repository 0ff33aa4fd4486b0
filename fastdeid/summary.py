"""What a partition and a whole run came to: counts, bytes, seconds; the closing table."""

from __future__ import annotations

import os
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from fastdeid.verdicts import Verdict

# Reasons of entries that are listed on purpose: leaving them out is no failure.
LISTED_REASONS: Final = frozenset({"symbolic_link", "fifo", "socket", "device", "hard_link"})
_MEANINGS: Final = {
    1: "fastdeid met an error of its own; the files concerned are quarantined",
    3: "some DICOM files have no output; instances.parquet in the link table says which and why",
    4: "there is no DICOM file in SOURCE",
    5: "some of SOURCE could not be read; instances.parquet in the link table says what",
}
_SHOWN_FAULTS: Final = 10
CODEC_MISSING: Final = "codec_missing"
INTERNAL_ERROR: Final = "internal_error"
_STAGES: Final[tuple[str, ...]] = (
    "read",
    "scan",
    "decide",
    "replace",
    "assemble",
    "check",
    "pixels",
    "write",
)
_IS_DICOM: Final = (
    Verdict.OK,
    Verdict.REVIEW,
    Verdict.QUARANTINED,
    Verdict.DICOMDIR,
    Verdict.DUPLICATE,
    Verdict.COLLISION,
)


class PartitionSummary(msgspec.Struct):
    """What one partition came to.

    outcomes: number of files by "verdict" or "verdict:reason". bytes_planned: sizes of the inputs
    when they were planned. bytes_read: sizes of the inputs. bytes_written: sizes of the outputs.
    seconds: by stage. faults: errors of fastdeid itself, type and place in the code only.
    """

    number: int
    outcomes: dict[str, int]
    bytes_planned: int
    bytes_read: int
    bytes_written: int
    seconds: dict[str, float]
    faults: list[str]


class Summary(msgspec.Struct, kw_only=True):
    """What a whole run came to.

    files, bytes_read, bytes_written: of the whole run. wall_seconds, files_per_second,
    megabytes_per_second (10**6 bytes of input): of this start only, without the partitions that
    were there already. seconds: by stage, summed over workers and starts. dangling_references: of
    outputs to instances of SOURCE that have no output. pixels: instances and frames examined and
    masked, of outputs; none of a dry run.
    """

    files: int
    bytes_read: int
    bytes_written: int
    verdicts: dict[str, int]
    reasons: dict[str, int]
    seconds: dict[str, float]
    faults: list[str] = []
    dangling_references: int = 0
    pixels: dict[str, int] = {}
    wall_seconds: float = 0.0
    files_per_second: float = 0.0
    megabytes_per_second: float = 0.0
    workers: int = 0
    target: str = ""
    link_table: str = ""
    manifest: str = ""
    profile: str = ""
    state: str = "finished"
    exit_code: int = 0


def tally(verdicts: Iterable[str], reasons: Iterable[str | None]) -> dict[str, int]:
    """Count files by "verdict" or "verdict:reason"."""
    return dict(Counter(map(_outcome, verdicts, reasons)))


def _outcome(verdict: str, reason: str | None) -> str:
    return f"{verdict}:{reason}" if reason else verdict


def summarise(
    outcomes: Mapping[str, int],
    seconds: Mapping[str, float],
    *,
    bytes_read: int,
    bytes_written: int,
    faults: Iterable[str] = (),
    dangling_references: int = 0,
    pixels: Mapping[str, int] | None = None,
) -> Summary:
    """Return the summary of counted outcomes, see `tally`."""
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for outcome, number in outcomes.items():
        verdicts[outcome.partition(":")[0]] += number
        if ":" in outcome:
            reasons[outcome] += number
    return Summary(
        files=sum(verdicts.values()),
        bytes_read=bytes_read,
        bytes_written=bytes_written,
        verdicts={verdict: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        seconds=dict(seconds),
        faults=sorted(set(faults)),
        dangling_references=dangling_references,
        pixels=dict(pixels or {}),
        exit_code=exit_code(verdicts, reasons),
    )


def merge(parts: Iterable[PartitionSummary]) -> Summary:
    """Return the summary of partitions whose outputs were not compared with each other."""
    outcomes: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    faults: list[str] = []
    read = written = 0
    for part in parts:
        outcomes.update(part.outcomes)
        seconds.update(part.seconds)
        faults.extend(part.faults)
        read += part.bytes_read
        written += part.bytes_written
    return summarise(outcomes, seconds, bytes_read=read, bytes_written=written, faults=faults)


def exit_code(verdicts: Mapping[str, int], reasons: Mapping[str, int]) -> int:
    """Return the exit code of a run.

    0 ok; 1 an error of fastdeid itself quarantined a file; 3 some files that are DICOM have no
    output; 4 there is no DICOM; 5 some of the input could not be read.
    """
    if reasons.get(f"{Verdict.QUARANTINED}:{INTERNAL_ERROR}"):
        return 1
    listed = sum(reasons.get(f"{Verdict.UNREADABLE}:{reason}", 0) for reason in LISTED_REASONS)
    if verdicts.get(Verdict.UNREADABLE, 0) > listed:
        return 5
    if not any(verdicts.get(verdict) for verdict in _IS_DICOM):
        return 4
    if verdicts.get(Verdict.QUARANTINED) or verdicts.get(Verdict.COLLISION):
        return 3
    return 0


def as_json(summary: Summary) -> str:
    """Return the summary as JSON text."""
    return msgspec.json.format(msgspec.json.encode(summary)).decode()


def place_of(error: BaseException) -> str:
    """Return type and place in the code of an error: its message might hold a value."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames]
    return f"{type(error).__name__} at {' > '.join(places)}"


def closing_table(summary: Summary) -> Iterator[str]:
    """Yield the lines of the table that ends a run."""
    yield from _counts(summary)
    if summary.wall_seconds:
        yield f"{'seconds':<40}{summary.wall_seconds:>14,.2f}"
        yield f"{'files/s':<40}{summary.files_per_second:>14,.0f}"
        yield f"{'MB/s':<40}{summary.megabytes_per_second:>14,.1f}"
    if summary.seconds:
        yield f"seconds by stage, {summary.workers or 1} worker(s)"
    for stage, seconds in summary.seconds.items():
        yield f"  {stage:<38}{seconds:>14,.2f}"
    if summary.dangling_references:
        yield f"{'references to files without output':<40}{summary.dangling_references:>14,}"
    yield from _pixels(summary)
    for name, place in (
        ("outputs", summary.target),
        ("research manifest", summary.manifest),
        ("link table (PHI)", summary.link_table),
    ):
        if place:
            yield f"{name:<20}{place}"
    for fault in summary.faults[:_SHOWN_FAULTS]:
        yield f"error of fastdeid: {fault}"
    if summary.exit_code:
        yield f"exit code {summary.exit_code}: {_MEANINGS[summary.exit_code]}"


def _pixels(summary: Summary) -> Iterator[str]:
    for name, count in summary.pixels.items():
        yield f"{name.replace('_', ' '):<40}{count:>14,}"
    if any(reason.endswith(f":{CODEC_MISSING}") for reason in summary.reasons):
        yield f"{CODEC_MISSING}: pip install 'fastdeid[codecs]' lets these files be examined"


def _counts(summary: Summary) -> Iterator[str]:
    yield f"{'files':<40}{summary.files:>14,}"
    for verdict, number in summary.verdicts.items():
        yield f"  {verdict:<38}{number:>14,}"
        for outcome, count in summary.reasons.items():
            head, _, reason = outcome.partition(":")
            if head == verdict != reason:
                yield f"    {reason:<36}{count:>14,}"
    yield f"{'bytes read':<40}{summary.bytes_read:>14,}"
    yield f"{'bytes written':<40}{summary.bytes_written:>14,}"
