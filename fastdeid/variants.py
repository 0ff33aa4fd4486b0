"""One profile for the instances that meet the same of its conditions, compiled for any IOD."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid import lookup
from fastdeid.codes import Operation, choose_action, depends_on_type, is_compound
from fastdeid.contexts import Contexts
from fastdeid.errors import ProfileError
from fastdeid.iods import Iod
from fastdeid.kinds import Kinds, replaces_empty_action
from fastdeid.policy import DIRECTORY_GROUP, VRS_WITH_RULE, Choice, Policy
from fastdeid.profiles.tables import REPEATING_GROUPS, Attribute, read_dictionary
from fastdeid.settings import Settings
from fastdeid.tags import VR_NAMES, VR_NUMBERS

# Columns of `Rules.general` and `Rules.iod`.
OPERATION, KIND, FLAGS = range(3)
CHILD: Final = 2
BY_TYPE: Final = 1
REMOVE_WHEN_ABSENT: Final = 2
HOLDS_ITEMS: Final = 4
RULED_BY_VR: Final = 8

_ALWAYS: Final = HOLDS_ITEMS | RULED_BY_VR
_GROUPS: Final = frozenset({DIRECTORY_GROUP, *REPEATING_GROUPS})
_A_PRIVATE_TAG: Final = 0x00090000

Rows = npt.NDArray[np.int32]
IodRow = tuple[int, int, int]


class Variant:
    """The choices of a profile as operations.

    emptied_when_absent: attributes whose code offers no removal, even where a known IOD does not
    have them. private: shape (35, 3), see `Rules`.
    """

    def __init__(
        self,
        settings: Settings,
        in_force: frozenset[int],
        kinds: Kinds,
        places: tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]],
    ) -> None:
        self.settings = settings
        self.policy = Policy(settings, in_force)
        self.kinds = kinds
        self._keys, self._slots = places
        self.emptied_when_absent = tuple(
            tag
            for tag in self.policy.named
            if is_compound(code := self.choose(tag).code) and choose_action(code, "3") == "Z"
        )
        self._general = self._compile_general()
        self.private = self._compile_private()
        for array in (self.private, *self._general):
            array.setflags(write=False)

    def choose(self, tag: int) -> Choice:
        """Return the choice for an attribute, of whatever depth."""
        return self.policy.choose(tag)

    def operate(self, tag: int, choice: Choice, attribute_type: str) -> tuple[Operation, int]:
        """Return (operation, kind) that carry out a choice on an attribute of a Type."""
        action = choose_action(choice.code, attribute_type)
        attribute = read_dictionary().find(tag)
        if attribute is None:
            return Operation.REMOVE, -1
        if action == "K" or (action in "UC" and attribute.vr == "SQ"):
            return Operation.KEEP, -1
        if action == "X":
            return Operation.REMOVE, self.kinds.harvesting(attribute)
        if action == "Z" and not replaces_empty_action(tag):
            return Operation.EMPTY, self.kinds.harvesting(attribute)
        if action == "C":
            required = attribute_type in {"1", "1C"}
            is_dummy = required or choose_action(choice.basic, attribute_type) in "DU"
            kind = self.kinds.cleaning(tag, attribute, "dummy" if is_dummy else "")
            return Operation.REPLACE, kind
        return Operation.REPLACE, self.kinds.replacing(tag, attribute)

    def general_rows(self, iod: Iod | None) -> Rows:
        """Return `Rules.general` for an IOD; the flags tell how much of it is known."""
        complete, partial, unknown = self._general
        if iod is None:
            return unknown
        return complete if iod.complete else partial

    def general_rows_by_path(self, general: Rows, contexts: Contexts) -> Rows:
        """Return `general` such that attributes on the paths of rules are looked up by place."""
        rows = general.copy()
        for path in contexts.leaves.values():
            for tag in path:
                rows[lookup.find_tag(self._keys, tag), FLAGS] |= BY_TYPE
        rows.setflags(write=False)
        return rows

    def iod_rows(self, iod: Iod | None, contexts: Contexts) -> dict[int, IodRow]:
        """Return `Rules.iod` as a dict, for the contexts that kept sequences lead to."""
        rows: dict[int, IodRow] = {}
        if iod is None and not contexts.leaves:
            return rows
        absent = [
            (tag, (*self.operate(tag, self.choose(tag), "3"), -1))
            for tag in self.emptied_when_absent
        ]
        reached = [0]
        for context in reached:
            if context in contexts.unknown:
                rows.update(self._rows_of_unknown(context))
            elif iod is not None and iod.complete:
                rows.update((context << 32 | tag, row) for tag, row in absent)
            leaves = (tag for number, tag in contexts.leaves if number == context)
            for tag in dict.fromkeys((*contexts.places[context], *leaves)):
                row = self._iod_row(tag, context, contexts)
                if row is None:
                    continue
                rows[context << 32 | tag] = row
                if row[CHILD] >= 0 and row[CHILD] not in reached:
                    reached.append(row[CHILD])
        return rows

    def _rows_of_unknown(self, context: int) -> dict[int, IodRow]:
        """Return rows for a context of unknown items: what the general rows would say of them."""
        if context == 0:
            return {}
        unknown = self._general[2]
        full = self._general[0][self._slots]
        slots = self._slots[full[:, FLAGS] & BY_TYPE != 0]
        tags = self._keys[slots].tolist()
        rows = zip(tags, *unknown[slots, :2].T.tolist(), strict=True)
        return {context << 32 | tag: (operation, kind, -1) for tag, operation, kind in rows}

    def _iod_row(self, tag: int, context: int, contexts: Contexts) -> IodRow | None:
        """Return the row of an attribute at one place, None where the general row says all."""
        if tag >> 16 in REPEATING_GROUPS or tag in self.policy.inserted:
            return None
        path = contexts.leaves.get((context, tag))
        choice = self.choose(tag) if path is None else self.policy.paths[path]
        child = contexts.child(context, tag)
        if path is not None or depends_on_type(choice.code) or choice.code == "C":
            attribute_type = contexts.attribute_type(tag, context)
            operation, kind = self.operate(tag, choice, attribute_type)
            return operation, kind, child if operation is Operation.KEEP else -1
        return (-1, -1, child) if child >= 0 and choice.code == "K" else None

    def _compile_general(self) -> tuple[Rows, Rows, Rows]:
        """Return `Rules.general` for a completely, a partly and a not at all known IOD."""
        dictionary = read_dictionary()
        rows: Rows = np.zeros((len(dictionary.tags), 3), np.int32)
        rows[:, KIND] = -1
        sequences = dictionary.vr_numbers == VR_NUMBERS["SQ"]
        by_vr = {VR_NUMBERS[vr] for vr in VRS_WITH_RULE}
        # An attribute that is kept hides no value of another VR behind its own.
        ruled = [VR_NUMBERS[vr] for vr in VRS_WITH_RULE if vr not in self.policy.retained_vrs]
        rows[sequences, FLAGS] = BY_TYPE
        named = {*self.policy.named, *self.policy.inserted}
        attributes = zip(dictionary.tags.tolist(), dictionary.vr_numbers.tolist(), strict=True)
        for place, (tag, vr) in enumerate(attributes):
            if tag in named or vr in by_vr or tag >> 16 in _GROUPS:
                rows[place] = self._general_row(tag)
        rows[sequences, FLAGS] |= HOLDS_ITEMS
        rows[np.isin(dictionary.vr_numbers, ruled), FLAGS] |= RULED_BY_VR
        tables = []
        for mask in (_ALWAYS | BY_TYPE | REMOVE_WHEN_ABSENT, _ALWAYS | BY_TYPE, _ALWAYS):
            table: Rows = np.zeros((len(self._keys), 3), np.int32)
            table[self._slots] = rows
            table[:, FLAGS] &= mask
            tables.append(table)
        return tables[0], tables[1], tables[2]

    def _general_row(self, tag: int) -> IodRow:
        attribute = read_dictionary().attribute(tag)
        if tag in self.policy.inserted:
            return Operation.REMOVE, self.kinds.harvesting(attribute), 0
        choice = self.choose(tag)
        operation, kind = self.operate(tag, choice, "?")
        by_place = depends_on_type(choice.code) or choice.code == "C" or attribute.vr == "SQ"
        flags = BY_TYPE if by_place and tag >> 16 not in REPEATING_GROUPS else 0
        absent = is_compound(choice.code) and choose_action(choice.code, "3") == "X"
        return operation, kind, flags | (REMOVE_WHEN_ABSENT if absent else 0)

    def _compile_private(self) -> Rows:
        if self.choose(_A_PRIVATE_TAG).code not in {"X", "C"}:
            raise ProfileError("private attributes cannot be kept as a whole")
        rows: Rows = np.zeros((len(VR_NAMES), 3), np.int32)
        for number, vr in enumerate(VR_NAMES):
            kind = self.kinds.harvesting(Attribute(vr, "1-n", ""))
            betrays = vr in VRS_WITH_RULE and vr not in self.policy.retained_vrs
            rows[number] = (Operation.REMOVE, kind, betrays)
        return rows
