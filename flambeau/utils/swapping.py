"""``swap_tensors``: two tensors exchange what they are, and keep their identity."""

from __future__ import annotations

import copyreg
import weakref
from typing import Any, NoReturn

from flambeau.autograd.graph import Hooks
from flambeau.core.graph import Leaf, make_leaf
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump

_STATE = ("__class__", "__dict__", "_array", "_base", "_kind", "_node", "_writes")


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchanges the elements, gradients, attributes and classes of two tensors.

    Whoever holds ``t1`` finds in it what ``t2`` was. A backward pass through what was computed
    from either before raises RuntimeError.

    Raises:
        RuntimeError: one of them has weak references, or attributes in slots that the other's
            class has not.

    >>> a, b = torch.ones(2), torch.zeros(3)
    >>> swap_tensors(a, b)
    >>> a, b
    (tensor([0., 0., 0.]), tensor([1., 1.]))
    """
    for name, tensor in (("t1", t1), ("t2", t2)):
        own = tensor._node.ref if isinstance(tensor._node, Leaf) else None
        if any([ref is not own for ref in weakref.getweakrefs(tensor)]):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    if set(_slots(t1)) != set(_slots(t2)):
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots")
    for name in dict.fromkeys((*_STATE, *_slots(t1))):
        _swap(t1, t2, name)
    for tensor in (t1, t2):
        if isinstance(tensor._node, Leaf):
            tensor._node = _renewed(tensor._node, tensor)
        bump(tensor)  # what was saved of it can no longer be used


def _slots(tensor: Tensor) -> list[str]:
    return copyreg._slotnames(type(tensor))  # type: ignore[attr-defined]


def _swap(t1: Tensor, t2: Tensor, name: str) -> None:
    first, second = getattr(t1, name, None), getattr(t2, name, None)
    setattr(t1, name, second)
    setattr(t2, name, first)


def _renewed(old: Leaf, tensor: Tensor) -> Leaf:
    """A leaf for a tensor in its new place; the graph that has the old one is closed."""
    leaf = make_leaf(tensor)
    leaf.hooks = old.hooks
    old.hooks = Hooks()
    old.hooks.pre[0] = _refuse
    return leaf


def _refuse(grads: Any) -> NoReturn:
    raise RuntimeError(
        "Trying to execute AccumulateGrad node that was poisoned by swap_tensors this can happen "
        "when you try to run backward on a tensor that was swapped. For a module m with "
        "`torch.__future__.set_swap_module_params_on_conversion(True)` you should not change the "
        "device or dtype of the module (e.g. `m.cpu()` or `m.half()`) between running forward and "
        "backward. To resolve this, please only change the device/dtype before running forward (or "
        "after both forward and backward)."
    )
