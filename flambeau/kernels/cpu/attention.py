"""Attention in float32 with compiled loops; see ``shared.attention``."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops import attention as loops
from flambeau.kernels.cpu.loops.attention import QUERIES
from flambeau.kernels.cpu.loops.tile import LANES, WIDTH
from flambeau.kernels.cpu.parallel import get_threads
from flambeau.kernels.cpu.scratch import Scratch
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import attention as shared

Array = Any


def _suits(*arrays: Array) -> bool:
    return all([a.dtype == np.float32 and a.size > 0 for a in arrays])


def _dense_rows(array: Array) -> Array:
    """The array, copied where its last axis is not dense."""
    dense = array.strides[3] == 4 or array.shape[3] == 1
    return array if dense else np.ascontiguousarray(array)


def _places(*arrays: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The addresses, and the strides of all axes but the last."""
    strides = tuple([n for a in arrays for n in a.strides[:3]])
    return tuple([a.ctypes.data for a in arrays]), strides


def _rows(array: Array) -> tuple[Any, tuple[int, int, int]]:
    """A dense array as rows of its last axis and the distances between them along ``B, H, L``.

    None in place of rows where the array lies neither as ``[B, H, L, D]`` nor as ``[B, L, H, D]``.
    """
    _, heads, length, depth = array.shape
    if array.flags.c_contiguous:
        return array.reshape(-1, depth), (heads * length, length, 1)
    turned = array.swapaxes(1, 2)
    rows = turned.reshape(-1, depth) if turned.flags.c_contiguous else None
    return rows, (heads * length, 1, heads)


def _sizes(q: Array, k: Array) -> tuple[int, int, int, int]:
    return q.shape[1], q.shape[2], k.shape[2], q.shape[3]


def _made(like: Array) -> Array:
    batch, heads, length, depth = like.shape
    return np.empty((batch, length, heads, depth), like.dtype)


def _columns(count: int) -> int:
    """Columns in whole panels, and a few more: rows a power of two apart share cache lines."""
    return -(-count // WIDTH) * WIDTH + LANES


def attention_forward(
    q: Array, k: Array, v: Array, causal: bool, factor: float
) -> tuple[Array, Array]:
    """See ``shared.attention``."""
    if not _suits(q, k, v):
        return shared.attention_forward(q, k, v, causal, factor)
    q, k, v = _dense_rows(q), _dense_rows(k), _dense_rows(v)
    (_, _, keys, depth), threads, scratch = _sizes(q, k), get_threads(), Scratch()
    blocks, parts = -(-keys // WIDTH), -(-depth // WIDTH)
    work = (
        scratch.take(threads, QUERIES, _columns(keys)),
        scratch.take(threads, QUERIES, _columns(depth)),
        scratch.take(threads, blocks, depth, WIDTH),
        scratch.take(threads, parts, keys, WIDTH),
    )
    out, logs = np.empty_like(q), np.empty(q.shape[:3], q.dtype)
    if _rows(out)[0] is None:
        out = np.empty(q.shape, q.dtype)
    loops.attend(
        *_places(q, k, v), *_rows(out), logs, work, _sizes(q, k), np.float32(factor), causal
    )
    return out, logs


def attention_backward(
    q: Array, k: Array, v: Array, grad: Array, out: Array, logs: Array, causal: bool, factor: float
) -> tuple[Array, Array, Array]:
    """See ``shared.attention``."""
    if not _suits(q, k, v, grad, out, logs):
        return shared.attention_backward(q, k, v, grad, out, logs, causal, factor)
    q, k, v = _dense_rows(q), _dense_rows(k), _dense_rows(v)
    grad, out = (a if _rows(a)[0] is not None else np.ascontiguousarray(a) for a in (grad, out))
    (_, _, keys, depth), threads, scratch = _sizes(q, k), get_threads(), Scratch()
    blocks, parts = -(-keys // WIDTH), -(-depth // WIDTH)
    row = _columns(depth)
    work = (
        *[scratch.take(threads, QUERIES, _columns(keys)) for _ in range(2)],
        *[scratch.take(threads, count, row) for count in (keys, keys, QUERIES)],
        *[scratch.take(threads, blocks, depth, WIDTH) for _ in range(2)],
        scratch.take(threads, parts, keys, WIDTH),
        scratch.take(threads, parts, QUERIES, WIDTH),
    )
    dq, dk, dv = _made(q), _made(k), _made(v)
    loops.attend_gradient(
        *_places(q, k, v), *_rows(out), np.ascontiguousarray(logs), *_rows(grad), dq, dk, dv, work,
        _sizes(q, k), np.float32(factor), causal,
    )  # fmt: skip
    return dq.swapaxes(1, 2), dk.swapaxes(1, 2), dv.swapaxes(1, 2)


silence(globals())
