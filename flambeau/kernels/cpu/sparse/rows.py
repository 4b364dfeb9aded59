"""The products of rows with compiled loops; see ``shared.sparse.rows``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.compressed_rows import multiply_rows
from flambeau.kernels.cpu.parallel import ALONE, get_threads
from flambeau.kernels.quiet import silence

Array = Any


def rows_times(values: Array, columns: Array, pointers: Array, dense: Array) -> Array:
    """See ``shared.sparse.rows``."""
    of = np.result_type(values, dense)
    check_columns(columns, len(dense))
    result = np.zeros((len(pointers) - 1, dense.shape[1]), of)
    chunks = 1 if values.size * dense.shape[1] < ALONE else 4 * get_threads()
    parts = [np.ascontiguousarray(part, np.int64) for part in (columns, pointers)]
    both = [np.ascontiguousarray(part, of) for part in (values, dense)]
    multiply_rows(both[0], *parts, both[1], result, chunks)
    return result


def rows_by_rows(
    values: Array, columns: Array, pointers: Array, others: tuple[Array, Array, Array], width: int
) -> tuple[Array, Array, Array]:
    """See ``shared.sparse.rows``; by SciPy."""
    csr_matrix = import_module("scipy.sparse").csr_matrix
    middle = len(others[2]) - 1
    check_columns(columns, middle)
    left = csr_matrix((values, columns, pointers), (len(pointers) - 1, middle))
    product = left @ csr_matrix(others, (middle, width))
    product.sort_indices()
    return product.data, product.indices.astype(np.int64), product.indptr.astype(np.int64)


def check_columns(columns: Array, count: int) -> None:
    """IndexError for a column that the dense matrix has no row for: loops do not look."""
    if columns.size and (int(columns.min()) < 0 or int(columns.max()) >= count):
        raise IndexError("a column index of the sparse matrix is out of range")


silence(globals())
