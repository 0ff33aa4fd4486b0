"""Clean descriptions: what identifies people goes, the clinical rest stays letter for letter.

PS3.15 section E.3.5, Clean Descriptors Option. Two layers mark spans of a text: what the headers
know (`mentions`), and what has the form of something identifying (`patterns`, `introductions`,
`houses`, `postal`). Words that only introduced a span go with it. Where a word is both a name of
the study and a clinical term (HEAD, AXIAL), it goes when another part of the name, or a title,
stands beside it, and stays otherwise: the text does not say that anybody is meant.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fastdeid.cuts import cut
from fastdeid.dicom.text import decode, encode
from fastdeid.houses import find_houses, find_people_behind_for
from fastdeid.identity import Identity
from fastdeid.introductions import find_introduced
from fastdeid.mentions import find_mentions
from fastdeid.passages import Passage, Span
from fastdeid.patterns import find_patterns
from fastdeid.postal import find_addresses
from fastdeid.strictness import find_unknown
from fastdeid.surroundings import with_surroundings
from fastdeid.vocabulary import Vocabulary, read_vocabulary

__all__ = ["BALANCED", "MODES", "STRICT", "Cleaner", "Removed", "clean_value"]

BALANCED: Final = "balanced"
STRICT: Final = "strict"
MODES: Final = (BALANCED, STRICT)


class Removed(NamedTuple):
    """Characters of a text from `start` to before `end`, and the rule that took them."""

    start: int
    end: int
    rule: str


class Cleaner:
    """Cleans texts with one vocabulary in one mode.

    "balanced" keeps words that no rule knows; "strict" keeps only clinical words, and numbers with
    a unit or beside such a word.
    """

    def __init__(self, mode: str = BALANCED, vocabulary: Vocabulary | None = None) -> None:
        """Raise ValueError for a mode that does not exist."""
        if mode not in MODES:
            raise ValueError(f"no mode {mode!r}: {', '.join(MODES)}")
        self.mode = mode
        self._vocabulary = read_vocabulary() if vocabulary is None else vocabulary

    def clean(self, text: str, identity: Identity) -> str:
        """Return `text` without what identifies somebody; "" when nothing else was in it."""
        passage = Passage(text)
        spans = self._find(passage, identity)
        if not spans:
            return text
        return cut(text, [passage.original(start, end) for start, end, _ in spans])

    def explain(self, text: str, identity: Identity) -> list[Removed]:
        """Return what `clean` would take out of `text`, in order, each with its rule.

        Separators that go with their neighbours are not listed.
        """
        passage = Passage(text)
        found: list[Removed] = []
        for start, end, rule in sorted(self._find(passage, identity)):
            first, last = passage.original(start, end)
            if found and first < found[-1].end:
                if last <= found[-1].end:
                    continue
                first = found[-1].end
            found.append(Removed(first, last, rule))
        return found

    def _find(self, passage: Passage, identity: Identity) -> list[Span]:
        vocabulary = self._vocabulary
        spans = find_patterns(passage, identity, vocabulary)
        spans += find_mentions(passage, identity, vocabulary)
        spans += find_introduced(passage, identity, vocabulary)
        spans += find_addresses(passage, vocabulary)
        spans += find_houses(passage, vocabulary)
        spans += find_people_behind_for(passage, identity, vocabulary)
        if spans:
            spans = with_surroundings(passage, spans)
        if self.mode == STRICT:
            unknown = find_unknown(passage, spans, vocabulary)
            if unknown:
                spans = with_surroundings(passage, [*spans, *unknown])
        return spans


def clean_value(
    raw: bytes,
    charsets: tuple[str, ...],
    cleaner: Cleaner,
    identity: Identity,
    *,
    several: bool = True,
) -> bytes | None:
    """Return a text value cleaned, in the same character sets and without padding.

    raw: as it stands in the file. several: backslashes part values, each of which is cleaned for
    itself (all text VRs but LT, ST and UT); a value of which nothing stays leaves its place empty.
    b"" when nothing of any value stays; `raw` itself when nothing had to go. None when the bytes
    are not text in `charsets`: then nobody knows what they say.
    """
    text = decode(raw, charsets)
    if text is None:
        return None
    values = text.split("\\") if several else [text]
    cleaned = [cleaner.clean(value, identity) for value in values]
    if cleaned == values:
        return raw
    return encode("\\".join(cleaned), charsets) if any(cleaned) else b""
