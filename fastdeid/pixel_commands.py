"""`fastdeid pixels`: what a run would mask in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    """Print which boxes of which frames a run would mask, why, and how sure it is.

    Nothing is de-identified. Exit code 3 when a run would quarantine the file.
    """
    from fastdeid import preview as look
    from fastdeid.errors import DicomError

    try:
        found = look.preview(path, profile, frame)
    except DicomError as error:
        typer.echo(f"quarantined: {error}")
        raise typer.Exit(3) from None
    for line in found.lines:
        typer.echo(line)
    typer.echo(f"{found.n_frames} frame(s): {found.judgement or 'no stage is about this file'}")
    if preview is not None and found.picture is not None:
        look.write_picture(preview, found.picture)
    raise typer.Exit(3 if found.judgement == "too_much" else 0)
