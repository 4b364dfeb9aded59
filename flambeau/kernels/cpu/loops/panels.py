"""Products inside kernels: a matrix packed in panels of ``WIDTH`` columns, any rows times it.

A panel ``[steps, WIDTH]`` stays in the second cache while the rows of the left operand are used
where they lie. All places and distances are in bytes, so that every layout and every caller shares
one compiled copy.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, emitted, symbol
from flambeau.kernels.cpu.loops.tile import (
    FLOAT,
    LANES,
    ROWS,
    WIDTH,
    address,
    copy_vector,
    load,
    multiply,
    store,
    transpose_square,
)


@emitted(2)
def _copy_float(builder, source, target):
    store(builder, load(builder, source, FLOAT), target)


@emitted(1)
def _clear_float(builder, target):
    store(builder, FLOAT(0.0), target)


@body
def _pack_row(source, column, target, width):
    """``width`` numbers that are ``column`` bytes apart; the rest of the panel's row is zero."""
    for j in range(width):
        _copy_float((source + j * column, target + j * 4))
    for j in range(width, WIDTH):
        _clear_float((target + j * 4,))


@body
def _pack_panel(source, row, column, steps, width, panel):
    """panel[k, j] = the number at source + k * row + j * column; zero from ``width`` on."""
    places = np.arange(LANES) * (WIDTH * 4)
    squares = steps // LANES * LANES if width == WIDTH and row == 4 else 0
    for k in range(0, squares, LANES):
        for j in range(0, WIDTH, LANES):
            target = panel + (k * WIDTH + j) * 4
            transpose_square(source + j * column + k * 4, column, target, address(places))
    for k in range(squares, steps):
        if width == WIDTH and column == 4:
            for j in range(0, WIDTH * 4, LANES * 4):
                copy_vector((source + k * row + j, panel + k * WIDTH * 4 + j))
        else:
            _pack_row(source + k * row, column, panel + k * WIDTH * 4, width)


@symbol("flambeau_pack", 6)
def pack(source, row, column, steps, columns, panels):
    """Packs a matrix ``[steps, columns]`` into panels that follow each other."""
    for first in range(0, columns, WIDTH):
        width = min(WIDTH, columns - first)
        _pack_panel(source + first * column, row, column, steps, width, panels + first * steps * 4)


@symbol("flambeau_times_panels", 10)
def times_panels(left, row, step, rows, steps, panels, columns, out, out_row, accumulate):
    """out [rows, columns] (+)= left [rows, steps] @ the packed matrix.

    ``out`` is written in whole vectors of columns; a short last tile repeats its last row.
    """
    order = np.minimum(np.arange(rows + ROWS), rows - 1)
    a_rows, c_rows, zero = order * row, order * out_row, np.zeros(1, np.int64)
    for first in range(0, columns, WIDTH):
        vectors = (min(WIDTH, columns - first) + LANES - 1) // LANES
        for i in range(0, rows, ROWS):
            multiply(
                vectors,
                accumulate,
                left,
                address(a_rows) + i * 8,
                step,
                panels + first * steps * 4,
                WIDTH * 4,
                address(zero),
                address(zero),
                1,
                steps,
                out + first * 4,
                address(c_rows) + i * 8,
            )
