"""Products of tensors summed over dimensions."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops.products import matmul, mm

Labels = tuple[Any, ...]


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """The sum of products over pairs of dimensions: the last of ``a`` and the first of ``b``, or
    lists.

    ``dims`` is a number, or a list of dimensions for each; RuntimeError where their sizes differ.

    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(3, 4, 5), 2).shape
    torch.Size([2, 5])
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(2, 5), ([0], [0])).shape
    torch.Size([3, 5])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims.numel() > 1 else int(dims)  # type: ignore[attr-defined]
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        of_a, of_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    shown = [d - a.ndim for d in of_a] if isinstance(dims, int) else of_a
    of_a, of_b = [wrap_dim(d, a.ndim) for d in of_a], [wrap_dim(d, b.ndim) for d in of_b]
    if len(of_a) != len(of_b):
        raise RuntimeError("both dimension lists should have same length")
    for i, j, named in zip(of_a, of_b, shown):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim "
                f"{named} and second has size {b.shape[j]} in dim {j}"
            )
        if a.shape[i] != b.shape[j]:
            a = a.sum(i, True, dtype=a.dtype) if b.shape[j] == 1 else a  # type: ignore[attr-defined]
            b = b.sum(j, True, dtype=b.dtype) if a.shape[i] == 1 else b  # type: ignore[attr-defined]
    rows = [d for d in range(a.ndim) if d not in of_a]
    columns = [d for d in range(b.ndim) if d not in of_b]
    inner = math.prod([a.shape[d] for d in of_a])
    shape = [*[a.shape[d] for d in rows], *[b.shape[d] for d in columns]]
    x = a.permute([*rows, *of_a]).reshape(math.prod([a.shape[d] for d in rows]), inner)  # type: ignore
    y = b.permute([*of_b, *columns]).reshape(inner, math.prod([b.shape[d] for d in columns]))  # type: ignore
    return deliver("tensordot", mm(x, y).reshape(shape), out)  # type: ignore[attr-defined]


@method("inner")
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of products over the last dimensions of both.

    ``[*, k]`` and ``[+, k]`` of one dtype give ``[*, +]``; a tensor without dimensions multiplies.
    RuntimeError where the last sizes differ.

    >>> torch.inner(torch.tensor([1., 2.]), torch.tensor([[3., 4.], [5., 6.]]))
    tensor([11., 17.])
    """
    if input.ndim == 0 or other.ndim == 0:
        return deliver("inner", input * other, out)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return deliver("inner", tensordot(input, other, ([-1], [-1])), out)


@method("kron")
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: each element of ``input`` times all of ``other``.

    Shapes are padded with ones to the same rank and multiplied size by size.

    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([[1, 2]]))
    tensor([[ 1,  2, 10, 20]])
    """
    n = max(input.ndim, other.ndim)
    a = (1,) * (n - input.ndim) + tuple(input.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    x = input.reshape([k for m in a for k in (m, 1)])  # type: ignore[attr-defined]
    y = other.reshape([k for m in b for k in (1, m)])  # type: ignore[attr-defined]
    return deliver("kron", (x * y).reshape([p * q for p, q in zip(a, b)]), out)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of several matrices.

    Each is a matrix; RuntimeError where the sizes do not fit.

    >>> torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    given = (
        matrices[0] if len(matrices) == 1 and isinstance(matrices[0], list | tuple) else matrices
    )
    return deliver("chain_matmul", reduce(matmul, given), out)


@method("trace")
@autocasting("trace")
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()  # type: ignore[attr-defined]


@method("cross")
@numpy_names
def cross(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The vector product along a dimension of size 3, the first such one by default.

    Both have one shape and dtype (not bool); RuntimeError if no dimension, or that one, has size 3.

    >>> torch.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} "
            f"and {other.shape[dim]}"
        )
    a = input.roll(-1, dim) * other.roll(1, dim)  # type: ignore[attr-defined]
    return deliver("cross", a - input.roll(1, dim) * other.roll(-1, dim), out)  # type: ignore


@method("dist")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of ``input - other``.

    The shapes broadcast; the result is a floating tensor without dimensions. RuntimeError where the
    shapes do not broadcast.

    >>> torch.dist(torch.tensor([3., 0.]), torch.tensor([0., 4.]))
    tensor(5.)
    """
    return (input - other).norm(p)  # type: ignore[attr-defined]


__all__ = exported(globals())
