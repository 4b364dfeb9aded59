"""One multiply-add tile for every product inside kernels, and squares that turn in registers.

LLVM's vectoriser never keeps a block of sums in registers, so a triple loop stays at a tenth of
what the machine can do. Vector instructions emitted from Python do::

    sum[i][j] = sum over parts p, steps k of  A[i] at (p, k) * B[j] at (p, k)

Row i of A gives one number, which is spread over the lanes; j runs over whole vectors of B. Tables
of offsets make any pixels or rows the rows of a tile, and a short last tile repeats a row, so that
no second kernel is needed. Places are int64 byte addresses: one signature for every layout.

AVX-512 has tiles of 6 rows by 4 vectors of 16 numbers, AVX2 6 by 2 of 8, others 4 lanes.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from flambeau.kernels.cpu.compiler import INT64, emitted, symbol


def _vector_unit() -> tuple[int, int]:
    """The float32 lanes of a vector, and the vectors of a tile's row."""
    named = config.CPU_FEATURES
    features = named if named is not None else binding.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        return 16, 4
    if "+avx2" in features and "+fma" in features:
        return 8, 2
    return (4, 4) if platform.machine() in ("aarch64", "arm64") else (4, 2)


LANES, VECTORS = _vector_unit()
ROWS = 6  #: the sums of ROWS x VECTORS, the vectors of B and one of A fill the registers
WIDTH = LANES * VECTORS  #: columns of a tile
FLOAT, INT32 = ir.FloatType(), ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, LANES)
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)


@intrinsic
def address(typing_context, array):
    """The address of an array's first number."""

    def generate(context, builder, signature, values):
        view = context.make_array(signature.args[0])(context, builder, values[0])
        return builder.ptrtoint(view.data, INT64)

    return types.int64(array), generate


def number(value: int) -> ir.Constant:
    """An int64 constant."""
    return ir.Constant(INT64, value)


def load(builder: ir.IRBuilder, place: ir.Value, kind: ir.Type = VECTOR) -> ir.Value:
    """The value at an address."""
    value = builder.load(builder.inttoptr(place, kind.as_pointer()))
    value.align = 8 if kind is INT64 else 4
    return value


def store(builder: ir.IRBuilder, value: ir.Value, place: ir.Value) -> None:
    """Puts a value at an address."""
    builder.store(value, builder.inttoptr(place, value.type.as_pointer())).align = 4


def spread(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """A vector whose lanes all hold ``scalar``."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    lanes = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, lanes)


def fused(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """``a * b + c``, rounded once."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    name = f"llvm.fma.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


State = list[ir.Value]


def repeat(
    builder: ir.IRBuilder, count: ir.Value, state: State, body: Callable[[ir.Value, State], State]
) -> State:
    """Emits ``for k in range(count): state = body(k, state)``, the state in registers.

    ``count`` is at least one.
    """
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, held = builder.phi(INT64), [builder.phi(value.type) for value in state]
    following = body(k, held)
    advanced, end = builder.add(k, number(1)), builder.block
    builder.cbranch(builder.icmp_signed("<", advanced, count), loop, after)
    for phi, start, value in zip([k, *held], [number(0), *state], [advanced, *following]):
        phi.add_incoming(start, before)
        phi.add_incoming(value, end)
    builder.position_at_end(after)
    return following


@cache
def tile(vectors: int, accumulate: bool) -> Any:
    """The function of one tile of ``vectors`` a row; see ``multiply`` for its arguments."""

    @emitted(11)
    def emit(builder, a, a_rows, a_step, b, b_step, a_parts, b_parts, parts, steps, c, c_rows):
        def entry(table: ir.Value, index: ir.Value) -> ir.Value:
            return load(builder, builder.add(table, builder.shl(index, number(3))), INT64)

        def step(k: ir.Value, held: State) -> State:
            column = builder.add(held[-1], builder.mul(k, b_step))
            bs = [load(builder, builder.add(column, number(4 * LANES * j))) for j in range(vectors)]
            sums = []
            for i in range(ROWS):
                place = builder.add(held[-2 - i], builder.mul(k, a_step))
                scalar = spread(builder, load(builder, place, FLOAT))
                row = held[i * vectors : (i + 1) * vectors]
                sums += [fused(builder, scalar, vector, old) for vector, old in zip(bs, row)]
            return sums + held[len(sums) :]

        def part(p: ir.Value, sums: State) -> State:
            base = builder.add(a, entry(a_parts, p))
            starts = [builder.add(base, offset) for offset in offsets]
            places = starts[::-1] + [builder.add(b, entry(b_parts, p))]
            return repeat(builder, steps, sums + places, step)[: ROWS * vectors]

        offsets = [entry(a_rows, number(i)) for i in range(ROWS)]
        out = [builder.add(c, entry(c_rows, number(i))) for i in range(ROWS)]
        places = [builder.add(row, number(4 * LANES * j)) for row in out for j in range(vectors)]
        sums = [load(builder, place) if accumulate else ZEROS for place in places]
        for value, place in zip(repeat(builder, parts, sums, part), places):
            store(builder, value, place)

    return emit


FULL, FULL_MORE = tile(VECTORS, False), tile(VECTORS, True)
HALF, HALF_MORE = tile(max(1, VECTORS // 2), False), tile(max(1, VECTORS // 2), True)
ONE, ONE_MORE = tile(1, False), tile(1, True)


@symbol("flambeau_multiply", 13)
def multiply(
    vectors, accumulate, a, a_rows, a_step, b, b_step, a_parts, b_parts, parts, steps, c, c_rows
):
    """C[i, j] (+)= sum over parts p and steps k of A[i, p, k] * B[p, k, j].

    ROWS rows and ``vectors`` vectors, rounded up to a tile there is. ``a_rows`` and ``c_rows`` are
    tables of the rows' offsets, ``a_parts`` and ``b_parts`` of the parts'; all in bytes.
    """
    place = a, a_rows, a_step, b, b_step, a_parts, b_parts, parts, steps, c, c_rows
    if 2 * vectors > VECTORS:
        if accumulate:
            FULL_MORE(place)
        else:
            FULL(place)
    elif vectors > 1:
        if accumulate:
            HALF_MORE(place)
        else:
            HALF(place)
    elif accumulate:
        ONE_MORE(place)
    else:
        ONE(place)


@emitted(2)
def copy_vector(builder, source, target):
    """Copies LANES numbers."""
    store(builder, load(builder, source), target)


@emitted(2)
def add_vector(builder, source, target):
    """Adds LANES numbers onto others."""
    store(builder, builder.fadd(load(builder, source), load(builder, target)), target)


def _picked(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, lanes: list[int]) -> ir.Value:
    mask = ir.Constant(ir.VectorType(INT32, LANES), lanes)
    return builder.shuffle_vector(a, b, mask)


@emitted(2)
def copy_even(builder, source, target):
    """Copies every other one of 2 * LANES numbers."""
    low = load(builder, source)
    high = load(builder, builder.add(source, number(4 * LANES)))
    store(builder, _picked(builder, low, high, list(range(0, 2 * LANES, 2))), target)


@emitted(3)
def interleave(builder, even, odd, target):
    """Writes LANES numbers of ``even`` and LANES of ``odd`` in turns."""
    first, second = load(builder, even), load(builder, odd)
    lanes = [lane + LANES * side for lane in range(LANES) for side in (0, 1)]
    store(builder, _picked(builder, first, second, lanes[:LANES]), target)
    place = builder.add(target, number(4 * LANES))
    store(builder, _picked(builder, first, second, lanes[LANES:]), place)


def turned(builder: ir.IRBuilder, rows: State) -> State:
    """A square of vectors, transposed by butterflies."""
    distance = LANES // 2
    while distance:
        low = [c if not c & distance else LANES + (c ^ distance) for c in range(LANES)]
        high = [c ^ distance if not c & distance else LANES + c for c in range(LANES)]
        masks = [ir.Constant(ir.VectorType(INT32, LANES), picks) for picks in (low, high)]
        mixed = list(rows)
        for i in range(LANES):
            if not i & distance:
                for row, mask in zip((i, i | distance), masks):
                    mixed[row] = builder.shuffle_vector(rows[i], rows[i | distance], mask)
        rows, distance = mixed, distance // 2
    return rows


@emitted(4)
def _emit_transpose(builder, source, source_row, target, target_rows):
    places = [builder.add(source, builder.mul(source_row, number(i))) for i in range(LANES)]
    for j, row in enumerate(turned(builder, [load(builder, place) for place in places])):
        offset = load(builder, builder.add(target_rows, number(8 * j)), INT64)
        store(builder, row, builder.add(target, offset))


@symbol("flambeau_transpose", 4)
def transpose_square(source, source_row, target, target_rows):
    """target[j][i] = source[i][j] of a square of LANES x LANES.

    Source rows are ``source_row`` bytes apart; target row j is at ``target_rows[j]`` bytes.
    """
    _emit_transpose((source, source_row, target, target_rows))
