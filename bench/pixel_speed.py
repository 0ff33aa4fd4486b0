"""Measure how many frames a second one core examines: `python -m bench.pixel_speed PICTURES`.

PICTURES is a folder as bench/text_training/pictures.py reads it. Four cases of 512 x 512 samples of
16 bits: a stack of 200 frames that are the same, one clean frame, one frame with seven lines, and
a cine whose anatomy moves under them. CPU time of the fastest of several rounds; every round of a
case begins anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.text_training import pictures
from fastdeid.pixels.examine import examine_frames

Frame = npt.NDArray[Any]

_SIDE: Final = 512
_LINES: Final = ("DOE^JANE", "ID 1234567", "1950-02-03 12:33", "General Hospital")
_SETTINGS: Final = ("TR 500", "TE 12.5", "SL 3.0")
_ROUNDS: Final = 7


def with_text(frame: Frame, level: int) -> Frame:
    """Return the frame with four lines at the top left and three at the bottom right."""
    ink = np.zeros(frame.shape, np.uint8)
    for number, line in enumerate(_LINES):
        cv2.putText(ink, line, (8, 20 + 18 * number), 0, 0.5, 255, 1, cv2.LINE_AA)
    for number, line in enumerate(_SETTINGS):
        cv2.putText(ink, line, (420, 460 + 18 * number), 0, 0.45, 255, 1, cv2.LINE_AA)
    cover = ink / 255
    return (frame * (1 - cover) + cover * level).astype(frame.dtype)


def seconds(frames: Sequence[Frame]) -> float:
    """Return the CPU time of examining the frames, of the fastest round."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        examine_frames(lambda number: frames[number].copy(), len(frames))
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Print the four figures for every picture that is large enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--names", default="12_CT,20_CT,22_MR,04_CT", help="which, with commas")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    wanted = given.names.split(",")
    for held_out in (False, True):
        for one in pictures.load_pictures(given.pictures, held_out=held_out):
            if one.name.removesuffix(".png") not in wanted:
                continue
            clean = np.ascontiguousarray(one.samples[:_SIDE, :_SIDE])
            text = with_text(clean, int(clean.max()))
            cine = [with_text(np.roll(clean, 5 * n, 1), int(clean.max())) for n in range(32)]
            cases = {
                "static stack": [text] * 200,
                "clean frame": [clean],
                "frame with text": [text],
                "moving cine": cine,
            }
            rates = {name: len(frames) / seconds(frames) for name, frames in cases.items()}
            figures = ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
            print(f"{one.name}: frames/s: {figures}", flush=True)


if __name__ == "__main__":
    main()
