"""Words of requests, protocols and reports in seven languages and more, for mode strict.

They say what stays when everything unknown goes. Elsewhere only `vocabulary` counts: a word that
stands here is no proof that nobody is called so.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from fastdeid.letters import is_ideographic
from fastdeid.profiles.tables import read_report_words
from fastdeid.vocabulary import Vocabulary

_SHORTEST_PART: Final = 4
_LONGEST: Final = 40
_MOST_PARTS: Final = 4
# Between the parts of German and Dutch compounds.
_JOINTS: Final = ("", "s", "en", "n", "es", "o")
_SHORTEST_STEM: Final = 3  # in front of an ending
_GRADE: Final = re.compile(r"(?:i{1,3}|iv|vi{0,3}|ix|x|[1-6])?[a-f]?")
_PARTICLES: Final = frozenset("de di d del du da do van von der des den s".split())


class ReportWords(NamedTuple):
    """Folded words, see `letters.fold`.

    words: that stay wherever they stand. units: of writings that part no words. eponyms: names
    that stay beside one of the nouns; scores: beside a number or a grade, too. endings: of words
    that name diseases, operations and examinations. names: of which no compound is made. lower: of
    these, what stays in small letters. pairs: of letters, as in s/p.
    """

    words: frozenset[str]
    units: frozenset[str]
    eponyms: frozenset[str]
    scores: frozenset[str]
    nouns: frozenset[str]
    endings: tuple[str, ...]
    names: frozenset[str]
    lower: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def knows(self, word: str, vocabulary: Vocabulary) -> bool:
        """Tell whether a folded word is one of these, or of the vocabulary, or made of them."""
        if word in self.words or vocabulary.knows(word):
            return True
        if word in self.names:
            return False
        if not word.isascii() and any(map(is_ideographic, word)):
            return self._is_run(word, vocabulary)
        if word.endswith("s") and len(word) > 4 and word[:-1] in self.words:
            return True
        if word.endswith(self.endings) and self._is_named(word):
            return True
        if vocabulary.knows_halves(word):
            return True
        return len(word) <= _LONGEST and self._is_compound(word, vocabulary, _MOST_PARTS)

    def belongs(self, words: list[str], number: int) -> bool:
        """Tell whether a word is a name by which something clinical is called, by its neighbours.

        words: of a text, in order. number: of the word among them.
        """
        word = words[number]
        if word not in self.eponyms and word not in self.scores:
            return False
        before = number - 1
        while before >= 0 and words[before] in _PARTICLES:
            before -= 1
        following = words[number + 1] if number + 1 < len(words) else ""
        if word in self.scores and following and (following.isdecimal() or is_grade(following)):
            return True
        return following in self.nouns or (before >= 0 and words[before] in self.nouns)

    def _is_named(self, word: str) -> bool:
        return any(
            word.endswith(ending) and len(word) >= len(ending) + _SHORTEST_STEM
            for ending in self.endings
        )

    def _is_part(self, part: str, vocabulary: Vocabulary) -> bool:
        return len(part) >= _SHORTEST_PART and (
            part in self.words or part in vocabulary.words or part in vocabulary.terms
        )

    def _is_compound(self, word: str, vocabulary: Vocabulary, n_parts: int) -> bool:
        """Tell whether a word is made of words of the lists, each of four letters or more."""
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            if not self._is_part(word[:cut], vocabulary):
                continue
            for joint in _JOINTS:
                rest = word[cut + len(joint) :]
                if not word.startswith(joint, cut) or len(rest) < _SHORTEST_PART:
                    continue
                if self._is_part(rest, vocabulary):
                    return True
                if n_parts > 2 and self._is_compound(rest, vocabulary, n_parts - 1):
                    return True
        return False

    def _is_run(self, word: str, vocabulary: Vocabulary) -> bool:
        """Tell whether a run of letters without spaces consists of units and of known words."""
        if not word:
            return True
        if not is_ideographic(word[0]):
            end = next((at for at, letter in enumerate(word) if is_ideographic(letter)), len(word))
            return vocabulary.knows(word[:end]) and self._is_run(word[end:], vocabulary)
        return any(
            word[:end] in self.units and self._is_run(word[end:], vocabulary)
            for end in range(min(len(word), 6), 0, -1)
        )


def is_grade(word: str) -> bool:
    """Tell whether a folded word is a grade or stage: iib, 2a, c."""
    return bool(word) and _GRADE.fullmatch(word) is not None


@cache
def read_words() -> ReportWords:
    """Return the words of the generated table."""
    kinds: dict[str, list[str]] = {}
    for line in read_report_words():
        kind, _, word = line.partition(" ")
        kinds.setdefault(kind, []).append(word)
    pairs = [pair.partition(" ") for pair in kinds["pair"]]
    return ReportWords(
        words=frozenset(kinds["word"]),
        units=frozenset(kinds["unit"]),
        eponyms=frozenset(kinds["eponym"]),
        scores=frozenset(kinds["score"]),
        nouns=frozenset(kinds["noun"]),
        endings=tuple(kinds["ending"]),
        names=frozenset(kinds["name"]),
        lower=frozenset(kinds["lower"]),
        pairs=frozenset((first, second) for first, _, second in pairs),
    )
