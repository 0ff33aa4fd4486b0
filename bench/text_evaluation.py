"""Measure the text detector on pictures, faces and words that training never saw.

`python -m bench.text_evaluation PICTURES` prints the table of the model card. Text is burnt into
the held-out pictures (bench/text_training/pictures.py), or into DICOM files given by name, and into
phantoms, in held-out faces; a word is found when at least 90 % of its stroke samples are masked;
false area is what is masked outside the lines, each grown by half its height.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pydicom

from bench.text_training import pictures, scenes, structures
from fastdeid.pixels.examine import examine_frames
from fastdeid.pixels.masks import Box
from fastdeid.pixels.text import find_text
from fastdeid.pixels.text_lines import TextLine
from fastdeid.pixels.views import grey_view

View = npt.NDArray[Any]
MEDICAL = frozenset("CT MR CR XA PT NM MG".split())
VISIBLE = 0.2 * 255


class Scene(NamedTuple):
    """A frame with its lines of text."""

    kind: str
    view: View
    lines: Sequence[scenes.Line]


class Word(NamedTuple):
    """A word: its line's style, whether it tells of a person, share of its strokes masked."""

    style: str
    person: bool
    visible: bool
    upright: bool
    capital: float
    masked: float


def _side(rng: np.random.Generator) -> int:
    return round(math.exp(rng.uniform(math.log(128), math.log(1100))))


def draw_ground(
    split: Sequence[pictures.Picture], rng: np.random.Generator, *, phantoms: float = 0.15
) -> tuple[str, View]:
    """Return a clean picture as a whole at some size and window, or a phantom; and its modality."""
    if rng.random() < phantoms:
        return "phantom", pictures.phantom(rng, _side(rng))
    one = split[int(rng.integers(len(split)))]
    window = ((0.5, 99.5), (0.0, 100.0), (1.0, 97.0))[int(rng.integers(3))]
    view = pictures.view_of(one, *window)
    scale = _side(rng) / max(view.shape) if rng.random() < 0.5 else 1.0
    scale = min(max(scale, 128 / min(view.shape) / 2), 3.0, 1500 / max(view.shape))
    if scale != 1.0:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        view = cv2.resize(view, None, fx=scale, fy=scale, interpolation=how)
    view = view[:, ::-1] if rng.random() < 0.5 else view
    return one.modality, np.ascontiguousarray(view)


def _coded(view: View, rng: np.random.Generator) -> View:
    """Return what JPEG of quality 60 to 92 leaves of a third of the views."""
    if rng.random() < 0.67:
        return view
    flag = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 93))]
    decoded: Any = cv2.imdecode(cv2.imencode(".jpg", view, flag)[1], cv2.IMREAD_GRAYSCALE)
    return decoded


def draw_scene(
    split: Sequence[pictures.Picture], rng: np.random.Generator, *, text: bool, moved: int = 0
) -> Scene:
    """Draw a frame of section 1's kinds, with text or without.

    moved: which of the ways that what lies behind the text has moved, 0 for not at all. The same
    seed draws the same text in the same places.
    """
    kind, view = draw_ground(split, rng)
    if rng.random() < 0.2:
        side = min(view.shape)
        square = np.ascontiguousarray(view[:side, :side])
        structures.draw_structures(square, rng, int(rng.integers(1, 4)))
        view[:side, :side] = square
        kind = "structures"
    if moved:
        view = _moved(view, moved)
    lines: list[scenes.Line] = []
    largest = 40.0 * max(1.0, min(view.shape) / 700)
    for _ in range(rng.integers(1, 5) if text else 0):
        limits = (6.0, min(largest, min(view.shape) / 6))
        new = view.copy()
        drawn = scenes.burn_block(
            new, scenes.HELD_OUT, rng, capitals=limits, most_lines=5, corners=0.55
        )
        if drawn and not any(_meet(one, other) for one in drawn for other in lines):
            lines += drawn
            view = new
    return Scene(kind, _coded(view, rng), lines)


def _moved(view: View, way: int) -> View:
    """Return the view moved by up to 20 samples, with some noise."""
    rng = np.random.default_rng(way)
    rows, columns = rng.integers(-20, 21, 2)
    noise = rng.normal(0, 3, view.shape)
    return np.clip(np.roll(view, (rows, columns), (0, 1)) + noise, 0, 255).astype(np.uint8)


def _meet(one: scenes.Line, other: scenes.Line) -> bool:
    return not (
        one.bottom + 4 < other.top
        or other.bottom + 4 < one.top
        or one.right + 4 < other.left
        or other.right + 4 < one.left
    )


def _words(line: scenes.Line) -> Iterable[Any]:
    """Yield the ink of each word: parts with a gap of a third of the height between them."""
    ink: Any = line.ink.T if line.upright else line.ink
    used = ink.any(0)
    gap = max(3, round(0.45 * line.capital))
    joined: Any = cv2.morphologyEx(
        used.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8)
    )
    edges = np.flatnonzero(np.diff(np.concatenate([[0], joined[0], [0]]).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        word = np.zeros_like(ink)
        word[:, first:last] = ink[:, first:last]
        yield word.T if line.upright else word


def _mask_of(shape: tuple[int, ...], lines: Iterable[TextLine | Box]) -> npt.NDArray[Any]:
    mask = np.zeros(shape, np.bool_)
    for line in lines:
        mask[line.top : line.bottom, line.left : line.right] = True
    return mask


def judge(scene: Scene, mask: npt.NDArray[Any]) -> tuple[list[Word], float]:
    """Return the scene's words, and the share of the frame that is masked beside its lines."""
    allowed = np.zeros_like(mask)
    words = []
    for line in scene.lines:
        thick = (line.right - line.left) if line.upright else (line.bottom - line.top)
        grow = math.ceil(thick / 2)
        rows = slice(max(line.top - grow, 0), line.bottom + grow)
        allowed[rows, max(line.left - grow, 0) : line.right + grow] = True
        inside: Any = mask[line.top : line.bottom, line.left : line.right]
        visible = line.contrast >= VISIBLE
        for word in _words(line):
            if not word.any():
                continue
            masked = float(inside[word].mean())
            words.append(Word(line.style, line.person, visible, line.upright, line.capital, masked))
    return words, float((mask & ~allowed).mean())


def _share(words: Sequence[Word], least: float = 0.9) -> str:
    found = sum(word.masked >= least for word in words)
    return f"{100 * found / len(words):6.2f} % of {len(words)}" if words else "     - of 0"


def report_words(words: Sequence[Word]) -> None:
    """Print the share of the words found by class."""
    normal = [word for word in words if not word.style.startswith("lc")]
    classes: dict[str, list[Word]] = {
        "visible PHI": [word for word in words if word.visible and word.person],
        "visible": [word for word in words if word.visible],
        "normal styles": normal,
        "+20 % of the window": [word for word in words if word.style == "lc20"],
        "+10 %": [word for word in words if word.style == "lc10"],
        "+5 %": [word for word in words if word.style == "lc5"],
        "upright, visible": [word for word in words if word.upright and word.visible],
        "capitals <= 8, visible": [word for word in words if word.capital <= 8 and word.visible],
        "capitals >= 28, visible": [word for word in words if word.capital >= 28 and word.visible],
    }
    for style in sorted({word.style for word in normal}):
        classes[f"  {style}, visible"] = [w for w in normal if w.style == style and w.visible]
    for name, members in classes.items():
        print(f"{name:28s} {_share(members)}   half: {_share(members, 0.5)}")


def measure_text(split: Sequence[pictures.Picture], count: int, seed: int) -> None:
    """Print the bars of single frames with text."""
    words: list[Word] = []
    false, missed, seconds, megapixels = [], 0, 0.0, 0.0
    drawn = 0
    for number in range(count):
        scene = draw_scene(split, np.random.default_rng((seed, 0, number)), text=True)
        if not scene.lines:
            continue
        began = time.process_time()
        lines = find_text(grey_view(scene.view))
        seconds += time.process_time() - began
        megapixels += scene.view.size / 1e6
        found, beside = judge(scene, _mask_of(scene.view.shape, lines))
        words += found
        false.append(beside)
        seen = any(word.visible for word in found)
        drawn += seen
        missed += seen and not any(word.masked > 0.5 for word in found if word.visible)
    report_words(words)
    print(f"false area, frames with text  {100 * np.mean(false):.3f} %")
    print(f"frames whose text is missed   {missed} of {drawn}")
    print(f"seconds per megapixel         {seconds / megapixels:.3f}")


def measure_clean(split: Sequence[pictures.Picture], count: int, seed: int) -> None:
    """Print the bars of frames without text."""
    hits: dict[str, list[float]] = defaultdict(list)
    seconds, megapixels = 0.0, 0.0
    for number in range(count):
        scene = draw_scene(split, np.random.default_rng((seed, 1, number)), text=False)
        began = time.process_time()
        lines = find_text(grey_view(scene.view))
        seconds += time.process_time() - began
        megapixels += scene.view.size / 1e6
        hits[scene.kind].append(float(_mask_of(scene.view.shape, lines).mean()))
    medical = [area for kind, areas in hits.items() if kind in MEDICAL for area in areas]
    hits["all"] = [area for areas in list(hits.values()) for area in areas]
    hits["CT MR CR XA PT NM MG"] = medical
    for kind, areas in hits.items():
        hit = np.count_nonzero(areas)
        print(
            f"clean {kind:22s} hit {hit} of {len(areas)} ({100 * hit / max(len(areas), 1):.1f} %), "
            f"false area {100 * np.mean(areas):.3f} %"
        )
    print(f"seconds per megapixel         {seconds / megapixels:.3f}")


def measure_stacks(split: Sequence[pictures.Picture], count: int, seed: int) -> None:
    """Print the bars of stacks: the same text on six frames whose anatomy moves."""
    words: list[Word] = []
    false = []
    for number in range(count):
        drawn = [
            draw_scene(split, np.random.default_rng((seed, 2, number)), text=True, moved=moved)
            for moved in range(6)
        ]
        if not drawn[0].lines:
            continue
        found = examine_frames([scene.view for scene in drawn].__getitem__, len(drawn))
        for frame, scene in enumerate(drawn):
            boxes = [mask.box for mask in found.masks_of(frame)]
            seen, beside = judge(scene, _mask_of(scene.view.shape, boxes))
            words += seen
            false.append(beside)
    print("stacks of six frames with the same text, words by frame:")
    report_words(words)
    print(f"false area, stacks            {100 * np.mean(false):.3f} %")


def measure_originals(split: Sequence[pictures.Picture]) -> None:
    """Print which pictures are hit as they are, from their stored values."""
    for one in split:
        samples: Any = one.samples
        view = pictures.view_of(one) if samples.ndim == 3 else grey_view(samples)
        lines = find_text(view)
        if lines:
            area = _mask_of(view.shape, lines).mean()
            print(f"hit {one.name}: {len(lines)} lines, {100 * area:.2f} %")


def read_files(folder: Path, names: Sequence[str]) -> list[pictures.Picture]:
    """Return the middle frame of DICOM files without text, whole numbers or RGB of 8 bits."""
    found = []
    for name in names:
        dataset = pydicom.dcmread(folder / name)
        samples = dataset.pixel_array
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            samples = samples[len(samples) // 2]
        inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        found.append(pictures.Picture(name, dataset.get("Modality", "OT"), samples, inverted))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--names", help="DICOM files of the folder, with commas, without text")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--training", action="store_true", help="use the training pictures")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.names:
        split = read_files(given.pictures, given.names.split(","))
    else:
        split = pictures.load_pictures(given.pictures, held_out=not given.training)
    measure_text(split, given.count, given.seed)
    measure_clean(split, given.count, given.seed)
    measure_originals(split)
    measure_stacks(split, given.count // 4, given.seed)


if __name__ == "__main__":
    main()
