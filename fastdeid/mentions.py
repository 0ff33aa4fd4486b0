"""Find in a text what the headers know: names, identifiers, institutions and places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from fastdeid.identity import NAME, PARTICLE, PLACE, Identity
from fastdeid.letters import is_ideographic
from fastdeid.passages import Passage, Span
from fastdeid.patterns import ABBREVIATION, is_measurement
from fastdeid.vocabulary import Vocabulary

IDENTIFIER: Final = "identifier"
_SHORTEST_INSIDE: Final = 6  # letters of two joined names that are found inside a word
_LONGEST_GAP: Final = 3
_LONGEST_SPELLED: Final = 4
_JOINTS: Final = frozenset(" ^,._-'&+=")
# Units that are also surnames: Hu is one unless a number stands beside it.
_UNITS: Final = frozenset("ma hu gy kv cm ml mg mm ms bq hz".split())
_PARAMETERS: Final = frozenset("te tr ti fa mm ms kv ma hz hu bval".split())
# Numbers of one parameter: b 0/500/1000.
_BEFORE_IN_RUN: Final = re.compile(r"(?:\d{1,5}\s?[/,+\-]\s?){1,16}$")
_AFTER_IN_RUN: Final = re.compile(r"(?:\s?[/,+\-]\s?\d{1,5}){1,16}")
_SHORT_NUMBER: Final = 6
_CASE: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# Too short and too common to be a name unless the rest of the name stands beside them.
_SMALL: Final = frozenset(
    """
    in an on at of or no so to he is as it am zu et en be by my we us if up go ap pa
    mit und von vom der die das den dem des zum zur bei auf con sin por del los las par per les sur
    and the for not non pre con het een met van
    """.split()
)


def find_mentions(passage: Passage, identity: Identity, vocabulary: Vocabulary) -> list[Span]:
    """Return the spans of `passage.folded` that say what `identity` knows."""
    spans: list[Span] = []
    squeezed = passage.squeezed
    pieces = [piece for piece in identity.pieces if piece in squeezed]
    if (
        pieces
        or not identity.words.keys().isdisjoint(passage.words)
        or not identity.abbreviations.isdisjoint(passage.words)
        or any(name in squeezed for name in identity.short)
    ):
        spans += _NameFinder(passage, identity, vocabulary).find(pieces)
    for phrase in identity.phrases:
        if phrase in squeezed and not vocabulary.knows(phrase):  # a department, Radiology
            spans += _whole(passage, phrase, PLACE)
    for number in identity.numbers:
        if number in squeezed:
            spans += _identifiers(passage, number)
    return spans


def says_identifier(text: str, number: str) -> bool:
    """Tell whether a text holds an identifier of digits, and not a parameter that looks alike."""
    return any(True for _ in _identifiers(Passage(text), number))


def neighbours(passage: Passage, left: int, right: int) -> bool:
    """Tell whether two tokens, by number, stand beside each other as parts of one name do."""
    gap = passage.folded[passage.tokens[left][1] : passage.tokens[right][0]]
    return gap == "/" or (len(gap) <= _LONGEST_GAP and _JOINTS.issuperset(gap))


class _NameFinder:
    """Names in one passage: `sure` and `unsure` are numbers of tokens."""

    def __init__(self, passage: Passage, identity: Identity, vocabulary: Vocabulary) -> None:
        self._passage = passage
        self._tokens = passage.tokens
        self._identity = identity
        self._vocabulary = vocabulary
        self._sure: set[int] = set()
        self._unsure: set[int] = set()
        self._spans: list[Span] = []

    def find(self, pieces: list[str]) -> list[Span]:
        """Return the names; pieces: those of the identity that stand in the squeezed text."""
        words = self._identity.words
        for number, (start, end, word) in enumerate(self._tokens):
            kind = words.get(word)
            if kind == NAME:
                (self._unsure if self._is_also_a_word(number) else self._sure).add(number)
            elif kind == PLACE:
                if not self._vocabulary.knows(word) and not self._in_phrase(number):
                    self._spans.append(Span(start, end, PLACE))
            elif kind is None:
                self._look_into(start, end, word)
        for piece in pieces:
            self._find_piece(piece)
        if self._identity.short:
            self._spell()
        if self._sure or self._unsure:
            self._settle()
        return self._spans

    def _is_also_a_word(self, number: int) -> bool:
        start, end, word = self._tokens[number]
        vocabulary = self._vocabulary
        if word in vocabulary.terms or word in _SMALL or self._in_phrase(number):
            return True
        if word in _UNITS:
            return self._is_beside_number(number)
        if len(word) > 2 or not vocabulary.knows(word):
            return False
        # LI KNIE is the left one, Li is somebody.
        return not self._passage.as_written(start, end).istitle()

    def _is_beside_number(self, number: int) -> bool:
        tokens = self._tokens
        beside = tokens[max(number - 1, 0) : number + 2]
        return any(word.isdecimal() for *_, word in beside)

    def _in_phrase(self, number: int) -> bool:
        """Tell whether a token is a clinical word with the one before it, or behind it."""
        tokens, phrases = self._tokens, self._vocabulary.phrases
        word = tokens[number][2]
        before = tokens[number - 1][2] if number else ""
        after = tokens[number + 1][2] if number + 1 < len(tokens) else ""
        return (before, word) in phrases or (word, after) in phrases

    def _look_into(self, start: int, end: int, word: str) -> None:
        """Find abbreviations, and names of three or four letters glued to other words."""
        identity = self._identity
        if len(word) < 3 or not word.isalpha():
            return
        if word in identity.abbreviations:
            written = self._passage.as_written(start, end)
            if written.isupper() and not self._vocabulary.knows(word):
                self._spans.append(Span(start, end, PLACE))
            return
        if not identity.short or self._vocabulary.knows(word):
            return
        if len(word) < 5:
            if self._is_with_initial(word):
                self._spans.append(Span(start, end, NAME))
            return
        if end - start == len(word):
            self._look_for_short(start, end, word)

    def _is_with_initial(self, word: str) -> bool:
        """Tell whether a word is a name of three letters and an initial: JDoe."""
        short, initials = self._identity.short, self._identity.initials
        before = word[1:] in short and word[0] in initials
        return before or (word[:-1] in short and word[-1] in initials)

    def _spell(self) -> None:
        """Find names of three or four letters, letter by letter: D_O_E."""
        tokens = self._tokens
        for first in range(len(tokens) - 2):
            last, spelled = first, tokens[first][2]
            while len(tokens[last][2]) == 1 and len(spelled) < _LONGEST_SPELLED:
                last += 1
                if last == len(tokens) or len(tokens[last][2]) != 1:
                    break
                if tokens[last][0] - tokens[last - 1][1] != 1:
                    break
                spelled += tokens[last][2]
                if spelled in self._identity.short and not self._vocabulary.knows(spelled):
                    self._spans.append(Span(tokens[first][0], tokens[last][1], NAME))

    def _look_for_short(self, start: int, end: int, word: str) -> None:
        written = self._passage.as_written(start, end)
        if len(written) == len(word) and not (written.isupper() or written[1:].islower()):
            for match in _CASE.finditer(written):
                if match[0].lower() in self._identity.short:
                    self._spans.append(Span(start + match.start(), start + match.end(), NAME))
        for name in self._identity.short:
            if word.startswith(name) and self._may_remain(word[len(name) :]):
                self._spans.append(Span(start, start + len(name), NAME))
            elif word.endswith(name) and self._may_remain(word[: -len(name)]):
                self._spans.append(Span(end - len(name), end, NAME))

    def _may_remain(self, rest: str) -> bool:
        """Tell whether what is glued to a name is a clinical word."""
        if len(rest) < 3:
            return rest in self._vocabulary.terms
        return self._vocabulary.knows_halves(rest)

    def _find_piece(self, piece: str) -> None:
        passage = self._passage
        at = passage.squeezed.find(piece)
        while at >= 0:
            start, end = passage.places(at, at + len(piece))
            if is_ideographic(piece[0]):
                self._spans.append(Span(start, end, NAME))
            else:
                self._judge(piece, start, end)
            at = passage.squeezed.find(piece, at + 1)

    def _judge(self, piece: str, start: int, end: int) -> None:
        """Take a name inside a word, or across words, unless that is chance."""
        covered = [self._tokens[number] for number in self._passage.covered(start, end)]
        first, last = covered[0], covered[-1]
        if len(covered) > 1:
            gaps = (self._passage.folded[a[1] : b[0]] for a, b in pairwise(covered))
            whole = first[0] == start and last[1] == end and not self._is_glued(start, end)
            chance = all(self._vocabulary.knows(word) for *_, word in covered)
            if whole and not chance and all(len(gap) <= 2 and "\n" not in gap for gap in gaps):
                self._spans.append(Span(start, end, NAME))
            return
        word = first[2]
        alone = piece in self._identity.words
        if word == piece:
            if not alone:
                self._spans.append(Span(first[0], first[1], NAME))
            return
        if self._vocabulary.knows(word) or not (alone or len(piece) >= _SHORTEST_INSIDE):
            return
        self._take_inside(first, start, end)

    def _take_inside(self, token: tuple[int, int, str], start: int, end: int) -> None:
        """Cut a name out of a word when the rest can stand alone, else take the word."""
        folded = self._passage.folded
        before, after = folded[token[0] : start], folded[end : token[1]]
        first = start if self._may_stand(before, start) else token[0]
        last = end if self._may_stand(after, end) else token[1]
        self._spans.append(Span(first, last, NAME))

    def _may_stand(self, rest: str, joint: int) -> bool:
        """Tell whether the rest of a word from which a name is cut at `joint` is one itself."""
        if len(rest) < 2 or self._may_remain(rest):
            return len(rest) > 1
        # SmithXyz: a capital behind a small letter begins a word.
        written = self._passage.as_written(joint - 1, joint + 1)
        return len(written) == 2 and written[0].islower() and written[1].isupper()

    def _settle(self) -> None:
        """Decide on words that may be names, and take initials and particles beside names."""
        tokens, sure = self._tokens, self._sure
        names = sure | self._unsure
        sure |= {
            number
            for number in self._unsure
            if self._is_dotted_initial(number + 1)
            or self._is_dotted_initial(number - 1)
            or self._is_labelled(number)
            or self._is_before_initial(number)
        }
        sure |= {
            number
            for number in self._unsure
            for other in (number - 1, number + 1)
            if other in names
            and tokens[other][2] != tokens[number][2]
            and neighbours(self._passage, min(number, other), max(number, other))
            and (other in sure or not self._in_phrase(number))
        }
        for number in sorted(sure):
            start, end, _ = tokens[number]
            self._spans.append(Span(start, end, NAME))
            for step in (-1, 1):
                self._spans.extend(self._beside(number, step))

    def _beside(self, number: int, step: int) -> Iterator[Span]:
        """Yield initials and particles that belong to the name at a token."""
        other = number + step
        while 0 <= other < len(self._tokens) and other not in self._sure:
            if not neighbours(self._passage, min(other, other - step), max(other, other - step)):
                return
            start, end, word = self._tokens[other]
            if len(word) == 1 and word.isalpha():
                if not (self._is_initial(other, step) or self._is_short_particle(other)):
                    return
            elif self._identity.words.get(word) != PARTICLE or self._is_glued(start, end):
                return
            yield Span(start, end, PARTICLE)
            other += step

    def _is_short_particle(self, number: int) -> bool:
        """Tell whether a token is a particle of the name in short: v.d. Meulen."""
        start, end, word = self._tokens[number]
        if ABBREVIATION.match(self._passage.folded, start):
            return False
        words = self._identity.words.items()
        known = any(kind == PARTICLE and one[0] == word for one, kind in words)
        return known and self._passage.folded[end : end + 1] == "."

    def _is_dotted_initial(self, number: int) -> bool:
        """Tell whether a token is an initial beside the name: Head, M. or M. Head."""
        if not 0 <= number < len(self._tokens):
            return False
        _, end, word = self._tokens[number]
        known = len(word) == 1 and word in self._identity.initials
        return known and self._passage.folded[end : end + 1] == "."

    def _is_before_initial(self, number: int) -> bool:
        """Tell whether an initial stands behind the name as in registers: RECTUM, R; RECTUM^R."""
        if number + 1 >= len(self._tokens):
            return False
        start, _, word = self._tokens[number + 1]
        gap = self._passage.folded[self._tokens[number][1] : start]
        return len(word) == 1 and gap in {", ", ",", "^"} and self._is_initial(number + 1, 1)

    def _is_labelled(self, number: int) -> bool:
        """Tell whether a token stands behind "pt" or a word with a colon that introduces names."""
        if number == 0:
            return False
        start, end, word = self._tokens[number - 1]
        gap = self._passage.folded[end : self._tokens[number][0]]
        if word == "pt":
            return gap in {" ", ". "} and self._passage.as_written(start, end).islower()
        return word in {"patient", "patientin", "pat", "name"} and gap in {": ", ":", ".: ", "="}

    def _is_initial(self, number: int, step: int) -> bool:
        folded, (start, end, word) = self._passage.folded, self._tokens[number]
        stop = folded[end : end + 1] == "."
        if self._is_glued(start, end) or folded[end : end + 1] == "/":
            return False
        if ABBREVIATION.match(folded, start):
            return False
        if folded[max(start - 1, 0) : start] in {"/", "+"}:
            return False
        before = self._tokens[number - 1][2] if number else ""
        following = self._tokens[number + 1][2] if number + 1 < len(self._tokens) else ""
        if step < 0:
            # p.a. and w/o c are no initials.
            if self._vocabulary.knows(before + word) and len(before) == 1:
                return False
            if word == "c" and before in {"o", "w", "wo", "with", "without"}:
                return False
            return stop or word in self._identity.initials
        clinical = self._vocabulary.knows(following) and not folded.startswith(" - ", end)
        side = (word in "lr" or folded[end : end + 1] == "-") and clinical and not stop
        return word in self._identity.initials and not side

    def _is_glued(self, start: int, end: int) -> bool:
        """Tell whether a digit touches a token: T2, 1.5T."""
        folded = self._passage.folded
        return folded[end : end + 1].isdigit() or folded[max(start - 1, 0) : start].isdigit()


def _whole(passage: Passage, squeezed: str, rule: str) -> Iterator[Span]:
    """Yield where a squeezed text stands between ends of words."""
    folded = passage.folded
    at = passage.squeezed.find(squeezed)
    while at >= 0:
        start, end = passage.places(at, at + len(squeezed))
        before, after = folded[start - 1 : start], folded[end : end + 1]
        if not (before.isalnum() or after.isalnum()):
            yield Span(start, end, rule)
        at = passage.squeezed.find(squeezed, at + 1)


def _identifiers(passage: Passage, number: str) -> Iterator[Span]:
    """Yield where an identifier stands: whole numbers, with separators between parts of it."""
    folded = passage.folded
    digits = number.isdigit()
    at = passage.squeezed.find(number)
    while at >= 0:
        start, end = passage.places(at, at + len(number))
        while digits and folded[start - 1 : start] == "0":
            start -= 1
        before, after = folded[max(start - 1, 0) : start], folded[end : end + 1]
        inside = any(map(str.isdigit if digits else str.isalnum, (before, after)))
        parts = re.split(r"[\W_]+", folded[start:end])
        joined = len(parts) == 1 or (len(number) >= 6 and len(folded[start:end]) < 2 * len(number))
        decimal = before == "." and folded[start - 2 : start - 1].isdigit()
        # b1000 is a parameter, even if 1000 is somebody's number.
        glued = digits and len(number) < _SHORT_NUMBER and _is_parameter(passage, start, end)
        fits = joined and "\n" not in folded[start:end] and not (digits and decimal)
        if fits and not inside and not glued:
            yield Span(start, end, IDENTIFIER)
        at = passage.squeezed.find(number, at + 1)


def _is_parameter(passage: Passage, start: int, end: int) -> bool:
    """Tell whether a number is one of a parameter: b1000, TE5000, 1000 ms, b 0/500/1000."""
    if run := _BEFORE_IN_RUN.search(passage.folded, max(start - 64, 0), start):
        start = run.start()
    if run := _AFTER_IN_RUN.match(passage.folded, end):
        end = run.end()
    if is_measurement(passage, start, end):
        return True
    tokens = passage.tokens
    covered = passage.covered(start, end)
    before = tokens[covered.start - 1] if covered.start else (0, -1, "")
    after = tokens[covered.stop] if covered.stop < len(tokens) else (-1, 0, "")
    touching = [token[2] for token in (before, after) if token[1] == start or token[0] == end]
    return any(len(word) == 1 or word in _PARAMETERS for word in touching)
