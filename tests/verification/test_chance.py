"""Which hits count between bytes that are no text, and which bytes of a file are text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.verification import originals
from fastdeid.verification.chance import is_chance
from fastdeid.verification.comparison import compare
from fastdeid.verification.conformance import ProfileCheck
from fastdeid.verification.originals import Original, find_needles
from fastdeid.verification.places import MIXED, SAMPLES, TEXT, read_places
from fastdeid.verification.searching import Searcher
from tests import builders as b
from tests.runs import basic_profile, ct_image
from tests.verification.release import CODE_STREAM, JPEG

NAME, DATE = b"PRZYBYLSKA^W", b"19431107"


def planted(needle: bytes, around: bytes) -> bool:
    """Tell whether a needle in the middle of other bytes is taken for chance."""
    data = np.frombuffer(around[:2000] + needle + around[2000:], np.uint8)
    return is_chance(data, 0, len(data), 2000, len(needle), n_needles=1000)


def noise(low: int, high: int, step: int = 1) -> bytes:
    values = np.random.default_rng(7).integers(low, high, 4000, np.uint16).astype("<u2")
    return values.view(np.uint8)[::step].tobytes()[:4000]


def test_a_name_in_the_background_counts() -> None:
    assert not planted(NAME, bytes(4000))
    assert not planted(b"ZQ5718264", bytes(4000))


def test_a_name_among_compressed_or_wide_samples_counts() -> None:
    assert not planted(NAME, np.random.default_rng(7).bytes(4000))
    assert not planted(NAME, noise(900, 1200))


def test_what_chance_would_bring_once_in_an_archive_does_not_count() -> None:
    assert planted(b"MILLER", np.random.default_rng(7).bytes(4000))
    assert planted(b"ANDERS", noise(900, 1200, 2))


def test_a_date_in_noise_of_the_values_of_digits_does_not_count() -> None:
    assert planted(DATE, noise(46, 60, 2))
    assert planted("19431107".encode("utf-16-le")[:-1], noise(46, 60))


def test_a_number_that_is_a_ramp_does_not_count() -> None:
    ramp = bytes(range(256)) * 16
    assert planted(b"12345678", ramp)


@pytest.mark.jit
def test_no_needle_is_found_in_noise_of_the_values_of_letters() -> None:
    """2,000 needles in 10 MB: as many pairs of place and needle as one needle has in 20 GB."""
    random = np.random.default_rng(3)
    data = random.integers(40, 124, 10_000_000, np.uint8)
    names = random.integers(65, 91, (2000, 8), np.uint8)
    text = b"".join(name.tobytes() + b"\n" for name in names).decode().splitlines()
    needles = find_needles(Original(originals.IDENTIFIER, name) for name in text)
    place = read_places(np.frombuffer(b.part10(ct_image()), np.uint8))[0].places[-1]
    searcher = Searcher(needles)
    data.setflags(write=False)
    assert list(searcher.find(data, [place._replace(start=0, end=len(data))])) == []


@given(st.binary(max_size=300))
def test_every_byte_of_any_file_is_read(data: bytes) -> None:
    """Nothing raises, and what is no header of an element is in a place."""
    whole = b.part10(b"", meta=b.file_meta()) + data
    content = read_places(np.frombuffer(whole, np.uint8))[0]
    covered = sum(place.end - place.start for place in content.places)
    assert covered <= len(whole)
    if content.fault >= 0:
        assert max(place.end for place in content.places) == len(whole)


def pieces(stream: bytes) -> dict[str, bytes]:
    """Return the bytes of a fragment by what they are."""
    whole = b.part10(ct_image(b.fragments(0x7FE00010, [stream])))
    content = read_places(np.frombuffer(whole, np.uint8))[0]
    found = {TEXT: b"", SAMPLES: b"", MIXED: b""}
    for place in content.places:
        if place.tag == 0x7FE00010:
            found[place.kind] += whole[place.start : place.end]
    return found


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (JPEG[:2] + b"\xff\xfe\0\x08Miller" + JPEG[2:], b"Miller"),
        (JPEG[:2] + b"\xff\xe1\0\x08Miller" + JPEG[2:], b"Miller"),
        (JPEG[:-2] + b"\xff\xfe\0\x08Miller" + JPEG[-2:], b"Miller"),
        (JPEG + b"Miller", b"Miller"),
        (CODE_STREAM[:51] + b"\xff\x64\0\x0a\0\x01Miller" + CODE_STREAM[51:], b"Miller"),
        (CODE_STREAM + b"Miller", b"Miller"),
    ],
)
def test_comments_and_what_follows_an_image_are_text(stream: bytes, text: bytes) -> None:
    found = pieces(stream)
    assert found[TEXT] == text
    assert len(found[TEXT] + found[SAMPLES]) == len(stream)


def test_an_overlay_that_was_cleared_from_unused_bits_is_no_change() -> None:
    def content(samples: bytes) -> object:
        bits = [b.number(0x00280100 + n, "US", value) for n, value in enumerate((16, 12, 11))]
        whole = b.part10(ct_image(*bits, b.element(0x7FE00010, "OW", samples)))
        return read_places(np.frombuffer(whole, np.uint8))[0]

    def kinds(output: bytes) -> set[str]:
        check = ProfileCheck(basic_profile())
        found = compare(
            *(check, content(b"\x34\xf2\x56\x84"), content(output)),  # type: ignore[arg-type]
            path="x",
            offset=None,
            map_uid=None,
        )
        return {finding.kind for finding in found}

    assert kinds(b"\x34\x02\x56\x04") == set()
    assert kinds(b"\x34\x02\x57\x04") == {"pixels_differ"}
