"""The commands about keys and what they open; only typer is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdeid.link_commands import terminable

if TYPE_CHECKING:
    from fastdeid.link_table_files import Lock

key_app = typer.Typer(
    help="The project key, and the keys of link tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
link_table_app = typer.Typer(
    help="The link table (PHI).", no_args_is_help=True, rich_markup_mode=None
)

_Key = Annotated[Path, typer.Option(help="The project key.", metavar="PROJECT.key")]
_Folder = Annotated[Path, typer.Argument(help="The link table's folder.", metavar="LINK_TABLE")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    key_app.command()(info)
    key_app.command()(rotate_link_table)
    link_table_app.command()(export)
    app.add_typer(key_app, name="key")
    app.add_typer(link_table_app, name="link-table")


def info(
    key: Annotated[Path, typer.Argument(help="The project key.", metavar="PROJECT.key")],
    link_table: Annotated[
        Path | None, typer.Option(help="Say how this link table is encrypted.", metavar="DIR")
    ] = None,
) -> None:
    """Tell the public id of a project key, and whether it opens a link table."""
    from fastdeid.keys import read_key
    from fastdeid.pseudonyms import Pseudonyms

    pseudonyms = Pseudonyms(read_key(key))
    typer.echo(f"{'key id':<24}{pseudonyms.key_id}")
    if link_table is not None:
        from fastdeid.link_table_files import locks

        _show(locks(link_table, pseudonyms))


def rotate_link_table(
    link_table: _Folder,
    key: _Key,
    link_table_key: Annotated[
        str,
        typer.Option(
            help="What wraps the new keys: project, aws-kms:KEY, or none for no encryption.",
            metavar="KEY",
        ),
    ] = "project",
) -> None:
    """Encrypt a link table with new keys. The pseudonyms, and the project key, stay."""
    from fastdeid.keys import read_key
    from fastdeid.link_table_files import rotate
    from fastdeid.pseudonyms import Pseudonyms

    with terminable():
        _show(rotate(link_table, Pseudonyms(read_key(key)), link_table_key))


def export(
    link_table: _Folder,
    key: _Key,
    out: Annotated[Path, typer.Option(help="Folder for the new files.", metavar="DIR")],
    csv: Annotated[bool, typer.Option("--csv", help="CSV in place of Parquet.")] = False,
    audit_log: Annotated[
        Path | None,
        typer.Option(help="Audit log. Default: reidentify.log in the link table's folder."),
    ] = None,
) -> None:
    """Write the tables without encryption (PHI, mode 0600). The use is noted in the audit log."""
    from fastdeid.audit import LOG_FILE, record
    from fastdeid.keys import read_key
    from fastdeid.link_table import open_link_table
    from fastdeid.link_table_files import export as library
    from fastdeid.pseudonyms import Pseudonyms

    secret = read_key(key)
    pseudonyms = Pseudonyms(secret)
    rows = open_link_table(link_table, secret).instances.count_rows()
    log = audit_log or link_table / LOG_FILE
    record(log, key_id=pseudonyms.key_id, kind="link table", asked=rows, found=rows)
    with terminable():
        written = library(link_table, out, pseudonyms, form="csv" if csv else "parquet")
    for name, number in written.items():
        typer.echo(f"{name:<44}{number:>14,}")


def _show(files: list[Lock]) -> None:
    for one in files:
        opened = "opened by this key" if one.opens else "NOT opened by this key"
        typer.echo(f"{one.file:<24}{one.master or 'not encrypted'}  {opened if one.master else ''}")
