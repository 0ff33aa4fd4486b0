"""Letters as people vary them: case, accents, umlauts, ligatures, half and full width."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

# Letters without a decomposition in Unicode.
_PLAIN: Final = {
    **dict(zip("ßæœøłđðþħŧŋĸ", "ss ae oe o l d d th h t n k".split(), strict=True)),
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
}
# How umlauts and their like are typed on a keyboard without them.
_EXPANDED: Final = str.maketrans(
    dict(zip("äöüåøÄÖÜÅØ", "ae oe ue aa oe ae oe ue aa oe".split(), strict=True))
)
_HANGUL: Final = range(0xAC00, 0xD7A4)


def fold(text: str) -> str:
    """Return `text` in lower case, without accents, in letters of normal width."""
    return text.lower() if text.isascii() else "".join(map(_fold_letter, text))


def fold_and_trace(text: str) -> tuple[str, list[int] | None]:
    """Return `fold(text)` and the place in `text` of each of its letters.

    None for the places when they are the same.
    """
    if text.isascii():
        return text.lower(), None
    letters = [_fold_letter(letter) for letter in text]
    places = [place for place, folded in enumerate(letters) for _ in folded]
    return "".join(letters), places


def expand(text: str) -> str:
    """Return `text` folded, with ae for ä and the like: Müller is typed Mueller, too."""
    return fold(text.translate(_EXPANDED))


def is_ideographic(letter: str) -> bool:
    """Tell whether words of the letter's script are not parted by spaces: Han, kana, Hangul."""
    return ord(letter) >= 0x2E80 and letter.isalpha()


@cache
def _fold_letter(letter: str) -> str:
    if letter.isascii() or ord(letter) in _HANGUL:
        return letter.lower()
    lower = letter.lower()
    if lower in _PLAIN:
        return _PLAIN[lower]
    decomposed = unicodedata.normalize("NFKD", lower)
    bare = "".join(part for part in decomposed if unicodedata.category(part) != "Mn")
    folded = "".join(_PLAIN.get(part, part) for part in bare.casefold())
    return folded if all(map(str.isalnum, folded)) else letter if folded else ""
