"""Stable sort of rows with their indices: radix sort on keys that keep the order of the numbers.

The bits of a float sort like an unsigned integer once negative numbers have all bits flipped and
the others the sign bit. NaN comes last, and -0 equals 0. Passes of 11 bits sort a row in linear
time, without comparing; one read makes all histograms, and a pass whose numbers all share their
bits is left out. Short rows: insertion of the same keys.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import exact, kernel
from flambeau.kernels.cpu.parallel import pieces, share

BITS = 11
BUCKETS, MASK = 1 << BITS, (1 << BITS) - 1
SHORT = 48  #: numbers that are sorted by insertion


@exact
def key_of(bits, sign, infinity, floating):
    """An unsigned integer in the order of the numbers with these bits."""
    if not floating:
        return bits ^ sign
    size = bits & ~sign
    if size > infinity:
        return ~(sign ^ sign)
    if size == sign ^ sign:
        return sign
    return ~bits if bits & sign else bits | sign


@exact
def insert(keys, order):
    for i in range(1, keys.size):
        key, index, j = keys[i], order[i], i
        while j > 0 and keys[j - 1] > key:
            keys[j], order[j] = keys[j - 1], order[j - 1]
            j -= 1
        keys[j], order[j] = key, index


@exact
def digit_of(key, digit):
    return np.int64((key >> type(key)(digit * BITS)) & type(key)(MASK))


@exact
def place_all(keys, order, counts, digit, keys_out, order_out):
    """One pass: everything goes to its bucket, in order."""
    at = 0
    for bucket in range(BUCKETS):
        count = counts[bucket]
        counts[bucket] = at
        at += count
    for i in range(keys.size):
        bucket = digit_of(keys[i], digit)
        place = counts[bucket]
        counts[bucket] = place + 1
        keys_out[place], order_out[place] = keys[i], order[i]


@exact
def radix(keys, order, counts):
    """Sorts row 0 of keys and order [2, n]; which row holds the result."""
    n, digits, row = keys.shape[1], counts.shape[0], 0
    for digit in range(digits):
        for bucket in range(BUCKETS):
            counts[digit, bucket] = 0
    for i in range(n):
        for digit in range(digits):
            counts[digit, digit_of(keys[0, i], digit)] += 1
    for digit in range(digits):
        if counts[digit, digit_of(keys[row, 0], digit)] < n:
            place_all(keys[row], order[row], counts[digit], digit, keys[1 - row], order[1 - row])
            row = 1 - row
    return row


@exact
def sort_chunk(arrays, first, last, thread):
    x, kind, floating, descending, values, indices = arrays
    n, (sign, infinity) = x.shape[1], kind
    keys, order = np.empty((2, n), x.dtype), np.empty((2, n), np.int32)
    counts = np.empty(((x.itemsize * 8 + BITS - 1) // BITS, BUCKETS), np.int64)
    for r in range(first, last):
        for i in range(n):
            key = key_of(x[r, i], sign, infinity, floating)
            keys[0, i], order[0, i] = ~key if descending else key, i
        row = 0
        if n <= SHORT:
            insert(keys[0], order[0])
        else:
            row = radix(keys, order, counts)
        found = order[row]
        for i in range(values.shape[1]):
            values[r, i], indices[r, i] = x[r, found[i]], found[i]


@kernel
def sort_rows(x, kind, floating, descending, values, indices):
    """The first of each sorted row of bits x [rows, n], as many as ``values`` has columns."""
    arrays = x, kind, floating, descending, values, indices
    share(sort_chunk, arrays, x.shape[0], min(x.shape[0], 4 * pieces(x.shape[0], x.size)))
