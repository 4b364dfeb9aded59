"""Rows of a compressed matrix times a dense one, and times another compressed one.

A chunk owns a range of rows of the result, so nothing is atomic and the order of the additions
never changes.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.parallel import share


@body
def rows_chunk(arrays, first, last, thread):
    """One item is one row of the result."""
    values, columns, pointers, dense, out = arrays
    for i in range(first, last):
        row = out[i]
        for k in range(pointers[i], pointers[i + 1]):
            value, source = values[k], dense[columns[k]]
            for j in range(row.size):
                row[j] += value * source[j]


@kernel
def multiply_rows(values, columns, pointers, dense, out, chunks):
    share(rows_chunk, (values, columns, pointers, dense, out), out.shape[0], chunks)
