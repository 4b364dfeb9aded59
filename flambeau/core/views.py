"""In-place writes: what they may be done to, and the history they leave on a tensor and its views.

A write makes its target *become* a result that was computed out of place. If the target is a view,
its base becomes ``base.as_strided_scatter(result)``: gradients arriving at the base reach the old
base outside the view, and the result inside. The history of other views of that base is then out
of date; it is renewed when they are next used (``refresh``). Since nobody knows a tensor's views,
a write that may have left such views raises a process-wide flag that sends all calls down the full
road, until the memory is gone. No flag is raised when nobody else holds the counter of the memory,
as in ``outputs[:, t] = h``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from flambeau.core.errors import site
from flambeau.core.graph import Leaf, Node, Output, SavedResult, operation_name
from flambeau.core.modes import flags, modes
from flambeau.core.tensor import INFERENCE, Tensor, Version, share_version

if TYPE_CHECKING:
    from collections.abc import Callable

# Set by ops/storage.py, which declares the two operators: (base, value, like) and (base, like).
scatter: Callable[[Tensor, Tensor, Tensor], Node | None] = None  # type: ignore[assignment]
slice_of: Callable[[Tensor, Tensor], Node | None] = None  # type: ignore[assignment]


class _Rebased(Version):
    """A counter whose memory has views with an outdated history."""

    __slots__ = ()

    def __del__(self) -> None:
        flags.active -= 1


def bump(tensor: Tensor) -> None:
    """Counts a write to the memory of `tensor`, and remembers the line that wrote."""
    version = tensor._writes
    if version is None:
        version = share_version(tensor)
    elif version is INFERENCE:
        check_inference(tensor)
        return
    version.count += 1
    version.site = site()


def check_inference(tensor: Tensor) -> None:
    """RuntimeError for a write to an inference tensor outside inference mode."""
    if tensor._writes is INFERENCE and not modes.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can "
            "make a "
            "clone to get a normal tensor before doing inplace update.See "
            "https://github.com/pytorch/rfcs/pull/17 for more details."
        )


def check_write(tensor: Tensor) -> None:
    """RuntimeError if autograd forbids writing to `tensor` while it records."""
    node, base = tensor._node, tensor._base
    if type(node) is Leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )
    if base is None:
        return
    if type(base._node) is Leaf:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
        )
    if type(node) is Output:
        raise RuntimeError(
            f"Output {node.index} of {operation_name(node.owner)} is a view and is being modified "
            f"inplace. {_SEVERAL_VIEWS}"
        )
    if node is None and base._node is not None:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode "
            "enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You "
            "can clarify your code by moving both the view and the inplace either both inside the "
            "no_grad block (if you don't want the inplace to be tracked) or both outside (if you "
            "want the inplace to be tracked)."
        )


def become(target: Tensor, result: Tensor) -> None:
    """Gives `target`, just overwritten with the values of `result`, the history of `result`."""
    node = result._node
    if node is not None:
        _adopt_saved(node, target, result)
    base = target._base
    if base is None:
        target._node = node
    elif node is not None or base._node is not None:
        base._node = scatter(base, result, target)
        target._node = slice_of(base, target)
    else:
        return
    _mark_views(target)


def _adopt_saved(node: Node, target: Tensor, result: Tensor) -> None:
    """A saved result is the target's memory now: later writes to it must be noticed."""
    for value in node.saved or ():
        if type(value) is SavedResult and value.array is result._array:
            if not target._flips:
                value.array = target._array
            value.version = share_version(target)
            value.count = value.version.count


def _mark_views(target: Tensor) -> None:
    version = target._writes
    holders = 2 + (target._base is not None) + 1  # target, base, this name, the call below
    if version is None or version.rebased or sys.getrefcount(version) <= holders:
        return
    version.rebased = True
    version.__class__ = _Rebased
    flags.active += 1


def refresh(view: Tensor) -> None:
    """Renews the history of a view whose base was written to since it was made."""
    base, version = view._base, view._writes
    if base is None or version is None or not version.rebased:
        return
    if (
        base._node is None
        or type(base._node) is Leaf
        or not modes.grad
        or _leads_to(view._node, base._node)
    ):
        return
    node = view._node
    if type(node) is Output:
        raise RuntimeError(
            f"Output {node.index} of {operation_name(node.owner)} is a view and its base or "
            f"another view of its base has been modified inplace. {_SEVERAL_VIEWS}"
        )
    view._node = slice_of(base, view)


_SEVERAL_VIEWS = (
    "This view is the output of a function that returns multiple views. Such functions do not "
    "allow the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one."
)


def _leads_to(node: Node | None, goal: Node) -> bool:
    """Whether a chain of view operations starting at `node` arrives at `goal`."""
    while node is not None and node is not goal:
        if not isinstance(node, Output) and (isinstance(node, Leaf) or not node.op.view):
            return False
        node = node.edges[0]
    return node is goal


def history(tensor: Tensor) -> Node | None:
    """The node of a tensor, renewed if a write to its base made it out of date."""
    if tensor._base is not None:
        refresh(tensor)
    return tensor._node


def needs_history(tensor: Tensor, others: tuple[Any, ...]) -> bool:
    """Whether a write to `tensor` with these operands has to be recorded."""
    if not modes.grad:
        return False
    if history(tensor) is not None or (tensor._base is not None and tensor._base._node is not None):
        return True
    return any([isinstance(t, Tensor) and history(t) is not None for t in others])
