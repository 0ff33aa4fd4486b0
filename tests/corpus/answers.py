"""The answer key: what must become of each file of the corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

# Values that a profile may keep because an option says so; they are judged in their own place only.
LOCAL_SORTS = frozenset({"device", "institution", "characteristic", "initials"})


class Planted(NamedTuple):
    """A string that identifies: must be gone from the file.

    path: the element that holds it, "" when it stands outside the data set. sort: placeholder of
    `people.placeholders` or one of LOCAL_SORTS.
    """

    path: str
    value: str
    sort: str


class Kept(NamedTuple):
    """A clinical phrase or value that must stay in the element at `path`, where that may stay."""

    path: str
    phrase: str


@dataclass
class Answers:
    """The key of one file.

    source: path below SOURCE. patient: whose it is, key of `people.Person`. verdict: what the link
    table must say. required: paths of attributes of Type 1 that the output must have with a value.
    """

    source: str
    patient: str
    verdict: str = "ok"
    planted: list[Planted] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    required: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class File:
    """One file of the corpus: its bytes and its key. `path` is made of bytes as folders are."""

    path: bytes
    data: bytes
    answers: Answers
