"""Burnt-in text is read by whichever engine is installed; without one, that is said at once."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fastdeid.pixels import ocr, ocr_rapid, ocr_tesseract
from fastdeid.pixels.masks import Box
from tests.pixels.drawing import View, burn, ink_of, phantom

ENGINES = {"rapidocr": ocr_rapid.find_models, "tesseract": ocr_tesseract.find_program}
OPEN = {"rapidocr": ocr_rapid.open_engine, "tesseract": ocr_tesseract.open_engine}
TEXT = "LEFT 25"
# Nothing that reads can be found.
WITHOUT_ANY = """
import importlib.util, os
importlib.util.find_spec = lambda name: None
os.environ["PATH"] = ""
from fastdeid.errors import UsageError
from fastdeid.pixels import ocr
print(ocr.is_installed())
try:
    ocr.Reader()
except UsageError as error:
    print(error)
"""


@pytest.fixture(scope="module", params=ENGINES)
def reader(request: pytest.FixtureRequest) -> ocr.Reader:
    if ENGINES[request.param]() is None:
        pytest.skip(f"{request.param} is not installed")
    return ocr.Reader(OPEN[request.param]())


def written(text: str = TEXT, *, dark: bool = False) -> View:
    """Return a view of 96 x 256 samples with a line of text at its top."""
    view = phantom("black")[:96] + np.uint8(190) if dark else phantom("ramp")[:96] // 2
    return burn(view, ink_of(view.shape, text, (10, 34), scale=0.9), 10 if dark else 250)


def end_of(text: str) -> int:
    """Return the column behind the text that `written` draws."""
    return int(np.flatnonzero(ink_of((96, 256), text, (10, 34), scale=0.9).any(0))[-1]) + 1


def without_spaces(text: str) -> str:
    return text.replace(" ", "")


@pytest.mark.parametrize("dark", [False, True])
def test_a_line_is_found_and_read(reader: ocr.Reader, dark: bool) -> None:
    (line,) = reader.read_all(written(dark=dark))
    assert without_spaces(line.text) == without_spaces(TEXT)
    assert line.confidence > 0.6
    assert line.explained == 1.0
    assert line.box.top <= 17
    assert line.box.bottom >= 34


def test_only_what_stands_in_the_boxes_is_read(reader: ocr.Reader) -> None:
    view = np.vstack([written("DOE JANE"), written()])
    (line,) = reader.read(view, [Box(100, 0, 140, 120)])
    assert without_spaces(line.text) == without_spaces(TEXT)
    assert line.box.top > 96


def test_text_that_runs_up_is_turned(reader: ocr.Reader) -> None:
    view = np.ascontiguousarray(np.rot90(written()))
    strip = Box(256 - 120, 8, 256 - 4, 42)
    line = reader.read_line(view, strip)
    assert line.upright
    assert without_spaces(line.text) == without_spaces(TEXT)


def test_what_was_not_read_is_not_explained(reader: ocr.Reader) -> None:
    view = written("TR 500")
    # Two marks that are no letters, as wide as a name.
    view[20:32, 150:160] = view[20:32, 180:200] = 250
    line = reader.read_line(view, Box(12, 4, 40, 210))
    assert line.explained < 0.9 or line.confidence < 0.7


def test_letters_beside_a_line_that_were_not_read_count_against_it(reader: ocr.Reader) -> None:
    view = written("LEFT 25 RIGHT 71")
    middle = end_of("LEFT 25") + 6
    inside, around = Box(12, 2, 40, middle), Box(12, 0, 40, middle + 40)
    assert reader.read_line(view, inside).explained >= 0.9
    # The letters that the box leaves out are ink as strong as that of the others.
    assert reader.read_line(view, inside, around).explained < 0.9


def test_what_was_read_is_told_apart_from_the_rest_of_its_box(reader: ocr.Reader) -> None:
    line = reader.read_line(written(), Box(8, 0, 40, 256))
    assert line.box.right == 256
    assert abs(line.letters.right - end_of(TEXT)) <= 16
    assert line.letters.left <= 12


def test_columns_of_text_are_read_as_lines_of_their_own(reader: ocr.Reader) -> None:
    view = np.hstack([written("LEFT 25"), written("DOE JANE")])
    lines = reader.read(view, [Box(8, 0, 42, 460)])
    assert [without_spaces(line.text) for line in lines] == ["LEFT25", "DOEJANE"]
    assert lines[0].letters.right < 256 < lines[1].letters.left


def test_lines_side_by_side_are_one_where_there_is_no_gap() -> None:
    left, near, far = Box(0, 0, 20, 40), Box(2, 46, 21, 80), Box(1, 200, 20, 240)
    below = Box(30, 0, 50, 100)
    rows = ocr.rows_of([left, near, far, below], [Box(0, 0, 25, 300), Box(28, 0, 52, 120)])
    assert [row for row, _ in rows] == [Box(0, 0, 21, 80), far, below]
    # What may belong to a line: half of its height, and as far as there are boxes.
    assert [around[1::2] for _, around in rows] == [(0, 90), (190, 250), (0, 110)]


def test_an_empty_view_has_no_lines(reader: ocr.Reader) -> None:
    assert reader.read_all(phantom("ramp")) == []
    assert reader.read(phantom("black"), [Box(10, 10, 40, 200)]) == []


def test_what_was_read_does_not_show(reader: ocr.Reader) -> None:
    line = reader.read_line(written("DOE JANE"), Box(8, 2, 40, 170))
    assert "DOE" in line.text
    shown = f"{line!r} {line} {[line]}"
    assert "DOE" not in shown


def test_boxes_that_meet_are_looked_at_together() -> None:
    first, second, third = Box(0, 0, 10, 10), Box(30, 30, 40, 40), Box(5, 5, 35, 35)
    assert ocr.together([first, second], (50, 50)) == [[first], [second]]
    assert sorted(ocr.together([first, second, third], (50, 50))[0]) == [first, third, second]
    assert ocr.together([(-5, -5, 5, 5), (60, 60, 70, 70)], (50, 50)) == [[Box(0, 0, 5, 5)]]


def test_without_an_engine_reading_is_refused_with_the_hint() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ANY], capture_output=True, text=True, check=True
    )
    assert "pip install 'fastdeid[ocr]'" in ocr.HINT
    assert done.stdout.splitlines() == [
        "False",
        "reading text needs an OCR engine: pip install 'fastdeid[ocr]', or install tesseract-ocr",
    ]
