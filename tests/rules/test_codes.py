"""Compound codes by attribute Type, PS3.15 Table E.1-1a."""

from __future__ import annotations

import pytest

from fastdeid.codes import TYPES, choose_action, depends_on_type, is_compound
from fastdeid.errors import ProfileError

# Columns: Type 1, 1C, 2, 2C, 3 (or not in the IOD), IOD unknown.
CHOICES = {
    "D": "D D D D D D",
    "Z": "D D Z Z Z Z",
    "X": "D X Z X X X",
    "U": "U U U U U U",
    "K": "K K K K K K",
    "C": "C C C C C C",
    "Z/D": "D D Z Z Z D",
    "X/Z": "D D Z Z X Z",
    "X/D": "D D D D X D",
    "X/Z/D": "D D Z Z X D",
    "X/Z/U*": "U U U U X U",
}


@pytest.mark.parametrize("code", CHOICES)
def test_each_code_is_resolved_by_type(code: str) -> None:
    assert [choose_action(code, one) for one in TYPES] == CHOICES[code].split()


@pytest.mark.parametrize("code", [code for code in CHOICES if "/" in code])
@pytest.mark.parametrize("attribute_type", TYPES)
def test_a_compound_code_chooses_among_its_own_letters(code: str, attribute_type: str) -> None:
    offered = set(code.replace("*", "")) | ({"D"} if "Z" in code else set())  # Z may be a dummy
    assert choose_action(code, attribute_type) in offered


@pytest.mark.parametrize("code", CHOICES)
def test_no_choice_breaks_an_iod(code: str) -> None:
    assert choose_action(code, "1") not in "XZ"
    assert choose_action(code, "2") != "X"


@pytest.mark.parametrize("code", ["", "Q", "x", "Z/X", "C/X"])
def test_a_code_that_the_table_does_not_define_is_an_error(code: str) -> None:
    with pytest.raises(ProfileError, match="no action code"):
        choose_action(code, "1")


def test_codes_tell_whether_types_matter() -> None:
    assert [code for code in CHOICES if not depends_on_type(code)] == ["D", "U", "K", "C"]
    assert [code for code in CHOICES if is_compound(code)] == [c for c in CHOICES if "/" in c]
