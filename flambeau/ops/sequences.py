"""Tensors made from a rule: ranges of numbers, and the identity."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core import dtype as dtypes
from flambeau.core.dispatch import cast, wrapped_int
from flambeau.core.dtype import dtype as DType
from flambeau.core.errors import not_implemented
from flambeau.core.kind import Kind
from flambeau.core.modes import modes
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.core.writing import deliver
from flambeau.kernels.select import META
from flambeau.ops.examples import any_mapped
from flambeau.ops.factories import filled, kind_for, made


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from ``start`` (inclusive) to ``end`` (exclusive) by ``step``.

    The dtype is int64 when all three are ints, else the default dtype. A vector, int64 if all are
    integers. RuntimeError for a step of 0, or away from ``end``.

    >>> arange(1, 4)
    tensor([1, 2, 3])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (step > 0) != (end >= start) and start != end:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    integral = all(isinstance(v, int) for v in (start, end, step))
    if dtype is None:
        dtype = out.dtype if out is not None else dtypes.int64 if integral else dtypes.default.dtype
    kind = kind_for(dtype, device if out is None else out.device)
    if kind.dtype is dtypes.int64 and not integral:
        start, end, step, integral = int(start), int(end), int(step), True
        if step == 0:
            raise ValueError("step must be nonzero")
    count = -((start - end) // step) if integral else math.ceil((end - start) / step)
    if kind.dtype.rank < 2:
        start, step = int(start), int(step)
    array = _sequence(kind, max(count, 0), start, step)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("arange", wrap(array, kind), out)
    )


def _sequence(kind: Kind, count: int, start: Any, step: Any) -> Any:
    if kind.place == META:
        return virtual((count,), kind.array_type)
    xp = kind.xp
    wide = xp.int64 if kind.dtype.rank < 2 else xp.float64
    if kind.dtype.rank >= 2 and (isinstance(start, int) and isinstance(step, int)):
        start, step = float(start), float(step)
    steps = xp.arange(count, dtype=wide)
    return (steps if start == 0 and step == 1 else steps * step + start).astype(kind.array_type)


def range(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None,
          dtype: DType | None = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Like ``arange`` with ``end`` included, of the default dtype (deprecated in PyTorch).

    RuntimeError for a step of 0, or away from ``end``.

    >>> torch.range(1, 2, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (step > 0) != (end >= start) and start != end:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    kind = kind_for(dtype, device)
    array = _sequence(kind, math.floor((end - start) / step) + 1, start, step)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("range", wrap(array, kind), out)
    )


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers at equal distances, ``start`` and ``end`` included.

    ``start`` and ``end`` are numbers or tensors without dimensions; RuntimeError for negative
    ``steps``, NotImplementedError for bools.

    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if any_mapped((start, end)):
        given = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return modes.batches[-1].loop(linspace, start, end, steps, **given)
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is None:
        dtype = out.dtype if out is not None else _sequence_dtype(start, end)
    kind = kind_for(dtype, device if out is None else out.device)
    _refuse_bool("linspace", kind, steps)
    array = _spaced(kind, start, end, steps)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("linspace", wrap(array, kind), out)
    )


def _sequence_dtype(*numbers: Any) -> DType:
    if any(isinstance(v, complex) for v in numbers):
        return dtypes.default.dtype.to_complex()
    return dtypes.default.dtype


def _refuse_bool(name: str, kind: Kind, steps: int) -> None:
    if kind.dtype.rank == 0 and steps > 1:
        raise not_implemented(name, kind.dtype)


def _spaced(kind: Kind, start: Any, end: Any, steps: int) -> Any:
    """From both ends inwards, as PyTorch computes it, so that the halves are symmetric."""
    if kind.place == META:
        return virtual((steps,), kind.array_type)
    xp, to = kind.xp, kind.array_type
    if steps < 2:
        return xp.full((steps,), start).astype(to)
    wide = numpy.dtype(numpy.float32) if kind.narrow else to
    if to.kind in "iu":
        wide = numpy.dtype(numpy.float64)
        start, end = wrapped_int(int(start), to), wrapped_int(int(end), to)
    step = wide.type((end - start) / (steps - 1))
    up = xp.arange(steps // 2).astype(wide) if wide.kind != "c" else xp.arange(steps // 2)
    down = xp.arange(steps - 1 - steps // 2, -1, -1).astype(wide)
    halves = (wide.type(start) + step * up, wide.type(end) - step * down)
    return cast(xp.concatenate(halves).astype(wide), kind.dtype)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the powers ``linspace(start, end, steps)``.

    ``start`` and ``end`` are numbers or tensors without dimensions; RuntimeError for negative
    ``steps``, NotImplementedError for bools.

    >>> torch.logspace(0, 3, 4)
    tensor([   1.,   10.,  100., 1000.])
    """
    if any_mapped((start, end)):
        given = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return modes.batches[-1].loop(logspace, start, end, steps, base, **given)
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is None:
        dtype = out.dtype if out is not None else _sequence_dtype(start, end, base)
    kind = kind_for(dtype, device if out is None else out.device)
    wide = kind.of(dtypes.complex128 if kind.dtype.is_complex else dtypes.float64)
    _refuse_bool("logspace", kind, steps)
    if kind.dtype.rank < 2:
        start, end = int(start), int(end)
    array = _spaced(wide, start, end, steps)
    if kind.place != META:
        array = cast(kind.xp.power(wide.array_type.type(base), array), kind.dtype)
    else:
        array = virtual((steps,), kind.array_type)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("logspace", wrap(array, kind), out)
    )


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere.

    ``n`` rows and ``m`` columns, as many by default; RuntimeError for negative numbers.

    >>> torch.eye(2, 3)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    m = n if m is None else m
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    if m < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {m}")
    if out is not None and dtype is not None and dtype is not out.dtype:
        raise RuntimeError(
            f"dtype {dtypes.scalar_name(dtype)} does not match dtype of out parameter "
            f"({dtypes.scalar_name(out.dtype)})"
        )
    kind = kind_for(dtype, device) if out is None else out.kind
    array = filled((n, m), kind, 0)
    if kind.place != META:
        array.reshape(-1)[: n * m : m + 1][: min(n, m)] = 1
    return (
        made(array, kind, requires_grad) if out is None else deliver("eye", wrap(array, kind), out)
    )


__all__ = exported(globals())
