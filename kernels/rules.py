"""What happens to each row of an element table: rule arrays and the memo of replaced values.

The memo keeps, for each (kind, context, raw value) met before, the value that replaces it and the
needles that the leak check must look for. It is an open-addressing hash table in arrays, so that
a value that repeats over a series costs one probe here instead of a call of Python.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of the element table that this kernel reads and writes (kernels/elements.py).
_TAG, _VR, _VALUE, _LENGTH, _END, _FLAGS, _OPERATION, _ENTRY = 0, 1, 3, 4, 6, 7, 8, 9
# Cells of the state of a file (kernels/elements.py).
_N_ROWS, _FIRST_ROW = 4, 14
_IMPLICIT, _SEQUENCE, _IS_ITEM, _LONG, _DEPTH_SHIFT = 2, 8, 16, 256, 9
_UN = 30

KEEP, REMOVE, EMPTY, REPLACE = 0, 1, 2, 3

# Flags of a rule: ask the IOD's table; an attribute that it does not have goes; the attribute is a
# sequence; its VR alone asks for an action.
_BY_TYPE, _REMOVE_WHEN_ABSENT, _HOLDS_ITEMS, _RULED_BY_VR = 1, 2, 4, 8
# Columns of `private`.
_KIND_OF_VR, _GOES_IF_KEPT = 1, 2

# Columns of the memo's entries.
HASH, KIND, CONTEXT, KEY, KEY_LENGTH, RESULT, RESULT_LENGTH, FIRST_NEEDLE, N_NEEDLES, STAMP = range(
    10
)
N_ENTRY_COLUMNS = 10

# In a context: the value is in implicit VR little endian, as UN is in any data set (PS3.5 6.2.2).
IN_IMPLICIT_VR = 1 << 40

# Columns of `misses`.
MISS_ROW, MISS_KIND, MISS_CONTEXT, MISS_HASH, MISS_FILE = range(5)
N_MISS_COLUMNS = 5

# Bits of the traits of a kind: its results depend on the patient; they do not depend on the value;
# they depend on all that the headers of the file know, and are left to `find_texts`.
PER_PATIENT, CONSTANT, DEFERRED = 1, 2, 4

# Without reference counting (`_nrt`) a kernel cannot allocate; passing arrays on costs nothing.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
# A helper is compiled into the kernels of its file that call it; it has no machine code of its own.
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_SLOTS = nb.types.Array(nb.int32, 1, "C")
_KEYS = nb.types.Array(nb.uint32, 1, "C", readonly=True)
_LONG_KEYS = nb.types.Array(nb.uint64, 1, "C", readonly=True)
_RULES = nb.types.Array(nb.int32, 2, "C", readonly=True)
_TRAITS = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_FILES = nb.types.Array(nb.int64, 1, "C", readonly=True)
_SCOPES = nb.types.Array(nb.int64, 2, "C", readonly=True)
_INT = nb.int64

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_GOLDEN_32 = 0x9E3779B1
_GOLDEN_64 = np.uint64(0x9E3779B97F4A7C15)
_NO_KEY_64 = np.uint64(0xFFFFFFFFFFFFFFFF)


@_helper
def _log2(size):
    bits = 0
    while size > 1:
        size >>= 1
        bits += 1
    return bits


@_helper
def _find_general(tag, keys, bits):
    """Slot of a tag among the rules that hold everywhere, -1 when there is none."""
    mask = keys.shape[0] - 1
    slot = ((tag * _GOLDEN_32) & 0xFFFFFFFF) >> (32 - bits)
    while keys[slot] != 0xFFFFFFFF:
        if keys[slot] == tag:
            return slot
        slot = (slot + 1) & mask
    return -1


@_helper
def _find_in_context(context, tag, keys, bits):
    """Slot of a tag within one sequence path of the IOD, -1 when there is none."""
    mask = keys.shape[0] - 1
    key = (np.uint64(context) << np.uint64(32)) | np.uint64(tag)
    slot = np.int64((key * _GOLDEN_64) >> np.uint64(64 - bits))
    while keys[slot] != _NO_KEY_64:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1


@_helper
def _hash(header, start, length, kind, context):
    """FNV-1a over kind, context and bytes, folded to a positive number."""
    value = (_FNV_OFFSET ^ np.uint64(kind)) * _FNV_PRIME
    value = (value ^ np.uint64(context)) * _FNV_PRIME
    begin = np.uint64(start)
    for i in range(np.uint64(length)):
        value = (value ^ np.uint64(header[begin + i])) * _FNV_PRIME
    value ^= value >> np.uint64(32)
    return np.int64(value & np.uint64(0x7FFFFFFFFFFFFFFF))


@_helper
def _equal(header, start, arena, key, length):
    begin = np.uint64(start)
    first = np.uint64(key)
    for i in range(np.uint64(length)):
        if header[begin + i] != arena[first + i]:
            return False
    return True


@_helper
def _find_entry(header, start, length, kind, context, code, slots, entries, arena):
    """Find the memo's entry for a raw value; -1 when it was not met before."""
    mask = slots.shape[0] - 1
    slot = code & mask
    while slots[slot] >= 0:
        entry = np.int64(slots[slot])
        if (
            entries[entry, HASH] == code
            and entries[entry, KIND] == kind
            and entries[entry, CONTEXT] == context
            and entries[entry, KEY_LENGTH] == length
            and _equal(header, start, arena, entries[entry, KEY], length)
        ):
            return entry
        slot = (slot + 1) & mask
    return -1


@_helper
def _is_disguised(table, row, operation, flags, private):
    """Whether the VR of a leaf hides what it is: items as bytes, or a name in a code string."""
    if flags & _HOLDS_ITEMS:
        return table[row, _LENGTH] > 0
    if operation != KEEP or flags & _RULED_BY_VR:
        return False
    return private[table[row, _VR], _GOES_IF_KEPT] != 0


@_helper
def _encoding_of(table, row):
    """IN_IMPLICIT_VR for a value in implicit VR, else 0."""
    return IN_IMPLICIT_VR if table[row, _FLAGS] & _IMPLICIT or table[row, _VR] == _UN else 0


@_helper
def _rule_of(table, row, context, general_keys, general, iod_keys, iod, private):
    """Operation and kind of one element, and the context of its items."""
    tag = table[row, _TAG]
    group = tag >> 16
    if group & 1:
        return REMOVE, np.int64(private[table[row, _VR], _KIND_OF_VR]), -1
    if tag & 0xFFFF == 0 or group < 8 or group == 0xFFFE:
        return REMOVE, -1, -1
    if (group & 0xFF00) == 0x5000 or (group & 0xFF00) == 0x6000:
        tag &= 0xFF00FFFF
    slot_of_tag = _find_general(tag, general_keys, _log2(general_keys.shape[0]))
    if slot_of_tag < 0:
        return REMOVE, np.int64(private[table[row, _VR], _KIND_OF_VR]), -1
    operation = np.int64(general[slot_of_tag, 0])
    kind = np.int64(general[slot_of_tag, 1])
    flags = general[slot_of_tag, 2]
    is_sequence = table[row, _FLAGS] & _SEQUENCE
    if not is_sequence and _is_disguised(table, row, operation, flags, private):
        return REMOVE, np.int64(private[table[row, _VR], _KIND_OF_VR]), -1
    if context < 0 or not (flags & _BY_TYPE or is_sequence):
        return operation, kind, -1
    slot = _find_in_context(context, tag, iod_keys, _log2(iod_keys.shape[0]))
    if slot < 0:
        return REMOVE if flags & _REMOVE_WHEN_ABSENT else operation, kind, -1
    if iod[slot, 0] >= 0:
        operation = np.int64(iod[slot, 0])
        kind = np.int64(iod[slot, 1])
    return operation, kind, np.int64(iod[slot, 2])


@nb.njit(
    [
        _INT(
            *(_BYTES, _TABLE, _TABLE, _FILES, _KEYS, _RULES, _LONG_KEYS, _RULES, _RULES),
            *(_TRAITS, _INT, _INT, _SLOTS, _TABLE, _BYTES, _TABLE, _CELLS),
        )
    ],
    **_KERNEL,
)
def decide_actions(
    header, table, files, numbers, general_keys, general, iod_keys, iod, private,
    traits, shared, patient, slots, entries, arena, misses, contexts,
):  # fmt: skip
    """Write operation and memo entry of every row; collect the values that the memo does not hold.

    header, table, files: as scanned. numbers: shape (n,), the files to decide on. general_keys:
    (S,), general: (S, 3) operation, kind, flags of a tag. iod_keys: (T,), iod: (T, 3) operation,
    kind, child context of a tag in a sequence path. private: (n_vrs, 3) operation and kind of
    private elements, 1 where a VR is not kept under an attribute of another. traits: (n_kinds,),
    PER_PATIENT where results depend on the context `patient`, else on `shared`, both with
    IN_IMPLICIT_VR where that is; a CONSTANT kind is looked up with an empty value, a DEFERRED one
    is not. slots, entries, arena: the memo. misses: (n, N_MISS_COLUMNS) receives row, kind,
    context, hash, file. contexts: (MAX_DEPTH + 2,) workspace. Returns the number of misses. What
    stands below a sequence that goes is removed, but its identifying values are learnt.
    """
    n_misses = np.int64(0)
    for i in range(numbers.shape[0]):
        removed_until = np.int64(0)
        for row in range(files[numbers[i], _FIRST_ROW], files[numbers[i], _N_ROWS]):
            flags = table[row, _FLAGS]
            depth = flags >> _DEPTH_SHIFT
            context = np.int64(0) if depth == 0 else contexts[depth]
            table[row, _ENTRY] = -1
            if flags & _IS_ITEM:
                table[row, _OPERATION] = REMOVE if row < removed_until else KEEP
                contexts[depth + 1] = context
                continue
            operation, kind, child = _rule_of(
                table, row, context, general_keys, general, iod_keys, iod, private
            )
            if row < removed_until:
                operation = REMOVE
            table[row, _OPERATION] = operation
            if flags & _SEQUENCE:
                contexts[depth + 1] = child
                if operation != KEEP and table[row, _END] > removed_until:
                    removed_until = table[row, _END]
                if operation != REPLACE:
                    continue
            length = table[row, _LENGTH]
            if flags & (_LONG | _SEQUENCE):
                length = 0
            if kind < 0 or (length == 0 and operation != REPLACE) or traits[kind] & DEFERRED:
                continue
            if traits[kind] & CONSTANT:
                length = 0
            scope = (patient if traits[kind] & PER_PATIENT else shared) | _encoding_of(table, row)
            start = table[row, _VALUE] if length else np.int64(0)
            code = _hash(header, start, length, kind, scope)
            entry = _find_entry(header, start, length, kind, scope, code, slots, entries, arena)
            table[row, _ENTRY] = entry
            if entry < 0:
                misses[n_misses, MISS_ROW] = row
                misses[n_misses, MISS_KIND] = kind
                misses[n_misses, MISS_CONTEXT] = scope
                misses[n_misses, MISS_HASH] = code
                misses[n_misses, MISS_FILE] = numbers[i]
                n_misses += 1
    return n_misses


@nb.njit(
    [
        _INT(
            *(_BYTES, _TABLE, _TABLE, _FILES, _SCOPES, _TRAITS, _FILES),
            *(_SLOTS, _TABLE, _BYTES, _TABLE),
        )
    ],
    **_KERNEL,
)
def find_texts(
    header, table, files, numbers, scopes, texts, kinds, slots, entries, arena, misses
):  # fmt: skip
    """Give texts that are cleaned their memo entries; collect those that the memo does not hold.

    header, table, files, slots, entries, arena: as for `decide_actions`, after it. numbers: shape
    (n,), which files. scopes: shape (n, 2), contexts of the memo: of the file's texts that are
    replaced but have no entry yet, and of its texts that are kept, -1 to pass over these. texts:
    shape (n_vrs,), 1 for VRs of text. kinds: shape (n_vrs,), the kind under which texts of a VR
    are held. misses: as for `decide_actions`; hash -1 for a value that is not loaded. Returns the
    number of misses. A kept text that the memo holds stays as it is.
    """
    n_misses = np.int64(0)
    for i in range(numbers.shape[0]):
        for row in range(files[numbers[i], _FIRST_ROW], files[numbers[i], _N_ROWS]):
            operation = table[row, _OPERATION]
            flags = table[row, _FLAGS]
            length = table[row, _LENGTH]
            if operation == REPLACE and table[row, _ENTRY] < 0:
                scope = scopes[i, 0]
            elif operation == KEEP and scopes[i, 1] >= 0 and texts[table[row, _VR]] != 0:
                scope = scopes[i, 1]
                if length == 0 or flags & (_LONG | _SEQUENCE | _IS_ITEM):
                    continue
            else:
                continue
            kind = kinds[table[row, _VR]]
            code = entry = np.int64(-1)
            if not flags & (_LONG | _SEQUENCE):
                start = table[row, _VALUE]
                code = _hash(header, start, length, kind, scope)
                entry = _find_entry(header, start, length, kind, scope, code, slots, entries, arena)
            if entry < 0:
                misses[n_misses, MISS_ROW] = row
                misses[n_misses, MISS_KIND] = kind
                misses[n_misses, MISS_CONTEXT] = scope
                misses[n_misses, MISS_HASH] = code
                misses[n_misses, MISS_FILE] = numbers[i]
                n_misses += 1
            elif operation == REPLACE:
                table[row, _ENTRY] = entry
    return n_misses
