"""A verification in parts: what each has found is kept until all of them are put together.

A part holds no value: findings are places, and the UIDs in it are those of the release.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from fastdeid import files
from fastdeid.errors import IncompleteError, OutputError, UsageError
from fastdeid.replaced import replaced_file
from fastdeid.verification.findings import Finding
from fastdeid.verification.request import Opened, Request
from fastdeid.verification.tasks import Result

FOLDER: Final = "verify"
RESIDUAL: Final = 9


class Part(msgspec.Struct):
    """What some outputs of a release came to.

    number, of: which of how many parts. release: digest of the tables of the run. asked: what
    every part of a verification has in common. references: SOP Instance UIDs that outputs refer
    to. The others: see `Verification`.
    """

    number: int
    of: int
    release: str
    asked: str
    compared_with_source: bool
    dciodvfy: bool
    findings: list[Finding]
    references: list[str]
    verified: int = 0
    bytes: int = 0
    n_chance: int = 0
    n_unchecked: int = 0
    frames_read: int = 0
    frames_with_text: int = 0
    n_unread: int = 0


class Verification(msgspec.Struct):
    """What a verification came to.

    verified, outputs: files looked into, and files of the release. n_chance: hits between samples
    of pixels that are likely to be chance, see `verification.chance`. n_unchecked: outputs with
    masked boxes that could not be decoded to look into them. unresolved: references to instances
    that are not in the release. frames_read, frames_with_text, n_unread: with OCR, frames that were
    read, those with text of images in which the run sought none, and images that cannot be decoded.
    """

    findings: list[Finding]
    outputs: int
    verified: int
    bytes: int
    n_chance: int
    n_unchecked: int
    references: int
    unresolved: int
    compared_with_source: bool
    dciodvfy: bool
    wall_seconds: float
    exit_code: int
    frames_read: int = 0
    frames_with_text: int = 0
    n_unread: int = 0


_COUNTS: Final = (
    *("verified", "bytes", "n_chance", "n_unchecked"),
    *("frames_read", "frames_with_text", "n_unread"),
)
_RESULTS: Final = dict(zip(_COUNTS, ("n_files", "n_bytes", *_COUNTS[2:]), strict=True))


def add_up(
    results: Iterable[Result], request: Request, opened: Opened, number: int = 0, of: int = 1
) -> Part:
    """Return the part that the results of its tasks come to."""
    findings: set[Finding] = set()
    references: set[str] = set()
    part = Part(
        number=number,
        of=of,
        release=opened.release.digest(),
        asked=f"{opened.setup.source != ''} {request.ocr} {request.sample}",
        compared_with_source=opened.setup.source != "",
        dciodvfy=opened.setup.dciodvfy,
        findings=[],
        references=[],
    )
    for result in results:
        findings.update(result.findings)
        references.update(result.references)
        for name, counted in _RESULTS.items():
            setattr(part, name, getattr(part, name) + getattr(result, counted))
    part.findings, part.references = sorted(findings), sorted(references)
    return part


def put_together(parts: Sequence[Part], opened: Opened, *, started: float) -> Verification:
    """Return what all parts of a verification come to, and what is wrong with the whole.

    started: on the clock of `time.monotonic`. Raises UsageError for parts of several verifications.
    """
    if len({part.asked for part in parts}) > 1:
        raise UsageError("the parts are of verifications with another --source, --sample or --ocr")
    findings = set(opened.release.find(opened.pseudonyms))
    references: set[str] = set()
    for part in parts:
        findings.update(part.findings)
        references.update(part.references)
    return Verification(
        findings=sorted(findings),
        outputs=opened.release.outputs.num_rows,
        references=len(references),
        unresolved=len(references - opened.release.instances()),
        compared_with_source=all(part.compared_with_source for part in parts),
        dciodvfy=all(part.dciodvfy for part in parts),
        wall_seconds=time.monotonic() - started,
        exit_code=RESIDUAL if findings else 0,
        **{name: sum(getattr(part, name) for part in parts) for name in _COUNTS},
    )


# Files ---------------------------------------------------------------------------------------


def _path(folder: str, number: int, of: int) -> str:
    return os.path.join(folder, f"part-{number:05d}-of-{of:05d}.json")


def write_part(link_table: str, part: Part) -> None:
    """Keep a part in the link table's folder. Raises OutputError when it cannot be written."""
    folder = os.path.join(link_table, FOLDER)
    try:
        files.make_folders(folder, 0o700)
    except OSError as error:
        raise OutputError(f"the part cannot be written: {error.strerror}") from None
    with replaced_file(_path(folder, part.number, part.of)) as file:
        file.write(msgspec.json.encode(part))


def read_parts(link_table: str, of: int, release: str) -> list[Part]:
    """Return all parts of a verification.

    release: digest of the tables of the run. Raises IncompleteError, with the numbers of the parts
    that are missing, damaged or about tables that have changed since.
    """
    parts = [_read_part(link_table, number, of) for number in range(of)]
    missing = [at for at, part in enumerate(parts) if part is None or part.release != release]
    if missing:
        raise IncompleteError(missing, of)
    return [part for part in parts if part is not None]


def _read_part(link_table: str, number: int, of: int) -> Part | None:
    try:
        text = files.read(_path(os.path.join(link_table, FOLDER), number, of))
        part = msgspec.json.decode(text, type=Part)
    except (OSError, msgspec.DecodeError):
        return None
    return part if (part.number, part.of) == (number, of) else None
