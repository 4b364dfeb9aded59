"""Recurrent layers in float32 with compiled steps; see ``shared.recurrent``."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops import recurrent as loops
from flambeau.kernels.cpu.loops.tile import ROWS, WIDTH
from flambeau.kernels.cpu.parallel import get_threads
from flambeau.kernels.cpu.scratch import Scratch
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import recurrent as shared
from flambeau.kernels.shared.recurrent import before, input_grads, input_products

Array = Any
Optional = Any  #: an array or None


def _suits(x: Array, h: Array) -> bool:
    """Whether compiled steps pay: a short sequence would pack the weight for little."""
    return x.dtype == np.float32 and len(x) > 2 and x.size > 0 and h.size > 0


def _dense(*arrays: Array) -> list[Array]:
    return [np.ascontiguousarray(a) for a in arrays]


def _parts(batch: int, size: int) -> int:
    """In how many parts to cut the batch, so that all threads have work."""
    panels = -(-size // WIDTH)
    return max(1, min(-(-get_threads() // panels), batch // ROWS))


def _work(scratch: Scratch, gates: int, batch: int, parts: int) -> Array:
    """Products of one item for each thread; backward takes two planes."""
    return scratch.take(get_threads(), gates, -(-batch // parts) + ROWS, WIDTH)


def _panels(scratch: Scratch, gates: int, size: int) -> Array:
    return scratch.take(gates, -(-size // WIDTH), size, WIDTH)


def _back_panels(scratch: Scratch, wide: int, size: int) -> Array:
    return scratch.take(-(-size // WIDTH), wide, WIDTH)


def _summed(a: Optional, b: Optional) -> Optional:
    return a if b is None else a + b


def lstm_forward(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Optional, b_hh: Optional,
    reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.lstm_forward(x, h, c, w_ih, w_hh, b_ih, b_hh, reverse)
    (batch, size), scratch = h.shape, Scratch()
    h, c, w_hh = _dense(h, c, w_hh)
    gates, parts = input_products(x, w_ih, _summed(b_ih, b_hh)), _parts(batch, size)
    cells, out = (np.empty((len(x), batch, size), x.dtype) for _ in range(2))
    panels, work = _panels(scratch, 4, size), _work(scratch, 4, batch, parts)
    loops.lstm_steps(gates, h, c, w_hh, cells, out, panels, work, parts, reverse)
    return out, cells[0 if reverse else -1].copy(), gates, cells


def lstm_backward(
    grad: Array, grad_c: Array, x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, out: Array,
    gates: Array, cells: Array, reverse: bool, biased: bool,
) -> tuple[Optional, ...]:  # fmt: skip
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.lstm_backward(
            grad, grad_c, x, h, c, w_ih, w_hh, out, gates, cells, reverse, biased
        )
    (batch, size), scratch = h.shape, Scratch()
    grad, gates, c, cells, w_hh = _dense(grad, gates, c, cells, w_hh)
    dc, d_gates, parts = np.array(grad_c, order="C"), np.empty_like(gates), _parts(batch, size)
    panels, work = _back_panels(scratch, 4 * size, size), _work(scratch, 2, batch, parts)
    loops.lstm_gradient_steps(
        grad, gates, c, cells, w_hh, d_gates, dc, panels, work, parts, reverse
    )
    dh = d_gates[-1 if reverse else 0].dot(w_hh)
    dx, *rest = input_grads(x, d_gates, w_ih, d_gates, before(h, out, reverse), biased)
    return dx, dh, dc, *rest


def gru_forward(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Optional, b_hh: Optional, reverse: bool
) -> tuple[Array, Array, Array]:
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.gru_forward(x, h, w_ih, w_hh, b_ih, b_hh, reverse)
    (batch, size), scratch = h.shape, Scratch()
    h, w_hh = _dense(h, w_hh)
    gates, parts = input_products(x, w_ih, b_ih), _parts(batch, size)
    bias = np.zeros(3 * size, x.dtype) if b_hh is None else np.ascontiguousarray(b_hh)
    kept, out = (np.empty((len(x), batch, size), x.dtype) for _ in range(2))
    panels, work = _panels(scratch, 3, size), _work(scratch, 3, batch, parts)
    loops.gru_steps(gates, h, w_hh, bias, kept, out, panels, work, parts, reverse)
    return out, gates, kept


def gru_backward(
    grad: Array, x: Array, h: Array, w_ih: Array, w_hh: Array, out: Array, gates: Array,
    kept: Array, reverse: bool, biased: bool,
) -> tuple[Optional, ...]:  # fmt: skip
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.gru_backward(grad, x, h, w_ih, w_hh, out, gates, kept, reverse, biased)
    (batch, size), scratch = h.shape, Scratch()
    grad, gates, h, out, kept, w_hh = _dense(grad, gates, h, out, kept, w_hh)
    d_gates, d_hidden = np.empty_like(gates), np.empty_like(gates)
    dh, parts = np.zeros((batch, size), x.dtype), _parts(batch, size)
    panels, work = _back_panels(scratch, 3 * size, size), _work(scratch, 1, batch, parts)
    loops.gru_gradient_steps(
        grad, gates, h, out, kept, w_hh, d_gates, d_hidden, dh, panels, work, parts, reverse
    )
    dh += d_hidden[-1 if reverse else 0].dot(w_hh)
    dx, *rest = input_grads(x, d_gates, w_ih, d_hidden, before(h, out, reverse), biased)
    return dx, dh, *rest


def rnn_forward(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Optional, b_hh: Optional, rectified: bool,
    reverse: bool,
) -> Array:  # fmt: skip
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.rnn_forward(x, h, w_ih, w_hh, b_ih, b_hh, rectified, reverse)
    (batch, size), scratch = h.shape, Scratch()
    h, w_hh = _dense(h, w_hh)
    out, parts = input_products(x, w_ih, _summed(b_ih, b_hh)), _parts(batch, size)
    panels, work = _panels(scratch, 1, size), _work(scratch, 1, batch, parts)
    loops.rnn_steps(h, w_hh, out, panels, work, parts, rectified, reverse)
    return out


def rnn_backward(
    grad: Array, x: Array, h: Array, w_ih: Array, w_hh: Array, out: Array, rectified: bool,
    reverse: bool, biased: bool,
) -> tuple[Optional, ...]:  # fmt: skip
    """See ``shared.recurrent``."""
    if not _suits(x, h):
        return shared.rnn_backward(grad, x, h, w_ih, w_hh, out, rectified, reverse, biased)
    (batch, size), scratch = h.shape, Scratch()
    grad, out, w_hh = _dense(grad, out, w_hh)
    d_gates, parts = np.empty_like(out), _parts(batch, size)
    panels, work = _back_panels(scratch, size, size), _work(scratch, 1, batch, parts)
    loops.rnn_gradient_steps(grad, out, w_hh, d_gates, panels, work, parts, rectified, reverse)
    dh = d_gates[-1 if reverse else 0].dot(w_hh)
    dx, *rest = input_grads(x, d_gates, w_ih, d_gates, before(h, out, reverse), biased)
    return dx, dh, *rest


silence(globals())
