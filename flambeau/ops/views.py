"""Views with dimensions of size 1 more or less, and views without history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.families import ViewOp
from flambeau.core.flips import flip
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.numpy_names import chosen
from flambeau.core.op import SAME, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.sparse import wrap_any
from flambeau.core.storage import strides
from flambeau.core.tensor import PLAIN, Tensor, share_version, wrap, wrap_view
from flambeau.kernels.quiet import silence
from flambeau.ops.geometry import in_place_view, ints, strided

Dims = int | Sequence[int]


# ---- dimensions of size 1


def _squeezed(array: Any, dims: tuple[int, ...]) -> Any:
    shape = array.shape
    drop = tuple([d for d in dims if shape[d] == 1])
    if array.size:
        return array.squeeze(drop) if drop else array[...]
    steps, keep = strides(array), [d for d in range(array.ndim) if d not in drop]
    return strided(array, [shape[d] for d in keep], [steps[d] for d in keep])


def _squeezer(node: str) -> ViewOp:
    op = ViewOp("squeeze", _squeezed, params=("dims",),
        batch=lambda op, input, dims: op(input, tuple([d + 1 for d in dims])),
        vjp={"input": lambda grad, input_shape: grad.reshape(input_shape)})  # fmt: skip
    op.node_type.__name__ = op.node_type.__qualname__ = node
    return op


_squeeze, _squeeze_dim, _squeeze_dims = map(
    _squeezer, ("SqueezeBackward0", "SqueezeBackward1", "SqueezeBackward2")
)


@in_place_view("squeeze_")
@method("squeeze")
def squeeze(input: Tensor, dim: Dims | None = None, *, axis: Dims | None = None) -> Tensor:
    """A view of ``input`` without its dimensions of size 1, or without those among ``dim``.

    IndexError for a dimension that ``input`` does not have.

    >>> torch.ones(1, 2, 1).squeeze().shape
    torch.Size([2])
    """
    ndim = input.ndim
    if axis is not None:
        dim = chosen("squeeze", "axis", axis, dim)
    if dim is None:
        return _squeeze(input, tuple(range(ndim)))
    wrapped = [wrap_dim(d, ndim) for d in ((dim,) if isinstance(dim, int) else ints((dim,)))]
    if len(set(wrapped)) != len(wrapped):
        twice = next(d for d in wrapped if wrapped.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    op = _squeeze_dim if isinstance(dim, int) else _squeeze_dims
    return op(input, tuple(wrapped) if ndim else ())


def _unsqueezed(array: Any, dim: int) -> Any:
    shape, steps = array.shape, strides(array)
    step = shape[dim] * steps[dim] if dim < len(shape) else 1
    return strided(array, shape[:dim] + (1,) + shape[dim:], steps[:dim] + (step,) + steps[dim:])


unsqueeze_op = ViewOp("unsqueeze", _unsqueezed, params=("dim",),
    batch=lambda op, input, dim: op(input, dim + 1),
    vjp={"input": lambda grad, dim: grad.squeeze(dim)})  # fmt: skip


@in_place_view("unsqueeze_")
@method("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view of ``input`` with a new dimension of size 1 at ``dim``.

    IndexError for a place beyond the dimensions.

    >>> torch.ones(2).unsqueeze(-1).shape
    torch.Size([2, 1])
    """
    kind = input._kind
    if kind is None or flags.active:
        return unsqueeze_op(input, wrap_dim(dim, input.ndim + 1))
    array = input._array
    shape = array.shape
    if dim < 0:
        dim = wrap_dim(dim, len(shape) + 1)
    if array.size > 1 and dim <= len(shape) and 1 not in shape and array.flags.c_contiguous:
        viewed = array.reshape(*shape[:dim], 1, *shape[dim:])
    else:
        viewed = _unsqueezed(array, wrap_dim(dim, len(shape) + 1))
    result = wrap_view(viewed, kind, input)
    if input._node is not None and modes.grad:
        record(unsqueeze_op, result, (input,), (dim,))
    return result


# ---- the same elements without history


def _same(array: Any) -> Any:
    return array[...]


_detach = Op(
    "detach",
    _same,
    shape=SAME,
    batch=lambda op, input: op(input),
    doc="The elements without history.",
)
alias_op = ViewOp(
    "alias",
    _same,
    batch=lambda op, input: op(input),
    vjp={"input": lambda grad: grad},
    doc="A view of everything.",
)


@method("detach")
def detach(input: Tensor) -> Tensor:
    """A tensor over the same memory without history: writes are shared, gradients are not.

    >>> torch.ones(2, requires_grad=True).detach().requires_grad
    False
    """
    if input._kind is not None and not (flags.active and modes.interceptors):
        result = wrap(input._array, input._kind)
    elif input._kind is None and type(input) in PLAIN:
        result = flip(wrap_any(input._array, input.kind), input._flips)
    else:
        result = _detach(input)
    result._writes = input._writes if input._writes is not None else share_version(input)
    return result


@method("detach_")
def detach_(input: Tensor) -> Tensor:
    """Takes the history away from ``input`` itself; RuntimeError for a view."""
    if input._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
            "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
            "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
            "function in torch/optim/optimizer.py as the solution."
        )
    input._node = None
    return input


__all__ = exported(globals())
silence(globals())
