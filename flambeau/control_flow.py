"""``torch.cond`` and ``torch.while_loop``: control flow that depends on tensors, carried out as it
is. What is computed is recorded like everything else, so that gradients pass through it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.utils._pytree import tree_leaves

__all__ = ["cond", "while_loop"]


def cond(
    pred: bool | Tensor,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    operands: tuple[Any, ...] | list[Any] = (),
) -> Any:
    """``true_fn(*operands)`` if a tensor of one element is true, else ``false_fn(*operands)``.

    The other function is not called. ``operands`` are tensors, also nested in tuples, lists and
    dictionaries. A Python number as ``pred`` warns, as it need not be asked for with ``cond``.

    Raises RuntimeError for several elements, functions that are none, and operands without tensors.

    >>> torch.cond(torch.tensor(True), torch.exp, torch.log, (torch.zeros(2),))
    tensor([1., 1.])
    """
    if not isinstance(pred, Tensor | bool | int | float):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, Tensor) and pred.numel() != 1:  # type: ignore[attr-defined]
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not (callable(true_fn) and callable(false_fn)):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, tuple | list) or not _are_all(operands, Tensor):
        raise RuntimeError(
            "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists "
            f"of tensor leaves, but got {operands}."
        )
    if not isinstance(pred, Tensor):
        warnings.warn(
            "Pred is a Python constant. When used with torch.cond, it specializes on one of the "
            "branches. If you want torch.cond to preserve two branches, please make the predicate "
            "a boolean tensor or a SymBool.",
            UserWarning,
            stacklevel=2,
        )
    return (true_fn if pred else false_fn)(*operands)


def while_loop(
    cond_fn: Callable[..., Any],
    body_fn: Callable[..., Any],
    carried_inputs: tuple[Any, ...] | list[Any],
) -> Any:
    """Replaces the carried values by ``body_fn`` of them, while ``cond_fn`` of them is true.

    ``carried_inputs`` are tensors and ints, also nested; ``body_fn`` gives as many, of the same
    shapes, dtypes and devices. ``cond_fn`` gives a bool or a tensor of one element.

    >>> torch.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, 2 * x), (0, torch.ones(2)))
    (3, tensor([8., 8.]))
    """
    if not (callable(cond_fn) and callable(body_fn)):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    if not isinstance(carried_inputs, tuple | list) or not _are_all(carried_inputs, (Tensor, int)):
        raise RuntimeError(
            "Expect carried_inputs to be a tuple of possibly nested dict/list/tuple that only "
            f"consists of tensor or int leaves, but got {carried_inputs}."
        )
    carried: Any = carried_inputs
    while _goes_on(cond_fn(*carried)):
        after = body_fn(*carried)
        after = after if isinstance(after, tuple | list) else (after,)
        _check_same(tree_leaves(after), tree_leaves(carried))
        carried = after
    return carried


def _goes_on(answer: Any) -> bool:
    if isinstance(answer, Tensor) and answer.numel() == 1:  # type: ignore[attr-defined]
        return bool(answer)
    if isinstance(answer, bool):
        return answer
    raise RuntimeError(
        f"Expected cond_fn to return a boolean tensor of one element or a bool, but got {answer}."
    )


def _check_same(after: list[Any], before: list[Any]) -> None:
    """RuntimeError unless the values carried on are like those before."""
    if len(after) != len(before):
        raise RuntimeError(
            "Expected body_fn_output and carried_inputs to have same number of outputs but got "
            f"lhs:{after} and rhs:{before}"
        )
    for place, (new, old) in enumerate(zip(after, before)):
        if _described(new) != _described(old):
            raise RuntimeError(
                "Expected body_fn_output and carried_inputs to have same metadata but found:\n"
                f"pair[{place}] differ: {_described(new)} and {_described(old)}"
            )


def _described(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype, value.device
    return type(value).__name__


def _are_all(nested: Any, kinds: Any) -> bool:
    return all([isinstance(leaf, kinds) for leaf in tree_leaves(nested)])
