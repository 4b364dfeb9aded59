"""Loops over one row, of which the row-wise kernels are made.

A row of up to some thousand numbers stays in the first cache between the passes over it. Each pass
is a function of its own: LLVM vectorises a loop that is alone more surely than three in one. Sums
are in as many partial sums as the vector unit has lanes, about as accurate as pairwise ones.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body
from flambeau.kernels.cpu.loops.functions import exp_negative, larger


@body
def largest(row):
    """The greatest number; NaN is overlooked."""
    top = row[0]
    for i in range(row.size):
        top = larger(top, row[i])
    return top


@body
def total(row):
    s = row.dtype.type(0)
    for i in range(row.size):
        s += row[i]
    return s


@body
def inner(a, b):
    s = a.dtype.type(0)
    for i in range(a.size):
        s += a[i] * b[i]
    return s


@body
def squares_about(row, centre):
    s = row.dtype.type(0)
    for i in range(row.size):
        s += (row[i] - centre) * (row[i] - centre)
    return s


@body
def exponentials(row, top, out):
    """out = exp(row - top), and its sum."""
    s = row.dtype.type(0)
    for i in range(row.size):
        e = exp_negative(row[i] - top)
        out[i] = e
        s += e
    return s


@body
def sum_exponentials(row, top):
    s = row.dtype.type(0)
    for i in range(row.size):
        s += exp_negative(row[i] - top)
    return s


@body
def scale(row, factor):
    for i in range(row.size):
        row[i] *= factor
