"""What the stages on pixels find in one file: as lines, and drawn into a picture of its frames."""

from __future__ import annotations

import functools
import math
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.available import require_reader
from fastdeid.dicom.reader import Reader
from fastdeid.errors import InputError, OutputError, UsageError
from fastdeid.headers import identity_of
from fastdeid.jobs import Job
from fastdeid.kernels.elements import TAG
from fastdeid.keys import KEY_SIZE
from fastdeid.overlays import kept_positions
from fastdeid.pixel_jobs import clearing_of, has_samples, load_stage
from fastdeid.pixel_reasons import stage_lines
from fastdeid.pixels.modes import PixelMode
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rewrite import Rewriter
from fastdeid.rules import Profile, load_profile
from fastdeid.settings import MASK

if TYPE_CHECKING:
    from fastdeid.pixels.examine import FrameMask
    from fastdeid.pixels.masks import Box
    from fastdeid.pixels.source import PixelValue
    from fastdeid.pixels.stage import Looked, PixelStage

Picture = npt.NDArray[np.uint8]

# Frames of a picture when none is asked for; a frame is drawn at least this wide.
_MOST_FRAMES: Final = 9
_LEAST_WIDTH: Final = 384
_BANNER: Final = 22
_COLOURS: Final = {"text": (60, 60, 255)}
_RULE_COLOUR: Final = (255, 160, 40)
_STAYS_COLOUR: Final = (80, 220, 80)


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

    Raises InputError when the file cannot be read, DicomError when a run would quarantine it,
    ProfileError, and UsageError for a frame that is not there.
    """
    compiled = load_profile(profile)
    require_reader(compiled.settings)
    reader = Reader(compiled.dictionary_keys, compiled.dictionary_vrs)
    try:
        with open(path, "rb") as file:
            reader.read(file.fileno(), os.fstat(file.fileno()).st_size)
            if not (reader.table[: reader.n_rows, TAG] == tags.PIXEL_DATA).any():
                return Preview("", 0, ["no Pixel Data (7FE0,0010): nothing is looked at"], [], None)
            wanted = compiled.settings.pixels
            has_text = wanted.text == MASK
            stages = list(stage_lines(reader, file.fileno(), wanted, PixelMode.EXAMINE))
            job = _decided(compiled, reader, file.fileno())
            looks = _Looks(load_stage(wanted, None, text=has_text), reader, job)
            seen = list(looks.all(has_text=has_text))
            main = seen[0].looked if seen and not seen[0].name else None
            n_frames = 0 if main is None else main.source.n_frames
            if frame is not None and not 1 <= frame <= n_frames:
                raise UsageError(f"the file has {n_frames} frame(s)")
            picture = _draw(seen, None if frame is None else frame - 1) if seen else None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}") from None
    judgement = "" if main is None else str(main.found.judgement)
    lines = [line for one in seen for line in _lines(one)]
    return Preview(judgement, n_frames, stages, lines, picture)


class _Seen(NamedTuple):
    """One image of the file. name: "" for that of its Pixel Data, else what it is."""

    name: str
    looked: Looked


def _decided(profile: Profile, reader: Reader, fd: int) -> Job:
    """Decide on the elements of a file as a run does. Raises DicomError where it would end."""
    rewriter = Rewriter(profile, Pseudonyms(secrets.token_bytes(KEY_SIZE)))
    job = Job(0, fd, os.fstat(fd).st_size)
    rewriter.find_facts(reader, [job])
    if job.error is None:
        rewriter.replace(reader, [job], rewriter.decide(reader, [job]))
        rewriter.decide_again(reader, [job])
    if job.error is None:
        rewriter.look_into_pixels(reader, [job])
    if job.error is not None:
        raise job.error
    return job


class _Looks:
    """Looks into all images of a file that stay: its own, overlays, those in items."""

    def __init__(self, stage: PixelStage, reader: Reader, job: Job) -> None:
        self._stage, self._reader, self._job = stage, reader, job
        self._rows = reader.rows(0)

    def _value(self, row: int) -> PixelValue:
        from fastdeid.pixels.source import PixelValue

        return PixelValue(self._reader, row, self._job.fd)

    def all(self, *, has_text: bool) -> Iterator[_Seen]:
        """Yield them, the image of the file first; has_text: whether text is sought."""
        from fastdeid.pixels.filled import boxes_of
        from fastdeid.pixels.icons import kept_icons
        from fastdeid.pixels.planes import kept_planes

        own = self._own()
        if own is not None:
            yield _Seen("", own)
        if not has_text:
            return
        for plane in kept_planes(self._reader, self._rows):
            looked = self._stage.look_at_overlay(plane, self._value(plane.row))
            yield _Seen(f"overlay {plane.group:04X}", looked)
        boxes = () if own is None else boxes_of(own.found, own.source)[0]
        size = (0, 0) if own is None else own.source.layout[:2]
        for icon in kept_icons(self._reader, self._rows, size):
            looked = self._stage.look_at_icon(self._rows, icon, self._value(icon.row), boxes)
            yield _Seen("image in an item", looked)

    def _own(self) -> Looked | None:
        if not has_samples(self._reader, self._job.found.pixels):
            return None
        return self._stage.look(
            self._rows,
            self._value(self._job.found.pixels),
            self._reader.transfer_syntax,
            clearing_of(self._job),
            known=functools.partial(identity_of, self._reader, self._rows, self._job.fd),
            bits=kept_positions(self._reader, self._rows),
        )


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


def _lines(seen: _Seen) -> Iterator[str]:
    looked = seen.looked
    every, n_frames = looked.found.every_frame, looked.source.n_frames
    name = f"{seen.name}, " if seen.name else ""
    all_of_them = "every frame" if n_frames > 1 else "frame 1"
    yield from (_line(name + all_of_them, mask) for mask in every)
    for frame, masks in sorted(looked.found.single_frames.items()):
        yield from (_line(f"{name}frame {frame + 1}", mask) for mask in masks)
    for one in looked.decided:
        where = all_of_them if one.frame is None else f"frame {one.frame + 1}"
        verdict = f"goes: {one.why_not}" if one.why_not else "stays"
        yield f"{where}: {_place(one.box)}: read, {verdict}, confidence {one.confidence:.2f}"


def _place(box: Box) -> str:
    return f"rows {box.top} to {box.bottom}, columns {box.left} to {box.right}"


def _line(where: str, mask: FrameMask) -> str:
    return f"{where}: {_place(mask.box)}: {mask.reason}, score {mask.score:.2f}"


def _draw(seen: Sequence[_Seen], frame: int | None) -> Picture:
    """Return the frames side by side, with their boxes; overlays and images in items behind."""
    shown = [picture for one in seen for picture in _drawn_frames(one, frame)]
    height, width = (max(picture.shape[axis] for picture in shown) for axis in (0, 1))
    padded = [
        np.pad(one, ((0, height - one.shape[0]), (0, width - one.shape[1]), (0, 0)))
        for one in shown
    ]
    across = math.ceil(math.sqrt(len(padded)))
    padded += [np.zeros_like(padded[0])] * (-len(padded) % across)
    rows = [np.hstack(padded[at : at + across]) for at in range(0, len(padded), across)]
    picture: Picture = np.vstack(rows)
    return picture


def _drawn_frames(seen: _Seen, frame: int | None) -> Iterator[Picture]:
    """Yield the frames of an image that are worth a look; frame: the one of the file's own."""
    from fastdeid.pixels.display import Display

    looked = seen.looked
    display = Display(looked.source.layout, looked.image)
    chosen = _chosen(looked) if frame is None or seen.name else [frame]
    if display.needs_range:
        display.use_range(looked.source.samples(number) for number in chosen)
    for one in chosen:
        yield _drawn(seen, display.show(looked.source.samples(one)), one)


def _chosen(looked: Looked) -> list[int]:
    """Return the frames worth a look: those with boxes of their own, then some of the others."""
    n_frames = looked.source.n_frames
    own = sorted(looked.found.single_frames)
    spread = np.linspace(0, n_frames - 1, min(n_frames, _MOST_FRAMES)).astype(int).tolist()
    others = [frame for frame in spread if frame not in own]
    return sorted((own[:: max(1, len(own) // _MOST_FRAMES)] + others)[:_MOST_FRAMES])


def _drawn(seen: _Seen, shown: npt.NDArray[Any], frame: int) -> Picture:
    import cv2

    from fastdeid.pixels.views import grey_view

    looked = seen.looked
    if shown.ndim == 3:
        picture = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
    else:
        picture = cv2.cvtColor(grey_view(shown), cv2.COLOR_GRAY2BGR)
    factor = max(1, math.ceil(_LEAST_WIDTH / picture.shape[1]))
    picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    banner = np.zeros((_BANNER, picture.shape[1], 3), np.uint8)
    _write(banner, f"{seen.name} frame {frame + 1}".strip(), (4, _BANNER - 7), (255, 255, 255))
    for mask in looked.found.masks_of(frame):
        colour = _COLOURS.get(mask.reason, _RULE_COLOUR)
        _box(picture, mask.box, factor, f"{mask.reason[:24]} {mask.score:.2f}", colour)
    for one in looked.decided:
        if not one.why_not and one.frame in {None, frame}:
            _box(picture, one.box, factor, f"stays {one.confidence:.2f}", _STAYS_COLOUR)
    return np.vstack([banner, picture])


def _box(picture: Picture, box: Box, factor: int, label: str, colour: Sequence[int]) -> None:
    import cv2

    top, left, bottom, right = (side * factor for side in box)
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 1)
    _write(picture, label, (left, min(bottom + 11, picture.shape[0] - 2)), colour)


def _write(picture: Picture, text: str, at: tuple[int, int], colour: Sequence[int]) -> None:
    import cv2

    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_PLAIN, 0.8, colour, 1, cv2.LINE_AA)
