"""Two hundred and more lines in seven languages and others, remainders word for word."""

from __future__ import annotations

import re

import pytest

from fastdeid.descriptors import STRICT, Cleaner
from fastdeid.identity import Identity
from tests.descriptors.third_corpus import GROUPS, Group

LINES = [
    pytest.param(group, text, rest, id=f"{name}-{text}")
    for name, group in GROUPS.items()
    for text, rest in group.lines
]
WORD = re.compile(r"[^\W\d_]{3,}")
CLEANER, STRICT_CLEANER = Cleaner(), Cleaner(STRICT)


@pytest.mark.parametrize(("group", "text", "rest"), LINES)
def test_what_is_left_is_the_clinical_remainder(group: Group, text: str, rest: str) -> None:
    assert CLEANER.clean(text, Identity(group.headers)) == rest


@pytest.mark.parametrize("name", GROUPS)
def test_mode_strict_leaves_nothing_that_balanced_takes(name: str) -> None:
    group = GROUPS[name]
    for text, rest in group.lines:
        left = STRICT_CLEANER.clean(text, Identity(group.headers))
        assert set(WORD.findall(left)) <= set(WORD.findall(rest)), text


def test_mode_strict_leaves_nine_of_ten_clinical_texts_as_they_are() -> None:
    whole = touched = 0
    for name, group in GROUPS.items():
        for text, rest in group.lines:
            if text == rest and name != "others":  # other scripts go as a whole
                whole += 1
                touched += STRICT_CLEANER.clean(text, Identity(group.headers)) != text
    assert touched <= whole / 10
