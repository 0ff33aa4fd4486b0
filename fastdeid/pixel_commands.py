"""`fastdeid pixels`: what a run would mask in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

_MEANINGS: Final = {
    "": "no stage is about them, they pass untouched",
    "clean": "clean, they keep their bytes",
    "masked": "masked",
    "review": "masked, to review: a score is low, it may not be text",
    "too_much": "quarantined, text covers more than a quarter",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pixels)


def pixels(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A DICOM file.")],
    preview: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Draw boxes, scores and reasons on the frames: PHI."),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(min=1, help="The frame to draw. Default: up to nine of them.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Name or file of the profile.")] = "basic",
) -> None:
    """Print what a run would do about pixels: stages, boxes, reasons, and how sure it is.

    Nothing is de-identified. Overlays and icons that the profile keeps are looked into and drawn,
    too. Exit code 3 when a run would quarantine the file.
    """
    from fastdeid import preview as look
    from fastdeid.errors import DicomError

    if preview is not None:
        look.check_picture_path(preview)
    try:
        found = look.preview(path, profile, frame)
    except DicomError as error:
        typer.echo(f"quarantined: {error}")
        raise typer.Exit(3) from None
    for line in (*found.stages, *found.lines):
        typer.echo(line)
    typer.echo(f"{found.n_frames} frame(s): {_MEANINGS[found.judgement]}")
    if preview is not None and found.picture is not None:
        look.write_picture(preview, found.picture)
    raise typer.Exit(3 if found.judgement == "too_much" else 0)
