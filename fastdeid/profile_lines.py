"""Where something stands in a profile file: TOML readers do not tell once a file is read."""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(r"\s*\[\[?\s*([\w.]+)\s*\]?\]\s*(?:#.*)?")
_PLACE: Final = re.compile(r"\$\.(\w+)(?:\[(?:(\d+)|\.\.\.)\])?(?:\.(\w+))?")
_FIELD: Final = re.compile(r"field `(\w+)`")
_SYNTAX: Final = re.compile(r"\s*\(at line (\d+), column \d+\)")


def find_line(text: str, table: str, number: int, word: str) -> int:
    """Return the line, from 1, in which `word` stands in one table of a profile file.

    table: "" for the keys above all tables, else the name of a table, or of an array of tables, and
    `number` says which of it. word: a string value, or a key. The first line of the table when it
    is not found.
    """
    lines = text.splitlines()
    first, last = _span(lines, table, number)
    value = re.compile(rf"[\"']{re.escape(word)}[\"']")
    key = re.compile(rf"\s*{re.escape(word)}\s*=")
    for pattern in (value.search, key.match):
        for line in range(first, last):
            if pattern(lines[line]):
                return line + 1
    return first + 1


def _span(lines: list[str], table: str, number: int) -> tuple[int, int]:
    """Return the lines of a table, from 0 and end exclusive; all lines when it has no header."""
    headers = [
        (line, match[1]) for line, text in enumerate(lines) if (match := _HEADER.fullmatch(text))
    ]
    if not table:
        return 0, headers[0][0] if headers else len(lines)
    starts = [line for line, name in headers if name == table]
    if number >= len(starts):
        return 0, len(lines)
    ends = (
        line for line, name in headers if line > starts[number] and not name.startswith(f"{table}.")
    )
    return starts[number], next(ends, len(lines))


def find_error(text: str, message: str) -> tuple[int, str]:
    """Return (line, reason) of an error message of the TOML reader or of msgspec."""
    syntax = _SYNTAX.search(message)
    if syntax:
        return int(syntax[1]), message[: syntax.start()]
    place = _PLACE.search(message)
    field = _FIELD.search(message)
    word = field[1] if field else (place[3] or place[1] if place else "")
    names = {match[1] for line in text.splitlines() if (match := _HEADER.fullmatch(line))}
    table = place[1] if place is not None and place[1] in names else ""
    number = int(place[2]) if place is not None and place[2] is not None else 0
    return find_line(text, table, number, word), message
