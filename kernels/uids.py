"""New UIDs for the values that the memo does not hold: keyed BLAKE2b (RFC 7693) in decimal.

Every instance has UIDs of its own, so these are most of the values that are met for the first time.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of the element table (kernels/elements.py), of misses and of the memo (kernels/rules.py).
_VALUE, _LENGTH, _FLAGS, _ENTRY = 3, 4, 7, 9
_LONG = 256
_MISS_ROW, _MISS_KIND, _MISS_CONTEXT, _MISS_HASH = 0, 1, 2, 3
_HASH, _KIND, _CONTEXT, _KEY, _KEY_LENGTH, _RESULT, _RESULT_LENGTH = 0, 1, 2, 3, 4, 5, 6
_FIRST_NEEDLE, _N_NEEDLES, _STAMP = 7, 8, 9
# Columns of needles (kernels/search.py).
_START, _NEEDLE_LENGTH, _BOUNDARY = 0, 1, 2

# Cells of `used`: what the memo holds so far.
N_ENTRIES, N_BYTES, N_NEEDLES = 0, 1, 2

# A longer value is no UID (PS3.5 section 9.1); a new one has at most 44 characters.
LONGEST = 64
MOST_BYTES = LONGEST + 44

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_CONST_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_TABLE = nb.types.Array(nb.int64, 2, "C")
_CELLS = nb.types.Array(nb.int64, 1, "C")
_SLOTS = nb.types.Array(nb.int32, 1, "C")
_WORDS = nb.types.Array(nb.uint64, 1, "C")
_CONST_WORDS = nb.types.Array(nb.uint64, 1, "C", readonly=True)
_INT = nb.int64

_IV = np.array(
    [
        *(0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1),
        *(0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179),
    ],
    np.uint64,
)
# RFC 7693 section 2.7; rounds 10 and 11 are 0 and 1 again.
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)
_BLOCK = 128
_DIGEST_LENGTH = 16
# RFC 9562 section 5.8: version 8 in the upper word, the variant in the lower one.
_NO_VERSION, _VERSION = np.uint64(0xFFFFFFFFFFFF0FFF), np.uint64(0x8000)
_NO_VARIANT, _VARIANT = np.uint64(0x3FFFFFFFFFFFFFFF), np.uint64(0x8000000000000000)
_BILLION = np.uint64(1_000_000_000)
_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_NO_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@_helper
def _rotate(word, bits):
    return (word >> np.uint64(bits)) | (word << np.uint64(64 - bits))


@_helper
def _mix(work, a, b, c, d, x, y):
    """Mix two words of the message into the work vector: function G of RFC 7693 section 3.1."""
    work[a] = work[a] + work[b] + x
    work[d] = _rotate(work[d] ^ work[a], 32)
    work[c] = work[c] + work[d]
    work[b] = _rotate(work[b] ^ work[c], 24)
    work[a] = work[a] + work[b] + y
    work[d] = _rotate(work[d] ^ work[a], 16)
    work[c] = work[c] + work[d]
    work[b] = _rotate(work[b] ^ work[c], 63)
    return 0


@_helper
def _compress(state, work, counter, is_last):
    """Take the block in work[16:32] into the 8 words of the state: function F, RFC 7693 3.2."""
    for i in range(8):
        work[i] = state[i]
        work[8 + i] = _IV[i]
    work[12] ^= np.uint64(counter)
    if is_last:
        work[14] ^= _NO_KEY
    for r in range(12):
        for i in range(4):
            x, y = work[16 + _SIGMA[r, 2 * i]], work[16 + _SIGMA[r, 2 * i + 1]]
            _mix(work, i, 4 + i, 8 + i, 12 + i, x, y)
        for i in range(4):
            x, y = work[16 + _SIGMA[r, 8 + 2 * i]], work[16 + _SIGMA[r, 9 + 2 * i]]
            _mix(work, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, x, y)
    for i in range(8):
        state[i] ^= work[i] ^ work[8 + i]
    return 0


@_helper
def _load_block(source, start, length, work):
    """Put up to 128 bytes into work[16:32], little endian, with zeros behind."""
    for i in range(16):
        work[16 + i] = np.uint64(0)
    for i in range(length):
        work[16 + i // 8] |= np.uint64(source[start + i]) << np.uint64(8 * (i % 8))
    return 0


@nb.njit([_INT(_CONST_BYTES, _WORDS, _WORDS)], **_KERNEL)
def absorb_key(key, state, work):
    """Write what keyed BLAKE2b with 16 bytes of output has become after its key block.

    key: shape (n,), 1 to 64 bytes. state: shape (8,), receives the words. work: (32,) workspace.
    """
    for i in range(8):
        state[i] = _IV[i]
    state[0] ^= (
        np.uint64(0x01010000)
        ^ (np.uint64(key.shape[0]) << np.uint64(8))
        ^ np.uint64(_DIGEST_LENGTH)
    )
    _load_block(key, 0, key.shape[0], work)
    _compress(state, work, _BLOCK, False)
    return 0


@_helper
def _byte_swapped(word):
    swapped = np.uint64(0)
    for i in range(8):
        swapped = (swapped << np.uint64(8)) | ((word >> np.uint64(8 * i)) & np.uint64(0xFF))
    return swapped


@_helper
def _put_uid(arena, at, high, low, work):
    """Write the decimal of a UUID behind "2.25." and pad it with NUL; return the length."""
    arena[at], arena[at + 1], arena[at + 2], arena[at + 3], arena[at + 4] = 50, 46, 50, 53, 46
    half = np.uint64(0xFFFFFFFF)
    work[0], work[1], work[2], work[3] = (
        high >> np.uint64(32),
        high & half,
        low >> np.uint64(32),
        low & half,
    )
    # Nine digits at a time, the last ones first.
    for part in range(5):
        rest = np.uint64(0)
        for i in range(4):
            rest = (rest << np.uint64(32)) | work[i]
            work[i] = rest // _BILLION
            rest = rest % _BILLION
        work[8 + part] = rest
    length = 5
    for i in range(45):
        part = 4 - i // 9
        divisor = np.uint64(1)
        for _ in range(8 - i % 9):
            divisor = divisor * np.uint64(10)
        digit = np.uint8((work[8 + part] // divisor) % np.uint64(10))
        if digit or length > 5:
            arena[at + length] = 48 + digit
            length += 1
    if length % 2:
        arena[at + length] = 0
        length += 1
    return length


@_helper
def _log2(size):
    bits = 0
    while size > 1:
        size >>= 1
        bits += 1
    return bits


@_helper
def _is_padding(byte):
    return byte in (0, 32)


@_helper
def _is_registered(header, start, end, registry):
    """Tell whether the registry may hold a UID: a table of hashes."""
    code = _FNV_OFFSET
    for at in range(start, end):
        code = (code ^ np.uint64(header[at])) * _FNV_PRIME
    mask = np.uint64(registry.shape[0] - 1)
    slot = (code * _GOLDEN) >> np.uint64(64 - _log2(registry.shape[0]))
    while registry[slot] != _NO_KEY:
        if registry[slot] == code:
            return True
        slot = (slot + np.uint64(1)) & mask
    return False


@_helper
def _same(header, start, arena, key, length):
    for i in range(length):
        if header[start + i] != arena[key + i]:
            return False
    return True


@_helper
def _find(header, start, length, kind, scope, code, slots, entries, arena):
    """Return the memo's entry for a value, or minus 2 minus the slot for a new one."""
    mask = slots.shape[0] - 1
    slot = code & mask
    while slots[slot] >= 0:
        entry = np.int64(slots[slot])
        if (
            entries[entry, _HASH] == code
            and entries[entry, _KIND] == kind
            and entries[entry, _CONTEXT] == scope
            and entries[entry, _KEY_LENGTH] == length
            and _same(header, start, arena, entries[entry, _KEY], length)
        ):
            return entry
        slot = (slot + 1) & mask
    return -2 - slot


@_helper
def _add(header, start, first, last, end, key_state, entries, arena, needles, used, shortest, work):
    """Append key, result and needle of one UID, header[first:last] without padding."""
    entry, at = used[N_ENTRIES], used[N_BYTES]
    for i in range(end - start):
        arena[at + i] = header[start + i]
    state = work[32:40]
    for i in range(8):
        state[i] = key_state[i]
    _load_block(header, first, last - first, work)
    _compress(state, work, _BLOCK + last - first, True)
    high = (_byte_swapped(state[0]) & _NO_VERSION) | _VERSION
    low = (_byte_swapped(state[1]) & _NO_VARIANT) | _VARIANT
    result = at + end - start
    length = _put_uid(arena, result, high, low, work)
    entries[entry, _KEY], entries[entry, _KEY_LENGTH] = at, end - start
    entries[entry, _RESULT], entries[entry, _RESULT_LENGTH] = result, length
    entries[entry, _FIRST_NEEDLE], entries[entry, _STAMP] = used[N_NEEDLES], 0
    entries[entry, _N_NEEDLES] = 0
    if last - first >= shortest:
        needle = used[N_NEEDLES]
        needles[needle, _START], needles[needle, _NEEDLE_LENGTH] = at + first - start, last - first
        entries[entry, _N_NEEDLES] = 1
        used[N_NEEDLES] = needle + 1
    used[N_ENTRIES] = entry + 1
    used[N_BYTES] = result + length
    return entry


@nb.njit(
    [
        _INT(
            *(_BYTES, _TABLE, _TABLE, _INT, _INT, _CONST_WORDS, _CONST_WORDS, _INT, _INT),
            *(_SLOTS, _TABLE, _BYTES, _TABLE, _CELLS, _WORDS),
        )
    ],
    **_KERNEL,
)
def map_uids(
    header, table, misses, n_misses, kind, key_state, registry, shortest, boundary,
    slots, entries, arena, needles, used, work,
):  # fmt: skip
    """Resolve the misses that are single UIDs of one kind, and keep the others.

    header, table: as scanned; ENTRY of the resolved rows is written. misses: shape (n, 5), row,
    kind, context, hash and file, as `decide_actions` writes them; those that are left stand first
    afterwards. key_state: shape (8,), from `absorb_key`. registry: shape (n_slots,), FNV-1a hashes
    of UIDs that are not mapped, a table of `lookup`; a value with such a hash is left. shortest:
    characters that a UID needs to become a needle, with this boundary. slots, entries, arena,
    needles: the memo, with room for `n_misses` more entries of MOST_BYTES each. used: shape (3,),
    is brought up to date. work: (40,) workspace. Returns how many misses are left; so are empty
    values, several in one, and values of more than LONGEST bytes.
    """
    n_left = 0
    for miss in range(n_misses):
        row = misses[miss, _MISS_ROW]
        start = table[row, _VALUE]
        end = start + table[row, _LENGTH]
        is_one = misses[miss, _MISS_KIND] == kind and not table[row, _FLAGS] & _LONG
        is_one = is_one and 0 < end - start <= LONGEST
        first, last = start, end
        if is_one:
            while last > first and _is_padding(header[last - 1]):
                last -= 1
            while first < last and _is_padding(header[first]):
                first += 1
            for at in range(first, last):
                is_one = is_one and header[at] != 92
            is_one = is_one and first < last and not _is_registered(header, first, last, registry)
        if not is_one:
            for column in range(5):
                misses[n_left, column] = misses[miss, column]
            n_left += 1
            continue
        scope, code = misses[miss, _MISS_CONTEXT], misses[miss, _MISS_HASH]
        found = _find(header, start, end - start, kind, scope, code, slots, entries, arena)
        if found < 0:
            slot = -2 - found
            found = _add(
                header, start, first, last, end, key_state, entries, arena, needles, used, shortest,
                work,
            )  # fmt: skip
            entries[found, _HASH], entries[found, _KIND], entries[found, _CONTEXT] = (
                code,
                kind,
                scope,
            )
            if entries[found, _N_NEEDLES]:
                needles[used[N_NEEDLES] - 1, _BOUNDARY] = boundary
            slots[slot] = found
        table[row, _ENTRY] = found
    return n_left
