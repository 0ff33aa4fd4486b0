"""Measure the decision per line, keep or remove, on generated text that nobody tuned to.

`python -m bench.text_reading PICTURES` burns lines of people and of measurements into held-out
pictures, in held-out faces (bench/text_training); three quarters of the people stand in the
headers. A line of a person counts as removed when 90 % of its stroke samples are masked, a line of
measurements as kept when 90 % are not. Boxes are those of the lines, padded as the detector pads;
`--found` takes the boxes of the detector, and counts lines that have 90 % of their strokes in them:
what it misses is measured by bench/text_evaluation.py. `--engine` names the engine.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bench.text_training import contents, fonts, pictures
from fastdeid.identity import Identity
from fastdeid.pixels import ocr_rapid, ocr_tesseract
from fastdeid.pixels.examine import TEXT, FrameMask, examination_of, examine_frames
from fastdeid.pixels.keeping import Keeper
from fastdeid.pixels.masks import Box
from fastdeid.pixels.ocr import Reader

View = npt.NDArray[Any]
ENGINES = {"rapidocr": ocr_rapid.open_engine, "tesseract": ocr_tesseract.open_engine}
STYLES = ("white", "white", "grey", "black", "outlined", "boxed", "blended")
ENOUGH = 0.9
# Fainter measurements do not count: nobody can read them.
VISIBLE = 0.2 * 255


class Line(NamedTuple):
    """A burnt-in line. strokes: which samples of the whole view it inks."""

    text: str
    person: bool
    box: Box
    strokes: npt.NDArray[np.bool_]
    capital: float


def header_of(text: str) -> list[tuple[str, str]]:
    """Return what the headers say of the person that a line is about, as `Identity` takes it."""
    bare = text.replace("Name:", "").replace("Dr.", "").replace("Ref:", "").replace("DOB", "")
    words = [word.strip(",.") for word in bare.replace("^", " ").split()]
    digits = "".join(letter for letter in text if letter.isdigit())
    known = [("name", "^".join(word for word in words if word.isalpha() and len(word) > 2))]
    return [*known, ("patient", digits)] if len(digits) > 4 else known


def burn(view: View, ink: View, at: tuple[int, int], style: str) -> None:
    """Burn a line into the view in place, at (top, left), in a style of scenes.py."""
    top, left = at
    margin = 2
    rows = slice(top - margin, top + ink.shape[0] + margin)
    columns = slice(left - margin, left + ink.shape[1] + margin)
    cover = np.pad(ink, margin).astype(np.float32) / 255
    ground = view[rows, columns].astype(np.float32)
    level = {"white": 250.0, "black": 8.0, "outlined": 245.0, "blended": 255.0, "grey": 190.0}
    if style == "outlined":
        around = cv2.dilate(np.pad(ink, margin), np.ones((3, 3), np.uint8)) / 255
        ground *= 1 - around
    elif style == "boxed":
        ground[:] = 235
    cover *= 0.6 if style == "blended" else 1
    patch = ground * (1 - cover) + cover * level.get(style, 12.0)
    view[rows, columns] = np.clip(patch, 0, 255).astype(np.uint8)


def draw_scene(
    split: list[pictures.Picture], rng: np.random.Generator
) -> tuple[View, list[Line], list[tuple[str, str]]]:
    """Return a picture with lines of text, and what its headers know."""
    picture = split[int(rng.integers(len(split)))]
    view = pictures.view_of(picture)
    side = int(rng.integers(384, 1024))
    view = cv2.resize(view, (side, round(side * min(max(view.shape[0] / view.shape[1], 0.6), 1.6))))
    lines: list[Line] = []
    headers: list[tuple[str, str]] = []
    for _ in range(rng.integers(1, 5)):
        face = fonts.HELD_OUT[int(rng.integers(len(fonts.HELD_OUT)))]
        capital = float(np.exp(rng.uniform(np.log(7), np.log(28))))
        style = STYLES[int(rng.integers(len(STYLES)))]
        top = int(rng.integers(4, max(view.shape[0] - 150, 5)))
        left = int(rng.integers(4, max(view.shape[1] - 250, 5)))
        for _ in range(rng.integers(1, 5)):
            person = bool(rng.random() < 0.5)
            text = (
                contents.person_line(rng, contents.HELD_OUT)
                if person
                else contents.setting_line(rng)
            )
            ink = fonts.draw_line(face, text, capital, rng)
            bottom, right = top + ink.shape[0], left + ink.shape[1]
            box = Box(top, left, bottom, right)
            if bottom + 3 > view.shape[0] or right + 3 > view.shape[1] or _meets(box, lines):
                break
            strokes = np.zeros(view.shape, np.bool_)
            strokes[top:bottom, left:right] = ink > 127
            burn(view, ink, (top, left), style)
            beside = view[top - 2 : bottom + 2, left - 2 : right + 2]
            ground = beside[~strokes[top - 2 : bottom + 2, left - 2 : right + 2]]
            contrast = abs(float(np.median(view[strokes])) - float(np.median(ground)))
            if contrast < VISIBLE and not person:
                break
            lines.append(Line(text, person, box, strokes, capital))
            if person and rng.random() < 0.75:
                headers += header_of(text)
            top = bottom + round(capital * rng.uniform(0.4, 1.0))
    return view, lines, headers


def _meets(box: Box, lines: list[Line]) -> bool:
    return any(
        box.top - 2 < one.box.bottom
        and one.box.top - 2 < box.bottom
        and box.left - 4 < one.box.right
        and one.box.left - 4 < box.right
        for one in lines
    )


def padded(box: Box, shape: tuple[int, ...]) -> Box:
    """Return a box as wide as the detector's."""
    pad = max(3, (box.bottom - box.top) // 6)
    return Box(
        max(box.top - pad, 0),
        max(box.left - pad, 0),
        min(box.bottom + pad, shape[0]),
        min(box.right + pad, shape[1]),
    )


def main() -> None:
    """Print what was removed and kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--found", action="store_true", help="boxes of the detector")
    parser.add_argument("--engine", choices=ENGINES, help="default: the best that is installed")
    parser.add_argument("--show", action="store_true", help="print lines that were decided wrongly")
    given = parser.parse_args()
    split = pictures.load_pictures(given.pictures, held_out=True)
    rng = np.random.default_rng(given.seed)
    reader = Reader(ENGINES[given.engine]() if given.engine else None)
    keeper = Keeper(reader)
    counts: Counter[str] = Counter()
    seconds = 0.0
    for _ in range(given.count):
        view, lines, headers = draw_scene(split, rng)
        if given.found:
            found = examine_frames(lambda _, view=view: view, 1)  # type: ignore[misc]
        else:
            masks = tuple(FrameMask(padded(line.box, view.shape), TEXT, 0.9) for line in lines)
            found = examination_of((), {0: masks} if masks else {}, view.shape)
        begin = time.process_time()
        after = keeper.without_kept(found, lambda _, view=view: view, 1, Identity(headers)).found  # type: ignore[misc]
        seconds += time.process_time() - begin
        before, left = (np.zeros(view.shape, np.bool_) for _ in range(2))
        for examination, shown in ((found, before), (after, left)):
            for mask in examination.masks_of(0):
                shown[mask.box.top : mask.box.bottom, mask.box.left : mask.box.right] = True
        for line in lines:
            shares = [float(shown[line.strokes].mean()) for shown in (before, left)]
            kind = "person" if line.person else "measurement"
            if shares[0] < ENOUGH:
                counts[f"{kind} not found"] += 1
                continue
            is_right = shares[1] >= ENOUGH if line.person else shares[1] <= 1 - ENOUGH
            counts[kind] += 1
            counts[f"{kind} right"] += is_right
            if given.show and not is_right:
                what = f"{line.text!r}, capitals {line.capital:.0f}"
                print(f"{kind} wrong: {what}, masked {shares[1]:.2f}")
    print(f"engine {reader.name}, {given.count} pictures, seed {given.seed}")
    for kind, name in (("person", "PHI lines removed"), ("measurement", "other lines kept")):
        n, right = counts[kind], counts[f"{kind} right"]
        print(f"{name:20} {right} of {n}, {100 * right / max(n, 1):.2f} %")
    missed = ", ".join(str(counts[f"{kind} not found"]) for kind in ("person", "measurement"))
    print(f"not in boxes: {missed}; {seconds / given.count:.2f} s a picture")


if __name__ == "__main__":
    main()
