"""The commands for clusters: plan, partition, finalise, slurm; only typer is imported here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdeid import link_commands
from fastdeid import run_options as options
from fastdeid.naming import DEFAULT_TEMPLATE
from fastdeid.pixels.modes import PixelMode

if TYPE_CHECKING:
    from fastdeid.engines.shares import Planned

_Work = Annotated[
    Path,
    typer.Argument(
        metavar="WORK",
        parser=options.place,
        help="Folder of the link table (PHI), where all nodes see it.",
    ),
]
_Target = Annotated[
    Path,
    typer.Option(
        "--target", help="Folder for the outputs.", metavar="TARGET", parser=options.place
    ),
]
_Partitions = Annotated[
    int | None, typer.Option(min=1, help="Partitions, at most.", metavar="N", show_default=False)
]
_PartitionBytes = Annotated[
    int | None,
    typer.Option(min=1, help="About so many bytes in each partition.", metavar="B"),
]
_Number = Annotated[
    int | None,
    typer.Argument(
        metavar="[J]",
        help="The partition, from 0. Default: SLURM_ARRAY_TASK_ID or PBS_ARRAY_INDEX; "
        "SGE_TASK_ID or LSB_JOBINDEX less 1.",
    ),
]
_OtherKey = Annotated[
    Path | None,
    typer.Option(help="The project key. Default: the file of the plan.", metavar="PROJECT.key"),
]

_ArrayLength = Annotated[
    int, typer.Option("--partitions", min=1, help="Partitions at most: the array.", metavar="N")
]
_Submit = Annotated[bool, typer.Option("--submit", help="Submit the scripts.")]
_Scripts = Annotated[
    Path | None,
    typer.Option(help="Folder for scripts and logs. Default: slurm in the link table's."),
]
_AtOnce = Annotated[
    int | None, typer.Option(min=1, help="Tasks that may run at once.", metavar="N")
]
_Cpus = Annotated[int, typer.Option(min=1, help="CPUs, hence workers, per task.")]
_Sbatch = Annotated[
    list[str] | None,
    typer.Option(help="For all steps, again and again: --sbatch=--time=12:00:00."),
]

_PARTITION_CODES = """
Exit codes: 0 the partition is committed, whatever became of its files; 75 stopped by SIGTERM or
SIGUSR1 when the files at hand were committed: the same command goes on; others: see fastdeid run.
"""
_FINALISE_CODES = """
Exit codes: 75 some partitions are not complete, nothing was changed: the line on standard output
names them for sbatch; others: see fastdeid run.
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(plan)
    app.command(epilog=_PARTITION_CODES)(partition)
    app.command(epilog=_FINALISE_CODES)(finalise)
    app.command()(slurm)


def plan(  # noqa: PLR0917 - typer calls it by name
    source: options.Source,
    work: _Work,
    target: _Target,
    key: options.Key = None,
    profile: options.Profile = "basic",
    partitions: _Partitions = None,
    partition_bytes: _PartitionBytes = None,
    json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    template: options.Template = DEFAULT_TEMPLATE,
    digests: options.Digests = False,
    pixels: options.Pixels = PixelMode.EXAMINE,
    link_table_key: options.LinkTableKey = "project",
    crosswalk: link_commands.Crosswalk = None,
    shared_subjects: link_commands.SharedSubjects = False,
    sync: options.Sync = True,
    shard_tar: options.ShardTar = "",
) -> None:
    """Cut SOURCE into partitions for the tasks of a cluster.

    Then run fastdeid partition WORK J for each J from 0, in any order, at once or one after
    another, and fastdeid finalise WORK. There may be fewer partitions than asked for.
    """
    from fastdeid.engines import shares
    from fastdeid.progress import Progress

    planned = shares.plan(
        source,
        work,
        target=target,
        key=options.needed_key(key),
        profile=profile,
        partitions=partitions,
        partition_bytes=partition_bytes,
        template=template,
        sync=sync,
        digests=digests,
        pixels=pixels,
        shard_bytes=options.shard_bytes(shard_tar),
        link_table_key=link_table_key,
        crosswalk=crosswalk,
        shared_subjects=shared_subjects,
        reporter=Progress(sys.stderr),
    )
    _tell(planned, as_json=json)


def _tell(planned: Planned, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(planned)).decode())
        return
    for name in ("partitions", "files", "bytes"):
        typer.echo(f"{name:<40}{getattr(planned, name):>14,}")


def partition(
    work: _Work,
    number: _Number = None,
    key: _OtherKey = None,
    workers: options.Workers = None,
    json: options.Json = False,
) -> None:
    """Do one partition of a plan. Doing it again is harmless."""
    from fastdeid.engines import shares
    from fastdeid.progress import Progress

    with options.interruptible():
        summary = shares.run_partition(
            work, number, key=key, workers=workers, reporter=Progress(sys.stderr)
        )
    # What became of the files is for the end of the run to judge.
    summary.exit_code = 0
    options.tell(summary, json=json)


def finalise(work: _Work, key: _OtherKey = None, json: options.Json = False) -> None:
    """Prove all partitions complete, and write link table and manifest."""
    from fastdeid.engines import shares
    from fastdeid.errors import IncompleteError
    from fastdeid.progress import Progress

    try:
        with options.interruptible():
            summary = shares.finalise(work, key=key, reporter=Progress(sys.stderr))
    except IncompleteError as error:
        typer.echo(f"--array={shares.as_array(error.missing)}")
        raise
    options.tell(summary, json=json)
    raise typer.Exit(summary.exit_code)


def slurm(  # noqa: PLR0917 - typer calls it by name
    source: options.Source,
    target: options.Target,
    key: options.Key = None,
    partitions: _ArrayLength = 64,
    submit: _Submit = False,
    scripts: _Scripts = None,
    at_once: _AtOnce = None,
    cpus: _Cpus = 1,
    sbatch: _Sbatch = None,
    profile: options.Profile = "basic",
    link_table: options.LinkTable = None,
    template: options.Template = DEFAULT_TEMPLATE,
    digests: options.Digests = False,
    link_table_key: options.LinkTableKey = "project",
    crosswalk: link_commands.Crosswalk = None,
    shared_subjects: link_commands.SharedSubjects = False,
    pixels: options.Pixels = PixelMode.EXAMINE,
    sync: options.Sync = True,
    shard_tar: options.ShardTar = "",
) -> None:
    """Write sbatch scripts: plan, an array of partitions, finalise; --submit submits them.

    A task that Slurm stops (USR1 60 s before its time is over) commits what it has, goes back into
    the queue and goes on there.
    """
    from fastdeid.engines import slurm as engine
    from fastdeid.errors import UsageError
    from fastdeid.files import absolute
    from fastdeid.objects import is_remote

    work = link_table or f"{absolute(target)}.link-table"
    if scripts is None and is_remote(work):
        raise UsageError("say where to write the scripts: --scripts")
    values = {
        "--target": absolute(target),
        "--key": options.needed_key(key).absolute(),
        "--profile": Path(profile).absolute() if Path(profile).is_file() else profile,
        "--template": template,
        "--link-table-key": link_table_key,
        "--crosswalk": crosswalk and crosswalk.absolute(),
        "--pixels": pixels.value,
        "--shard-tar": options.shard_bytes(shard_tar) or None,
        "--partitions": partitions,
    }
    flags = {"--shared-subjects": shared_subjects, "--digests": digests, "--no-sync": not sync}
    written = engine.write_scripts(
        scripts or Path(work) / "slurm",
        work,
        [absolute(source), absolute(work), *_arguments(values, flags)],
        partitions=partitions,
        at_once=at_once,
        cpus=cpus,
        sbatch_options=sbatch,
    )
    written = engine.submit(written) if submit else written
    for path, job in zip(written.scripts, written.jobs or [""] * 3, strict=True):
        typer.echo(f"{path}  {job}".rstrip())


def _arguments(values: Mapping[str, object], flags: dict[str, bool]) -> list[str]:
    """Return options of `fastdeid plan`, those that say something."""
    named = [str(one) for pair in values.items() if pair[1] is not None for one in pair]
    return named + [flag for flag, is_set in flags.items() if is_set]
