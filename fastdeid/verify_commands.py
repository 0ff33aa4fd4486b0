"""The commands that look at a finished run: `verify` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EPILOG = """
Exit codes: 0 nothing found; 9 something found, with a list that holds no values; 2 wrong usage; 5
the link table cannot be read; 7 the profile is not that of the run; 8 the key is not that of the
run.
"""


def verify(  # noqa: PLR0917 - typer calls it by name
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Folder of the release.")],
    key: Annotated[Path, typer.Option(help="The project key.", metavar="PROJECT.key")],
    link_table: Annotated[
        Path | None,
        typer.Option(help="Folder of the link table. Default: TARGET.link-table.", metavar="DIR"),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            help="The de-identified folder: compare with it, search for all it holds.",
            metavar="SOURCE",
        ),
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(help="Look into so many files, or such a share (0.1).", metavar="N|SHARE"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes, 0 for none.", metavar="N"),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="The profile of the run, where its file has moved.", metavar="PROFILE"),
    ] = None,
    crosswalk: Annotated[
        Path | None,
        typer.Option(help="The crosswalk of the run, where its file has moved.", metavar="FILE"),
    ] = None,
    dciodvfy: Annotated[
        bool, typer.Option(help="With --source: ask dciodvfy, when it is installed.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Prove that a release holds no original of its patients and is what its tables say."""
    from fastdeid.engines import verifying
    from fastdeid.folders import LINK_TABLE_SUFFIX

    done = verifying.verify(
        target,
        link_table=link_table or target.with_name(target.name + LINK_TABLE_SUFFIX),
        key=key,
        source=source,
        sample=sample,
        workers=workers,
        profile=profile,
        crosswalk=crosswalk,
        use_dciodvfy=dciodvfy,
    )
    typer.echo(verifying.as_json(done) if json else "\n".join(verifying.as_text(done)))
    raise typer.Exit(done.exit_code)


def report(
    work: Annotated[Path, typer.Argument(metavar="WORK", help="Folder of the link table.")],
    key: Annotated[Path, typer.Option(help="The project key.", metavar="PROJECT.key")],
    output: Annotated[
        Path | None,
        typer.Option(help="The page to write. Default: report.html in WORK.", metavar="FILE"),
    ] = None,
    review: Annotated[
        bool,
        typer.Option("--review", help="Also write WORK/review (PHI): masked frames as pictures."),
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option(help="With --review: SOURCE, where it has moved.", metavar="SOURCE"),
    ] = None,
) -> None:
    """Write one HTML page about a finished run: figures only, nothing of a patient."""
    from fastdeid.reporting.report import write_report

    typer.echo(f"report written to {write_report(work, key, output)}")
    if review:
        from fastdeid.reporting.review import write_review

        done = write_review(work, key, source)
        typer.echo(f"{done.instances:,} instances to look at (PHI) in {done.path}")
        for number, what in ((done.left_out, "left out"), (done.unreadable, "cannot be shown")):
            if number:
                typer.echo(f"  {number:,} {what}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `fastdeid`."""
    app.command(epilog=_EPILOG)(verify)
    app.command()(report)
