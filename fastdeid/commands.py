"""The commands of `fastdeid`: each parses its arguments, calls the library once, reports.

Only typer is imported here: the rest is imported by the command that needs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fastdeid import export_commands, key_commands, link_commands, profile_commands, verify_commands
from fastdeid.naming import DEFAULT_TEMPLATE

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
key_commands.register(app)

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


_Key = Annotated[
    Path | None, typer.Option(help="The project key, see fastdeid keygen.", metavar="PROJECT.key")
]
_LinkTable = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the link table (PHI). Default: TARGET.link-table beside TARGET.",
        metavar="DIR",
    ),
]
_Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Worker processes, 0 for none. Default: the CPUs this process may use.",
        metavar="N",
    ),
]


_LinkTableKey = Annotated[
    str,
    typer.Option(
        help="What the link table is encrypted under: project, aws-kms:KEY, or none.",
        metavar="KEY",
    ),
]


@app.command(epilog=_EXIT_CODES)
def run(  # noqa: PLR0917 - typer calls it by name
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder tree of DICOM files.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Folder for the outputs.")],
    key: _Key = None,
    profile: Annotated[str, typer.Option(help="Name or file of the profile.")] = "basic",
    link_table: _LinkTable = None,
    workers: _Workers = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be done, write nothing.")
    ] = False,
    template: Annotated[
        str,
        typer.Option(
            help="Output paths, of {patient}, {study}, {series} and {instance}: pseudonyms.",
            metavar="TEMPLATE",
        ),
    ] = DEFAULT_TEMPLATE,
    digests: Annotated[
        bool,
        typer.Option("--digests", help="Record digests of inputs and outputs; reads every byte."),
    ] = False,
    link_table_key: _LinkTableKey = "project",
    sync: Annotated[
        bool, typer.Option("--sync", help="Flush each output to disk, against power failure.")
    ] = False,
) -> None:
    """De-identify the headers of all DICOM files below SOURCE into TARGET.

    Interrupted at any moment, the same command goes on with the rest.
    """
    from fastdeid.engines import local
    from fastdeid.engines.stop import Interrupted
    from fastdeid.errors import KeyFileError
    from fastdeid.progress import Progress

    if key is None:
        raise KeyFileError(
            "a project key is needed, --key PROJECT.key; make one: fastdeid keygen PROJECT.key"
        )
    try:
        summary = local.run(
            source,
            target,
            key=key,
            profile=profile,
            link_table=link_table,
            workers=workers,
            dry_run=dry_run,
            template=template,
            sync=sync,
            digests=digests,
            link_table_key=link_table_key,
            reporter=Progress(sys.stderr),
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on") from None
    from fastdeid.summary import as_json, closing_table

    typer.echo(as_json(summary) if json else "\n".join(closing_table(summary)))
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
