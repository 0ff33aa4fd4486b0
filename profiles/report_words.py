"""Generate the words that stay in texts under mode strict. Development-time only.

They add to those of `vocabulary`. Source: the lists in `words/`, written by hand by fields of
meaning, and not by any collection of texts. Names are taken out: those of `protocol_words.txt`, and
those of `words/people.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastdeid.profiles.vocabulary import read_sections, spellings

_FOLDER: Final = Path(__file__).parent / "words"
_LANGUAGES: Final = ("en", "de", "fr", "es", "pt", "it", "nl", "ru", "short")
# Words of one letter in Romance languages; others are initials.
_LETTERS: Final = frozenset("aeoyив")


def report_text() -> str:
    """Return lines of a kind and a folded word, see `letters.fold`.

    Kinds: "word", "unit", "eponym", "score", "noun", "ending", "name", "lower" and "pair".
    """
    names = spellings(read_sections(_FOLDER.parent / "protocol_words.txt")["names"])
    names |= spellings(_words("people"))
    words: set[str] = set()
    for language in _LANGUAGES:
        words |= spellings(form for word in _words(language) for form in _forms(word))
    eponyms = read_sections(_FOLDER / "eponyms.txt")
    words |= spellings(eponyms["nouns"])
    words = {word for word in words - names if word.isalpha() and _is_long(word)}
    found = {
        "word": words,
        "unit": spellings(_words("eastasian")),
        "eponym": spellings(eponyms["names"]),
        "score": spellings(eponyms["scores"]),
        "noun": spellings(eponyms["nouns"]),
        "ending": spellings(_words("endings")),
        "name": {name for name in names if name.isalpha()},
        "lower": spellings(read_sections(_FOLDER / "people.txt")["lower"]),
        "pair": set(read_sections(_FOLDER / "short.txt", lines="pairs")["pairs"]),
    }
    return "".join(f"{kind} {word}\n" for kind, some in found.items() for word in sorted(some))


def _words(name: str) -> list[str]:
    return read_sections(_FOLDER / f"{name}.txt")[""]


def _forms(word: str) -> Iterator[str]:
    """Yield the forms of a stem and its endings: form/-/s is form and forms."""
    stem, *endings = word.split("/")
    if not endings:
        yield stem
    for ending in endings:
        yield stem + ending.strip("-")


def _is_long(word: str) -> bool:
    return len(word) > 1 or word in _LETTERS
