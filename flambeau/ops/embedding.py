"""Rows of a table by index."""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import int64
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import embedding as kernels
from flambeau.kernels.shared.sparse import gathering as sparse_kernels
from flambeau.ops.batching import counted_on, is_shared
from flambeau.ops.direct import run
from flambeau.ops.examples import is_readable
from flambeau.ops.sequences import arange
from flambeau.ops.vector_norms import vector_norm


def _batch_embedding(
    op: Op, weight: Tensor, indices: Tensor, padding_idx: Any, scale: bool
) -> Tensor:
    """The tables of the examples one below the other, unless they share it."""
    if is_shared(weight):
        return op(weight[0], indices, padding_idx, scale)  # type: ignore[index]
    rows = op(weight.flatten(0, 1), counted_on(indices, weight.shape[1]), -1, scale)  # type: ignore
    if padding_idx < 0:
        return rows
    padded = (indices == padding_idx).unsqueeze(-1)  # type: ignore[attr-defined]
    return rows.detach().where(padded, rows)  # which have no gradient


def _batch_embedding_grad(
    op: Op, grad: Tensor, indices: Tensor, rows: int, padding_idx: int, scale: bool
) -> Tensor:
    if padding_idx >= 0:
        grad = grad.masked_fill((indices == padding_idx).unsqueeze(-1), 0)  # type: ignore
    size = grad.shape[0]
    found = run(op, (grad, counted_on(indices, rows)), (size * rows, -1, scale))
    return found.unflatten(0, (size, rows))


_embedding = Op("embedding", kernels.embedding_forward, batch=_batch_embedding,
    inputs=("weight", "indices"),
    params=("padding_idx", "scale_grad_by_freq"),
    vjp={"weight": lambda grad, indices, weight_shape, padding_idx, scale_grad_by_freq: run(
        _embedding_grad, (grad, indices), (weight_shape[0], padding_idx, scale_grad_by_freq))},
    jvp=lambda weight_t, indices, padding_idx, scale_grad_by_freq: (
        _embedding(weight_t, indices, padding_idx, scale_grad_by_freq)),
    shape=lambda weight, indices, *rest: (
        (*indices.shape, *weight.shape[1:]), weight.dtype))  # fmt: skip

_embedding_grad = Op("embedding_backward", kernels.embedding_backward,
    inputs=("grad_output", "indices"), params=("rows", "padding_idx", "scale_grad_by_freq"),
    batch=_batch_embedding_grad,
    jvp=lambda grad_output_t, indices, rows, padding_idx, scale_grad_by_freq: run(
        _embedding_grad, (grad_output_t, indices), (rows, padding_idx, scale_grad_by_freq)),
    vjp={"grad_output": lambda grad, indices, padding_idx: _rows(grad, indices, padding_idx)},
    shape=lambda grad, indices, rows, *rest: (
        (rows, *grad.shape[len(indices.shape) :]), grad.dtype))  # fmt: skip


_embedding_of_sparse = Op(
    "embedding_with_sparse_gradient",
    kernels.embedding_forward,
    inputs=("weight", "indices"),
    params=("padding_idx", "scale_grad_by_freq"),
    node="Embedding",
    vjp={
        "weight": lambda grad, indices, weight_shape, padding_idx, scale_grad_by_freq: dispatch(
            _embedding_sparse_grad,
            (grad, indices),
            (weight_shape[0], padding_idx, scale_grad_by_freq),
        )
    },
    jvp=_embedding.jvp_rule,
    batch=_batch_embedding,
    shape=_embedding.shape_rule,
)
_embedding_sparse_grad = Op("embedding_sparse_backward", sparse_kernels.rows_of,
    inputs=("grad_output", "indices"), params=("rows", "padding_idx", "scale_grad_by_freq"),
    vjp={"grad_output": lambda grad, indices, padding_idx: _rows(
        grad.to_dense(), indices, padding_idx)})  # fmt: skip


def _rows(table: Tensor, indices: Tensor, padding_idx: int) -> Tensor:
    rows = _embedding(table, indices, padding_idx, False)
    if padding_idx >= 0:
        rows = rows.masked_fill((indices == padding_idx).unsqueeze(-1), 0)
    return rows


def check_indices(indices: Any, function: str, position: int = 1) -> None:
    """TypeError or RuntimeError unless ``indices`` is a tensor of int64 or int32."""
    if not isinstance(indices, Tensor):
        raise not_a_tensor(function, "indices", 2, indices)
    if indices.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"Expected tensor for argument #{position} 'indices' to have one of the following "
            "scalar "
            f"types: Long, Int; but got {indices.kind.type_name} instead (while checking arguments "
            f"for {function})"
        )


def check_padding(padding_idx: int | None, rows: int) -> int:
    """The row whose gradient is left out, -1 for none; AssertionError when out of range."""
    if padding_idx is None:
        return -1
    if padding_idx >= rows or padding_idx < -rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx + rows if padding_idx < 0 else padding_idx


def look_up(
    weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> Tensor:
    """The rows of a table, after the checks that ``torch.embedding`` makes."""
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    check_indices(indices, "embedding")
    if sparse and weight._node is not None:
        return run(_embedding_of_sparse, (weight, indices), (padding_idx, scale_grad_by_freq))
    return run(_embedding, (weight, indices), (padding_idx, scale_grad_by_freq))


def renormalize(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows that are used down to ``max_norm``, in place and without a history."""
    table, used = weight.detach(), indices.reshape(-1)  # type: ignore[attr-defined]
    rows = table[used]
    norms = vector_norm(rows, norm_type, 1, True)
    scale = (max_norm / (norms + 1e-7)).masked_fill(norms <= max_norm, 1)  # type: ignore
    table[used] = rows * scale


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of ``weight`` ``[V, D]`` at the indices ``input`` ``[*]``: ``[*, D]``.

    ``padding_idx`` is a row without gradient. With ``max_norm`` the rows that are used are first
    scaled down to that ``norm_type``-norm, in place. Raises IndexError for an index out of range.

    >>> table = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), table)
    tensor([[1., 2.],
            [0., 0.]])
    """
    if padding_idx is not None:
        padding_idx = check_padding(padding_idx, weight._array.shape[0])
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    padding = -1 if padding_idx is None else padding_idx
    return look_up(weight, input, padding, scale_grad_by_freq, sparse)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class indices ``[*]`` (int64) as vectors ``[*, num_classes]`` of one 1 and zeros elsewhere.

    ``num_classes`` -1 is one more than the largest index. RuntimeError for a class out of range, or
    other dtypes than int64.

    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.dtype is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    shape = tuple(tensor.shape)
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tensor.new_zeros((*shape, num_classes))  # type: ignore[attr-defined]
    if tensor.mapped and num_classes <= 0:
        raise RuntimeError(
            "When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive "
            "num_classes argument."
        )
    if is_readable(tensor):
        if tensor.min().item() < 0:  # type: ignore[attr-defined]
            raise RuntimeError("Class values must be non-negative.")
        largest = int(tensor.max().item())  # type: ignore[attr-defined]
        if num_classes == -1:
            num_classes = largest + 1
        elif num_classes <= largest:
            raise RuntimeError("Class values must be smaller than num_classes.")
    elif num_classes == -1:
        raise NotImplementedError("one_hot of a tensor on the meta device needs num_classes")
    classes = arange(num_classes, device=tensor.device)
    return (tensor.unsqueeze(-1) == classes).long()  # type: ignore[attr-defined]


__all__ = exported(globals())
