"""Sums of rows by index: the gradient of an embedding.

A chunk owns a range of the *table* and goes through all indices for those in its range, so nothing
is sorted, nothing is atomic, and the order of the additions never changes.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.parallel import share


@body
def scatter_chunk(arrays, first, last, thread):
    """One item is one row of the table."""
    grad, indices, out, uses = arrays
    for item in range(indices.size):
        index = indices[item]
        if first <= index < last:
            row, source = out[index], grad[item]
            uses[index] += 1
            for j in range(row.size):
                row[j] += source[j]


@kernel
def scatter_add_rows(grad, indices, out, uses, chunks):
    share(scatter_chunk, (grad, indices, out, uses), out.shape[0], chunks)
