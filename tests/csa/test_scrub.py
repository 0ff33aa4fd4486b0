"""A CSA header keeps its shape, its length and its physics, and nothing else."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.csa import PHYSICS as LISTED
from fastdeid.csa import scrub
from tests.csa.building import PHYSICS, Tag, csa, integers, reals

MARKER = b"DOE^JANE"
each_form = pytest.mark.parametrize("form", ["SV10", "older", "counted"])


@each_form
def test_a_header_of_physics_stays_as_it_is(form: str) -> None:
    raw = csa(PHYSICS, form=form)
    assert scrub(raw) == raw


@each_form
def test_what_is_not_on_the_list_becomes_zeros_in_place(form: str) -> None:
    secret = (
        Tag("PatientName", "PN", [MARKER]),
        Tag("ImageComments", "LT", [MARKER, b"x", MARKER * 40], vm=0),
        Tag("UsedPatientWeight", "DS", reals(81.5)),
        Tag("InstanceCreationDate", "DA", [b"20200131"]),
    )
    tags = [*PHYSICS[:4], *secret, *PHYSICS[4:]]
    raw = csa(tags, form=form, trailing=MARKER)
    scrubbed = scrub(raw)
    assert scrubbed is not None
    assert len(scrubbed) == len(raw)
    for word in (b"DOE", b"81.5", b"2020", b"PatientName", b"ImageComments"):
        assert word not in scrubbed
    for tag in PHYSICS:
        assert all(value in scrubbed for value in tag.values)


GARBAGE = b"\xa5DOE"


@each_form
def test_bytes_that_no_reader_looks_at_become_zeros(form: str) -> None:
    tags = [tag._replace(garbage=GARBAGE) for tag in PHYSICS]
    tags += [Tag("B_value", "IS", [b"5\0" + GARBAGE * 3], garbage=GARBAGE)]
    raw = csa(tags, form=form, trailing=GARBAGE * 9)
    assert raw.count(b"DOE") > 30
    scrubbed = scrub(raw)
    assert scrubbed is not None
    assert b"DOE" not in scrubbed
    assert b"\xa5" not in scrubbed


def test_numbers_that_no_reader_looks_at_are_what_they_should_be() -> None:
    raw = bytearray(csa(PHYSICS[:2]))
    marker = 0x454F44  # "DOE"
    # Reserved word, vm, syngo type and mark of the tag; first, third and fourth of the value.
    for at in (4, 12, 16 + 64, 16 + 72, 16 + 80, 16 + 84, 16 + 92, 16 + 96):
        struct.pack_into("<i", raw, at, marker)
    scrubbed = scrub(bytes(raw))
    assert scrubbed is not None
    assert b"DOE" not in scrubbed
    assert integers(64)[0] in scrubbed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("B_value", b"DOE"),
        ("B_value", b"1000 DOE"),
        ("B_value", b"8675309"),
        ("B_value", b"0x10"),
        ("SliceNormalVector", b"1.0\\DOE"),
        ("SliceNormalVector", b"1234567.0"),
        ("SliceNormalVector", b"1.0.1962"),
        ("PhaseEncodingDirection", b"DOE"),
        ("ICE_Dims", b"X_1_DOE"),
        ("ICE_Dims", b"X_1_86753"),
        ("ImaPATModeText", b"p2 DOE"),
        ("B_value ", b"1000"),
        ("b_value", b"1000"),
    ],
)
def test_a_value_that_is_no_physics_goes_with_its_tag(name: str, value: bytes) -> None:
    scrubbed = scrub(csa([*PHYSICS[:2], Tag(name, "LO", [b"1\0", value])]))
    assert scrubbed is not None
    assert value not in scrubbed
    assert name.encode() not in scrubbed


def test_spaces_and_empty_values_stay() -> None:
    raw = csa([Tag("B_value", "IS", [b"        ", b"", b"5 \0\0"])])
    assert scrub(raw) == raw


# What is no CSA header


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SV10",
        b"SV10\4\3\2\1",
        bytes(8),
        bytes(4096),
        b"SV10\4\3\2\1" + bytes(500),
        b"\xff" * 500,
        b"SV10\4\3\2\1" + b"\xff" * 500,
        b"Patient DOE^JANE" * 50,
        csa([], n_tags=1),
        csa(PHYSICS, n_tags=1001),
        csa(PHYSICS, n_tags=len(PHYSICS) + 1),
        csa([Tag("B_value", "QQ", integers(1))]),
        csa([Tag("B_value", "", integers(1))]),
        csa([Tag("B_value", "IS", integers(1))]) + bytes(4 << 20),
    ],
)
def test_what_is_no_csa_header_is_not_kept(raw: bytes) -> None:
    assert scrub(raw) is None


@pytest.mark.parametrize("count", [-1, -(1 << 31), 1 << 20, (1 << 31) - 1])
@pytest.mark.parametrize("place", [16 + 76, 16 + 84 + 4])
def test_huge_and_negative_counts_are_refused(place: int, count: int) -> None:
    raw = bytearray(csa(PHYSICS))
    struct.pack_into("<i", raw, place, count)
    assert scrub(bytes(raw)) is None


@each_form
def test_every_proper_prefix_is_refused(form: str) -> None:
    raw = csa(PHYSICS, form=form)
    # The last value is followed by empty ones, so that nothing of the header is padding.
    for size in range(len(raw)):
        assert scrub(raw[:size]) is None


@each_form
def test_a_scrubbed_header_is_scrubbed_to_itself(form: str) -> None:
    secret = Tag("PatientName", "PN", [MARKER], garbage=GARBAGE)
    once = scrub(csa([*PHYSICS, secret], form=form))
    assert once is not None
    assert scrub(once) == once


def kept_words(raw: bytes) -> set[bytes]:
    """Return every run of at least three printable bytes."""
    words = set()
    word = b""
    for byte in (*raw, 0):
        if 0x20 < byte < 0x7F:
            word += bytes([byte])
        else:
            if len(word) > 2:
                words.add(word)
            word = b""
    return words


ALLOWED = {name.decode() for name in LISTED} | {"SV10"}


@settings(max_examples=300)
@given(
    seed=st.integers(0, 1 << 32),
    form=st.sampled_from(["SV10", "older", "counted"]),
    n_changes=st.integers(1, 12),
)
def test_damage_never_lets_a_marker_through(seed: int, form: str, n_changes: int) -> None:
    chance = random.Random(seed)
    tags = [tag._replace(garbage=GARBAGE) for tag in PHYSICS]
    tags.insert(chance.randrange(len(tags)), Tag("PatientName", "PN", [MARKER] * 3, garbage=MARKER))
    tags.insert(chance.randrange(len(tags)), Tag("Text", "UN", [MARKER * 9], garbage=MARKER))
    raw = bytearray(csa(tags, form=form, trailing=MARKER * 3))
    for _ in range(n_changes):
        at = chance.randrange(len(raw))
        how = chance.randrange(4)
        if how == 0:
            raw[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            raw[at : at + 4] = struct.pack("<i", chance.choice([0, 1, -1, 6, 77, 64, 1 << 30]))
        elif how == 2:
            raw[at:at] = MARKER[: chance.randrange(9)]
        else:
            del raw[at : at + chance.randrange(9)]
    scrubbed = scrub(bytes(raw))
    if scrubbed is None:
        return
    assert len(scrubbed) == len(raw)
    assert b"DOE" not in scrubbed
    assert b"JANE" not in scrubbed
    for word in kept_words(scrubbed):
        text = word.decode()
        assert text in ALLOWED or any(c.isdigit() for c in text) or text == "DIRECTIONAL", text


@given(data=st.binary(max_size=400), magic=st.booleans())
def test_any_bytes_are_scrubbed_or_refused(data: bytes, magic: bool) -> None:
    raw = b"SV10\4\3\2\1" + data if magic else data
    scrubbed = scrub(raw)
    assert scrubbed is None or len(scrubbed) == len(raw)
