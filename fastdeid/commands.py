"""The commands of `fastdeid`: each parses its arguments, calls the library once, reports.

Only typer is imported here: the rest is imported by the command that needs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fastdeid import (
    cluster_commands,
    export_commands,
    key_commands,
    link_commands,
    pixel_commands,
    profile_commands,
    verify_commands,
)
from fastdeid import run_options as options
from fastdeid.naming import DEFAULT_TEMPLATE
from fastdeid.pixels.modes import PixelMode

app = typer.Typer(
    name="fastdeid",
    help="De-identify DICOM archives at about the speed of a copy (PS3.15 Annex E).",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
manifest_app = typer.Typer(
    help="The research manifest and the link table.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(manifest_app, name="manifest")
link_commands.register(app)
app.add_typer(profile_commands.app, name="profile")
app.command()(profile_commands.explain)
verify_commands.register(app)
export_commands.register(app, manifest_app)
pixel_commands.register(app)
key_commands.register(app)
cluster_commands.register(app)

_EXIT_CODES = """
Exit codes: 0 every DICOM file is de-identified; 1 internal error; 2 wrong usage; 3 some files are
quarantined; 4 no DICOM found; 5 some input cannot be read; 6 the output cannot be written; 7 wrong
profile; 8 the key is missing, too open or not this project's; 75 stopped by SIGTERM or SIGUSR1, the
same command goes on; 130 interrupted, the same command goes on.
"""


@app.command()
def keygen(
    path: Annotated[Path, typer.Argument(metavar="PROJECT.key", help="The key file to create.")],
) -> None:
    """Create a project key: the secret that every pseudonym is derived from."""
    from fastdeid.keys import write_key

    write_key(path)
    typer.echo("Key written. Keep it secret and keep a copy: without it no run can be repeated.")


@app.command(epilog=_EXIT_CODES)
def run(  # noqa: PLR0917 - typer calls it by name
    source: options.Source,
    target: options.Target,
    key: options.Key = None,
    profile: options.Profile = "basic",
    link_table: options.LinkTable = None,
    workers: options.Workers = None,
    json: options.Json = False,
    dry_run: options.DryRun = False,
    template: options.Template = DEFAULT_TEMPLATE,
    digests: options.Digests = False,
    link_table_key: options.LinkTableKey = "project",
    crosswalk: link_commands.Crosswalk = None,
    shared_subjects: link_commands.SharedSubjects = False,
    pixels: options.Pixels = PixelMode.EXAMINE,
    sync: options.Sync = True,
    shard_tar: options.ShardTar = "",
    engine: options.Engine = options.EngineName.LOCAL,
    scheduler: options.Scheduler = "",
) -> None:
    """De-identify all DICOM files below SOURCE into TARGET, headers and pixels.

    Interrupted at any moment, the same command goes on with the rest.
    """
    # The engine of this machine starts its worker processes before anything else is imported.
    from fastdeid.engines import local
    from fastdeid.progress import Progress

    given: dict[str, Any] = {
        "key": options.needed_key(key),
        "profile": profile,
        "link_table": link_table,
        "template": template,
        "sync": sync,
        "digests": digests,
        "link_table_key": link_table_key,
        "crosswalk": crosswalk,
        "shared_subjects": shared_subjects,
        "pixels": pixels,
        "shard_bytes": options.shard_bytes(shard_tar),
        "reporter": Progress(sys.stderr),
    }
    with options.interruptible():
        if engine == options.EngineName.DASK:
            from fastdeid.engines import dask

            options.refuse_local(scheduler, workers=workers, dry_run=dry_run)
            summary = dask.run(source, target, scheduler=scheduler, **given)
        else:
            summary = local.run(source, target, workers=workers, dry_run=dry_run, **given)
    options.tell(summary, json=json)
    raise typer.Exit(summary.exit_code)


@manifest_app.command()
def schema() -> None:
    """Print every column of the link table and of the research manifest, and which are PHI."""
    from fastdeid.manifest import describe

    typer.echo("\n".join(describe()))


@app.command()
def version() -> None:
    """Print the version."""
    from fastdeid import __version__

    typer.echo(f"fastdeid {__version__}")
