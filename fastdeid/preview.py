"""What the stages on pixels find in one file: as lines, and drawn into a picture of its frames."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.available import require_reader
from fastdeid.dicom.reader import Reader
from fastdeid.errors import InputError, OutputError, UsageError
from fastdeid.headers import identity_of
from fastdeid.kernels.elements import PARENT, TAG
from fastdeid.pixel_jobs import load_stage
from fastdeid.pixel_reasons import stage_lines
from fastdeid.pixels.modes import PixelMode
from fastdeid.rules import load_profile
from fastdeid.settings import MASK

if TYPE_CHECKING:
    from fastdeid.pixels.examine import FrameMask
    from fastdeid.pixels.stage import Looked

Picture = npt.NDArray[np.uint8]

# Frames of a picture when none is asked for; a frame is drawn at least this wide.
_MOST_FRAMES: Final = 9
_LEAST_WIDTH: Final = 384
_BANNER: Final = 22
_COLOURS: Final = {"text": (60, 60, 255)}
_RULE_COLOUR: Final = (255, 160, 40)


class Preview(NamedTuple):
    """What was found. judgement: clean, masked, review or too_much; "" when no stage is about it.

    stages: what is done, and what of the header decides about it. lines: a line for each box.
    picture: (rows, columns, 3), blue first; None when there is nothing to draw.
    """

    judgement: str
    n_frames: int
    stages: list[str]
    lines: list[str]
    picture: Picture | None


def preview(
    path: str | os.PathLike[str], profile: str = "basic", frame: int | None = None
) -> Preview:
    """Look into the pixels of a file as a run does, and draw what was found.

    frame: the one to draw, from 1; None for up to nine, those with boxes first.

    Raises InputError when the file cannot be read, DicomError when it cannot be examined,
    ProfileError, and UsageError for a frame that is not there.
    """
    compiled = load_profile(profile)
    require_reader(compiled.settings)
    wanted = compiled.settings.pixels
    reader = Reader(compiled.dictionary_keys, compiled.dictionary_vrs)
    try:
        with open(path, "rb") as file:
            reader.read(file.fileno(), os.fstat(file.fileno()).st_size)
            stage = load_stage(wanted, None, text=wanted.text == MASK)
            from fastdeid.pixels.source import PixelValue

            row = _pixel_row(reader)
            if row < 0:
                return Preview("", 0, ["no Pixel Data (7FE0,0010): nothing is looked at"], [], None)
            stages = list(stage_lines(reader, file.fileno(), wanted, PixelMode.EXAMINE))
            value = PixelValue(reader, row, file.fileno())
            rows = reader.rows(0)
            known = functools.partial(identity_of, reader, rows, file.fileno())
            looked = stage.look(rows, value, reader.transfer_syntax, known=known)
            if looked is None:
                return Preview("", 0, stages, [], None)
            if frame is not None and not 1 <= frame <= looked.source.n_frames:
                raise UsageError(f"the file has {looked.source.n_frames} frame(s)")
            picture = _draw(looked, None if frame is None else frame - 1)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}") from None
    judgement, n_frames = str(looked.found.judgement), looked.source.n_frames
    return Preview(judgement, n_frames, stages, list(_lines(looked)), picture)


def write_picture(path: str | os.PathLike[str], picture: Picture) -> None:
    """Write a PNG of mode 0600: it shows what the file shows. Raises OutputError."""
    import cv2

    coded = cv2.imencode(".png", picture)[1].tobytes()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(coded)
    except OSError as error:
        raise OutputError(f"the picture cannot be written: {error.strerror}") from None


def check_picture_path(path: str | os.PathLike[str]) -> None:
    """Raise UsageError for a path that is not one of a PNG, OutputError where it has no folder."""
    folder, name = os.path.split(os.path.abspath(path))
    if not name.lower().endswith(".png"):
        raise UsageError("the preview is a PNG: name it so, OUT.png")
    if not os.path.isdir(folder):
        raise OutputError("the picture cannot be written: there is no such folder")


def _pixel_row(reader: Reader) -> int:
    """Return the row of Pixel Data, -1 where there is none."""
    table = reader.table[: reader.n_rows]
    found = np.flatnonzero((table[:, TAG] == tags.PIXEL_DATA) & (table[:, PARENT] < 0))
    return int(found[0]) if len(found) else -1


def _lines(looked: Looked) -> Iterator[str]:
    every, n_frames = looked.found.every_frame, looked.source.n_frames
    where = "every frame" if n_frames > 1 else "frame 1"
    yield from (_line(where, mask) for mask in every)
    for frame, masks in sorted(looked.found.single_frames.items()):
        yield from (_line(f"frame {frame + 1}", mask) for mask in masks)


def _line(where: str, mask: FrameMask) -> str:
    top, left, bottom, right = mask.box
    place = f"rows {top} to {bottom}, columns {left} to {right}"
    return f"{where}: {place}: {mask.reason}, score {mask.score:.2f}"


def _draw(looked: Looked, frame: int | None) -> Picture:
    """Return the frames side by side, with their boxes."""
    from fastdeid.pixels.display import Display

    display = Display(looked.source.layout, looked.image)
    chosen = _chosen(looked) if frame is None else [frame]
    if display.needs_range:
        display.use_range(looked.source.samples(number) for number in chosen)
    shown = [_drawn(looked, display.show(looked.source.samples(one)), one) for one in chosen]
    across = math.ceil(math.sqrt(len(shown)))
    blank = np.zeros_like(shown[0])
    shown += [blank] * (-len(shown) % across)
    rows = [np.hstack(shown[at : at + across]) for at in range(0, len(shown), across)]
    picture: Picture = np.vstack(rows)
    return picture


def _chosen(looked: Looked) -> list[int]:
    """Return the frames worth a look: those with boxes of their own, then some of the others."""
    n_frames = looked.source.n_frames
    own = sorted(looked.found.single_frames)
    spread = np.linspace(0, n_frames - 1, min(n_frames, _MOST_FRAMES)).astype(int).tolist()
    others = [frame for frame in spread if frame not in own]
    return sorted((own[:: max(1, len(own) // _MOST_FRAMES)] + others)[:_MOST_FRAMES])


def _drawn(looked: Looked, shown: npt.NDArray[Any], frame: int) -> Picture:
    import cv2

    from fastdeid.pixels.views import grey_view

    if shown.ndim == 3:
        picture = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
    else:
        picture = cv2.cvtColor(grey_view(shown), cv2.COLOR_GRAY2BGR)
    factor = max(1, math.ceil(_LEAST_WIDTH / picture.shape[1]))
    picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    banner = np.zeros((_BANNER, picture.shape[1], 3), np.uint8)
    _write(banner, f"frame {frame + 1}", (4, _BANNER - 7), (255, 255, 255))
    for mask in looked.found.masks_of(frame):
        top, left, bottom, right = (side * factor for side in mask.box)
        colour = _COLOURS.get(mask.reason, _RULE_COLOUR)
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 1)
        label = f"{mask.reason[:24]} {mask.score:.2f}"
        _write(picture, label, (left, min(bottom + 11, picture.shape[0] - 2)), colour)
    return np.vstack([banner, picture])


def _write(picture: Picture, text: str, at: tuple[int, int], colour: Sequence[int]) -> None:
    import cv2

    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_PLAIN, 0.8, colour, 1, cv2.LINE_AA)
