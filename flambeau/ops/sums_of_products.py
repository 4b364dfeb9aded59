"""Products added to a tensor in one step: ``addmm`` and its kin."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocast, autocasting
from flambeau.core.dtype import cpp_name, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.errors import matmul_error
from flambeau.core.modes import flags
from flambeau.core.op import Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver, overwrite
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import products as kernels
from flambeau.ops.batching import padded_to
from flambeau.ops.geometry import relook
from flambeau.ops.pointwise.rules import adjoint
from flambeau.ops.products import bmm, mv, outer, same_stacks, same_vectors


def _batch_addmm(
    op: Op, input: Tensor, mat1: Tensor, mat2: Tensor, beta: Any, alpha: Any
) -> Tensor:
    product = _times(mat1.matmul(mat2), alpha)  # type: ignore[attr-defined]
    return product + _times(padded_to(input, product.ndim), beta)


_addmm = Op(
    "addmm",
    kernels.addmm,
    batch=_batch_addmm,
    inputs=("input", "mat1", "mat2"),
    params=("beta", "alpha"),
    widen=True,
    accepts="ifc",
    refusal="addmm_impl_cpu_",
    empties=True,
    vjp={
        "input": lambda grad, beta: _times(grad, beta.conjugate()),
        "mat1": lambda grad, mat2, alpha: _times(grad.matmul(adjoint(mat2)), alpha.conjugate()),
        "mat2": lambda grad, mat1, alpha: _times(adjoint(mat1).matmul(grad), alpha.conjugate()),
    },
    shape=lambda bias, a, b, beta, alpha: (*a.shape[:-1], b.shape[-1]),
)


def _times(tensor: Tensor, alpha: Any) -> Tensor:
    """``alpha * tensor`` in the dtype of the tensor."""
    if alpha == 1:
        return tensor
    return tensor * (
        bool(alpha) if tensor.dtype.rank == 0 else int(alpha) if tensor.dtype.rank == 1 else alpha
    )


@method("addmm addmm_")
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, out_dtype: DType | None = None, *, beta: complex = 1,
    alpha: complex = 1, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat1 @ mat2)``.

    ``[n, m]`` and ``[m, p]`` of one dtype, ``input`` of a shape that broadcasts to ``[n, p]``.
    RuntimeError otherwise.

    >>> torch.addmm(torch.ones(2), torch.eye(2), torch.eye(2), beta=10)
    tensor([[11., 10.],
            [10., 11.]])
    """
    if flags.active:
        input, mat1, mat2 = autocast("addmm", (input, mat1, mat2))
    for tensor, name in ((mat1, "mat1"), (mat2, "mat2")):
        if tensor.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {tensor.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        raise matmul_error(mat1.shape, mat2.shape)
    check_dtypes(input, mat1, mat2)
    check_expands(input, (mat1.shape[0], mat2.shape[1]))
    return deliver("addmm", _addmm(input, mat1, mat2, beta, alpha), out, exact=True)


def check_dtypes(input: Tensor, mat1: Tensor, mat2: Tensor) -> None:
    """The check of ``input + mat1 @ mat2``."""
    for name, tensor in (("self", input), ("mat1", mat1)):
        if tensor.dtype is not mat2.dtype:
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {scalar_name(tensor.dtype)} "
                f"and {scalar_name(mat2.dtype)}"
            )


def check_expands(input: Tensor, shape: tuple[int, ...]) -> None:
    input.expand(shape)  # type: ignore[attr-defined]


@method("addmv addmv_")
@autocasting("addmv")
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: complex = 1, alpha: complex = 1,
          out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat @ vec)``."""
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}"
        )
    if mat.shape[1] != vec.shape[0] or (input.ndim and input.shape[0] not in (1, mat.shape[0])):
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0] if input.ndim else 1}), mat "
            f"({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    same_vectors(input, mat, vec)
    product = _times(mv(mat, vec), alpha)
    return deliver("addmv", product if beta == 0 else product + _times(input, beta), out)


@method("baddbmm baddbmm_")
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    out_dtype: DType | None = None,
    *,
    beta: complex = 1,
    alpha: complex = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)`` for stacks of matrices.

    ``[b, n, m]`` and ``[b, m, p]`` of one dtype, ``input`` of a shape that broadcasts to
    ``[b, n, p]``. RuntimeError otherwise.

    >>> torch.baddbmm(torch.zeros(1, 1, 1), torch.ones(1, 1, 3), torch.ones(1, 3, 1))
    tensor([[[3.]]])
    """
    if flags.active:
        input, batch1, batch2 = autocast("baddbmm", (input, batch1, batch2))
    if batch1.ndim != 3 or batch2.ndim != 3:
        raise RuntimeError(f"batch{1 if batch1.ndim != 3 else 2} must be a 3D tensor")
    if batch1.shape[0] != batch2.shape[0] or batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch1.shape[0]}, "
            f"{batch1.shape[2]}] but got: [{batch2.shape[0]}, {batch2.shape[1]}]."
        )
    same_stacks(batch1, batch2)
    if input.dtype is not batch1.dtype:
        shown = cpp_name(input.dtype), cpp_name(batch1.dtype), cpp_name(batch2.dtype)
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {shown[0]}, batch1: {shown[1]}, batch2: "
            f"{shown[2]}"
        )
    check_expands(input, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    return deliver("baddbmm", _addmm(input, batch1, batch2, beta, alpha), out, exact=True)


@method("addbmm")
@autocasting("addbmm")
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: complex = 1, alpha: complex = 1,
           out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``beta * input + alpha * sum(batch1 @ batch2)``, summed over the stack."""
    check_dtypes(input, batch1, batch2)
    product = _times(bmm(batch1, batch2).sum(0, dtype=batch1.dtype), alpha)  # type: ignore
    check_expands(input, tuple(product.shape))
    return deliver(
        "addbmm", product if beta == 0 else product + _times(input, beta), out, exact=True
    )


@method("addbmm_")
def _addbmm_in_place(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: complex = 1,
                     alpha: complex = 1) -> Tensor:  # fmt: skip
    """In-place form of ``addbmm``; a tensor that is only broadcast to the result's shape gets it,
    and memory of its own."""
    shape = batch1.shape[1:2] + batch2.shape[2:3]
    if self.shape != shape and len(shape) == 2:
        check_expands(self, shape)
        relook(self, lambda whole: whole.expand(shape).clone())
    return overwrite(self, addbmm, batch1, batch2, beta=beta, alpha=alpha)


@method("addr addr_")
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: complex = 1, alpha: complex = 1,
         out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``beta * input + alpha * outer(vec1, vec2)``.

    ``[n]`` and ``[m]``, ``input`` of a shape that broadcasts to ``[n, m]``. RuntimeError otherwise.

    >>> torch.addr(torch.zeros(2, 2), torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    product = _times(outer(vec1, vec2), alpha)
    check_expands(input, tuple(product.shape))
    return deliver("addr", product if beta == 0 else product + _times(input, beta), out)


addmv_ = Tensor.addmv_  # type: ignore[attr-defined]


__all__ = [*exported(globals(), "check_dtypes check_expands"), "addmv_"]
silence(globals())
