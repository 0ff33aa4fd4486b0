"""What needs more than one look at each element: private elements, content items, graphics, texts.

A profile without these options has no second pass. Texts come last: they are cleaned of everything
that the headers of their own file know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from fastdeid import graphics
from fastdeid.actions import resolve
from fastdeid.chances import is_creator
from fastdeid.codes import Operation
from fastdeid.csa import MOST_BYTES, scrub
from fastdeid.descriptors import Cleaner, clean_value
from fastdeid.dicom.loaded import Loaded
from fastdeid.dicom.text import decode
from fastdeid.dummies import pad
from fastdeid.identity import Identity
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
    SEQUENCE,
    TAG,
    VR,
)
from fastdeid.kinds import Kind, harvest_of
from fastdeid.memo import Memo
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
# Text VRs in which a backslash parts no values, PS3.5 section 6.2.
_SINGLE: Final = frozenset(("LT", "ST", "UT"))
_TEXTS: Final = frozenset(("LO", "LT", "SH", "ST", "UC", "UT"))
_IS_TEXT: Final = np.isin(VR_NAMES, list(_TEXTS))
_IS_TEXT.setflags(write=False)
_KNOWING: Final = ("name", "patient", "identifier", "phrase", "date")
# Longer texts are none that a person reads.
_LONGEST: Final = 1 << 20
# Beyond so many nothing is remembered any more: texts that never repeat fill memory.
_MOST: Final = 1 << 14

# A row, the replacement and the VR of `kinds.Kind`.
Change = tuple[int, str, str]


class SecondPass:
    """The second pass of one profile over one file after another.

    cleans_kept_texts: texts that are kept lose what identifies instead of going altogether.
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, memo: Memo) -> None:
        options = profile.options
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._memo = memo
        self._private = private_rules(profile)
        structured = CLEAN_STRUCTURED_CONTENT in options
        self._structured = StructuredContent(options) if structured else None
        self._graphics = CLEAN_GRAPHICS in options
        self.cleans_kept_texts = CLEAN_DESCRIPTORS in options
        self._n_kinds = 0
        self._has_texts = False
        self._cleaner: Cleaner | None = None
        self._entries: dict[tuple[object, ...], int] = {}
        self._identities: dict[tuple[object, ...], Identity] = {}
        self._compiled: dict[frozenset[tuple[str, str]], Identity] = {}
        self._named: dict[tuple[object, ...], bool] = {}
        self._generation = -1
        self._knowing = np.zeros(0, np.bool_)

    def is_needed(self) -> bool:
        """Tell whether the rules that are compiled so far ask for a second pass."""
        kinds = self._profile.kinds.rows
        if self._n_kinds < len(kinds):
            self._has_texts = self._has_texts or any(k.deferred for k in kinds[self._n_kinds :])
            self._n_kinds = len(kinds)
        changes = self._private is not None or self._structured is not None or self._graphics
        return changes or self._has_texts

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

    def clean_texts(self, loaded: Loaded, number: int, setting: Setting, fd: int) -> list[int]:
        """Clean the texts of the file `fd`, all other values of which are resolved.

        Returns the rows of texts of which nothing may stay. Raises the OSError of a failed read.
        """
        rows = loaded.rows(number)
        table = loaded.table[rows]
        replaced = np.flatnonzero(table[:, OPERATION] == kernel.REPLACE)
        deferred = replaced[table[replaced, ENTRY] < 0]
        if not (len(deferred) or self.cleans_kept_texts):
            return []
        identity = self._identity(loaded, rows, setting)
        if self.cleans_kept_texts and identity.abbreviations:
            self._clean_abbreviations(loaded, rows, setting, identity)
        return [
            row
            for row in (deferred + rows.start).tolist()
            if not self._clean(loaded, row, _text(loaded, row, fd), setting, identity)
        ]

    def _clean_abbreviations(
        self, loaded: Loaded, rows: slice, setting: Setting, identity: Identity
    ) -> None:
        """Clean kept texts that may hold the short name of an institution, which no needle is."""
        table = loaded.table[rows]
        is_text = _IS_TEXT[table[:, VR]] & (table[:, LENGTH] > 0)
        kept = np.flatnonzero(is_text & (table[:, OPERATION] == kernel.KEEP))
        for row in (kept + rows.start).tolist():
            raw = loaded.value(row)
            key = (identity.key, raw)
            is_named = self._named.get(key)
            if is_named is None:
                if len(self._named) >= _MOST:
                    self._named.clear()
                folded = raw.decode("latin_1").casefold()
                is_named = any(name in folded for name in identity.abbreviations)
                self._named[key] = is_named
            # What an option retains by name is not for us to judge: the name of a device.
            if is_named and not setting.rules.is_named(loaded.cells[row * N_COLUMNS + TAG]):
                self._replace_text(loaded, row, setting, identity)

    def clean_kept_text(self, loaded: Loaded, number: int, row: int, setting: Setting) -> bool:
        """Clean a kept text in which the leak check has found something; False where that fails."""
        cells = loaded.cells
        at = row * N_COLUMNS
        if cells[at + OPERATION] != kernel.KEEP or VR_NAMES[cells[at + VR]] not in _TEXTS:
            return False
        if is_creator(cells[at + TAG]):
            return False
        identity = self._identity(loaded, loaded.rows(number), setting)
        return self._replace_text(loaded, row, setting, identity)

    def _replace_text(self, loaded: Loaded, row: int, setting: Setting, identity: Identity) -> bool:
        """Clean a kept text; False, and kept as it is, where nothing of it stays or goes."""
        cells = loaded.cells
        at = row * N_COLUMNS
        before, raw = cells[at + ENTRY], loaded.value(row)
        is_clean = bool(raw) and self._clean(loaded, row, raw, setting, identity)
        if not is_clean or self._memo.result(cells[at + ENTRY]) == raw:
            cells[at + ENTRY] = before
            return False
        cells[at + OPERATION] = kernel.REPLACE
        return True

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

    def _kind(self, replace: str, vr: str, tag: int = 0) -> int:
        return self._profile.kinds.add(
            Kind(
                replace=replace,
                harvest=harvest_of(Attribute(vr, "1-n", "")),
                vr=vr,
                vm="1-n",
                tag=tag,
                per_patient=replace in {"patient_id", "patient_name", "shift"},
                otherwise="dummy",
            )
        )

    def _set_entry(self, loaded: Loaded, row: int, number: int, setting: Setting) -> None:
        """Resolve the value of a row; that of a text is left for `clean_texts`."""
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
            _remove_creator(loaded, rows, row)
            return
        entry = self._memo.add(-1, 0, 0, b"", result=scrubbed)
        loaded.cells[row * N_COLUMNS + ENTRY] = entry

    # Texts

    def _identity(self, loaded: Loaded, rows: slice, setting: Setting) -> Identity:
        """Return what the headers of a file know."""
        memo = self._memo
        entries = np.unique(loaded.table[rows, ENTRY])
        entries = entries[entries >= 0]
        kinds = memo.entries[entries, kernel.KIND]
        if len(self._knowing) < len(self._profile.kinds.rows):
            harvests = [kind.harvest in _KNOWING for kind in self._profile.kinds.rows]
            self._knowing = np.array(harvests, np.bool_)
        knowing = entries[self._knowing[kinds]]
        self._forget_with_memo()
        key = (setting.context.charsets, knowing.tobytes())
        identity = self._identities.get(key)
        if identity is None:
            if len(self._identities) >= _MOST:
                self._identities.clear()
            known = self._profile.kinds.rows
            pairs = []
            for entry in knowing.tolist():
                raw = memo.key(entry)
                text = decode(raw, setting.context.charsets)
                harvest = known[int(memo.entries[entry, kernel.KIND])].harvest
                text = raw.decode("latin_1") if text is None else text
                pairs.append((harvest, _days(text) if harvest == "date" else text))
            identity = self._compiled.get(frozenset(pairs))
            if identity is None:
                if len(self._compiled) >= _MOST:
                    self._compiled.clear()
                identity = self._compiled[frozenset(pairs)] = Identity(pairs)
            self._identities[key] = identity
        return identity

    def _clean(
        self, loaded: Loaded, row: int, raw: bytes | None, setting: Setting, identity: Identity
    ) -> bool:
        """Clean one text; return whether something of it stays, or nothing was there.

        raw: the text, None when it is too long.
        """
        if raw is None:
            return False
        cells = loaded.cells
        vr = VR_NAMES[cells[row * N_COLUMNS + VR]]
        charsets = setting.context.charsets
        key = (vr, charsets, identity.key, raw)
        entry = self._known(key)
        if entry is None:
            if self._cleaner is None:
                self._cleaner = Cleaner(self._profile.settings.descriptors)
            several = vr not in _SINGLE
            cleaned = clean_value(raw, charsets, self._cleaner, identity, several=several)
            is_gone = cleaned is None or (not cleaned.strip(b" \0\\") and raw.strip(b" \0\\"))
            if is_gone or cleaned is None:
                entry = -1
            else:
                number = self._kind("clean", vr)
                entry = self._memo.add(-1, number, 0, raw, result=pad(cleaned, vr))
            self._entries[key] = entry
        cells[row * N_COLUMNS + ENTRY] = entry
        return entry >= 0

    def _known(self, key: tuple[object, ...]) -> int | None:
        self._forget_with_memo()
        if len(self._entries) >= _MOST:
            self._entries.clear()
        return self._entries.get(key)

    def _forget_with_memo(self) -> None:
        """Forget entries when the memo has started anew."""
        if self._generation != self._memo.generation:
            self._generation = self._memo.generation
            self._entries.clear()
            self._identities.clear()


def _text(loaded: Loaded, row: int, fd: int) -> bytes | None:
    """Return the text in a row, however much of the file is loaded; None beyond _LONGEST."""
    at = row * N_COLUMNS
    if loaded.cells[at + FLAGS] & SEQUENCE:
        return b""
    return loaded.whole_value(row, fd) if loaded.cells[at + LENGTH] <= _LONGEST else None


def _days(text: str) -> str:
    """Return the days of DA and DT values: the time of an instance makes no identity of its own."""
    values = (value.strip() for value in text.split("\\"))
    return "\\".join(value[: 10 if value[4:5] in {".", "-", "/"} else 8] for value in values)


def remove_block(loaded: Loaded, rows: slice, row: int) -> None:
    """Remove a private creator of a file, and the block that it reserves, PS3.5 section 7.8.1."""
    table, creator = loaded.table[rows], loaded.table[row]
    block = (int(creator[TAG]) & 0xFFFF0000 | (int(creator[TAG]) & 0xFF) << 8) >> 8
    roots = np.flatnonzero((table[:, PARENT] == creator[PARENT]) & (table[:, TAG] >> 8 == block))
    table[row - rows.start, OPERATION] = kernel.REMOVE
    for root in roots.tolist():
        table[root : int(table[root, END]) - rows.start, OPERATION] = kernel.REMOVE


def _remove_creator(loaded: Loaded, rows: slice, row: int) -> None:
    """Remove the creator of a block of which nothing stays (PS3.5 section 7.8.1)."""
    table = loaded.table[rows]
    one = loaded.table[row]
    beside = table[:, PARENT] == one[PARENT]
    block = beside & (table[:, TAG] >> 8 == one[TAG] >> 8)
    if not (block & (table[:, OPERATION] != kernel.REMOVE)).any():
        creator = (int(one[TAG]) & 0xFFFF0000) | (int(one[TAG]) >> 8 & 0xFF)
        table[beside & (table[:, TAG] == creator), OPERATION] = kernel.REMOVE
