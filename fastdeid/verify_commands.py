"""The commands that look at a finished run: `verify` and `report`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdeid import run_options as options

if TYPE_CHECKING:
    from fastdeid.verification.parts import Part, Verification
    from fastdeid.verification.request import Request

_Source = Annotated[
    Path | None,
    typer.Option(
        help="The de-identified folder: compare with it, search for all it holds.",
        metavar="SOURCE",
        parser=options.place,
    ),
]
_Release = Annotated[
    Path, typer.Argument(metavar="TARGET", parser=options.place, help="Folder of the release.")
]
_LinkTable = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the link table. Default: TARGET.link-table.",
        metavar="DIR",
        parser=options.place,
    ),
]
_Sample = Annotated[
    str | None,
    typer.Option(help="Look into so many files, or such a share (0.1).", metavar="N|SHARE"),
]
_PartOf = Annotated[
    str,
    typer.Option(
        help="Verify part J of N, counted from 0, and keep what is found in the link table's "
        "folder; /N in a job array takes J from it, as fastdeid partition does.",
        metavar="J/N",
    ),
]
_Merge = Annotated[
    int | None,
    typer.Option(min=1, help="Put N parts together, and verify the whole.", metavar="N"),
]
_Ocr = Annotated[
    bool,
    typer.Option(
        "--ocr",
        help="Read text in masked frames and in a sample of the others: pip install "
        "'fastdeid[ocr]', or Tesseract.",
    ),
]
_EPILOG = """
Exit codes: 0 nothing found; 9 something found, with a list that holds no values; 2 wrong usage; 5
the link table cannot be read; 6 a part cannot be written; 7 the profile is not that of the run; 8
the key is not that of the run; 75 parts are missing, the line on standard output names them.
"""


def verify(  # noqa: PLR0917 - typer calls it by name
    target: _Release,
    key: options.Key = None,
    link_table: _LinkTable = None,
    source: _Source = None,
    sample: _Sample = None,
    workers: options.Workers = None,
    part: _PartOf = "",
    merge: _Merge = None,
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
    ocr: _Ocr = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    engine: options.Engine = options.EngineName.LOCAL,
    scheduler: options.Scheduler = "",
) -> None:
    """Prove that a release holds no original of its patients and is what its tables say."""
    from fastdeid.engines import verifying

    request = verifying.as_request(
        target,
        key=options.needed_key(key),
        link_table=link_table,
        source=source,
        sample=sample,
        profile=profile,
        crosswalk=crosswalk,
        use_dciodvfy=dciodvfy,
        use_ocr=ocr,
    )
    _check_mode(part, merge, engine)
    with options.interruptible():
        if part:
            _say_part(verifying.verify_part(request, *_part(part), workers))
            return
        if merge is not None:
            done = _merged(request, merge)
        elif engine == options.EngineName.DASK:
            done = _on_dask(request, scheduler, workers)
        else:
            done = verifying.verify_all(request, workers)
    typer.echo(verifying.as_json(done) if json else "\n".join(verifying.as_text(done)))
    raise typer.Exit(done.exit_code)


def _on_dask(request: Request, scheduler: str, workers: int | None) -> Verification:
    from fastdeid.engines import dask

    options.refuse_local(scheduler, workers=workers, dry_run=False)
    return dask.verify(request, scheduler=scheduler)


def _check_mode(part: str, merge: int | None, engine: options.EngineName) -> None:
    """Raise UsageError for options of which each says who does what."""
    from fastdeid.errors import UsageError

    if bool(part) + (merge is not None) + (engine != options.EngineName.LOCAL) > 1:
        raise UsageError("--part, --merge and --engine dask exclude each other")


def _part(text: str) -> tuple[int, int]:
    """Return number and count of J/N, or of /N in a task of a job array."""
    from fastdeid.engines.shares import number_of_task
    from fastdeid.errors import UsageError

    number, slash, of = text.partition("/")
    if not (slash and of.isdecimal() and int(of) and (not number or number.isdecimal())):
        raise UsageError("--part takes J/N, such as 0/64; /64 in a job array")
    return int(number) if number else number_of_task(os.environ), int(of)


def _merged(request: Request, of: int) -> Verification:
    from fastdeid.engines.shares import as_array
    from fastdeid.engines.verifying import merge
    from fastdeid.errors import IncompleteError

    try:
        return merge(request, of)
    except IncompleteError as error:
        typer.echo(f"--array={as_array(error.missing)}")
        raise


def _say_part(done: Part) -> None:
    typer.echo(f"{'part':<40}{f'{done.number}/{done.of}':>16}")
    typer.echo(f"{'verified':<40}{done.verified:>16,}")
    typer.echo(f"{'findings, to be shown by --merge':<40}{len(done.findings):>16,}")


def report(
    work: Annotated[
        Path, typer.Argument(metavar="WORK", parser=options.place, help="Folder of the link table.")
    ],
    key: options.Key = None,
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

    key = options.needed_key(key)
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
