"""Sums, means and maxima of the rows of a table, by bags of indices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy

from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.embedding import check_indices, look_up, renormalize
from flambeau.ops.examples import by_example
from flambeau.ops.from_data import tensor

MODES = ("sum", "mean", "max")
Maybe = Tensor | None


def _bounds(indices: Tensor, offsets: Tensor, include_last_offset: bool) -> numpy.ndarray:
    """Where each bag begins, and where the last one ends."""
    starts = numpy.asarray(offsets.tolist(), numpy.int64)  # type: ignore[attr-defined]
    length = indices.numel()
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts.size and starts[-1] > length:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of "
            f"{starts[-1]}"
        )
    ends = starts if include_last_offset else numpy.append(starts, length)
    if (numpy.diff(ends) < 0).any():
        raise RuntimeError("embedding_bag(): offsets must not decrease")
    return ends


def bags(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool, mode: str,
    sparse: bool, per_sample_weights: Maybe, include_last_offset: bool, padding_idx: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The reduced rows ``[B, D]``, the bag of each index, the size of each bag, and for ``max`` the
    indices chosen."""
    check_indices(indices, "embedding_bag")
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for "
            "argument #1 "
            f"'per_sample_weights'; but type {weight.kind.type_name} does not equal "
            f"{per_sample_weights.kind.type_name} (while checking arguments for embedding_bag)"
        )
    if indices.device.type == "meta":
        count = offsets.numel() - include_last_offset
        result = weight.new_empty((count, weight.shape[1]))  # type: ignore[attr-defined]
        return result, indices, offsets[:count], indices[:0]  # type: ignore[index]
    bounds = _bounds(indices, offsets, include_last_offset)
    count, sizes = len(bounds) - 1, numpy.diff(bounds)
    bag = tensor(numpy.repeat(numpy.arange(count), sizes), device=indices.device)
    used = indices[: int(bounds[-1])] if len(bounds) else indices  # type: ignore[index]
    try:
        rows = look_up(weight, used, padding_idx, scale_grad_by_freq, sparse)
    except IndexError as error:
        raise RuntimeError(f"embedding_bag(): {error}") from None
    kept = (used != padding_idx).to(weight.dtype)  # type: ignore[attr-defined]
    zeros = weight.detach().new_zeros((count, weight.shape[1]))  # type: ignore[attr-defined]
    filled = kept.detach().new_zeros(count).index_add(0, bag, kept)  # type: ignore
    if mode == "max":
        result, chosen = _maximum(rows, used, bounds, padding_idx)
        return result, bag, filled.to(bag.dtype), chosen
    if per_sample_weights is not None:
        kept = kept * per_sample_weights[: used.numel()]  # type: ignore[index]
    if padding_idx >= 0 or per_sample_weights is not None:
        rows = rows * kept.unsqueeze(1)
    result = zeros.index_add(0, bag, rows)
    if mode == "mean":
        result = result / filled.clamp_min(1).unsqueeze(1)
    return result, bag, filled.to(bag.dtype), bag.new_zeros(0)  # type: ignore[attr-defined]


def _maximum(
    rows: Tensor, used: Tensor, bounds: numpy.ndarray, padding_idx: int
) -> tuple[Tensor, Tensor]:
    """The largest element of each column of each bag, 0 for an empty bag, and its index."""
    sizes, width = numpy.diff(bounds), rows.shape[1]
    longest = max(1, int(sizes.max(initial=1)))
    places = bounds[:-1, None] + numpy.arange(longest)
    inside = tensor(numpy.arange(longest) < sizes[:, None], device=used.device)
    if not used.numel():
        empty = rows.new_zeros((len(sizes), width))  # type: ignore[attr-defined]
        return empty, used.new_zeros((len(sizes), width))  # type: ignore[attr-defined]
    taken = tensor(numpy.minimum(places, used.numel() - 1), device=used.device)
    labels = used[taken]  # type: ignore[index]
    inside = inside & (labels != padding_idx)
    table = rows[taken].masked_fill(inside.logical_not().unsqueeze(2), float("-inf"))  # type: ignore
    values, best = table.max(1)
    found = inside.any(1).unsqueeze(1)
    return values.masked_fill(found.logical_not(), 0), labels.gather(1, best).where(found, best * 0)


@by_example
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Maybe = None, max_norm: float | None = None,
    norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean",
    sparse: bool = False, per_sample_weights: Maybe = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or maximum of the rows of ``weight`` in each bag: ``[B, D]``.

    ``input`` ``[B, n]`` holds bags of the same size; ``[N]`` all bags one after the other, with
    ``offsets`` saying where each begins (and where the last ends, with ``include_last_offset``).
    ``per_sample_weights`` multiply the rows of a sum. The row ``padding_idx`` does not count.

    >>> table = torch.tensor([[1.0], [2.0], [4.0]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([[0, 1], [1, 2]]), table, mode="sum")
    tensor([[3.],
            [6.]])
    """
    if weight.dtype.rank == 1 and input.dtype.is_floating_point:
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, "
            "input, ...)` is deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        input, weight = weight, input
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
            "it "
            f"must have the same shape as the input ({input.shape})"
        )
    input, offsets, per_sample_weights = _flat(input, offsets, per_sample_weights)
    if mode not in MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            "for "
            f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )
    return bags(
        weight, input, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
        include_last_offset, bag_padding(padding_idx, weight.shape[0]),
    )[0]  # fmt: skip


def bag_padding(padding_idx: int | None, rows: int) -> int:
    """The row that does not count, -1 for none; RuntimeError when out of range."""
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}, "
            "but got "
            f"{padding_idx}"
        )
    return padding_idx % rows


def _flat(input: Tensor, offsets: Maybe, weights: Maybe) -> tuple[Tensor, Tensor, Maybe]:
    """Bags of the same size as bags one after the other."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                "of "
                f"fixed length sequences. However, found offsets of type {_type_of(offsets)}"
            )
        starts = numpy.arange(input.shape[0]) * input.shape[1]
        offsets = tensor(starts, dtype=input.dtype, device=input.device)
        flat = None if weights is None else weights.reshape(-1)  # type: ignore[attr-defined]
        return input.reshape(-1), offsets, flat  # type: ignore[attr-defined]
    if input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    return input, offsets, weights


def _type_of(value: Any) -> str:
    return "<class 'torch.Tensor'>" if isinstance(value, Tensor) else str(type(value))


__all__ = [name for name in exported(globals()) if name == "embedding_bag"]
