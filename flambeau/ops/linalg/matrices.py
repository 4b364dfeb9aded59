"""What the operators of linear algebra share: checks, failures and layouts of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dtype import scalar_name
from flambeau.core.errors import LinAlgError
from flambeau.core.layout import contiguous_format
from flambeau.core.tensor import Tensor


def square(name: str, matrix: Tensor) -> None:
    """RuntimeError unless the argument is a stack of square floating matrices."""
    square_of_any(name, matrix)
    _floating(name, matrix)


def square_of_any(name: str, matrix: Tensor) -> None:
    """RuntimeError unless the argument is a stack of square matrices."""
    _stack_of_matrices(name, matrix)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {matrix.shape[-2]} by "
            f"{matrix.shape[-1]} matrices"
        )


def at_least_2d(name: str, matrix: Tensor) -> None:
    """RuntimeError unless the argument is a floating tensor with two dimensions or more."""
    _stack_of_matrices(name, matrix)
    _floating(name, matrix)


def _stack_of_matrices(name: str, matrix: Tensor) -> None:
    if matrix.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")


def _floating(name: str, matrix: Tensor) -> None:
    if matrix.dtype.rank < 2:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got "
            f"{scalar_name(matrix.dtype)}"
        )


def forget_layout(*outs: Tensor | None) -> None:
    """Makes ``deliver`` lay out anew even those empty outputs that have the right shape."""
    for out in outs:
        if out is not None and not out.numel():
            out.resize_(0, memory_format=contiguous_format)  # type: ignore[attr-defined]


def column_copy(matrices: Tensor) -> Tensor:
    """A copy laid out column by column."""
    return matrices.mT.clone(memory_format=contiguous_format).mT  # type: ignore[attr-defined]


def zero_pivot(matrix: numpy.ndarray) -> int:
    """The first zero on the diagonal of ``U`` in ``A = P L U``, counted from 1; 0 without one."""
    a = matrix.copy()
    for k in range(len(a)):
        best = k + int(numpy.abs(a[k:, k]).argmax())
        a[[k, best]] = a[[best, k]]
        if a[k, k] == 0:
            return k + 1
        a[k + 1 :] -= numpy.outer(a[k + 1 :, k] / a[k, k], a[k])
    return 0


def failing(
    name: str,
    compute: Any,
    matrix: Tensor,
    what: str,
    fault: Callable[[numpy.ndarray], int] = zero_pivot,
) -> Any:
    """The result of `compute`; LAPACK's failure becomes PyTorch's error with the batch element, and
    the place that `fault` finds in it for the ``#`` in `what`."""
    try:
        return compute()
    except numpy.linalg.LinAlgError as error:
        flat: Any = matrix.detach().reshape(-1, *matrix.shape[-2:])  # type: ignore[attr-defined]
        faults = [fault(one) for one in (flat.float() if flat.kind.narrow else flat).cpu().numpy()]
        first = next((i for i, place in enumerate(faults) if place), 0)
        where = f"(Batch element {first}): " if matrix.ndim > 2 else ""
        text = what.replace("#", str(faults[first]))
        raise LinAlgError(f"{name}: {where}{text}") from error


def by_columns(array: Any, batch: Any = None) -> Any:
    """The shape rule of results of an array's size that LAPACK lays out column by column."""
    shape = array.shape if batch is None else (*batch, *array.shape[-2:])
    if 0 in shape:
        return shape, array.dtype
    steps, step = [0] * len(shape), array.itemsize
    for dim in (len(shape) - 2, len(shape) - 1, *range(len(shape) - 3, -1, -1)):
        steps[dim] = step
        step *= shape[dim]
    return shape, array.dtype, tuple(steps)
