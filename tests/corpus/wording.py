"""Text templates: `[clinical phrase]` must be kept, `{placeholder}` must go, the rest may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_PART = re.compile(r"\[([^\]]*)\]|\{(\w+)\}")


class Wording(NamedTuple):
    """A text with what must be gone from it and what must stay in it."""

    text: str
    planted: tuple[tuple[str, str], ...]  # placeholder, value
    kept: tuple[str, ...]


def expand(template: str, values: Mapping[str, str]) -> Wording:
    """Return the text that a template becomes; KeyError on an unknown placeholder."""
    planted: list[tuple[str, str]] = []
    kept: list[str] = []

    def part(match: re.Match[str]) -> str:
        phrase, name = match.groups()
        if phrase is not None:
            kept.append(phrase)
            return str(phrase)
        planted.append((name, values[name]))
        return values[name]

    return Wording(_PART.sub(part, template), tuple(planted), tuple(kept))
