"""A text with its folded letters and its tokens, for rules to look at; spans that rules mark."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import Final, NamedTuple

from fastdeid.letters import fold_and_trace

_CURLY: Final = frozenset(
    "\N{ACUTE ACCENT}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_MARKS: Final = frozenset("'`") | _CURLY
# Words, with apostrophes inside them, and numbers.
_TOKEN: Final = re.compile(rf"[^\W\d_]+(?:[{''.join(sorted(_MARKS))}][^\W\d_]+)*|\d+")
_APOSTROPHES: Final = str.maketrans("", "", "".join(sorted(_MARKS)))
_NOT_ALPHANUMERIC: Final = str.maketrans(
    "", "", "".join(chr(code) for code in range(128) if not chr(code).isalnum())
)


class Span(NamedTuple):
    """Characters from `start` to before `end`, and the rule that marked them."""

    start: int
    end: int
    rule: str


class Passage:
    """A text as rules see it.

    folded: the text as `letters.fold` writes it; spans and tokens are places in it. words: of the
    tokens, without apostrophes and without the s of a possessive. squeezed: only the letters and
    digits of `folded`.
    """

    __slots__ = ("_places", "_squeezed", "_tokens", "folded", "squeezed", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded, self._places = fold_and_trace(text)
        self.words = _TOKEN.findall(self.folded)
        if self._has_apostrophes():
            self.words = [_bare(word) for word in self.words]
        self.squeezed = (
            self.folded.translate(_NOT_ALPHANUMERIC)
            if self.folded.isascii()
            else "".join(filter(str.isalnum, self.folded))
        )
        self._tokens: list[tuple[int, int, str]] | None = None
        self._squeezed: list[int] | None = None

    @property
    def tokens(self) -> list[tuple[int, int, str]]:
        """Start, end and word of each token; most texts need only the words."""
        if self._tokens is None:
            matches = _TOKEN.finditer(self.folded)
            self._tokens = [
                (*match.span(), word) for match, word in zip(matches, self.words, strict=True)
            ]
        return self._tokens

    def covered(self, start: int, end: int) -> range:
        """Return the numbers of the tokens that share a character with a span."""
        tokens = self.tokens
        first = bisect_right(tokens, start, key=itemgetter(1))
        return range(first, bisect_left(tokens, end, lo=first, key=itemgetter(0)))

    def digit_at(self, place: int) -> bool:
        """Tell whether a digit stands at a place of `folded`."""
        return self.folded[place : place + 1].isdigit()

    def _has_apostrophes(self) -> bool:
        folded = self.folded
        return "'" in folded or "`" in folded or not (folded.isascii() or _CURLY.isdisjoint(folded))

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of `squeezed` stands in `folded`."""
        if self._squeezed is None:
            self._squeezed = [at for at, letter in enumerate(self.folded) if letter.isalnum()]
        return self._squeezed[start], self._squeezed[end - 1] + 1

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of `folded` stands in `text`."""
        places = self._places
        if places is None or start >= end:
            return start, end
        last = places[end - 1] + 1
        following = places[end] if end < len(places) else len(self.text)
        # Accents that stand behind their letter go with it.
        while last < following and not self.text[last].isspace() and _is_accent(self.text[last]):
            last += 1
        return places[start], last

    def as_written(self, start: int, end: int) -> str:
        """Return a span of `folded` as it is written in `text`."""
        first, last = self.original(start, end)
        return self.text[first:last]


def _bare(word: str) -> str:
    if word[-2:-1] in _MARKS and word.endswith("s") and len(word) > 3:
        word = word[:-1]
    return word.translate(_APOSTROPHES)


def _is_accent(letter: str) -> bool:
    from unicodedata import combining

    return combining(letter) != 0
