"""Why the pixels of a file are treated as they are: stages, rules that hold, what was examined."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastdeid import tags
from fastdeid.dicom.reader import Reader
from fastdeid.outcome import Outcome
from fastdeid.pixels.modes import PixelMode
from fastdeid.settings import MASK, MASK_OUTSIDE, MEASUREMENTS, Pixels

if TYPE_CHECKING:
    from fastdeid.pixels.image import Image
    from fastdeid.pixels.regions import Condition, RegionRules

_MOST_RULES: Final = 20


def pixel_lines(
    path: Path, reader: Reader, wanted: Pixels, mode: PixelMode, outcome: Outcome
) -> list[str]:
    """Return what each stage did about the pixels of a file, and why.

    reader: reads the file again. outcome: of the same mode. Values of attributes are not told, only
    which tests of a rule they pass.
    """
    if mode is PixelMode.OFF:
        return ["pixels: copied as they are, --pixels off"]
    lines = ["pixels:"]
    with path.open("rb") as file:
        reader.read(file.fileno(), os.fstat(file.fileno()).st_size)
        lines += [f"  {line}" for line in stage_lines(reader, file.fileno(), wanted, mode)]
    lines += [f"  {line}" for line in _results(outcome, wanted, mode)]
    return lines


def stage_lines(reader: Reader, fd: int, wanted: Pixels, mode: PixelMode) -> Iterator[str]:
    """Yield which stages there are for a file, and what of its header decides about them.

    reader: has read the file. fd: the file.
    """
    from fastdeid.pixels import image as images
    from fastdeid.pixels.expectation import LIKELY, UNLIKELY, thresholds_for
    from fastdeid.pixels.regions import rules_of

    rules = rules_of(wanted.regions or ())
    keywords = rules.attributes()
    image = images.Image(reader, reader.rows(0), fd, images.wanted_tags(keywords.values()))
    yield from (f"region rules: {line}" for line in _rules_that_hold(image, rules, keywords))
    n_regions = len(list(image.ultrasound_regions()))
    what = "what lies outside is masked" if wanted.ultrasound_regions == MASK_OUTSIDE else "kept"
    if n_regions:
        yield f"ultrasound regions (0018,6011): {n_regions}; {what}"
    if mode is not PixelMode.EXAMINE or wanted.text != MASK:
        by_profile = mode is PixelMode.EXAMINE
        why = 'text = "keep" in the profile' if by_profile else "--pixels regions"
        yield f"text: not sought; {why}"
        return
    names = (tags.MODALITY, tags.IMAGE_TYPE, tags.SOP_CLASS_UID, tags.BURNED_IN_ANNOTATION)
    thresholds = thresholds_for(*(image.text(tag) or "" for tag in names))
    likely = {LIKELY: "likely", UNLIKELY: "unlikely"}.get(thresholds, "possible")
    yield (
        f"text: sought in every frame; {likely} by Modality, Image Type, SOP Class and Burned In "
        f"Annotation, so a place counts from {thresholds.seed:g} on"
    )
    if wanted.keep == MEASUREMENTS:
        yield "text: lines that OCR reads as measurements stay"


def _rules_that_hold(image: Image, rules: RegionRules, keywords: dict[str, int]) -> Iterator[str]:
    def holds(test: Condition) -> bool:
        return test.holds(image.text(keywords[test.attribute]))

    found = 0
    for rule in rules.rule:
        for tests in rule.when:
            if all(holds(test) for test in tests):
                found += 1
                names = ", ".join(dict.fromkeys(test.attribute for test in tests))
                if found <= _MOST_RULES:
                    yield f"{rule.name!r} holds, by {names}; {len(rule.boxes)} box(es)"
                break
    if not found:
        yield f"none of {len(rules.rule)} holds"


def _results(outcome: Outcome, wanted: Pixels, mode: PixelMode) -> Iterator[str]:
    for reason, number in sorted(Counter(box.reason for box in outcome.masks).items()):
        yield f"masked: {number} box(es), {reason}"
    if not outcome.masks:
        yield "masked: nothing"
    if outcome.frames_examined:
        yield f"examined: all {outcome.frames_examined} frame(s); 113101 and (0028,0301) = NO"
        return
    why = "text was not sought"
    if mode is PixelMode.EXAMINE and wanted.text == MASK:
        why = "no samples that can hold text, or an image is kept that cannot be looked into"
    yield f"examined: no frame, nothing is claimed; {why}"
