"""What happens to each element of a file, and which rule says so.

The file is de-identified, and its output is compared with it: what is said is what was done.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from fastdeid import tags
from fastdeid.codes import Operation
from fastdeid.comparison import (
    EMPTIED,
    INSERTED,
    KEPT,
    REMOVED,
    REPLACED,
    Change,
    Element,
    compare,
    read_elements,
)
from fastdeid.deidentify import Deidentifier
from fastdeid.dicom.reader import Reader
from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.errors import CodecMissingError
from fastdeid.kernels.elements import OPERATION, TAG
from fastdeid.options import CLEAN_STRUCTURED_CONTENT
from fastdeid.outcome import Outcome
from fastdeid.pixel_reasons import pixel_lines
from fastdeid.pixels.modes import PixelMode
from fastdeid.policy import VRS_WITH_RULE
from fastdeid.private import PrivateRules, private_rules
from fastdeid.profiles.tables import read_dictionary
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, Rules
from fastdeid.verdicts import WITH_OUTPUT

_LEAK: Final = "the leak check found a name, an identifier or a date of this file in it"
_LISTS: Final = (
    tags.REFERENCED_SERIES_SEQUENCE,
    tags.STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE,
)
_CONTENT: Final = frozenset((0x00400555, 0x00400610, 0x0040A730))
_OF_PIXELS: Final = frozenset(
    (tags.BURNED_IN_ANNOTATION, tags.EXTENDED_OFFSET_TABLE, tags.EXTENDED_OFFSET_TABLE_LENGTHS)
)
_OVERLAY_DATA, _ANY_OVERLAY = 0x60003000, 0xFF00FFFF
_TEXT: Final = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
_LONGEST: Final = 64
_NO_WAY: Final = "(no value)"


class Line(NamedTuple):
    """One element: how deep it stands, which it is, what became of it, why, and both values."""

    depth: int
    tag: int
    name: str
    vr: str
    what: str
    why: str
    old: str
    new: str


class Explanation(NamedTuple):
    """What became of a file, and of its pixels; no lines of elements where it has no output."""

    outcome: Outcome
    lines: list[Line]
    pixels: list[str]


def explain_file(
    path: Path, profile: Profile, pseudonyms: Pseudonyms, pixels: PixelMode = PixelMode.OFF
) -> Explanation:
    """De-identify a file into a temporary folder and tell what was done to every element.

    Raises ProfileError for a profile that cannot run, OutputError where there is no room.
    """
    reader = Reader(profile.dictionary_keys, profile.dictionary_vrs)
    with tempfile.TemporaryDirectory(prefix="fastdeid-") as folder:
        deidentifier = Deidentifier(profile, pseudonyms, folder, pixels=pixels)
        try:
            outcome = deidentifier.process(os.fsencode(path))
        finally:
            deidentifier.close()
        if outcome.verdict not in WITH_OUTPUT:
            return Explanation(outcome, [], [])
        told = pixel_lines(path, reader, profile.settings.pixels, pixels, outcome)
        before = _read(reader, path)
        teller = _Teller(profile, before)
        teller.learn_private(reader, private_rules(profile))
        after = _read(reader, Path(folder) / outcome.path)
    changes = compare(before, after, teller.is_walked)
    return Explanation(outcome, [teller.tell(change) for change in changes], told)


def _read(reader: Reader, path: Path) -> list[Element]:
    with path.open("rb") as file:
        return read_elements(reader, file.fileno(), os.fstat(file.fileno()).st_size)


class _Teller:
    """Tells which rule was behind a change of one file."""

    def __init__(self, profile: Profile, before: list[Element]) -> None:
        values = {element.tag: element.value for element in before}
        self._charsets = parse_charsets(values.get(tags.SPECIFIC_CHARACTER_SET, b""))
        modality, sop_class, manufacturer = (
            self._text(values.get(tag, b""))
            for tag in (tags.MODALITY, tags.SOP_CLASS_UID, tags.MANUFACTURER)
        )
        self._options = profile.options
        self._registry = profile.registry
        self._private: dict[int, str] = {}
        self._rules: Rules = profile.rules(
            sop_class,
            references=any(tag in values for tag in _LISTS),
            conditions=profile.conditions_met(modality, sop_class, manufacturer),
        )

    def learn_private(self, reader: Reader, private: PrivateRules | None) -> None:
        """Learn why private elements stay or go from the file that is read.

        private: None where all of them go.
        """
        if private is None:
            return
        rows = slice(0, reader.n_rows)
        for row in range(reader.n_rows):  # what a run has decided before it looks at these
            if not reader.table[row, TAG] >> 16 & 1:
                reader.table[row, OPERATION] = Operation.KEEP
        self._private = private.explain(reader, rows, self._rules)

    def is_walked(self, path: tuple[int, ...], tag: int) -> bool:
        """Tell whether the rules keep a sequence, so that what it holds has rules of its own."""
        if tag >> 16 & 1:
            return True
        return self._rules.decide(tag, self._rules.context_of(path))[0] is Operation.KEEP

    def tell(self, change: Change) -> Line:
        """Return the line about one change."""
        element = change.element
        attribute = read_dictionary().find(element.tag)
        name = "private" if element.tag >> 16 & 1 else "not in PS3.6"
        return Line(
            depth=len(change.path),
            tag=element.tag,
            name=name if attribute is None else attribute.keyword,
            vr=element.vr,
            what=change.what,
            why=self._why(change),
            old=self._value(change.before),
            new=self._value(change.after),
        )

    def _why(self, change: Change) -> str:
        element = change.element
        if change.what == INSERTED:
            return "every output gets it"
        if element.tag >> 16 & 1:
            return self._why_private(change)
        context = self._rules.context_of(change.path)
        operation, kind = self._rules.decide(element.tag, context)
        rule = self._rules.explain(element.tag, context).partition(": ")[2]
        if change.what == KEPT and not element.length:
            return f"empty already; {rule}"
        if operation is Operation.REPLACE:
            return f"{self._how(change, kind)}; {rule}"
        done = {Operation.KEEP: KEPT, Operation.REMOVE: REMOVED, Operation.EMPTY: EMPTIED}
        if change.what == done[operation]:
            return rule
        if operation is Operation.REMOVE:
            return f"set anew by every run; {rule}"
        return f"{self._why_not_kept(change)}; {rule}"

    def _how(self, change: Change, kind: int) -> str:
        """Return how an element was replaced, or why its value is no other one."""
        way = self._rules.kinds[kind].replace
        deferred = self._rules.kinds[kind].deferred
        if change.what == KEPT:
            return {
                "map_uid": "registered in PS3.6",
                "shift": "whole days do not change it",
                "shift_unix": "not set",
                "cap_age": "not over 89 years",
                "clean": "nothing in it identifies",
            }.get(way, way)
        if change.what == REPLACED:
            return {
                "map_uid": "UID mapped",
                "shift": "date shifted",
                "shift_unix": "date shifted",
                "cap_age": "age capped",
                "clean": "text cleaned",
                "items": "dummy item",
                "dummy": "dummy value",
            }.get(way, f"pseudonym ({way})")
        if deferred:
            return "nothing of the text could stay"
        return "not valid, so nothing of it stays"

    def _why_not_kept(self, change: Change) -> str:
        element = change.element
        attribute = read_dictionary().find(element.tag)
        expected = "" if attribute is None else attribute.vr
        is_other = element.items is None and element.vr not in expected.split(" or ")
        if is_other and (element.vr in VRS_WITH_RULE or expected == "SQ"):
            return f"its VR hides what it is: {expected} by PS3.6"
        if CLEAN_STRUCTURED_CONTENT in self._options and _CONTENT & {*change.path, element.tag}:
            return "structured content, Table E.3.4-1"
        if element.tag == tags.PIXEL_DATA:
            return "boxes filled, or bits of an overlay cleared"
        if element.tag in _OF_PIXELS:
            return "changed with the pixel data"
        if element.tag & _ANY_OVERLAY == _OVERLAY_DATA:
            return "bits of text cleared"
        return _LEAK

    def _why_private(self, change: Change) -> str:
        reason = self._private.get(change.element.row, "") if change.before else ""
        if not reason:
            return "private: code X, Table E.1-1"
        return f"{_LEAK}; {reason}" if change.what == EMPTIED else reason

    def _value(self, element: Element | None) -> str:
        if element is None:
            return ""
        if element.items is not None:
            return f"{len(element.items)} items"
        if not element.length:
            return _NO_WAY
        if not element.is_loaded or element.vr not in _TEXT:
            return f"{element.length} bytes"
        text = self._text(element.value)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def _text(self, raw: bytes) -> str:
        text = decode(raw, self._charsets)
        return (raw.decode("latin_1") if text is None else text).strip(" \0")


def explanation_lines(explanation: Explanation, *, show_values: bool) -> Iterator[str]:
    """Yield the lines that people read; values only when asked for."""
    if not explanation.lines:
        outcome = explanation.outcome
        place = f" in ({outcome.tag >> 16:04X},{outcome.tag & 0xFFFF:04X})" if outcome.tag else ""
        hint = f"; {CodecMissingError.hint}" if outcome.reason == "codec_missing" else ""
        yield f"{outcome.verdict}: {outcome.reason}{place}{hint}"
    for line in explanation.lines:
        indent = "  " * line.depth
        tag = f"({line.tag >> 16:04X},{line.tag & 0xFFFF:04X})"
        yield f"{indent}{tag} {line.vr} {line.name}: {line.what}; {line.why}"
        if show_values:
            old = repr(line.old) if line.old else "nothing"
            new = "the same" if line.what == KEPT else repr(line.new) if line.new else "nothing"
            yield f"{indent}    {old} -> {new}"
    yield from explanation.pixels
