"""Clinical words: which stay in mode strict, and which are no proof of a name."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from fastdeid.profiles.tables import read_clinical_words

# Two words joined without a space, as in protocol names: CTHEAD. Short words prove little.
_SHORTEST_TERM: Final = 2
_SHORTEST_WORD: Final = 4


class Vocabulary(NamedTuple):
    """Folded words, see `letters.fold`.

    terms: modalities, planes, sequences and body parts, which stay even where somebody is called
    so. words: all other words of clinical descriptions. phrases: pairs of words of which one is
    also a name: ("white", "matter").
    """

    terms: frozenset[str]
    words: frozenset[str]
    phrases: frozenset[tuple[str, str]]

    def knows(self, word: str) -> bool:
        """Tell whether a folded word is a clinical one, or several of it."""
        terms, words = self.terms, self.words
        if word in terms or word in words:
            return True
        return len(word) > 4 and word[-1] == "s" and (word[:-1] in terms or word[:-1] in words)

    def is_ambiguous(self, word: str) -> bool:
        """Tell whether a folded word may stay though somebody is called so: white matter."""
        return word in self.terms or word in _words_of(self.phrases)

    def knows_halves(self, word: str) -> bool:
        """Tell whether a folded word is a clinical one, or two of them joined."""
        if self.knows(word):
            return True
        cuts = range(_SHORTEST_TERM, len(word) - _SHORTEST_TERM + 1)
        return len(word) <= 24 and any(
            self._is_half(word[:cut]) and self._is_half(word[cut:]) for cut in cuts
        )

    def _is_half(self, word: str) -> bool:
        return word in self.terms or (len(word) >= _SHORTEST_WORD and word in self.words)


@cache
def _words_of(phrases: frozenset[tuple[str, str]]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)


@cache
def read_vocabulary() -> Vocabulary:
    """Return the vocabulary of the generated table."""
    kinds: dict[str, list[str]] = {"term": [], "word": [], "phrase": []}
    for line in read_clinical_words():
        kind, _, words = line.partition(" ")
        kinds[kind].append(words)
    phrases = (phrase.split(" ") for phrase in kinds["phrase"])
    return Vocabulary(
        frozenset(kinds["term"]),
        frozenset(kinds["word"]),
        frozenset((first, second) for first, second in phrases),
    )
