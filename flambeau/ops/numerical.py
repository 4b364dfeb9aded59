"""Differences and slopes of sampled functions, and powers of sample points."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import int64, scalar_name
from flambeau.core.families import canonical
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import wrap_dim
from flambeau.core.publish import NUMBERS, exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops.joining import cat, stack


@numpy_names
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The slope of a sampled function along each dimension (or each of ``dim``).

    Central differences of second order inside; ``edge_order`` 1 or 2 at the ends. ``spacing`` is
    the distance of samples, or one for each dimension, or a tensor of coordinates for each.
    RuntimeError for a dimension that is too short.

    >>> torch.gradient(torch.tensor([0., 1., 4., 9.]))
    (tensor([1., 2., 4., 5.]),)
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if input.dtype.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    dims = tuple(range(input.ndim)) if dim is None else canonical(dim, input.ndim)
    if dim == () or not input.ndim:
        dims = ()
    steps = _steps(1 if spacing is None else spacing, dims, input, dim is None)
    if any(input.shape[d] < edge_order + 1 for d in dims):
        raise RuntimeError(
            "torch.gradient expected each dimension size to be at least edge_order+1"
        )
    return tuple([_slope(input, d, step, edge_order) for d, step in zip(dims, steps)])


def _steps(spacing: Any, dims: tuple[int, ...], input: Tensor, every: bool) -> list[Any]:
    """The distances, or the coordinates, along each of the dimensions."""
    if isinstance(spacing, NUMBERS):
        return [spacing] * len(dims)
    if not isinstance(spacing, (list, tuple)):
        raise TypeError(
            "gradient() received an invalid combination of arguments - got (Tensor, "
            f"spacing={type(spacing).__name__}), but expected one of:"
        )
    if len(spacing) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"equal to 'self.dim() = {input.ndim}', since dim argument was not given, but got a "
            f"list of length {len(spacing)}"
            if every
            else "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and "
            f"dim arguments to have the same length, but got a spacing argument of length "
            f"{len(spacing)} and a dim argument of length {len(dims)}."
        )
    for one in spacing:
        if isinstance(one, Tensor) and one.ndim != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an "
                f"element with {one.ndim} dimensions!"
            )
    return list(spacing)


def _slope(input: Any, dim: int, step: Any, edge_order: int) -> Tensor:
    if isinstance(step, Tensor):
        shape = [-1 if d == dim else 1 for d in range(input.ndim)]
        at = step.reshape(shape)  # type: ignore[attr-defined]
        return _uneven(input, dim, at.diff(dim=dim), edge_order)
    n = input.shape[dim]
    first, second = input.narrow(dim, 0, 2), input.narrow(dim, n - 2, 2)
    middle = (input.narrow(dim, 2, n - 2) - input.narrow(dim, 0, n - 2)) / (2 * step)
    if edge_order == 1:
        return cat((first.diff(dim=dim) / step, middle, second.diff(dim=dim) / step), dim)
    a, b, c = (input.select(dim, i) for i in range(3))
    z, y, x = (input.select(dim, n - 1 - i) for i in range(3))
    left, right = (-1.5 * a + 2 * b - 0.5 * c) / step, (1.5 * z - 2 * y + 0.5 * x) / step
    return cat((left.unsqueeze(dim), middle, right.unsqueeze(dim)), dim)


def _uneven(input: Any, dim: int, gaps: Any, edge_order: int) -> Tensor:
    """The slope from samples whose distances along the dimension are ``gaps``."""
    n, count = input.shape[dim], gaps.shape[dim]
    before, after = gaps.narrow(dim, 0, count - 1), gaps.narrow(dim, 1, count - 1)
    low, mid, high = (input.narrow(dim, i, n - 2) for i in range(3))
    both = before + after
    middle = (
        low * (-after / (before * both))
        + mid * ((after - before) / (before * after))
        + high * (before / (after * both))
    )
    if edge_order == 1:
        first, last = input.narrow(dim, 0, 2), input.narrow(dim, n - 2, 2)
        ends = gaps.narrow(dim, 0, 1), gaps.narrow(dim, count - 1, 1)
        return cat((first.diff(dim=dim) / ends[0], middle, last.diff(dim=dim) / ends[1]), dim)
    left = _end(
        [input.narrow(dim, i, 1) for i in range(3)], [gaps.narrow(dim, i, 1) for i in (0, 1)]
    )
    right = _end(
        [input.narrow(dim, n - 1 - i, 1) for i in range(3)],
        [-gaps.narrow(dim, count - 1 - i, 1) for i in (0, 1)],
    )
    return cat((left, middle, right), dim)


def _end(values: list[Any], gaps: list[Any]) -> Any:
    """The slope at the first of three samples, of the parabola through them."""
    (a, b, c), (near, far) = values, gaps
    both = near + far
    return (
        a * (-(near + both) / (near * both)) + b * (both / (near * far)) - c * (near / (far * both))
    )


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers ``N`` - 1, ... 1, 0 of each element, as rows; ``increasing`` turns them round.

    ``N`` is the number of elements by default. Integers give int64. RuntimeError unless ``x`` is a
    vector.

    >>> torch.vander(torch.tensor([2, 3]), 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    x = x.to(int64) if x.dtype.rank < 2 else x  # type: ignore[attr-defined]
    powers = [x.new_ones(x.shape)]  # type: ignore[attr-defined]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    if not count:
        return x.new_empty((x.shape[0], 0))  # type: ignore[attr-defined]
    return stack(powers if increasing else powers[::-1], 1)


@method("diff")
@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The ``n``-th differences of neighbours along ``dim``.

    ``prepend`` and ``append`` are joined to ``input`` first. RuntimeError for a tensor without
    dimensions, or a negative ``n``.

    >>> torch.diff(torch.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    >>> torch.diff(torch.tensor([1, 4, 9, 16]), n=2)
    tensor([2, 2])
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError("order must be non-negative but got " + str(n))
    dim = wrap_dim(dim, input.ndim)
    if n == 0:
        if out is not None and out.dtype is not input.dtype:
            raise RuntimeError(
                f"expected scalar_type {scalar_name(input.dtype)} but found "
                f"{scalar_name(out.dtype)}"
            )
        return deliver("diff", input.clone(), out)  # type: ignore[attr-defined]
    parts = [t for t in (prepend, input, append) if t is not None]
    result = parts[0] if len(parts) == 1 else cat(parts, dim)
    for _ in range(n):
        size = result.shape[dim]
        left = result.narrow(dim, 0, max(size - 1, 0))  # type: ignore[attr-defined]
        right = result.narrow(dim, min(1, size), max(size - 1, 0))  # type: ignore[attr-defined]
        result = right.logical_xor(left) if result.dtype.rank == 0 else right - left
    return deliver("diff", result, out)


__all__ = exported(globals())
