"""`fastdeid profile ...` and `fastdeid explain`: each calls the library and prints what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdeid import run_options as options
from fastdeid.pixels.modes import PixelMode

app = typer.Typer(
    help="Profiles: what they do, whether one is sound, how two differ.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="Name or TOML file of a profile.")]


@app.command(name="list")
def list_() -> None:
    """List the profiles that come with fastdeid."""
    from fastdeid.profile_text import list_profiles

    typer.echo("\n".join(list_profiles()))


@app.command()
def show(profile: _Profile) -> None:
    """Print options, rules with their reasons, and what is claimed."""
    from fastdeid.profile_text import show_profile

    typer.echo("\n".join(show_profile(profile)))


@app.command()
def check(profile: _Profile) -> None:
    """Check a profile: exit code 7, and the line, when it holds anything unknown."""
    from fastdeid.profile_text import check_profile

    typer.echo("\n".join(check_profile(profile)))


@app.command()
def diff(one: _Profile, other: _Profile) -> None:
    """Print what two profiles do differently, attribute by attribute."""
    from fastdeid.profile_text import diff_profiles

    typer.echo("\n".join(diff_profiles(one, other)))


@app.command()
def statement(profile: _Profile = "basic") -> None:
    """Print the conformance statement that PS3.15 E.1.3 asks for, in Markdown."""
    from fastdeid.statement import write_statement

    typer.echo(write_statement(profile))


@app.command(name="import-regions")
def import_regions(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CTP pixel script or a deid recipe.")
    ],
    credit: Annotated[str, typer.Option(help="Where the rules come from.")] = "imported",
) -> None:
    """Print the region rules of FILE as TOML.

    How many there are, and which could not be expressed, line by line and why, goes to stderr.
    """
    from fastdeid.pixels.region_import import import_file, write_rules

    imported = import_file(file, credit)
    typer.echo(write_rules(imported.rules), nl=False)
    for skipped in imported.skipped:
        typer.echo(str(skipped), err=True)
    typer.echo(imported.summary(), err=True)


def explain(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A DICOM file.")],
    profile: Annotated[str, typer.Option(help="Name or file of the profile.")] = "basic",
    key: Annotated[
        Path | None,
        typer.Option(help="The project key; without, pseudonyms are not the project's."),
    ] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print values before and after: PHI.")
    ] = False,
    pixels: options.Pixels = PixelMode.EXAMINE,
) -> None:
    """Print what happens to each element of FILE, and to its pixels, and which rule says so.

    Nothing is written. Exit code 3 when a run would not de-identify the file.
    """
    import secrets

    from fastdeid.explain import explain_file, explanation_lines
    from fastdeid.keys import KEY_SIZE, read_key
    from fastdeid.pseudonyms import Pseudonyms
    from fastdeid.rules import load_profile

    secret = secrets.token_bytes(KEY_SIZE) if key is None else read_key(key)
    explanation = explain_file(path, load_profile(profile), Pseudonyms(secret), pixels)
    typer.echo("\n".join(explanation_lines(explanation, show_values=show_values)))
    raise typer.Exit(0 if explanation.lines else 3)
