"""Elements without their repetitions."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import int64
from flambeau.core.flips import elements
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor, wrap
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import uniques as kernels
from flambeau.kernels.shared.precision import wide
from flambeau.ops.examples import check_not_mapped


def known_elements(name: str, tensor: Tensor) -> tuple[Any, Any]:
    """The array of a tensor, and its library."""
    check_not_mapped("_unique2" if name == "unique" else name, tensor)
    if tensor.kind.place == META:
        raise NotImplementedError(
            f"{name}: the shape of the result depends on the elements, which tensors on the meta "
            "device do not have"
        )
    return elements(tensor), tensor.kind.xp


_distinct = places(kernels.distinct)


def as_result(array: Any, like: Tensor, of: Any = None) -> Tensor:
    return wrap(array, like.kind if of is None else like.kind.family[of])


@method("unique")
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (slices along ``dim``) in order; each NaN is distinct.

    Also the index of each element among them, and how often each occurs, when asked for. IndexError
    for a dimension that ``input`` does not have.

    >>> torch.unique(torch.tensor([3, 1, 3]))
    tensor([1, 3])
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)[1]
    tensor([1, 2])
    """
    array, xp = known_elements("unique", input)
    if dim is not None:
        dim = wrap_dim(dim, input.ndim)
        if input.numel() == 0 and input.shape[dim] != 0:
            raise RuntimeError(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be "
                "applied"
            )
    if dim is None:
        values, inverse, counts = _distinct[input.kind.place](array.reshape(-1))  # type: ignore[misc]
        inverse = inverse.reshape(input.shape)
    else:
        values, inverse, counts = xp.unique(
            array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False
        )
        inverse = inverse.reshape(input.shape[dim])
        # Slices lie one after the other.
        values = xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(values, dim, 0)), 0, dim)
    return _chosen_of(values, inverse, counts, input, return_inverse, return_counts)


def _chosen_of(
    values: Any, inverse: Any, counts: Any, input: Tensor, with_inverse: bool, with_counts: bool
) -> Any:
    results = [as_result(values, input)]
    if with_inverse:
        results.append(as_result(inverse.astype(numpy.int64), input, int64))
    if with_counts:
        results.append(as_result(counts.astype(numpy.int64), input, int64))
    return results[0] if len(results) == 1 else tuple(results)


@method("unique_consecutive")
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:  # fmt: skip
    """The elements (slices along ``dim``) that differ from the one before them.

    Also the index of each among them, and how often each occurs, when asked for.

    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    array, xp = known_elements("unique_consecutive", input)
    rows = array.reshape(-1) if dim is None else xp.moveaxis(array, dim, 0)
    n = len(rows)
    flat = wide(rows).reshape(n, -1) if rows.size else xp.zeros((n, 1))
    fresh = xp.ones(n, bool)
    fresh[1:] = (flat[1:] != flat[:-1]).any(1)
    first = xp.flatnonzero(fresh)
    inverse = xp.cumsum(fresh) - 1
    counts = xp.diff(xp.append(first, n))
    values = rows[first] if dim is None else xp.moveaxis(xp.ascontiguousarray(rows[first]), 0, dim)
    if dim is None:
        inverse = inverse.reshape(array.shape)
    return _chosen_of(values, inverse, counts, input, return_inverse, return_counts)


__all__ = exported(globals(), "known_elements as_result")
silence(globals())
