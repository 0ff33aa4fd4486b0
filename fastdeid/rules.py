"""PS3.15 Annex E compiled: one profile, and for each SOP Class the arrays of the decide kernel."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid import lookup, tags
from fastdeid.codes import Operation, choose_action, depends_on_type, is_compound
from fastdeid.errors import ProfileError
from fastdeid.iods import Iod, Place, find_iod
from fastdeid.kinds import Kind, Kinds, replaces_empty_action
from fastdeid.profiles.tables import (
    PRIVATE_PATTERN,
    REPEATING_GROUPS,
    Attribute,
    read_dictionary,
    read_sources,
    read_table,
    read_types,
    read_uids,
)
from fastdeid.settings import Settings, read_settings
from fastdeid.sop_classes import is_storage, refusal
from fastdeid.tags import VR_NAMES, VR_NUMBERS

__all__ = ["Kind", "Operation", "Profile", "Rules", "load_profile"]

# Counts up when the compile step changes, so that a run is not resumed under other rules.
_COMPILER: Final = 3

# Columns of `Rules.general` and `Rules.iod`.
OPERATION, KIND, FLAGS = range(3)
CHILD: Final = 2
BY_TYPE: Final = 1
REMOVE_WHEN_ABSENT: Final = 2
HOLDS_ITEMS: Final = 4
RULED_BY_VR: Final = 8

_PRIVATE: Final = -1
_LOW: Final = 0xFFFFFFFF
# The attributes with code X/Z/U*.
_REFERENCES: Final = (tags.REFERENCED_IMAGE_SEQUENCE, tags.SOURCE_IMAGE_SEQUENCE)
# Curves, overlays, and the directory records that only a DICOMDIR has.
_REMOVED_GROUPS: Final = frozenset({0x0004, *REPEATING_GROUPS})
_BY_VR: Final = {"UI": "U", "PN": "D", "DA": "X/Z/D", "DT": "X/Z/D", "TM": "X/Z/D"}

_Rows = npt.NDArray[np.int32]
_Numbers = npt.NDArray[np.uint8]


class Rules:
    """The rules of one profile for one SOP Class.

    general_keys, general: shapes (S,) and (S, 3), a table of `lookup` with every known attribute;
    columns OPERATION, KIND (-1 none) and FLAGS. An attribute that is absent is removed. FLAGS:
    BY_TYPE, look into `iod` first; REMOVE_WHEN_ABSENT, an attribute that `iod` does not have in a
    known context is not part of the IOD and goes; HOLDS_ITEMS, the VR is SQ; RULED_BY_VR, the VR
    is one that asks for an action. In an unknown context, -1, this row holds.

    iod_keys, iod: shapes (T,) and (T, 3), keys (context << 32 | tag); columns OPERATION (-1: as in
    `general`), KIND and CHILD (the context of the items, -1 none).

    private: shape (35, 3), OPERATION and KIND of private elements by VR number, and whether an
    element of this VR goes where its attribute has another VR and is kept.
    """

    def __init__(
        self, profile: Profile, sop_class_uid: str, iod: Iod | None, *, references: bool
    ) -> None:
        self._profile = profile
        self._iod = iod
        self.sop_class_uid = sop_class_uid
        self.general_keys = profile.general_keys
        self.general = profile.general_rows(iod)
        iod_rows = _iod_rows(profile, iod)
        if references:
            self.general = _keeping(self.general, self.general_keys)
            iod_rows = {key: row for key, row in iod_rows.items() if key & _LOW not in _REFERENCES}
        self.iod_keys, self.iod = lookup.place_keys(iod_rows)
        self.private = profile.private
        self.kinds = profile.kinds.rows
        self.pixel_data_required = iod is not None and iod.pixel_data_required
        self.storage = is_storage(sop_class_uid)
        self.refused = refusal(sop_class_uid)
        self.iod_keys.setflags(write=False)
        self.iod.setflags(write=False)
        self.arrays = (self.general_keys, self.general, self.iod_keys, self.iod, self.private)

    def attribute_type(self, tag: int, context: int = 0) -> str:
        """Return the Type of `tag` in a context: "1", "1C", "2", "2C", "3", or "?" when unknown."""
        return "?" if self._iod is None else self._iod.attribute_type(tag, context)

    def context_of(self, path: tuple[int, ...]) -> int:
        """Return the context of the items that a path of sequence tags leads to, -1 unknown."""
        context = 0 if self._iod is not None else -1
        for tag in path:
            if self._iod is None or context < 0:
                return -1
            place = self._iod.places[context].get(tag)
            context = -1 if place is None else place.child
        return context

    def clean(self, tag: int, context: int = 0) -> tuple[Operation, int]:
        """Return (operation, kind) for a kept element in which the leak check has found something.

        Type 3: removed; Type 2: emptied; Type 1 or unknown: replaced by a dummy.
        """
        action = choose_action("X/Z/D", self.attribute_type(tag, context))
        return self._profile.operate(tag, action)

    def decide(self, tag: int, context: int = 0) -> tuple[Operation, int]:
        """Return (operation, kind) of an attribute; the decide kernel answers the same."""
        if (tag >> 16) % 2:
            return Operation.REMOVE, -1
        if (tag >> 24) in {0x50, 0x60}:
            tag &= 0xFF00FFFF
        slot = lookup.find_tag(self.general_keys, tag)
        if slot < 0:
            return Operation.REMOVE, -1
        operation, kind, flags = (int(number) for number in self.general[slot])
        if flags & BY_TYPE and context >= 0:
            place = lookup.find_key(self.iod_keys, context << 32 | tag)
            if place >= 0 and self.iod[place, OPERATION] >= 0:
                return Operation(self.iod[place, OPERATION]), int(self.iod[place, KIND])
            if place < 0 and flags & REMOVE_WHEN_ABSENT:
                return self._profile.operate(tag, "X")
        return Operation(operation), kind

    def explain(self, tag: int, context: int = 0) -> str:
        """Return the rule for an attribute in words, without any value."""
        operation, kind = self.decide(tag, context)
        code = self._profile.code(tag)
        attribute_type = self.attribute_type(tag, context)
        how = f" ({self.kinds[kind].replace})" if operation is Operation.REPLACE else ""
        return f"{operation.name.lower()}{how}: code {code or 'none'}, Type {attribute_type}"


class Profile:
    """A confidentiality profile, compiled for every SOP Class on demand.

    registry: UIDs that are never mapped. dictionary_keys, dictionary_vrs: VR numbers by tag, for
    implicit VR. codes: (value, scheme, meaning) of CID 7050 for (0012,0064). emptied_when_absent:
    attributes whose code offers no removal, even where a known IOD does not have them.
    """

    def __init__(self, settings: Settings) -> None:
        self.name = settings.name
        self.version = settings.version
        self.edition = read_table().edition
        self.options = tuple(settings.options)
        self.digest = _digest(settings)
        self.method = f"fastdeid profile {self.name} {self.version}, PS3.15 {self.edition}"
        self.codes = [("113100", "DCM", "Basic Application Confidentiality Profile")]
        self.registry = _registry(settings)
        self.kinds = Kinds()
        self._codes = _codes_by_tag(settings)
        self.emptied_when_absent = tuple(
            tag
            for tag, code in self._codes.items()
            if is_compound(code) and choose_action(code, "3") == "Z"
        )
        self._rules: dict[tuple[str, bool], Rules] = {}
        dictionary = read_dictionary()
        self.general_keys, self._slots = lookup.place_tags(dictionary.tags)
        self.dictionary_keys = self.general_keys
        self.dictionary_vrs: _Numbers = np.zeros(len(self.general_keys), np.uint8)
        self.dictionary_vrs[self._slots] = dictionary.vr_numbers
        self._general = self._compile_general()
        self.private = self._compile_private()
        for array in (self.general_keys, self.dictionary_vrs, self.private, *self._general):
            array.setflags(write=False)

    def rules(self, sop_class_uid: str, *, references: bool = False) -> Rules:
        """Return the rules for a SOP Class, compiled once.

        references: the instance lists the instances that it refers to (PS3.3 C.12.2). Then U is
        what X/Z/U* needs for conformance: a list of references that stand nowhere is not valid.
        """
        rules = self._rules.get((sop_class_uid, references))
        if rules is None:
            rules = Rules(self, sop_class_uid, find_iod(sop_class_uid), references=references)
            self._rules[sop_class_uid, references] = rules
        return rules

    def code(self, tag: int) -> str:
        """Return the action code of an attribute, "" for one that is in no table.

        A whole overlay or curve goes with its data: its module is not valid without that.
        """
        code = self._codes.get(tag)
        if code is not None:
            return code
        if tag >> 16 in _REMOVED_GROUPS:
            return "X"
        attribute = read_dictionary().find(tag)
        return "" if attribute is None else _BY_VR.get(attribute.vr, "K")

    def operate(self, tag: int, action: str) -> tuple[Operation, int]:
        """Return (operation, kind) that carry out one action letter on an attribute."""
        attribute = read_dictionary().find(tag)
        if attribute is None:
            return Operation.REMOVE, -1
        if action == "K" or (action == "U" and attribute.vr == "SQ"):
            return Operation.KEEP, -1
        if action == "X":
            return Operation.REMOVE, self.kinds.harvesting(attribute)
        if action == "Z" and not replaces_empty_action(tag):
            return Operation.EMPTY, self.kinds.harvesting(attribute)
        return Operation.REPLACE, self.kinds.replacing(tag, attribute)

    def general_rows(self, iod: Iod | None) -> _Rows:
        """Return `Rules.general` for an IOD; the flags tell how much of it is known."""
        complete, partial, unknown = self._general
        if iod is None:
            return unknown
        return complete if iod.complete else partial

    def _compile_general(self) -> tuple[_Rows, _Rows, _Rows]:
        """Return `Rules.general` for a completely, a partly and a not at all known IOD."""
        dictionary = read_dictionary()
        rows: _Rows = np.zeros((len(dictionary.tags), 3), np.int32)
        rows[:, KIND] = -1
        sequences = dictionary.vr_numbers == VR_NUMBERS["SQ"]
        by_vr = {VR_NUMBERS[vr] for vr in _BY_VR}
        rows[sequences, FLAGS] = BY_TYPE
        attributes = zip(dictionary.tags.tolist(), dictionary.vr_numbers.tolist(), strict=True)
        for place, (tag, vr) in enumerate(attributes):
            if tag in self._codes or vr in by_vr or tag >> 16 in _REMOVED_GROUPS:
                rows[place] = self._general_row(tag)
        rows[sequences, FLAGS] |= HOLDS_ITEMS
        rows[np.isin(dictionary.vr_numbers, list(by_vr)), FLAGS] |= RULED_BY_VR
        tables = []
        always = HOLDS_ITEMS | RULED_BY_VR
        for mask in (always | BY_TYPE | REMOVE_WHEN_ABSENT, always | BY_TYPE, always):
            table: _Rows = np.zeros((len(self.general_keys), 3), np.int32)
            table[self._slots] = rows
            table[:, FLAGS] &= mask
            tables.append(table)
        return tables[0], tables[1], tables[2]

    def _general_row(self, tag: int) -> tuple[int, int, int]:
        code = self.code(tag)
        operation, kind = self.operate(tag, choose_action(code, "?"))
        flags = 0
        if tag >> 16 not in REPEATING_GROUPS and (depends_on_type(code) or _is_sequence(tag)):
            flags = BY_TYPE
        absent = is_compound(code) and choose_action(code, "3") == "X"
        return operation, kind, flags | (REMOVE_WHEN_ABSENT if absent else 0)

    def _compile_private(self) -> _Rows:
        if self._codes[_PRIVATE] != "X":
            raise ProfileError("private attributes can only be removed")
        rows: _Rows = np.zeros((len(VR_NAMES), 3), np.int32)
        for number, vr in enumerate(VR_NAMES):
            kind = self.kinds.harvesting(Attribute(vr, "1-n", ""))
            rows[number] = (Operation.REMOVE, kind, vr in _BY_VR)
        return rows


def _is_sequence(tag: int) -> bool:
    attribute = read_dictionary().find(tag)
    return attribute is not None and attribute.vr == "SQ"


def _codes_by_tag(settings: Settings) -> dict[int, str]:
    """Return tag -> action code: the table's column "basic", then the profile's own additions."""
    table = read_table()
    column = table.columns.index("basic")
    codes = {}
    for row in table.rows:
        code = row.codes[column]
        if row.pattern == PRIVATE_PATTERN:
            codes[_PRIVATE] = code
        elif row.vr:
            # A UID is mapped by value wherever it stands, whichever other value is asked for.
            codes[tag_of(row.pattern)] = "U" if (row.vr, code) == ("UI", "D") else code
    codes.update((tag_of(also.tag), also.code) for also in settings.also)
    return {tag: "X" if tag >> 16 in _REMOVED_GROUPS else code for tag, code in codes.items()}


def tag_of(pattern: str) -> int:
    """Return the tag of a pattern as printed, "(60xx,3000)" as 0x60003000."""
    return int(pattern[1:5].replace("x", "0") + pattern[6:10], 16)


def _keeping(general: _Rows, keys: npt.NDArray[np.uint32]) -> _Rows:
    """Return `Rules.general` with the references of X/Z/U* kept wherever they stand."""
    kept = general.copy()
    for tag in _REFERENCES:
        kept[lookup.find_tag(keys, tag)] = (Operation.KEEP, -1, BY_TYPE | HOLDS_ITEMS)
    kept.setflags(write=False)
    return kept


def _iod_rows(profile: Profile, iod: Iod | None) -> dict[int, tuple[int, int, int]]:
    """Return `Rules.iod` as a dict, for the contexts that kept sequences lead to."""
    rows: dict[int, tuple[int, int, int]] = {}
    if iod is None:
        return rows
    absent = [(tag, (*profile.operate(tag, "Z"), -1)) for tag in profile.emptied_when_absent]
    contexts = [0]
    for context in contexts:
        if iod.complete:
            rows.update((context << 32 | tag, row) for tag, row in absent)
        for tag, place in iod.places[context].items():
            row = _iod_row(profile, tag, place)
            if row is None:
                continue
            rows[context << 32 | tag] = row
            if row[CHILD] >= 0 and row[CHILD] not in contexts:
                contexts.append(row[CHILD])
    return rows


def _iod_row(profile: Profile, tag: int, place: Place) -> tuple[int, int, int] | None:
    """Return the row of an attribute at one place, None where the general row says all."""
    if tag >> 16 in REPEATING_GROUPS:
        return None
    code = profile.code(tag)
    if depends_on_type(code):
        operation, kind = profile.operate(tag, choose_action(code, place.attribute_type))
        return operation, kind, place.child if operation is Operation.KEEP else -1
    return (-1, -1, place.child) if place.child >= 0 and code == "K" else None


def _registry(settings: Settings) -> frozenset[bytes]:
    """Return the UIDs of PS3.6 Annex A: Tables A-1 and A-2, and the context groups of Table A-3.

    The SOP Classes of PS3.3's tables are added, because those may be of a newer edition.
    """
    context_groups = (f"1.2.840.10008.6.1.{number}" for number in range(1, 2000))
    names = (*read_uids(), *read_types().sop_classes, *context_groups, *settings.well_known_uids)
    return frozenset(name.encode("ascii") for name in names)


def _digest(settings: Settings) -> str:
    parts = [str(_COMPILER), settings.digest]
    parts += [source["digest"] for source in read_sources().values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_profile(name_or_path: str) -> Profile:
    """Return the profile of a name ("basic") or of a TOML file.

    Raises ProfileError for an unknown name, key, code, column or table.
    """
    return Profile(read_settings(name_or_path))
