"""Attention without the matrix of scores: blocks of it are made, used and forgotten in cache.

One item is one head of one sequence. Its keys and values are packed once; then ``QUERIES`` rows of
scores at a time become probabilities and are used up in the second cache. A causal block stops at
its diagonal, which halves the work. Operands ``[B, H, L, D]`` with a dense last axis are addresses
and strides in bytes; results and their gradients are rows of ``D`` numbers, with strides in rows.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.functions import exp_negative
from flambeau.kernels.cpu.loops.panels import pack, times_panels
from flambeau.kernels.cpu.loops.rows import inner, largest, scale
from flambeau.kernels.cpu.loops.tile import WIDTH, address
from flambeau.kernels.cpu.parallel import share

QUERIES = 48  #: rows of a block of scores
f = np.float32


@body
def probabilities(row, top, factor):
    """row = exp(factor * row - top); their sum."""
    s = f(0)
    for i in range(row.size):
        e = exp_negative(row[i] * factor - top)
        row[i] = e
        s += e
    return s


@body
def score_gradients(p, dp, log, delta, factor):
    """p = exp(factor * p - log) and dp = p * (dp - delta) * factor."""
    for i in range(p.size):
        e = exp_negative(p[i] * factor - log)
        p[i] = e
        dp[i] = e * (dp[i] - delta) * factor


@body
def clear(row):
    for i in range(row.size):
        row[i] = 0


@body
def copy(source, out):
    for i in range(out.size):
        out[i] = source[i]


@body
def attend_chunk(arrays, first, last, thread):
    places, strides, out, to, logs, work, sizes, factor, causal = arrays
    heads, length, keys, depth = sizes
    scores, result = work[0][thread], work[1][thread]
    turned, values = address(work[2][thread]), address(work[3][thread])
    score_row, result_row = scores.strides[0], result.strides[0]
    for item in range(first, last):
        b, h = item // heads, item % heads
        q = places[0] + b * strides[0] + h * strides[1]
        k = places[1] + b * strides[3] + h * strides[4]
        v = places[2] + b * strides[6] + h * strides[7]
        pack(k, 4, strides[5], depth, keys, turned)
        pack(v, strides[8], 4, keys, depth, values)
        for start in range(0, length, QUERIES):
            count = min(QUERIES, length - start)
            seen = min(keys, start + count) if causal else keys
            times_panels(
                q + start * strides[2], strides[2], 4, count, depth, turned, seen,
                address(scores), score_row, 0,
            )  # fmt: skip
            for i in range(count):
                used = min(seen, start + i + 1) if causal else seen
                row = scores[i, :used]
                top = largest(row) * factor
                s = probabilities(row, top, factor)
                scale(row, f(1) / s)
                logs[b, h, start + i] = top + f(np.log(s))
                clear(scores[i, used:seen])
            # A panel of values has as many steps as there are keys: those seen come first.
            for panel in range(0, depth, WIDTH):
                times_panels(
                    address(scores), score_row, 4, count, seen, values + panel * keys * 4,
                    min(WIDTH, depth - panel), address(result) + panel * 4, result_row, 0,
                )  # fmt: skip
            for i in range(count):
                copy(result[i], out[b * to[0] + h * to[1] + (start + i) * to[2]])


@kernel
def attend(places, strides, out, to, logs, work, sizes, factor, causal):
    """out, rows at ``to``, and logs [B, H, L]; sizes are heads, queries, keys and depth."""
    items = logs.shape[0] * logs.shape[1]
    arrays = places, strides, out, to, logs, work, sizes, factor, causal
    share(attend_chunk, arrays, items, items)


@body
def attend_gradient_chunk(arrays, first, last, thread):
    places, strides, out, to, logs, grad, of, dq, dk, dv, work, sizes, factor, causal = arrays
    heads, length, keys, depth = sizes
    p, ds, sums_k, sums_v, result = (
        work[0][thread], work[1][thread], work[2][thread], work[3][thread], work[4][thread],
    )  # fmt: skip
    k_turned, v_turned = address(work[5][thread]), address(work[6][thread])
    k_packed, block = address(work[7][thread]), address(work[8][thread])
    row, sum_row, grad_row = p.strides[0], sums_k.strides[0], of[2] * depth * 4
    for item in range(first, last):
        b, h = item // heads, item % heads
        q = places[0] + b * strides[0] + h * strides[1]
        k = places[1] + b * strides[3] + h * strides[4]
        v = places[2] + b * strides[6] + h * strides[7]
        pack(k, 4, strides[5], depth, keys, k_turned)
        pack(v, 4, strides[8], depth, keys, v_turned)
        pack(k, strides[5], 4, keys, depth, k_packed)
        for i in range(keys):
            clear(sums_k[i])
            clear(sums_v[i])
        for start in range(0, length, QUERIES):
            count = min(QUERIES, length - start)
            seen = min(keys, start + count) if causal else keys
            here, there = (
                b * of[0] + h * of[1] + start * of[2],
                b * to[0] + h * to[1] + start * to[2],
            )
            queries, grads = q + start * strides[2], address(grad[here])
            times_panels(queries, strides[2], 4, count, depth, k_turned, seen, address(p), row, 0)
            times_panels(grads, grad_row, 4, count, depth, v_turned, seen, address(ds), row, 0)
            for i in range(count):
                used = min(seen, start + i + 1) if causal else seen
                delta = inner(grad[here + i * of[2]], out[there + i * to[2]])
                score_gradients(p[i, :used], ds[i, :used], logs[b, h, start + i], delta, factor)
                clear(p[i, used:seen])
                clear(ds[i, used:seen])
            pack(grads, grad_row, 4, count, depth, block)
            times_panels(address(p), 4, row, seen, count, block, depth, address(sums_v), sum_row, 1)
            pack(queries, strides[2], 4, count, depth, block)
            times_panels(
                address(ds), 4, row, seen, count, block, depth, address(sums_k), sum_row, 1
            )
            for panel in range(0, depth, WIDTH):
                times_panels(
                    address(ds), row, 4, count, seen, k_packed + panel * keys * 4,
                    min(WIDTH, depth - panel), address(result) + panel * 4, sum_row, 0,
                )  # fmt: skip
            for i in range(count):
                copy(result[i], dq[b, start + i, h])
        for i in range(keys):
            copy(sums_k[i], dk[b, i, h])
            copy(sums_v[i], dv[b, i, h])


@kernel
def attend_gradient(
    places, strides, out, to, logs, grad, of, dq, dk, dv, work, sizes, factor, causal
):
    """dq, dk and dv [B, L, H, D]; out has rows at ``to``, grad at ``of``."""
    items = logs.shape[0] * logs.shape[1]
    arrays = places, strides, out, to, logs, grad, of, dq, dk, dv, work, sizes, factor, causal
    share(attend_gradient_chunk, arrays, items, items)
