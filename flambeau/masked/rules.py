"""What operators do with masked tensors: a rule for each family of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dispatch import dispatch
from flambeau.core.op import POINTWISE, Op
from flambeau.core.tensor import Tensor
from flambeau.masked import normalizations, reductions
from flambeau.masked.maskedtensor import MaskedTensor, entered, is_masked_tensor, masked
from flambeau.ops.creation import ones_like

Rule = Callable[[Op, tuple[Any, ...], tuple[Any, ...]], Any]


def _rule_of(op: Op) -> Rule | None:
    if op.name in _RULES:
        return _RULES[op.name]
    if op.view:
        return _moving
    return _pointwise if op.batch_rule == POINTWISE else None


MaskedTensor.rules = staticmethod(_rule_of)


# ---- element by element


def _pointwise(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """On the elements of all operands, whose masks must be equal."""
    mask: Any = None
    for tensor in tensors:
        if is_masked_tensor(tensor):
            if mask is not None and not _equal(mask, tensor.get_mask()):
                raise ValueError(
                    "Input masks must match. If you need support for this, please open an issue "
                    "on Github."
                )
            mask = tensor.get_mask() if mask is None else mask
    shapes = [t.shape for t in tensors if isinstance(t, Tensor)]
    whole = mask.expand(numpy.broadcast_shapes(*shapes))
    return masked(dispatch(op, tuple([_operand(t, whole) for t in tensors]), params), whole)


def _equal(a: Any, b: Any) -> bool:
    return a is b or (a.ndim == b.ndim and bool((a == b).all()))


def _operand(value: Any, mask: Tensor) -> Any:
    if is_masked_tensor(value):
        return entered(value, value.get_mask())
    return entered(value, mask) if isinstance(value, Tensor) else value


def _where(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """The mask is chosen as the elements are; plain operands count everywhere."""
    condition, *choices = tensors
    masks = [_mask_of(value) for value in choices]
    data = [entered(v, m) if isinstance(v, Tensor) else v for v, m in zip(choices, masks)]
    return masked(dispatch(op, (condition, *data), params), dispatch(op, (condition, *masks)))


def _mask_of(value: Any) -> Any:
    if is_masked_tensor(value):
        return value.get_mask()
    return ones_like(value).bool() if isinstance(value, Tensor) else True  # type: ignore


# ---- elements that move, or are copied


def _moving(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """On elements and masks alike; indices have no masks."""
    return _moved(
        op, tensors, params, [t.get_mask() if is_masked_tensor(t) else t for t in tensors]
    )


def _joining(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """On elements and masks alike; plain operands count everywhere."""
    return _moved(op, tensors, params, [_mask_of(t) for t in tensors])


def _moved(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...], masks: list[Any]) -> Any:
    data = [entered(t, m) if isinstance(t, Tensor) else t for t, m in zip(tensors, masks)]
    return _paired(dispatch(op, tuple(data), params), dispatch(op, tuple(masks), params))


def _paired(data: Any, masks: Any) -> Any:
    if isinstance(data, tuple | list):
        return type(data)([masked(d, m) for d, m in zip(data, masks)])
    return masked(data, masks)


def _copied(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """The mask stays, on the device of the result."""
    (given,) = tensors
    data = dispatch(op, (entered(given, given.get_mask()),), params)
    return masked(data, given.get_mask().to(data.device))


def _detached(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    (given,) = tensors
    return masked(given._masked_data.detach(), given.get_mask())


def _overwritten(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """``copy_``: from a tensor with the same mask, or a plain one."""
    target, source = tensors
    both = is_masked_tensor(source) and is_masked_tensor(target)
    if both and not _equal(target.get_mask(), source.get_mask()):
        raise ValueError("args[0] mask and args[1] mask must match but do not")
    mask = (target if is_masked_tensor(target) else source).get_mask()
    return masked(dispatch(op, tuple([_operand(t, mask) for t in tensors]), params), mask)


# ---- along dimensions


def _along(function: Callable[..., Tensor]) -> Rule:
    """A scan or a normalisation along one dimension."""

    def rule(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        (given,), mask = tensors, tensors[0].get_mask()
        return masked(function(entered(given, mask), params[0], mask=mask), mask)

    return rule


def _reducing(function: Callable[..., Tensor]) -> Rule:
    """A reduction: its result counts where any of the elements does."""

    def rule(op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        (given,), mask = tensors, tensors[0].get_mask()
        dims, keepdim, *rest = params
        result = function(entered(given, mask), dims, keepdim, mask, *rest)
        counts = mask.any() if dims is None else mask.any(dims, keepdim) if dims != () else mask
        return (
            _paired(result, [counts] * 2) if isinstance(result, tuple) else masked(result, counts)
        )

    return rule


def _named(function: Callable[..., Tensor]) -> Rule:
    return _reducing(
        lambda data, dims, keepdim, mask: function(data, dims, keepdim=keepdim, mask=mask)
    )


def _extreme_place(data: Tensor, dim: Any, keepdim: bool, mask: Tensor, largest: bool) -> Tensor:
    find = reductions.argmax if largest else reductions.argmin
    return find(data, dim, keepdim=keepdim, mask=mask)


def _variance(data: Any, dims: Any, keepdim: bool, mask: Tensor, correction: Any) -> Any:
    variance = reductions.var(data, dims, correction=correction, keepdim=keepdim, mask=mask)
    return variance, reductions.mean(data, dims, keepdim=keepdim, mask=mask)


def _norm(data: Any, dims: Any, keepdim: bool, mask: Tensor, order: float, *rest: Any) -> Any:
    return reductions.norm(data, order, dims, keepdim=keepdim, mask=mask)


def _all(data: Any, dims: Any, keepdim: bool, mask: Any) -> Any:
    return data.masked_fill(~mask, True).all(dims, keepdim)


def _any(data: Any, dims: Any, keepdim: bool, mask: Any) -> Any:
    return data.masked_fill(~mask, False).any(dims, keepdim)


_RULES: dict[str, Rule] = {
    "where": _where,
    "clone": _copied,
    "_to_copy": _copied,
    "detach": _detached,
    "copy": _overwritten,
    **dict.fromkeys(("_unsafe_view", "flip", "index", "index_select", "repeat", "roll"), _moving),
    **dict.fromkeys(("cat", "stack"), _joining),
    "softmax": _along(normalizations.softmax),
    "log_softmax": _along(normalizations.log_softmax),
    "cumsum": _along(normalizations.cumsum),
    "cumprod": _along(normalizations.cumprod),
    "sum": _named(reductions.sum),
    "mean": _named(reductions.mean),
    "prod": _named(reductions.prod),
    "amax": _named(reductions.amax),
    "amin": _named(reductions.amin),
    "logsumexp": _named(reductions.logsumexp),
    "argmax": _reducing(_extreme_place),
    "var_mean": _reducing(_variance),
    "linalg_vector_norm": _reducing(_norm),
    "all": _reducing(_all),
    "any": _reducing(_any),
}
