"""What burnt-in text says: people, places and dates, and measurements and settings."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np


class Words(NamedTuple):
    """Parts that names and places are made of; the splits share none."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    places: tuple[str, ...]


TRAINING: Final = Words(
    tuple(
        "Sch Mar Bro Gar And Wil Kow Pet Hu Tan Fer Nak Joh Mül Has Rod Ev Tho Kat Mi Lu".split()
    ),
    tuple(
        "midt tin wn cia erson son alski rov ang aka nandez mura nson ler sen riguez ans".split()
    ),
    tuple(
        "Hospital Klinikum Medical Center Radiology Imaging Clinic University St. General".split()
    ),
)
HELD_OUT: Final = Words(
    tuple(
        "Zel Ols Bak Dup Cro Van Fitz Gon Ive Quin Weh Yam Sta Pho Ost Urb Jae Rem Nov Cl".split()
    ),
    tuple(
        "inska ker ont uet der gerald zalez rov lan man oto nley bach erg ino son ark ette".split()
    ),
    tuple(
        "Infirmary Spital Institute Diagnostics Ultrasound Dept Memorial Regional Surgery".split()
    ),
)
_MONTHS: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_SETTINGS: Final = (
    "TR {i}|TE {f}|{f} mm|MI {f} TIS {f}|Zoom {f}|W {i} L {i}|kV {i}|mAs {i}|FOV {i} mm|ST {f} mm|"
    "L|R|PORTABLE|A|P|LAO {i}|RAO {i}|CRAN {i}|Dist {f} cm|Gain {i} dB|{i}%|FR {i} Hz|HR {i} bpm|"
    "DR {i}|Vel {f} m/s|Area {f} cm2|SUPINE|AP|LAT|Im: {i}/{i}|Se: {i}|{i}/{i}|T2 TSE COR|LEFT|"
    "RIGHT|"
    "SL {f}|Tilt {i}|F {f} MHz|PRF {i}|R-CC|L-MLO|Frame {i}|+ Dist {f} mm|Ex: {i}|HFS"
)


def _name(rng: np.random.Generator, words: Words) -> str:
    return "".join((rng.choice(words.starts), rng.choice(words.ends)))


def _digits(rng: np.random.Generator, low: int, high: int) -> str:
    return "".join(str(rng.integers(10)) for _ in range(rng.integers(low, high + 1)))


def _date(rng: np.random.Generator) -> str:
    day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(1930, 2026)
    forms = (
        f"{day:02}.{month:02}.{year}",
        f"{month:02}/{day:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day:02}-{_MONTHS[month - 1]}-{year}",
        f"{_MONTHS[month - 1]} {day} {year}",
        f"{year}{month:02}{day:02}",
        f"{day:02}/{month:02}/{year % 100:02}",
        f"{year}/{month:02}/{day:02}",
    )
    text = str(rng.choice(forms))
    if rng.random() < 0.3:
        text += f" {rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}"
    return text


def person_line(rng: np.random.Generator, words: Words) -> str:
    """Return a line that says something about a person, a place or a day."""
    last, first = _name(rng, words), _name(rng, words)
    forms = (
        f"{last}, {first}",
        f"{last}^{first}",
        f"Name: {last} {first}",
        f"{first} {last}",
        f"ID: {_digits(rng, 5, 10)}",
        f"MRN {_digits(rng, 6, 9)}",
        _digits(rng, 5, 10),
        f"Acc {rng.choice(list('ABCRUX'))}{_digits(rng, 5, 8)}",
        f"DOB {_date(rng)}",
        _date(rng),
        _date(rng),
        f"{last} {rng.choice(words.places)}",
        f"Dr. {last}",
        f"Ref: {last}",
        f"Op {last[:2].upper()}",
        f"Tel {_digits(rng, 3, 4)}-{_digits(rng, 3, 4)}-{_digits(rng, 4, 4)}",
        f"{last} {rng.choice(['M', 'F'])} {rng.integers(1, 99):03}Y",
    )
    text = str(rng.choice(forms))
    return text.upper() if rng.random() < 0.45 else text


def setting_line(rng: np.random.Generator) -> str:
    """Return a measurement, a setting, a laterality or an orientation."""
    text = str(rng.choice(_SETTINGS.split("|")))
    while "{i}" in text:
        text = text.replace("{i}", str(rng.integers(1, 10 ** rng.integers(1, 5))), 1)
    while "{f}" in text:
        text = text.replace(
            "{f}", f"{rng.random() * 10 ** rng.integers(0, 4):.{rng.integers(1, 3)}f}", 1
        )
    return text


# First and last of each script's letters: capital and small Cyrillic and Greek; Han, Kana, Hangul.
_LETTERS: Final = (((0x410, 0x42F), (0x430, 0x44F)), ((0x391, 0x3A1), (0x3B1, 0x3C9)))
_EAST_ASIAN: Final = ((0x4E00, 0x7FFF), (0x30A2, 0x30ED), (0xAC00, 0xC8FF))


def _run(rng: np.random.Generator, letters: tuple[int, int], least: int, most: int) -> str:
    return "".join(
        chr(one) for one in rng.integers(letters[0], letters[1] + 1, rng.integers(least, most + 1))
    )


def cyrillic_or_greek_line(rng: np.random.Generator) -> str:
    """Return a line of words in one of these scripts, now and then with a date or a number."""
    capital, small = _LETTERS[int(rng.random() < 0.3)]
    upper = rng.random() < 0.4
    words = [
        _run(rng, capital, 1, 1) + _run(rng, capital if upper else small, 2, 9)
        for _ in range(rng.integers(1, 4))
    ]
    return " ".join([*words, _date(rng)] if rng.random() < 0.2 else words)


def east_asian_line(rng: np.random.Generator) -> str:
    """Return a line of a name, mostly, in Han, Kana or Hangul, now and then with a date."""
    letters = _EAST_ASIAN[int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
    words = [_run(rng, letters, 1, 6) for _ in range(rng.integers(1, 4))]
    return " ".join([*words, _date(rng)] if rng.random() < 0.2 else words)
