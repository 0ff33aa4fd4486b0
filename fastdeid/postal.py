"""Postal addresses in seven languages, in folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fastdeid.passages import Passage, Span
from fastdeid.vocabulary import Vocabulary

RULE: Final = "address"
_STREETS: Final = re.compile(
    # 12 Main Street; Martinistr. 52; Kerkstraat 12; 12 rue de la Paix; Calle Mayor 5
    r"(?<![\w.])(?P<house>\d{1,5}[a-z]?) (?P<a>(?:[^\W\d_]{2,20}\.? ){1,3})"
    r"(?:street|st|avenue|ave|road|rd|lane|ln|boulevard|blvd|drive|dr|square|highway|hwy|parkway"
    r"|pkwy|terrace|court|way)\b\.?"
    r"|(?<![^\W\d_])(?P<b>[^\W\d_]{2,30}[ \-]?)(?:str\.|str|strasse|gasse|allee|platz"
    r"|damm|ufer|chaussee|weg"
    r"|straat|laan|plein|gracht|kade|singel|dijk) ?\d{1,4}(?: ?[a-z]\b)?(?![\w])"
    r"|(?<![\w.])\d{1,4}(?: ?bis| ?ter)?,? (?:rue|avenue|av\.|boulevard|bd|chemin|impasse"
    r"|quai|allee)"
    r" (?P<c>(?:(?:de|du|des|la|le|les|l|d|saint|sainte)['\- ]){0,3}"
    r"[^\W\d_]{2,30}(?:-[^\W\d_]{2,20}){0,3})"
    r"|(?<![^\W_])(?:calle|c/|avenida|avda\.?|plaza|paseo|rua|travessa|praca"
    r"|via|viale|piazza|corso|largo|strada)"
    r" (?P<d>(?:[^\W\d_]{2,20}\.?[ ,]{1,2}){1,4})(?:n[o.]{0,2} ?)?\d{1,4}(?![\w])"
    r"|p\.? ?o\.? ?box ?\d{1,6}|\bpostfach ?\d[\d ]{1,6}"
)
_TOWNS: Final = re.compile(
    # 20246 Hamburg; D-20246 Hamburg; Springfield, IL 62704
    r"(?<![\w.,])(?:[a-z]{1,2}-)?\d{5} (?P<e>[^\W\d_]{4,30}(?:-[^\W\d_]{2,20}){0,3})"
    r"|(?:(?P<f>[^\W\d_]{3,20}(?: [^\W\d_]{3,20})?)?, )[a-z]{2} \d{5}(?:-\d{4})?(?!\w)"
    r"|(?<![\w.,])\d{4} ?[a-z]{2},? (?P<g>[^\W\d_]{4,30})"
)
_STREET_WORDS: Final = frozenset(
    """
    street st avenue ave road rd lane ln boulevard blvd drive dr square highway hwy parkway pkwy
    terrace court way str rue av bd chemin impasse quai allee calle c avenida avda plaza paseo rua
    travessa praca via viale piazza corso largo strada box o postfach platz damm ufer weg
    """.split()
)
_STREET_ENDINGS: Final = (
    *("str", "strasse", "gasse", "allee", "platz", "damm", "ufer", "chaussee", "weg", "straat"),
    *("laan", "plein", "gracht", "kade", "singel", "dijk", "box"),
)
_SURE: Final = re.compile(
    r"\b(?:street|avenue|road|lane|boulevard|blvd|parkway|highway|square|rue|avenida|calle|rua)\b|str"
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def find_addresses(passage: Passage, vocabulary: Vocabulary) -> Iterator[Span]:
    """Yield the postal addresses in `passage.folded`: no part of them is a clinical word."""
    words = passage.words
    numbers = [len(word) for word in words if word.isdecimal()]
    if not numbers:
        return
    patterns = []
    if not _STREET_WORDS.isdisjoint(words) or any(
        len(word) > 6 and word.endswith(_STREET_ENDINGS) for word in words
    ):
        patterns.append(_STREETS)
    if 4 in numbers or 5 in numbers:
        patterns.append(_TOWNS)
    for pattern in patterns:
        for match in pattern.finditer(passage.folded):
            names = " ".join(filter(None, match.groupdict().values()))
            words = [word for word in _WORD.findall(names) if len(word) > 2]
            # Main Street is one; a clinical term, or nothing but clinical words, is none.
            if not _SURE.search(match[0]) and (not words or any(map(vocabulary.knows, words))):
                continue
            if not any(word in vocabulary.terms for word in words):
                start, end = match.span()
                if pattern is _TOWNS and not _is_capital(passage, match):
                    continue
                yield Span(start, end, RULE)


def _is_capital(passage: Passage, match: re.Match[str]) -> bool:
    """Tell whether a town is written as one: 20246 Hamburg."""
    for group in ("e", "f", "g"):
        if match[group]:
            start, end = match.span(group)
            return passage.as_written(start, end)[:1].isupper()
    return True
