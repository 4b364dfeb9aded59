"""Batching rules that several operators share: what ``batch=`` of a declaration may say.

A rule receives the operator, its tensors with the hidden dimension in front, and its parameters.
Tensors that are the same for all examples come expanded, and ``is_shared`` tells them.
``NotImplemented`` sends the call example by example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.dtype import bool_
from flambeau.core.op import Op
from flambeau.core.tensor import Tensor
from flambeau.ops.sequences import arange

Rule = Callable[..., Any]


def is_shared(tensor: Any) -> bool:
    """Whether all examples are the same tensor, expanded."""
    return tensor is None or tensor.shape[0] == 1 or tensor.stride(0) == 0


def aligned(*tensors: Any) -> list[Any]:
    """The tensors with dimensions of size 1 after the hidden one, until all have the same rank."""
    rank = max([t.ndim for t in tensors if t is not None])
    return [t if t is None else padded_to(t, rank) for t in tensors]


def padded_to(tensor: Any, rank: int) -> Tensor:
    """A tensor of that rank, with dimensions of size 1 after the hidden one."""
    return tensor.reshape(tensor.shape[0], *[1] * (rank - tensor.ndim), *tensor.shape[1:])


def reduced_each(losses: Any, reduction: str) -> Tensor:
    """The losses, or their mean or sum of each example."""
    if reduction == "none":
        return losses
    flat = losses.reshape(losses.shape[0], -1)
    return flat.mean(1) if reduction == "mean" else flat.sum(1)


def of_losses(op: Op, *given: Any) -> Tensor:
    """Losses of single elements, whose last parameter is the reduction."""
    count = len(op.inputs)
    losses = op(*aligned(*given[:count]), *given[count:-1], "none")
    return reduced_each(losses, given[-1])


def folded_to(op: Op, *given: Any) -> Tensor:
    """As ``FOLDED``, of operators whose first parameter is the shape of the result."""
    count = len(op.inputs)
    shape, *rest = given[count:]
    tensors = [t.flatten(0, 1) for t in given[:count]]
    size = given[0].shape[0]
    return op(*tensors, (size * shape[0], *shape[1:]), *rest).unflatten(0, (size, shape[0]))


# ---- indices


def _examples(like: Any, rank: int) -> Tensor:
    """The number of each example, as an index that broadcasts with others of that rank."""
    return arange(like.shape[0], device=like.device).reshape(-1, *[1] * (rank - 1))  # type: ignore


def by_index(written: int) -> Rule:
    """The rule of operators that read or write at index tensors; ``places`` says at which
    dimensions.

    The tensors are the one that is indexed, ``written`` values, and the indices. The hidden
    dimension becomes one more index.
    """

    def rule(op: Op, tensors: list[Any], places: tuple[bool, ...], *params: Any) -> Any:
        indices = tensors[1 + written :]
        if any([i.dtype is bool_ for i in indices]):
            return NotImplemented
        indices = aligned(*indices)
        front, rank = _leading(places), indices[0].ndim - 1
        whole = tensors[0].ndim + rank - sum(places)
        values = [_values_first(padded_to(v, whole), front, rank) for v in tensors[1 : 1 + written]]
        numbers = _examples(tensors[0], rank + 1)
        result = op((tensors[0], *values, numbers, *indices), (True, *places), *params)
        return result if written else _values_back(result, front, rank)

    return rule


def _leading(places: tuple[bool, ...]) -> int:
    """How many dimensions stay in front of those of the indices: none where places are apart."""
    taken = [d for d, is_taken in enumerate(places) if is_taken]
    return taken[0] if taken[-1] - taken[0] == len(taken) - 1 else 0


def _values_back(result: Any, front: int, rank: int) -> Tensor:
    """Indexed values with the dimensions of the indices where they are without a batch."""
    at = range(1, 1 + rank)
    return result.movedim(tuple(at), tuple([d + front for d in at])) if front and rank else result


def _values_first(values: Any, front: int, rank: int) -> Tensor:
    """Values to be written with the dimensions of the indices right after the hidden one."""
    at = range(1, 1 + rank)
    return values.movedim(tuple([d + front for d in at]), tuple(at)) if front and rank else values


def index_sum(op: Op, tensors: list[Any], places: tuple[bool, ...], shape: Any) -> Any:
    """The rule of the gradient of indexing."""
    values, *indices = tensors
    if any([i.dtype is bool_ for i in indices]):
        return NotImplemented
    indices = aligned(*indices)
    rank = indices[0].ndim - 1
    values = _values_first(values, _leading(places), rank)
    size = values.shape[0]
    return op((values, _examples(values, rank + 1), *indices), (True, *places), (size, *shape))


def counted_on(index: Any, size: int) -> Tensor:
    """Indices of each example into what ``size`` elements of each make one after the other.

    IndexError for an index that would fall to another example.
    """
    if index.device.type != "meta" and bool(((index < -size) | (index >= size)).any()):
        raise IndexError("index out of range in self")
    return index.where(index >= 0, index + size) + _examples(index, index.ndim) * size


def along_dim(op: Op, input: Any, index: Any, src: Any, dim: int, *rest: Any) -> Any:
    """Slices written at the indices of a vector: the examples' slices one after the other."""
    if input.ndim == 1:
        return along_dim(op, input.unsqueeze(1), index, src.reshape(index.shape), 0, *rest)[:, 0]
    if is_shared(index):
        return op(input, index[0], src, dim + 1, *rest)
    rows = input.movedim(dim + 1, 1)
    slices = src.movedim(dim + 1, 1).flatten(0, 1)
    places = counted_on(index, rows.shape[1]).flatten()
    written = op(rows.flatten(0, 1), places, slices, 0, *rest)
    return written.reshape(rows.shape).movedim(1, dim + 1)


def of_flat(op: Op, input: Any, index: Any, *rest: Any) -> Tensor:
    """Elements of the flattened tensor: those of an example lie behind those of the ones before."""
    return op(input, counted_on(index, input[0].numel()), *rest)


# ---- normalisation


def of_channels(op: Op, input: Any, *rest: Any) -> Any:
    """Batch norm: the channels of all examples side by side."""
    vectors, params = rest[: len(op.inputs) - 1], rest[len(op.inputs) - 1 :]
    size, batch, channels, *spatial = input.shape
    image = input.transpose(0, 1).reshape(batch, size * channels, *spatial)
    flat = [None if v is None else v.reshape(-1) for v in vectors]
    result, *kept = op(image, *flat, *params)
    result = result.reshape(batch, size, channels, *spatial).transpose(0, 1)
    return result, *[k if k is None else k.reshape(size, -1) for k in kept]


def of_groups(op: Op, input: Any, weight: Any, bias: Any, *params: Any) -> Any:
    """Group norm: the examples' own batches as one; factors of their own are applied after it."""
    shared = is_shared(weight) and is_shared(bias)
    inside = [v[0] if shared and v is not None else None for v in (weight, bias)]
    result, *kept = op(input.flatten(0, 1), *inside, *params)
    result = result.reshape(input.shape)
    if not shared:
        shape = (input.shape[0], 1, -1, *[1] * (input.ndim - 3))
        result = result if weight is None else result * weight.reshape(shape)
        result = result if bias is None else result + bias.reshape(shape)
    return result, *[k.reshape(input.shape[0], -1, *k.shape[1:]) for k in kept]
