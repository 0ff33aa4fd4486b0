"""Which lines say nothing but measurements, settings, lateralities and orientations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.identity import Identity
from fastdeid.pixels.keeping import Known, why_not
from fastdeid.pixels.masks import Box
from fastdeid.pixels.measurements import is_measurement
from fastdeid.pixels.ocr import ReadLine, share_explained

SAYS_ONLY_THAT = """
12.3 mm|MI 1.2 TIS 0.4|Zoom 2.2|L|R-CC|PORTABLE|TR 500 TE 12.5|W 400 L 40|C40 W400|120kV|Im: 3/24|
T2 TSE COR|T2TSE COR|5 cm/s|1 Dist 12.3 mm|+ 2.3 mm|LEFT|AP|FOV 240 x 240 mm|512 x 512|b=1000|
TR/TE: 500/12 ms|SE/IM 3/4|12,5 mm|Gain 55%|HR 70 bpm|Vmax 1.20 m/s|LAO 30 CRAN 20|F 3.5 MHz|SUPINE
"""
SAYS_MORE = """
DOE, JANE|Doe^Jane|J. Doe|ID: 471199|4711|MRN 123456|F 045Y|M 45|F 45|12/05|12/2019|03/04/1980|
3.4.80|1980|12:30|TI 10:12|L 10.12.24|L 12 03 1980|DOB 12 MAR 1980|A1234567|OP AB|Dr. L|Ex: 1234|
W 12345|W 0123|Tel 123-4567|10.0.0.1|MAX|LEFT, DOE|St. Mary 3 mm|2.25.123.4|R 12|Room 12|
"""
# As OCR reads DFOV, MHz, LAO and MLO: only keys and units are forgiven.
CONFUSED = {"F 3.5 HHz": True, "LA0 88": True, "L-HL0": True, "D0E 12 mm": False, "J0NES": False}

IDENTITY = Identity(
    [
        ("name", "Latimer^Gail"),
        ("name", "Ong^Ann"),
        ("patient", "8812"),
        ("date", "19570412"),
        ("phrase", "Northfield Infirmary"),
    ]
)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\n", "").split("|") if line.strip()]


@pytest.mark.parametrize("line", lines(SAYS_ONLY_THAT))
def test_a_measurement_is_one(line: str) -> None:
    assert is_measurement(line)
    assert is_measurement(line.upper())


@pytest.mark.parametrize("line", lines(SAYS_MORE))
def test_what_may_be_about_somebody_is_none(line: str) -> None:
    assert not is_measurement(line)


@pytest.mark.parametrize(("line", "expected"), CONFUSED.items())
def test_letters_may_be_confused_in_keys_and_units_alone(line: str, expected: bool) -> None:
    assert is_measurement(line) == expected


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=90))
def test_any_text_is_decided(text: str) -> None:
    assert is_measurement(text) in {True, False}


@given(st.dates(), st.sampled_from("%d.%m.%Y %m/%d/%Y %Y-%m-%d %d-%b-%Y %Y%m%d %d/%m/%y".split()))
def test_no_date_is_a_measurement(day: object, form: str) -> None:
    written = format(day, form)
    assert not is_measurement(written)
    assert not is_measurement(f"L {written}")


@pytest.mark.parametrize(
    "line",
    # The name, parts of it, one letter wrong, letters for digits; initials; the number; the year.
    ["LATIMER", "Lat1mer", "LAT1NER", "gail", "6AIL", "AO", "OA", "W 8812", "W 1957", "N0RTHFIELD"],
)
def test_what_the_headers_know_is_recognised(line: str) -> None:
    resembles = Known(IDENTITY).resembles(line.replace("6", "G"))
    assert resembles


@pytest.mark.parametrize("line", ["LAT", "Gain 40", "W 400 L 40", "LAO 30", "19 mm", "8.8 mm"])
def test_what_only_looks_a_little_like_it_is_not(line: str) -> None:
    assert not Known(IDENTITY).resembles(line)


@pytest.mark.parametrize(
    ("text", "confidence", "explained", "expected"),
    [
        ("12.3 mm", 0.95, 1.0, True),
        ("12.3 mm", 0.70, 1.0, False),
        ("12.3 mm", 0.95, 0.6, False),
        ("W 1957", 0.95, 1.0, False),
        ("DOE", 0.95, 1.0, False),
    ],
)
def test_a_line_stays_only_for_every_reason(
    text: str, confidence: float, explained: float, expected: bool
) -> None:
    box = Box(0, 0, 10, 80)
    line = ReadLine(box, text, confidence, explained, box)
    assert (why_not(line, Known(IDENTITY)) == "") == expected


def test_letters_explain_the_ink_beside_them() -> None:
    strip = np.full((16, 100), 20, np.uint8)
    strip[3:13, 5:95:10] = strip[3:13, 6:95:10] = 240  # nine strokes
    places = np.arange(5.5, 95, 10)
    assert share_explained(strip, places) == (1.0, 7.0)
    assert share_explained(strip, places[:4])[0] < 0.6
    assert share_explained(strip, places[:0])[0] == 0.0
    assert share_explained(strip[:, :3], places)[0] == 1.0


def test_faint_structure_beyond_the_letters_is_no_ink_and_strokes_like_theirs_are() -> None:
    strip = np.full((16, 100), 20, np.uint8)
    strip[3:13, 5:45:10] = strip[3:13, 6:45:10] = 240
    places = np.arange(5.5, 45, 10)
    strip[4:12, 60:90:4] = 80  # a quarter of the letters' contrast
    assert share_explained(strip, places)[0] == 1.0
    strip[4:12, 60:90:4] = 200
    assert share_explained(strip, places)[0] < 0.9
