"""Reverse mode: visits every node once, after all of its users.

The pass fits on a screen: ``run``. What a node does with a gradient is the node's business
(``Node.pull``); what happens at the end of the road is ``accumulate``.
"""

from __future__ import annotations

from itertools import repeat
from sys import getrefcount
from typing import Any

from flambeau.autograd.anomaly_mode import check_pulled
from flambeau.autograd.links import linked
from flambeau.core.anomaly import report
from flambeau.core.flips import flip
from flambeau.core.graph import Leaf, Node, Slot
from flambeau.core.kind import Kind
from flambeau.core.layout import contiguous_format
from flambeau.core.modes import flags, modes
from flambeau.core.sparse import is_sparse
from flambeau.core.storage import is_dense
from flambeau.core.tensor import Tensor, wrap
from flambeau.ops.creation import empty_like


def run(
    roots: list[Node],
    seeds: list[Tensor],
    *,
    keep_graph: bool,
    create_graph: bool,
    wanted: dict[Node, Any] | None = None,
    accumulating: bool = True,
) -> dict[Node, Tensor]:
    """Sends `seeds` back from `roots`; gradients of leaves go to ``.grad``.

    With `wanted`, only what leads to those nodes is visited, and their gradients are returned;
    leaves among them accumulate only when `accumulating`.
    """
    users = count_users(roots)
    needed = leading_to(wanted, users) if wanted is not None and not ends(users, wanted) else None
    grads: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds):
        receive(grads, root, seed)
    ready = [root for root in grads if not users[root]]
    found: dict[Node, Tensor] = {}
    watched = flags.active and flags.anomaly[0]
    watcher = modes.watcher if flags.active else None
    was, modes.grad = modes.grad, create_graph
    outer, modes.backward_pass = modes.backward_pass, Pass(users, wanted is not None, keep_graph)
    try:
        while ready:
            node = ready.pop()
            grad = grads.pop(node, None)
            if node.hooks is not None and grad is not None:
                grad = node.hooks.before(node, grad)
            if wanted is not None and node in wanted:
                found[node] = grad
            if type(node) is Leaf:
                if grad is not None and (wanted is None or (accumulating and node in wanted)):
                    accumulate(node, grad, create_graph)
                continue
            if needed is not None and node not in needed:
                continue
            pulled = None
            if grad is not None or node.runs_without_grad:
                pulled = node.pull(grad) if watcher is None else watcher.pull(node, grad)
            if node.hooks is not None:
                pulled = node.hooks.after(node, pulled, grad)
            if create_graph:
                pulled = linked(node, pulled)
            if watched:
                check_pulled(node, pulled)
            if not keep_graph:
                node.release()
            for target, g in zip(node.edges, pulled or repeat(None)):
                if target is None:
                    continue
                if g is not None and (needed is None or target in needed or target in wanted):  # type: ignore
                    receive(grads, target, g)
                left = users[target]
                if left == 1:
                    ready.append(target)
                else:
                    users[target] = left - 1
    except Exception:
        if watched:
            report(node)
        raise
    finally:
        current, modes.backward_pass = modes.backward_pass, outer
        modes.grad = was
        for callback in current.callbacks:
            callback()
    return found


class Pass:
    """A pass that is running: its nodes, whether only some gradients are wanted, whether the graph
    is kept, and what to call when it ends."""

    __slots__ = ("callbacks", "keeps_graph", "partial", "users")

    def __init__(self, users: dict[Node, int], partial: bool, keeps_graph: bool) -> None:
        self.users, self.partial, self.keeps_graph = users, partial, keeps_graph
        self.callbacks: Any = ()


def receive(grads: dict[Node, Any], target: Node, g: Any) -> None:
    """Adds a gradient to those that have arrived at `target`."""
    if type(g) is Slot:
        slots = grads.get(target)
        if slots is None:
            slots = grads[target] = [None] * target.outputs
        old = slots[g.index]
        slots[g.index] = g.grad if old is None else added(old, g.grad)
        return
    if g._kind is not target.kind or g._array.shape != target.shape:
        g = fit(g, target)
    old = grads.get(target)
    grads[target] = g if old is None else added(old, g)


def added(a: Tensor, b: Tensor) -> Tensor:
    """The sum of two gradients, of which one may be sparse."""
    return a + b if a._kind is not None or is_sparse(b) else b + a


def count_users(roots: list[Node]) -> dict[Node, int]:
    """How many recorded uses each node has below `roots`."""
    users = dict.fromkeys(roots, 0)
    stack = list(users)
    while stack:
        for target in stack.pop().edges:
            if target is not None:
                if target in users:
                    users[target] += 1
                else:
                    users[target] = 1
                    stack.append(target)
    return users


def ends(users: dict[Node, int], wanted: dict[Node, Any]) -> bool:
    """Whether every leaf is wanted, so that every node leads to one."""
    return all([node in wanted for node in users if not node.edges])


def leading_to(wanted: dict[Node, Any], users: dict[Node, int]) -> set[Node]:
    """The nodes of the graph from which one of `wanted` is reached, those without a way left
    out."""
    sources: dict[Node, list[Node]] = {}
    for node in users:
        for target in node.edges:
            if target is not None:
                sources.setdefault(target, []).append(node)
    needed: set[Node] = set()
    stack = [node for node in wanted if node in users]
    while stack:
        for node in sources.get(stack.pop(), ()):
            if node not in needed:
                needed.add(node)
                stack.append(node)
    return needed


def fit(g: Any, target: Node) -> Any:
    """A gradient brought to the shape and kind of what it is the gradient of: undoes broadcasting
    and promotion."""
    kind: Kind = target.kind
    if g.shape != target.shape:
        g = g.sum_to_size(target.shape)
    if g.kind is not kind:
        if g.dtype.is_complex and not kind.dtype.is_complex:
            g = g.real
        g = g.to(device=kind.device, dtype=kind.dtype)
    return g


def accumulate(leaf: Leaf, grad: Tensor, create_graph: bool) -> None:
    """Adds a gradient to ``.grad`` of the leaf's tensor."""
    tensor = leaf.ref()
    if tensor is None:
        return
    old = tensor._grad
    if old is None:
        tensor._grad = grad if create_graph or _is_ours(grad, tensor) else _owned(grad, tensor)
    elif create_graph:
        tensor._grad = added(old, grad)
    elif old._kind is None and is_sparse(old) and not is_sparse(grad):
        tensor._grad = grad + old
    else:
        old.add_(grad)  # type: ignore[attr-defined]
    if leaf.hooks is not None:
        leaf.hooks.accumulated(tensor)


def _is_ours(grad: Tensor, leaf: Tensor) -> bool:
    """Whether ``.grad`` may own this gradient's memory: nobody else sees it, and it is laid out as
    ``enforce_grad_layout_policy`` asks."""
    array = grad._array
    return (
        grad._kind is not None
        # the pass: `grad` here and in two callers, the list, the argument
        and getrefcount(grad) <= 6
        and getrefcount(array) <= 3
        and array.base is None
        and grad._writes is None
        and leaf._kind is not None
        and (_is_laid_out(array, leaf._array) or not modes.grad_layout)
    )


def _is_laid_out(array: Any, like: Any) -> bool:
    """Whether an array lies in memory as another one does, or row by row if that one has gaps."""
    if array.flags.c_contiguous:
        return like.flags.c_contiguous or not is_dense(like)
    return array.strides == like.strides and is_dense(like)


def _owned(grad: Tensor, leaf: Tensor) -> Tensor:
    """A copy that is laid out as the leaf is; a lazy conjugate stays one."""
    flips = grad._flips
    if flips:
        return flip(wrap(grad._array, grad.kind).clone(), flips)  # type: ignore[attr-defined]
    copy = grad.detach().clone()  # type: ignore[attr-defined]
    if copy._kind is None or is_sparse(leaf) or _is_laid_out(copy._array, leaf._array):
        return copy
    like, form = (leaf, None) if is_dense(leaf._array) else (grad, contiguous_format)
    return empty_like(like, memory_format=form).copy_(grad)  # type: ignore[attr-defined]
