"""The options of `fastdeid run`, typed for typer."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdeid.pixels.modes import PixelMode

if TYPE_CHECKING:
    from fastdeid.summary import Summary


def place(text: str) -> Any:
    """Return a path; the URI of an object store as it is."""
    from fastdeid.objects import is_remote

    return text if is_remote(text) else Path(text)


Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        parser=place,
        help="Folder tree of DICOM files, an archive, or s3://BUCKET/KEY.",
    ),
]
Target = Annotated[
    Path,
    typer.Argument(
        metavar="TARGET", parser=place, help="Folder for the outputs, or s3://BUCKET/KEY."
    ),
]
Key = Annotated[
    Path | None, typer.Option(help="The project key, see fastdeid keygen.", metavar="PROJECT.key")
]
LinkTable = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the link table (PHI). Default: TARGET.link-table beside TARGET.",
        metavar="DIR",
        parser=place,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Worker processes, 0 for none. Default: the CPUs this process may use.",
        metavar="N",
    ),
]
LinkTableKey = Annotated[
    str,
    typer.Option(
        help="What the link table is encrypted under: project, aws-kms:KEY, or none.",
        metavar="KEY",
    ),
]
Profile = Annotated[str, typer.Option(help="Name or file of the profile.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Report what would be done, write nothing.")
]
Template = Annotated[
    str,
    typer.Option(
        help="Output paths, of {patient}, {study}, {series} and {instance}: pseudonyms.",
        metavar="TEMPLATE",
    ),
]
Digests = Annotated[
    bool,
    typer.Option("--digests", help="Record digests of inputs and outputs; reads every byte."),
]
Sync = Annotated[bool, typer.Option(help="Wait for the disk before a partition counts as done.")]
Pixels = Annotated[
    PixelMode,
    typer.Option(
        help="examine: mask text in every frame; regions: mask where rules know of text; "
        "off: copy pixel data."
    ),
]

ShardTar = Annotated[
    str,
    typer.Option(
        help="Put outputs into tar files of at most SIZE (500MB, 1GiB) and one partition each.",
        metavar="SIZE",
    ),
]


class EngineName(enum.StrEnum):
    """Who does the partitions of a run."""

    LOCAL = "local"
    DASK = "dask"


Engine = Annotated[EngineName, typer.Option(help="Processes here, or the tasks of a Dask cluster.")]
Scheduler = Annotated[
    str, typer.Option(help="Address of Dask's scheduler.", metavar="tcp://HOST:PORT")
]


def refuse_local(scheduler: str, *, workers: int | None, dry_run: bool) -> None:
    """Raise UsageError for options that do not go with a cluster."""
    from fastdeid.errors import UsageError

    if not scheduler:
        raise UsageError("--engine dask needs --scheduler tcp://HOST:PORT")
    if workers is not None or dry_run:
        raise UsageError("--workers and --dry-run are for runs on this machine")


def shard_bytes(size: str) -> int:
    """Return the bytes of a size that an option names, 0 for none."""
    from fastdeid.shards import parse_size

    return parse_size(size) if size else 0


def needed_key(key: Path | None) -> Path:
    """Return the key that an option names. Raises KeyFileError where it names none."""
    from fastdeid.errors import KeyFileError

    if key is None:
        raise KeyFileError(
            "a project key is needed, --key PROJECT.key; make one: fastdeid keygen PROJECT.key"
        )
    return key


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C inside the block into the error that says how to go on."""
    from fastdeid.engines.stop import Interrupted

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on") from None


def tell(summary: Summary, *, json: bool) -> None:
    """Print what a run came to, as a table or as JSON."""
    from fastdeid.summary import as_json, closing_table

    typer.echo(as_json(summary) if json else "\n".join(closing_table(summary)))
