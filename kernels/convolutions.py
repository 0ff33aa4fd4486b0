"""Convolutions of maps that lie in one flat buffer, plane after plane."""

from __future__ import annotations

import numba as nb
from numba.core.cgutils import ir
from numba.core.codegen import get_host_cpu_features

# So many outputs are made at once, of STRIP places: what registers hold, in vectors of LANES.
OUTPUTS = 4
LANES = 16 if "+avx512f" in (nb.config.CPU_FEATURES or get_host_cpu_features()) else 8
_VECTORS = 4 if LANES == 16 else 3
STRIP = LANES * _VECTORS
# Of what is below 0 this share is passed on by layers that rectify.
LEAK = 0.1

# Columns of `geometry`. ROWS and COLUMNS are of what is made, PITCH leads from one row of the
# source to the next, BLOCK rows are made at once. The seed begins at SEED, goes on by SEED_PLANE
# and SEED_PITCH, and is made larger by 2 ** SEED_SHIFT. What is made stands BORDER rows and columns
# inside planes of TARGET_PLANE with rows of TARGET_PITCH; when IS_SPLIT each plane is four, of even
# and odd rows, and in these of even and odd columns. IS_RECTIFIED: what is below 0 is LEAK of it.
ROWS, COLUMNS, PITCH, BLOCK = 0, 1, 2, 3
SEED, SEED_PLANE, SEED_PITCH, SEED_SHIFT = 4, 5, 6, 7
TARGET_PLANE, TARGET_PITCH, BORDER, IS_SPLIT, IS_RECTIFIED = 8, 9, 10, 11, 12
N_GEOMETRY = 13

# Products and sums may be fused.
_KERNEL = {"cache": True, "nogil": True, "_nrt": False, "fastmath": {"contract", "nsz"}}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.float32, 1, "C", readonly=True)
_OFFSETS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_WEIGHTS = nb.types.Array(nb.float32, 3, "C", readonly=True)
_GEOMETRY = nb.types.Array(nb.int64, 1, "C", readonly=True)
_SUMS = nb.types.Array(nb.float32, 2, "C")
_TARGET = nb.types.Array(nb.float32, 1, "C")


@_helper
def _begin(output, top, high, bias, seed, geometry, sums):
    """Set the sums of four outputs to their bias and seed."""
    pitch, columns = geometry[PITCH], geometry[COLUMNS]
    shift = geometry[SEED_SHIFT]
    for one in range(OUTPUTS):
        line = sums[one]
        value = bias[output + one]
        for x in range(high * pitch):
            line[x] = value
        if seed.size == 0:
            continue
        for row in range(high):
            start = geometry[SEED] + (output + one) * geometry[SEED_PLANE]
            start += ((top + row) >> shift) * geometry[SEED_PITCH]
            added = seed[start : start + ((columns - 1) >> shift) + 1]
            part = line[row * pitch : row * pitch + columns]
            if shift == 0:
                for x in range(columns):
                    part[x] += added[x]
            else:
                for x in range(columns):
                    part[x] += added[nb.uintp(x >> 1)]
    return 0


class _Code:
    """Instructions for vectors of LANES samples."""

    def __init__(self, context, builder):
        self._context, self._builder = context, builder
        self.vector = ir.VectorType(ir.FloatType(), LANES)
        self._nothing = ir.Constant(self.vector, ir.Undefined)

    def array(self, kind, value):
        """Return an array's parts."""
        return self._context.make_array(kind)(self._context, self._builder, value)

    def size(self, number):
        """Return a constant."""
        return ir.IntType(64)(number)

    def at(self, pointer, number):
        """Return where a sample stands."""
        return self._builder.gep(pointer, [number])

    def read(self, pointer):
        """Read a vector."""
        where = self._builder.bitcast(pointer, self.vector.as_pointer())
        return self._builder.load(where, align=4)

    def write(self, value, pointer):
        """Write a vector."""
        where = self._builder.bitcast(pointer, self.vector.as_pointer())
        self._builder.store(value, where, align=4)

    def shuffled(self, one, other, places):
        """Return the samples at these places of two vectors."""
        chosen = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(places))
        return self._builder.shuffle_vector(one, other, chosen)

    def spread(self, value):
        """Return a vector of one value."""
        alone = self._builder.insert_element(self._nothing, value, ir.IntType(32)(0))
        return self.shuffled(alone, self._nothing, [0] * LANES)

    def product_added(self, weight, value, total):
        """Return the total and the product; both may be one instruction."""
        product = self._builder.fmul(weight, value, flags=("contract",))
        return self._builder.fadd(product, total, flags=("contract",))


def _add_taps(source, at, offsets, weights, sums, place):
    """Add all taps to STRIP sums of four outputs, which stay in registers meanwhile.

    source: flat. offsets: shape (taps,). weights: shape (taps, OUTPUTS). sums: shape (OUTPUTS, n).
    Compiled to what `_strip` makes.
    """
    for tap in range(offsets.shape[0]):
        start = at + offsets[tap]
        for one in range(OUTPUTS):
            added = weights[tap, one] * source[start : start + STRIP]
            sums[one, place : place + STRIP] += added


@nb.extending.intrinsic
def _strip(_, source, at, offsets, weights, sums, place):
    """Make the machine code of `_add_taps`."""
    kinds = {0: source, 2: offsets, 3: weights, 4: sums}
    vectors = range(0, STRIP, LANES)

    def make(context, builder, _, given):
        code = _Code(context, builder)
        arrays = {number: code.array(kind, given[number]) for number, kind in kinds.items()}
        source, offsets, weights, sums = (arrays[number].data for number in kinds)
        length = builder.extract_value(arrays[4].shape, 1)
        lines = [builder.mul(code.size(one), length) for one in range(OUTPUTS)]
        firsts = [code.at(sums, builder.add(line, given[5])) for line in lines]
        places = [[code.at(first, code.size(v)) for v in vectors] for first in firsts]
        begun = [[code.read(where) for where in line] for line in places]
        before = builder.basic_block
        loop, after = (builder.append_basic_block(name) for name in ("taps", "after"))
        builder.branch(loop)
        builder.position_at_end(loop)
        tap = builder.phi(ir.IntType(64))
        totals = [[builder.phi(code.vector) for _ in vectors] for _ in lines]
        offset = builder.load(code.at(offsets, tap))
        first = code.at(source, builder.add(given[1], offset))
        seen = [code.read(code.at(first, code.size(v))) for v in vectors]
        row = code.at(weights, builder.mul(tap, code.size(OUTPUTS)))
        summed = []
        for one, line in enumerate(totals):
            weight = code.spread(builder.load(code.at(row, code.size(one))))
            pairs = zip(seen, line, strict=True)
            summed.append([code.product_added(weight, *pair) for pair in pairs])
        following = builder.add(tap, code.size(1))
        tap.add_incoming(code.size(0), before)
        tap.add_incoming(following, loop)
        for changing in zip(totals, begun, summed, strict=True):
            for value, start, end in zip(*changing, strict=True):
                value.add_incoming(start, before)
                value.add_incoming(end, loop)
        n_taps = builder.extract_value(arrays[2].shape, 0)
        builder.cbranch(builder.icmp_signed("<", following, n_taps), loop, after)
        builder.position_at_end(after)
        for line, values in zip(places, summed, strict=True):
            for where, value in zip(line, values, strict=True):
                code.write(value, where)
        return context.get_dummy_value()

    return nb.void(source, at, offsets, weights, sums, place), make


@nb.extending.overload(_add_taps)
def _compiled_taps(source, at, offsets, weights, sums, place):
    """Return what stands for `_add_taps` where it is compiled."""
    return lambda source, at, offsets, weights, sums, place: _strip(
        source, at, offsets, weights, sums, place
    )


def _part(line, at, leak, even, odd):
    """Write LANES samples of even places and as many of odd ones, of those below 0 a share.

    Compiled to what `_shuffle` makes.
    """
    for x in range(at, at + LANES):
        even[x] = max(line[2 * x], leak * line[2 * x])
        odd[x] = max(line[2 * x + 1], leak * line[2 * x + 1])


@nb.extending.intrinsic
def _shuffle(_, line, at, leak, even, odd):
    """Make the machine code of `_part`."""
    kinds = {0: line, 3: even, 4: odd}

    def make(context, builder, _, given):
        code = _Code(context, builder)
        line, *targets = (code.array(kind, given[number]).data for number, kind in kinds.items())
        leak = code.spread(given[2])
        twice = code.at(line, builder.mul(given[1], code.size(2)))
        first = code.read(twice)
        second = code.read(code.at(twice, code.size(LANES)))
        for is_odd, target in enumerate(targets):
            part = code.shuffled(first, second, range(is_odd, 2 * LANES, 2))
            less = builder.fmul(part, leak)
            above = builder.fcmp_ordered(">", part, less)
            code.write(builder.select(above, part, less), code.at(target, given[1]))
        return context.get_dummy_value()

    return nb.void(line, at, leak, even, odd), make


@nb.extending.overload(_part)
def _compiled_part(line, at, leak, even, odd):
    """Return what stands for `_part` where it is compiled."""
    return lambda line, at, leak, even, odd: _shuffle(line, at, leak, even, odd)


@_helper
def _store(output, top, high, geometry, sums, target):
    """Write the sums of four outputs to their places."""
    pitch, columns, border = geometry[PITCH], geometry[COLUMNS], geometry[BORDER]
    leak = nb.float32(LEAK) if geometry[IS_RECTIFIED] else nb.float32(1)
    for one in range(OUTPUTS):
        plane = (output + one) * geometry[TARGET_PLANE]
        for row in range(high):
            made = sums[one, row * pitch : row * pitch + columns]
            place = top + row + border
            if geometry[IS_SPLIT] == 0:
                start = plane + place * geometry[TARGET_PITCH] + border
                line = target[start : start + columns]
                for x in range(columns):
                    line[x] = max(made[x], leak * made[x])
                continue
            part = geometry[TARGET_PLANE] // 4
            start = plane + (place & 1) * 2 * part + (place >> 1) * geometry[TARGET_PITCH]
            half = columns // 2
            begin = start + (border & 1) * part + (border >> 1)
            even = target[begin : begin + half]
            begin = start + ((border + 1) & 1) * part + ((border + 1) >> 1)
            odd = target[begin : begin + half]
            whole = half - half % LANES
            for x in range(0, whole, LANES):
                _part(made, x, leak, even, odd)
            for x in range(whole, half):
                first, second = made[nb.uintp(2 * x)], made[nb.uintp(2 * x + 1)]
                even[x] = max(first, leak * first)
                odd[x] = max(second, leak * second)
    return 0


@nb.njit(
    [nb.void(_SOURCE, _OFFSETS, _WEIGHTS, _SOURCE, _SOURCE, _GEOMETRY, _SUMS, _TARGET)], **_KERNEL
)
def convolve(source, offsets, weights, bias, seed, geometry, sums, target):
    """Make maps: for each place the bias, the seed and the weighted samples at the offsets.

    source, seed, target: maps, flat. offsets: shape (taps,), from a place to a tap. weights: shape
    (outputs / OUTPUTS, taps, OUTPUTS). bias: shape (outputs,). seed: maps to begin with, or empty.
    geometry: shape (N_GEOMETRY,). sums: shape (outputs, BLOCK * PITCH + STRIP), scratch. All
    offsets of all places, and of STRIP places behind them, lie inside the source; this is the
    caller's to see to.
    """
    rows, pitch = geometry[ROWS], geometry[PITCH]
    for top in range(0, rows, geometry[BLOCK]):
        high = min(geometry[BLOCK], rows - top)
        n = (high - 1) * pitch + geometry[COLUMNS]
        for output in range(0, bias.size, OUTPUTS):
            _begin(output, top, high, bias, seed, geometry, sums[output : output + OUTPUTS])
        for place in range(0, n, STRIP):
            # What is read here stays in the first cache for all outputs.
            for four in range(weights.shape[0]):
                part = sums[four * OUTPUTS : four * OUTPUTS + OUTPUTS]
                _add_taps(source, top * pitch + place, offsets, weights[four], part, place)
        for output in range(0, bias.size, OUTPUTS):
            _store(output, top, high, geometry, sums[output : output + OUTPUTS], target)
