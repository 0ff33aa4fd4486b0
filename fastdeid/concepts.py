"""What PS3.15 Table E.3.4-1 asks of a content item, by its concept name and its Value Type.

Where the table is silent, the Value Type decides: text is cleaned, names and dates are replaced,
UIDs mapped, codes and numbers kept (PS3.15 E.3.4).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import ContentRow, read_content_table, read_schemes

REMOVE: Final = "X"
DUMMY: Final = "D"
CLEAN: Final = "C"
KEEP: Final = "K"
MAP: Final = "U"

# The schemes in which PS3.16 has known SNOMED RT codes.
_RETIRED_SCHEMES: Final = ("SRT", "SNM3", "99SDM")
_DATES: Final = frozenset(("DATE", "DATETIME", "TIME"))
_REFERENCES: Final = frozenset(("UIDREF", "COMPOSITE", "IMAGE", "WAVEFORM"))
# Types whose text form says as much: a name, a date or a UID in a TEXT item.
_TOLD_AS_TEXT: Final = _DATES | {"PNAME", "UIDREF"}
_BIRTH: Final = "birth"

Concept = tuple[str, str, str]


class Concepts:
    """The table under some of its options.

    options: names of its columns (those of Table E.1-1 that it does not have make no difference).
    """

    def __init__(self, options: Collection[str]) -> None:
        table = read_content_table()
        self._columns = [place for place, name in enumerate(table.columns) if name in options]
        self._schemes = read_schemes() | {row.scheme for row in table.rows}
        self._by_code: dict[tuple[str, str], dict[str, ContentRow]] = {}
        self._by_meaning: dict[str, dict[str, ContentRow]] = {}
        for row in table.rows:
            for code in _codes(row):
                self._by_code.setdefault(code, {})[row.value_type] = row
            # The same words twice: the row that removes is the one for a mandatory item, too.
            self._by_meaning.setdefault(row.meaning.casefold(), {}).setdefault(row.value_type, row)
        self._unlisted = {
            **dict.fromkeys(_REFERENCES, MAP),
            **dict.fromkeys(_DATES, self._date_action(options)),
            "TEXT": CLEAN,
            "PNAME": DUMMY,
        }

    @staticmethod
    def _date_action(options: Collection[str]) -> str:
        if "retain_longitudinal_full_dates" in options:
            return KEEP
        return CLEAN if "retain_longitudinal_modified_dates" in options else DUMMY

    def is_standard(self, scheme: str) -> bool:
        """Tell whether a coding scheme is one of the standard's: its meanings are no free text."""
        return scheme in self._schemes

    def rows(self, concept: Concept) -> Mapping[str, ContentRow]:
        """Return the table's rows for a concept name (scheme, value, meaning), by Value Type.

        A code of another scheme, a private one for example, is known by its meaning.
        """
        scheme, value, meaning = concept
        found = self._by_code.get((scheme, value))
        return self._by_meaning.get(meaning.casefold(), {}) if found is None else found

    def action(self, concept: Concept, value_type: str) -> str:
        """Return REMOVE, DUMMY, CLEAN, KEEP or MAP for a content item.

        concept: (scheme, value, meaning), "" for what it does not have. value_type: of the item;
        one that PS3.3 does not define asks for nothing by itself.
        """
        rows = self.rows(concept)
        row = rows.get(value_type)
        if row is None and value_type in _DATES:
            row = next((rows[name] for name in sorted(_DATES & rows.keys())), None)
        if row is not None:
            action = self._of_row(row)
            return MAP if value_type in _REFERENCES and action != KEEP else action
        if value_type == "TEXT" and _TOLD_AS_TEXT & rows.keys():
            return DUMMY
        if value_type in _DATES and _BIRTH in concept[2].casefold():
            return DUMMY
        return self._unlisted.get(value_type, KEEP)

    def _of_row(self, row: ContentRow) -> str:
        """Return the action of a row: K of a chosen option before C, C before the first column."""
        chosen = {row.codes[place] for place in self._columns}
        for action in (KEEP, CLEAN):
            if action in chosen:
                return action
        # A mandatory item cannot go (X/D), and which template it follows is not known here.
        try:
            return {"X": REMOVE, "D": DUMMY, "X/D": DUMMY}[row.codes[0]]
        except KeyError:
            raise ProfileError(f"no action code {row.codes[0]!r} in Table E.3.4-1") from None


def _codes(row: ContentRow) -> list[tuple[str, str]]:
    retired = [(scheme, row.srt) for scheme in _RETIRED_SCHEMES if row.srt]
    return [(row.scheme, row.value), *retired]
