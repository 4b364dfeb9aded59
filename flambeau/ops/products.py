"""Products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.autocast import autocast, autocasting
from flambeau.core.dtype import cpp_name, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.errors import matmul_error
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import PLAIN, Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared import products as kernels
from flambeau.ops.batching import aligned
from flambeau.ops.pointwise.rules import adjoint, conj


def same_dtype(name: str, *tensors: Tensor) -> None:
    first = tensors[0]
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise not_a_tensor(name, "mat2", 2, tensor)
        if tensor.dtype is not first.dtype:
            raise RuntimeError(
                f"expected m1 and m2 to have the same dtype, but got: {cpp_name(first.dtype)} "
                f"!= {cpp_name(tensor.dtype)}"
            )


def same_stacks(first: Tensor, second: Tensor) -> None:
    """The check of two stacks of matrices."""
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_name(first.dtype)} but found {scalar_name(second.dtype)}"
        )


def same_vectors(vector: Tensor, matrix: Tensor, factor: Tensor) -> None:
    """The check of ``vector + matrix @ factor``."""
    if not vector.dtype is matrix.dtype is factor.dtype:
        shown = [scalar_name(t.dtype) for t in (vector, matrix, factor)]
        raise RuntimeError(
            "addmv input tensors must have the same dtype, but got "
            f"{shown[0]}, {shown[1]}, and {shown[2]}"
        )


_mm = Op(
    "mm",
    kernels.mm,
    batch=lambda op, input, mat2: input.matmul(mat2),
    inputs=("input", "mat2"),
    widen=True,
    accepts="ifc",
    refusal="addmm_impl_cpu_",
    empties=True,
    vjp={
        "input": lambda grad, mat2: grad.mm(adjoint(mat2)),
        "mat2": lambda grad, input: adjoint(input).mm(grad),
    },
    jvp=lambda input, mat2, input_t, mat2_t: _sum_of(
        input_t, lambda t: t.mm(mat2), mat2_t, lambda t: input.mm(t)
    ),
    shape=lambda a, b: (a.shape[0], b.shape[1]),
)


def _sum_of(first: Any, f: Any, second: Any, g: Any) -> Any:
    """The tangent of a bilinear operator; a tangent is None where there is none."""
    if first is None or second is None:
        return g(second) if first is None else f(first)
    return f(first) + g(second)


@method("mm")
def mm(
    input: Tensor, mat2: Tensor, out_dtype: DType | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The product of two matrices: ``[n, m]`` and ``[m, p]`` give ``[n, p]``.

    Of one dtype, not bool unless one is empty; RuntimeError where the shapes do not fit. Half
    precision with ``out_dtype=torch.float32`` is multiplied without rounding the result to halves.

    >>> torch.mm(torch.tensor([[1., 2.]]), torch.tensor([[3.], [4.]]))
    tensor([[11.]])
    """
    if flags.active:
        input, mat2 = autocast("mm", (input, mat2))
    for tensor, name in ((input, "self"), (mat2, "mat2")):
        if not isinstance(tensor, Tensor):
            raise not_a_tensor(
                "mm", "input" if name == "self" else name, 1 if name == "self" else 2, tensor
            )
        if tensor.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        raise matmul_error(input.shape, mat2.shape)
    same_dtype("mm", input, mat2)
    if out_dtype is not None:
        input, mat2 = input.to(out_dtype), mat2.to(out_dtype)  # type: ignore[attr-defined]
    return deliver("mm", _mm(input, mat2), out, exact=True)


_matmul = Op(
    "bmm",
    kernels.matmul,
    batch=lambda op, input, mat2: op(*aligned(input, mat2)),
    inputs=("input", "mat2"),
    widen=True,
    accepts="ifc",
    refusal="bmm",
    empties=True,
    vjp={
        "input": lambda grad, mat2: grad.matmul(adjoint(mat2)),
        "mat2": lambda grad, input: adjoint(input).matmul(grad),
    },
    jvp=lambda input, mat2, input_t, mat2_t: _sum_of(
        input_t, lambda t: t.matmul(mat2), mat2_t, lambda t: input.matmul(t)
    ),
)


@_matmul.shape
def _(a: Any, b: Any) -> tuple[int, ...]:
    batch = [
        max(m, n) if 0 not in (m, n) else 0 for m, n in zip(*_padded(a.shape[:-2], b.shape[:-2]))
    ]
    return (*batch, a.shape[-2], b.shape[-1])


def _padded(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    n = max(len(a), len(b))
    return (1,) * (n - len(a)) + tuple(a), (1,) * (n - len(b)) + tuple(b)


@method("bmm")
def bmm(
    input: Tensor, mat2: Tensor, out_dtype: DType | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Products of two stacks of matrices: ``[b, n, m]`` and ``[b, m, p]`` give ``[b, n, p]``.

    Of one dtype, not bool unless one is empty; RuntimeError where the shapes do not fit.

    >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 4)).shape
    torch.Size([2, 1, 4])
    """
    if flags.active:
        input, mat2 = autocast("bmm", (input, mat2))
    for tensor, name in ((input, "batch1"), (mat2, "batch2")):
        if tensor.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, "
            f"{input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    same_stacks(input, mat2)
    if out_dtype is not None:
        input, mat2 = input.to(out_dtype), mat2.to(out_dtype)  # type: ignore[attr-defined]
    return deliver("bmm", _matmul(input, mat2), out, exact=True)


_dot = Op(
    "dot",
    kernels.dot,
    batch=lambda op, input, tensor: (input * tensor).sum(-1),
    inputs=("input", "tensor"),
    widen=True,
    accepts="ifc",
    refusal="dot",
    vjp={
        "input": lambda grad, tensor: grad * conj(tensor),
        "tensor": lambda grad, input: grad * conj(input),
    },
    jvp=lambda input, tensor, input_t, tensor_t: _sum_of(
        input_t, lambda t: t.dot(tensor), tensor_t, lambda t: input.dot(t)
    ),
    shape=lambda a, b: (),
)


@method("dot")
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors.

    ``[n]`` and ``[n]`` of one dtype; RuntimeError otherwise.

    >>> torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            "dot : expected both vectors to have same dtype, but found "
            f"{scalar_name(input.dtype)} and {scalar_name(tensor.dtype)}"
        )
    if input.shape != tensor.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src "
            f"[{tensor.shape[0]}] "
            "to have the same number of elements, but got "
            f"{input.shape[0]} and {tensor.shape[0]} elements respectively"
        )
    return deliver("dot", _dot(input, tensor), out, exact=True)


@method("vdot")
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of a vector's conjugate with another.

    ``[n]`` and ``[n]`` of one dtype; RuntimeError otherwise.

    >>> torch.vdot(torch.tensor([1j, 2]), torch.tensor([1j, 1]))
    tensor(3.+0.j)
    """
    return dot(conj(input), other, out=out)


@method("mv")
@autocasting("mv")
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix ``[n, m]`` and a vector ``[m]``."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat "
            f"({input.shape[0]}x{input.shape[1]}), vec ({vec.shape[0]})"
        )
    same_vectors(vec, input, vec)
    return deliver("mv", _mm(input, vec.unsqueeze(1)).squeeze(1), out, exact=True)  # type: ignore


@method("matmul __matmul__")
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product: of vectors, matrices, or stacks of matrices that are broadcast.

    RuntimeError where the sizes do not fit, or for two dtypes.

    >>> torch.ones(2, 3).matmul(torch.ones(3, 4)).shape
    torch.Size([2, 4])
    """
    try:
        kind = input._kind
    except AttributeError:
        raise not_a_tensor("matmul", "input", 1, input) from None
    if (
        kind is not None
        and out is None
        and type(other) in PLAIN
        and kind is other._kind
        and kind.floating
        and not (kind.narrow or flags.active or kind.place == META)
    ):
        a, b = input._array, other._array
        if a.ndim == 2 and b.ndim == 2:
            try:
                result = wrap(a.dot(b), kind)
            except ValueError:
                return mm(input, other)
            if modes.grad and (input._node is not None or other._node is not None):
                record(_mm, result, (input, other))
            return result
    return deliver("matmul", _matmul_of(input, other), out, exact=True)


@method("__rmatmul__")
def _rmatmul(self: Tensor, other: Tensor) -> Tensor:
    return matmul(other, self)


def _matmul_of(input: Tensor, other: Any) -> Tensor:
    if not isinstance(other, Tensor):
        raise not_a_tensor("matmul", "other", 2, other)
    if flags.active:
        input, other = autocast("matmul", (input, other))
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and "
            f"{other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return dot(input, other)
    if input.ndim == 2 and other.ndim == 2:
        return mm(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return mv(input, other)
    if input.ndim == 1:
        return _matmul_of(input.unsqueeze(0), other).squeeze(-2)  # type: ignore[attr-defined]
    if other.ndim == 1:
        return _matmul_of(input, other.unsqueeze(1)).squeeze(-1)  # type: ignore[attr-defined]
    if input.shape[-1] != other.shape[-2]:
        raise _stack_error(input.shape, other.shape)
    if other.ndim == 2:
        same_dtype("matmul", input, other)
    else:
        same_stacks(input, other)
    for i, (m, n) in enumerate(zip(reversed(input.shape[:-2]), reversed(other.shape[:-2])), 3):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                "non-singleton "
                f"dimension {max(input.ndim, other.ndim) - i}"
            )
    return _matmul(input, other)


def _stack_error(a: tuple[int, ...], b: tuple[int, ...]) -> Exception:
    """The error for stacks that do not fit: PyTorch multiplies them folded."""
    if len(b) == 2:
        return matmul_error((math.prod(a[:-1]), a[-1]), b)
    batch = math.prod(max(m, n) for m, n in zip(*_padded(tuple(a[:-2]), tuple(b[:-2]))))
    return RuntimeError(
        f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a[-1]}] "
        "but got: "
        f"[{batch}, {b[-2]}]."
    )


@method("outer ger")
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of all elements of two vectors: ``[n]`` and ``[m]`` give ``[n, m]``.

    RuntimeError unless both are vectors.

    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4, 5]))
    tensor([[ 3,  4,  5],
            [ 6,  8, 10]])
    """
    for tensor in (input, vec2):
        if tensor.ndim != 1:
            raise RuntimeError(
                f"outer: Expected 1-D argument {'self' if tensor is input else 'vec2'}, but "
                f"got {tensor.ndim}-D"
            )
    return deliver("outer", input.unsqueeze(1) * vec2, out)  # type: ignore[attr-defined]


ger = outer

__all__ = exported(globals(), "same_dtype same_stacks same_vectors")
silence(globals())
