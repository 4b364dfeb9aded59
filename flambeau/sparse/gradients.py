"""Numerical checks of gradients where sparse tensors go in or come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.sparse import is_sparse
from flambeau.core.tensor import Tensor, wrap
from flambeau.sparse.construction import at_places_of
from flambeau.sparse.conversion import in_layout_of

Function = Callable[..., Any]


def on_values(func: Function, inputs: Any, masked: bool) -> tuple[Function, tuple[Any, ...]]:
    """The function of the values alone: dense tensors go in for the sparse ones that require
    gradients, and sparse results come out dense.

    ``masked`` leaves elements that are not kept alone; without it they are values too, zeros.
    """
    given = inputs if isinstance(inputs, tuple | list) else (inputs,)
    patterns = [_pattern(x, masked) if _is_variable(x) else None for x in given]
    args = tuple(
        [
            x if pattern is None else _leaf(pattern)
            for x, pattern in zip(given, patterns, strict=True)
        ]
    )

    def of_values(*values: Any) -> Any:
        rebuilt = [
            v if pattern is None else at_places_of(pattern, v)
            for v, pattern in zip(values, patterns, strict=True)
        ]
        result = func(*rebuilt)
        if isinstance(result, tuple | list):
            return tuple([_dense(r, masked) for r in result])
        return _dense(result, masked)

    return of_values, args


def _is_variable(value: Any) -> bool:
    return is_sparse(value) and value.requires_grad


def _pattern(tensor: Tensor, masked: bool) -> Tensor:
    """The tensor without history, with all elements kept unless they are masked."""
    kept = tensor.detach()  # type: ignore[attr-defined]
    if masked:
        return kept
    dense = kept.to_dense()
    return dense.sparse_mask(in_layout_of(dense * 0 + 1, kept))


def _leaf(pattern: Tensor) -> Tensor:
    values = wrap(pattern._array.values, pattern.kind)
    return values.clone().requires_grad_()  # type: ignore[attr-defined]


def _dense(result: Any, masked: bool) -> Any:
    return result.to_dense(masked_grad=masked) if is_sparse(result) else result


def as_sparse_gradcheck(gradcheck: Function) -> Function:
    """``gradcheck``, or a partial form of it, for functions of sparse tensors: it checks them as
    functions of the values. Its calls take ``masked`` besides.

    >>> gradcheck = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    >>> x = torch.tensor([[0.0, 1], [2, 3]], dtype=torch.float64).to_sparse().requires_grad_()
    >>> gradcheck(lambda x: x.to_sparse_csr(), x)
    True
    """

    def checked(func: Function, inputs: Any, **kwargs: Any) -> Any:
        func, inputs = on_values(func, inputs, kwargs.pop("masked", False))
        return gradcheck(func, inputs, **kwargs)

    return checked
