"""What needs more than one look at each element: private elements, content items, graphics.

A profile without these options has no second pass. Texts come last: see `texts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from fastdeid import graphics
from fastdeid.actions import resolve
from fastdeid.codes import Operation
from fastdeid.csa import MOST_BYTES, scrub
from fastdeid.dicom.loaded import Loaded
from fastdeid.dummies import pad
from fastdeid.kernels import rules as kernel
from fastdeid.kernels.elements import (
    END,
    ENTRY,
    FLAGS,
    IMPLICIT,
    LENGTH,
    N_COLUMNS,
    OPERATION,
    PARENT,
    TAG,
    VR,
)
from fastdeid.kernels.private import remove_unused_creator
from fastdeid.kinds import Kind, harvest_of
from fastdeid.memo import Memo
from fastdeid.midnight import dates_with_times
from fastdeid.moments import shift_date_beside
from fastdeid.needles import find_needles
from fastdeid.options import CLEAN_DESCRIPTORS, CLEAN_GRAPHICS, CLEAN_STRUCTURED_CONTENT
from fastdeid.private import private_rules
from fastdeid.profiles.tables import Attribute
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile
from fastdeid.setting import Setting
from fastdeid.structured import MARKED as STRUCTURED
from fastdeid.structured import StructuredContent
from fastdeid.tags import VR_NAMES

_CSA: Final = "csa"
_UN: Final = VR_NAMES.index("UN")
# Beyond so many nothing is remembered any more: texts that never repeat fill memory.
_MOST: Final = 1 << 14

# A row, the replacement and the VR of `kinds.Kind`.
Change = tuple[int, str, str]


class SecondPass:
    """The second pass of one profile over one file after another."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, memo: Memo) -> None:
        options = profile.options
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._memo = memo
        self._private = private_rules(profile)
        structured = CLEAN_STRUCTURED_CONTENT in options
        self._structured = StructuredContent(options) if structured else None
        self._graphics = CLEAN_GRAPHICS in options
        self._n_kinds = 0
        self._has_texts = CLEAN_DESCRIPTORS in options
        self._entries: dict[tuple[object, ...], int] = {}
        self._kinds: dict[tuple[str, str, int], int] = {}
        self._generation = -1

    def is_needed(self) -> bool:
        """Tell whether the rules that are compiled so far ask for a second pass."""
        kinds = self._profile.kinds.rows
        if self._n_kinds < len(kinds):
            self._has_texts = self._has_texts or any(k.deferred for k in kinds[self._n_kinds :])
            self._n_kinds = len(kinds)
        changes = self._private is not None or self._structured is not None or self._graphics
        return changes or self._has_texts or self._profile.settings.shift_times

    def change(self, loaded: Loaded, number: int, setting: Setting, fd: int) -> None:
        """Decide anew on rows of a decided file, and resolve the values that this replaces.

        fd: the file, for values that are not loaded. Raises the OSError of a failed read.
        """
        rows = loaded.rows(number)
        for row, replace, vr in list(self._changes(loaded, rows, setting)):
            if replace == _CSA:
                self._scrub(loaded, rows, row, fd)
                continue
            at = row * N_COLUMNS
            tag = loaded.cells[at + TAG] if replace == "items" else 0
            kind = self._kind(replace, vr or VR_NAMES[loaded.cells[at + VR]], tag)
            self._set_entry(loaded, row, kind, setting)
        if setting.context.time_offset:
            self._pass_midnight(loaded, rows, setting)

    def _pass_midnight(self, loaded: Loaded, rows: slice, setting: Setting) -> None:
        """Move dates on by a day where the times beside them pass midnight."""
        cells, memo, context = loaded.cells, self._memo, setting.context
        for row, time in dates_with_times(loaded, rows):
            at = row * N_COLUMNS
            entry = cells[at + ENTRY]
            if cells[at + OPERATION] != kernel.REPLACE or entry < 0:
                continue
            number = int(memo.entries[entry, kernel.KIND])
            kind, raw = self._profile.kinds.rows[number], loaded.value(row)
            offsets = (context.date_offset, context.time_offset)
            moved = shift_date_beside(raw, loaded.value(time), *offsets)
            if kind.replace != "shift" or moved is None or pad(moved, "DA") == memo.result(entry):
                continue
            needles = find_needles(kind.harvest, raw, context.charsets)
            new = memo.add(
                *(-1, number, setting.patient, raw), result=pad(moved, "DA"), needles=needles
            )
            cells[at + ENTRY] = new

    # Rows that are decided anew

    def _changes(self, loaded: Loaded, rows: slice, setting: Setting) -> Iterator[Change]:
        cells = loaded.cells
        if self._private is not None:
            for row, operation, replace, vr in self._private.find(loaded, rows, setting.rules):
                cells[row * N_COLUMNS + OPERATION] = int(operation)
                if operation is Operation.REPLACE:
                    yield row, replace, vr
        found: list[tuple[int, Operation, str]] = []
        tags = loaded.table[rows, TAG]
        if self._structured is not None and np.isin(tags, STRUCTURED).any():
            found += self._structured.find(loaded, rows)
        if self._graphics and np.isin(tags, graphics.MARKED).any():
            found += graphics.find(loaded, rows)
        for row, operation, replace in found:
            cells[row * N_COLUMNS + OPERATION] = int(operation)
            if operation is Operation.REPLACE:
                yield row, replace, ""

    def _kind(self, replace: str, vr: str, tag: int) -> int:
        number = self._kinds.get((replace, vr, tag))
        if number is None:
            number = self._kinds[replace, vr, tag] = self._profile.kinds.add(
                Kind(
                    replace=replace,
                    harvest=harvest_of(Attribute(vr, "1-n", "")),
                    vr=vr,
                    vm="1-n",
                    tag=tag,
                    per_patient=replace in {"patient_id", "patient_name", "shift", "shift_unix"},
                    otherwise="dummy",
                )
            )
        return number

    def _set_entry(self, loaded: Loaded, row: int, number: int, setting: Setting) -> None:
        """Resolve the value of a row; that of a text is left for `texts`."""
        cells = loaded.cells
        kind = self._profile.kinds.rows[number]
        if kind.deferred:
            cells[row * N_COLUMNS + ENTRY] = -1
            return
        at = row * N_COLUMNS
        raw = loaded.value(row)
        implicit = bool(cells[at + FLAGS] & IMPLICIT or cells[at + VR] == _UN)
        scope = setting.patient if kind.per_patient else setting.shared
        key = (number, scope, implicit, raw)
        entry = self._known(key)
        if entry is None:
            context = setting.implicit if implicit else setting.context
            registry = self._profile.registry
            result, needles = resolve(kind, raw, context, self._pseudonyms, registry)
            entry = self._memo.add(-1, number, scope, raw, result=result, needles=needles)
            self._entries[key] = entry
        cells[at + ENTRY] = entry

    def _scrub(self, loaded: Loaded, rows: slice, row: int, fd: int) -> None:
        """Keep the physics of a Siemens CSA header, or remove the element."""
        is_readable = loaded.cells[row * N_COLUMNS + LENGTH] <= MOST_BYTES
        scrubbed = scrub(loaded.whole_value(row, fd)) if is_readable else None
        if scrubbed is None:
            loaded.cells[row * N_COLUMNS + OPERATION] = kernel.REMOVE
            remove_unused_creator(loaded.table, rows.start, rows.stop, row)
            return
        entry = self._memo.add(-1, 0, 0, b"", result=scrubbed)
        loaded.cells[row * N_COLUMNS + ENTRY] = entry

    def _known(self, key: tuple[object, ...]) -> int | None:
        """Return the entry of a value, None where the memo has started anew, or never had it."""
        if self._generation != self._memo.generation or len(self._entries) >= _MOST:
            self._generation = self._memo.generation
            self._entries.clear()
        return self._entries.get(key)


def remove_block(loaded: Loaded, rows: slice, row: int) -> None:
    """Remove a private creator of a file, and the block that it reserves, PS3.5 section 7.8.1."""
    table, creator = loaded.table[rows], loaded.table[row]
    block = (int(creator[TAG]) & 0xFFFF0000 | (int(creator[TAG]) & 0xFF) << 8) >> 8
    roots = np.flatnonzero((table[:, PARENT] == creator[PARENT]) & (table[:, TAG] >> 8 == block))
    table[row - rows.start, OPERATION] = kernel.REMOVE
    for root in roots.tolist():
        table[root : int(table[root, END]) - rows.start, OPERATION] = kernel.REMOVE
