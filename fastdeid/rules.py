"""PS3.15 Annex E compiled: one profile, and for each SOP Class the arrays of the decide kernel."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid import lookup, tags
from fastdeid.codes import Operation
from fastdeid.contexts import Contexts
from fastdeid.iods import Iod, find_iod
from fastdeid.kinds import Kind, Kinds
from fastdeid.policy import NAMED_BY_NO_RULE, Choice, tag_of
from fastdeid.profiles.tables import (
    read_dictionary,
    read_sources,
    read_table,
    read_types,
    read_uids,
)
from fastdeid.settings import Settings, read_settings
from fastdeid.sop_classes import is_storage, refusal
from fastdeid.variants import (
    BY_TYPE,
    CHILD,
    FLAGS,
    HOLDS_ITEMS,
    KIND,
    OPERATION,
    REMOVE_WHEN_ABSENT,
    RULED_BY_VR,
    Rows,
    Variant,
)

__all__ = [
    "BY_TYPE",
    "CHILD",
    "FLAGS",
    "HOLDS_ITEMS",
    "KIND",
    "OPERATION",
    "REMOVE_WHEN_ABSENT",
    "RULED_BY_VR",
    "Kind",
    "Operation",
    "Profile",
    "Rules",
    "load_profile",
    "tag_of",
]

# Counts up when the compile step changes, so that a run is not resumed under other rules.
_COMPILER: Final = 4

_LOW: Final = 0xFFFFFFFF
# The attributes with code X/Z/U*.
_REFERENCES: Final = (tags.REFERENCED_IMAGE_SEQUENCE, tags.SOURCE_IMAGE_SEQUENCE)
_CLEANED: Final = Choice("X/Z/D", "leak check", "X/Z/D")

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
    element of this VR goes where its attribute has another VR and is kept. private_rules: what the
    profile says of single private attributes, an action code each.

    claims: codes of CID 7050, as (value, scheme, meaning), whose rules are in force. temporal:
    value of (0028,0303). insertions: attributes that each instance gets. retains_uids: outputs
    are named by original UIDs.
    """

    def __init__(
        self,
        variant: Variant,
        general_keys: npt.NDArray[np.uint32],
        sop_class_uid: str,
        iod: Iod | None,
        *,
        references: bool,
    ) -> None:
        self._variant = variant
        self._iod = iod
        self._contexts = Contexts(iod, variant.policy.paths)
        self.sop_class_uid = sop_class_uid
        self.general_keys = general_keys
        self.general = variant.general_rows(iod)
        if self._contexts.leaves:
            self.general = variant.general_rows_by_path(self.general, self._contexts)
        iod_rows = variant.iod_rows(iod, self._contexts)
        if references:
            self.general = _keeping(self.general, self.general_keys)
            iod_rows = {key: row for key, row in iod_rows.items() if key & _LOW not in _REFERENCES}
        self.iod_keys, self.iod = lookup.place_keys(iod_rows)
        self.private = variant.private
        self.private_rules = variant.policy.private
        self.claims = variant.policy.claims
        self.temporal = variant.policy.temporal
        self.insertions = variant.settings.insertions
        self.kinds = variant.kinds.rows
        self.pixel_data_required = iod is not None and iod.pixel_data_required
        self.retains_uids = self.decide(tags.SOP_INSTANCE_UID)[0] is Operation.KEEP
        self.storage = is_storage(sop_class_uid)
        self.refused = refusal(sop_class_uid)
        self.iod_keys.setflags(write=False)
        self.iod.setflags(write=False)
        self.arrays = (self.general_keys, self.general, self.iod_keys, self.iod, self.private)

    def attribute_type(self, tag: int, context: int = 0) -> str:
        """Return the Type of `tag` in a context: "1", "1C", "2", "2C", "3", or "?" when unknown."""
        return self._contexts.attribute_type(tag, context)

    def context_of(self, path: tuple[int, ...]) -> int:
        """Return the context of the items that a path of sequence tags leads to, -1 unknown."""
        context = 0 if self._iod is not None or self._contexts.leaves else -1
        for tag in path:
            context = self._contexts.child(context, tag)
        return context

    def choose(self, tag: int, context: int = 0) -> Choice:
        """Return what the profile decides on an attribute."""
        path = self._contexts.leaves.get((context, tag))
        return self._variant.choose(tag) if path is None else self._variant.policy.paths[path]

    def is_named(self, tag: int) -> bool:
        """Tell whether the table, the VR or the profile says anything of an attribute."""
        return self._variant.choose(tag).basic != "K"

    def retains(self, tag: int, context: int = 0) -> bool:
        """Tell whether an option or a rule of the profile says that an attribute is retained."""
        choice = self.choose(tag, context)
        return choice.code == "K" and choice.source != NAMED_BY_NO_RULE

    def clean(self, tag: int, context: int = 0) -> tuple[Operation, int]:
        """Return (operation, kind) for an element of which nothing may stay.

        It is a kept one in which the leak check has found something, or one of which the cleaning
        of its text left nothing. The latter becomes what the basic profile makes of it; the former,
        Type 3: removed; Type 2: emptied; Type 1 or unknown: replaced by a dummy.
        """
        choice = self._variant.choose(tag)
        code = choice.basic if choice.code == "C" and choice.basic not in {"", "C", "K"} else ""
        cleaned = Choice(code, choice.source, code) if code else _CLEANED
        return self._variant.operate(tag, cleaned, self.attribute_type(tag, context))

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
                return self._variant.operate(tag, Choice("X", "", "X"), "3")
        return Operation(operation), kind

    def explain(self, tag: int, context: int = 0) -> str:
        """Return the rule for an attribute in words, without any value."""
        if (tag >> 24) in {0x50, 0x60}:
            tag &= 0xFF00FFFF
        operation, kind = self.decide(tag, context)
        choice = self.choose(tag, context)
        attribute_type = self.attribute_type(tag, context)
        how = f" ({self.kinds[kind].replace})" if operation is Operation.REPLACE else ""
        return (
            f"{operation.name.lower()}{how}: code {choice.code}, {choice.source}, "
            f"Type {attribute_type}"
        )


class Profile:
    """A confidentiality profile, compiled on demand for SOP Classes and for its own conditions.

    registry: UIDs that are never mapped. dictionary_keys, dictionary_vrs: VR numbers by tag, for
    implicit VR. codes: (value, scheme, meaning) of CID 7050 that instances get which meet none of
    the conditions. has_conditions: some rules hold for some instances only.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.name
        self.version = settings.version
        self.edition = read_table().edition
        self.options = settings.options
        self.digest = _digest(settings)
        self.method = f"fastdeid profile {self.name} {self.version}, PS3.15 {self.edition}"
        self.registry = _registry(settings)
        self.kinds = Kinds()
        dictionary = read_dictionary()
        self.general_keys, self._slots = lookup.place_tags(dictionary.tags)
        self.dictionary_keys = self.general_keys
        self.dictionary_vrs: _Numbers = np.zeros(len(self.general_keys), np.uint8)
        self.dictionary_vrs[self._slots] = dictionary.vr_numbers
        for array in (self.general_keys, self.dictionary_vrs):
            array.setflags(write=False)
        self._conditions = [
            (number, override.condition)
            for number, override in enumerate(settings.overrides)
            if override.condition is not None
        ]
        self.has_conditions = bool(self._conditions)
        self._variants: dict[frozenset[int], Variant] = {}
        self._rules: dict[tuple[str, bool, frozenset[int]], Rules] = {}
        self.codes = list(self._variant(frozenset()).policy.claims)

    def conditions_met(self, modality: str, sop_class: str, manufacturer: str) -> frozenset[int]:
        """Return which of the profile's conditions an instance with these values meets."""
        return frozenset(
            number
            for number, condition in self._conditions
            if condition.holds(modality, sop_class, manufacturer)
        )

    def rules(
        self,
        sop_class_uid: str,
        *,
        references: bool = False,
        conditions: frozenset[int] = frozenset(),
    ) -> Rules:
        """Return the rules for a SOP Class, compiled once.

        references: the instance lists the instances that it refers to (PS3.3 C.12.2). Then U is
        what X/Z/U* needs for conformance: a list of references that stand nowhere is not valid.
        conditions: as `conditions_met` returns them.
        """
        key = (sop_class_uid, references, conditions)
        rules = self._rules.get(key)
        if rules is None:
            rules = self._rules[key] = Rules(
                self._variant(conditions),
                self.general_keys,
                sop_class_uid,
                find_iod(sop_class_uid),
                references=references,
            )
        return rules

    def _variant(self, conditions: frozenset[int]) -> Variant:
        variant = self._variants.get(conditions)
        if variant is None:
            places = (self.general_keys, self._slots)
            variant = Variant(self.settings, conditions, self.kinds, places)
            self._variants[conditions] = variant
        return variant


def _keeping(general: Rows, keys: npt.NDArray[np.uint32]) -> Rows:
    """Return `Rules.general` with the references of X/Z/U* kept wherever they stand."""
    kept = general.copy()
    for tag in _REFERENCES:
        kept[lookup.find_tag(keys, tag)] = (Operation.KEEP, -1, BY_TYPE | HOLDS_ITEMS)
    kept.setflags(write=False)
    return kept


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
