"""The graph as users see it: nodes, their hooks, and hooks of tensors."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from flambeau.autograd.saved_values import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)
from flambeau.core.flips import settled
from flambeau.core.graph import TWICE, Leaf, Node, Output, unsaved
from flambeau.core.handles import RemovableHandle
from flambeau.core.modes import modes
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump, history

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
    "get_gradient_edge", "increment_version", "region_activation_memory_budget",
    "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
    "set_override_stale_capture_stream", "set_warn_on_accumulate_grad_stream_mismatch",
]  # fmt: skip

Hook = Callable[..., Any]


class Hooks:
    """The hooks of one node. The engine calls ``before`` with the gradient of the node's result,
    ``after`` with those of its inputs, and ``accumulated`` when ``.grad`` of a leaf was set."""

    __slots__ = ("post", "post_accumulate", "pre", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: OrderedDict[int, Hook] = OrderedDict()
        self.pre: OrderedDict[int, Hook] = OrderedDict()
        self.post: OrderedDict[int, Hook] = OrderedDict()
        self.post_accumulate: OrderedDict[int, Hook] = OrderedDict()
        self.retained: list[weakref.ref[Tensor]] = []

    def before(self, node: Node, grad: Any) -> Any:
        """The gradient after the hooks of the tensor, then of the node, have seen it."""
        for hook in list(self.tensor.values()):
            changed = hook(grad)
            if changed is not None:
                grad = _checked(grad, changed, hook)
        for ref in self.retained:
            _retain(ref(), grad)
        for hook in list(self.pre.values()):
            changed = hook(tuple(grad) if isinstance(grad, list) else (grad,))
            if changed is not None:
                grad = list(changed) if isinstance(grad, list) else changed[0]
        return grad

    def after(self, node: Node, pulled: Any, grad: Any) -> Any:
        """The gradients of the inputs after the node's hooks have seen them."""
        received = tuple(grad) if isinstance(grad, list) else (grad,)
        for hook in list(self.post.values()):
            changed = hook(tuple(pulled), received)
            if changed is not None:
                pulled = (changed,) if isinstance(changed, Tensor) else tuple(changed)
        return pulled

    def accumulated(self, tensor: Tensor) -> None:
        """Tells the hooks that ``.grad`` was set."""
        for hook in list(self.post_accumulate.values()):
            hook(tensor)
        for hook in list(self.post.values()):
            hook((), (tensor.grad,))


def _checked(old: Tensor, new: Any, hook: Hook) -> Tensor:
    if not isinstance(new, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if new.shape != old.shape:
        raise RuntimeError(f"{_called(hook)} has changed the size of value")
    if new.kind is not old.kind:
        raise RuntimeError(
            f"{_called(hook)} has changed the type of value (was {old.kind.type_name} got "
            f"{new.kind.type_name})"
        )
    return new


def _called(hook: Hook) -> str:
    name = getattr(hook, "__name__", None)
    return "hook" if name is None else f"hook '{name}'"


def _retain(tensor: Tensor | None, grad: Tensor) -> None:
    if tensor is not None:
        old = tensor._grad
        tensor._grad = settled(grad) if old is None else old + grad


def hooks_of(node: Node) -> Hooks:
    """The hooks of a node, made now if it has none."""
    if node.hooks is None:
        node.hooks = Hooks()
    return node.hooks


# ---- hooks of tensors


@method("register_hook")
def _register_hook(self: Tensor, hook: Hook) -> RemovableHandle:
    """Calls ``hook(grad)`` whenever a gradient of this tensor is computed; it may return
    another."""
    node = history(self)
    if node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    hooks = hooks_of(node)
    handle = RemovableHandle(hooks.tensor)
    hooks.tensor[handle.id] = hook
    return handle


@method("register_post_accumulate_grad_hook")
def _register_post_accumulate(self: Tensor, hook: Hook) -> RemovableHandle:
    """Calls ``hook(tensor)`` after a gradient was added to ``.grad`` of this leaf."""
    node = history(self)
    if node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if type(node) is not Leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    hooks = hooks_of(node)
    handle = RemovableHandle(hooks.post_accumulate)
    hooks.post_accumulate[handle.id] = hook
    return handle


@method("retain_grad")
def _retain_grad(self: Tensor) -> None:
    """Keeps the gradient of this tensor in ``.grad`` although it is not a leaf."""
    node = history(self)
    if node is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if type(node) is not Leaf and not self.retains_grad:  # type: ignore[attr-defined]
        hooks_of(node).retained.append(weakref.ref(self))


def _retains_grad(self: Tensor) -> bool:
    """Whether ``.grad`` of this tensor is kept although it is not a leaf."""
    node = history(self)
    if node is None or type(node) is Leaf or node.hooks is None:
        return False
    return any([ref() is self for ref in node.hooks.retained])


Tensor.retains_grad = property(_retains_grad)  # type: ignore[attr-defined]


# ---- nodes


def _name(self: Node) -> str:
    """The name of the operation: ``AddBackward0``."""
    name = type(self).__name__
    return f"torch::autograd::{name}" if name in ("AccumulateGrad", "CopySlices") else name


def _next_functions(self: Node) -> tuple[tuple[Node | None, int], ...]:
    """Where gradients go next: nodes, each with the number of its result."""
    return tuple([(e.owner, e.index) if type(e) is Output else (e, 0) for e in self.edges])


def _metadata(self: Node) -> dict[Any, Any]:
    """A dictionary for the user's own notes on this node."""
    return self.__dict__.setdefault("_metadata", {})


def _register_node_hook(self: Node, fn: Hook) -> RemovableHandle:
    """Calls ``fn(grad_inputs, grad_outputs)`` after this node; it may return other grad_inputs."""
    hooks = hooks_of(self)
    handle = RemovableHandle(hooks.post)
    hooks.post[handle.id] = fn
    return handle


def _register_prehook(self: Node, fn: Hook) -> RemovableHandle:
    """Calls ``fn(grad_outputs)`` before this node; it may return other gradients."""
    hooks = hooks_of(self)
    handle = RemovableHandle(hooks.pre)
    hooks.pre[handle.id] = fn
    return handle


def _sequence_number(self: Node) -> int:
    """A number that grows with each node that is asked for it first."""
    return self.__dict__.setdefault("_sequence", next(_sequence))


_sequence = itertools.count()


def _variable(self: Leaf) -> Tensor | None:
    """The leaf tensor whose ``.grad`` this node accumulates."""
    return self.ref()


def _saved_attribute(self: Node, name: str) -> Any:
    """``_saved_<name>``: a value that the rules of this node need, as PyTorch names them."""
    if not name.startswith("_saved_"):
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )
    wanted = {"self": "input"}.get(name[7:], name[7:])
    if wanted not in self.op.saves:
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )
    if self.saved is None:
        raise RuntimeError(TWICE)
    return unsaved(self, self.saved[self.op.saves.index(wanted)])


Leaf.__name__ = Leaf.__qualname__ = "AccumulateGrad"
for _class, _members in (
    (Node, {
        "name": _name, "__repr__": lambda self: f"<{type(self).__name__} object at {id(self):#x}>",
        "next_functions": property(_next_functions), "metadata": property(_metadata),
        "register_hook": _register_node_hook, "register_prehook": _register_prehook,
        "_sequence_nr": _sequence_number, "__getattr__": _saved_attribute,
        "_register_hook_dict": lambda self, hooks: hooks_of(self).pre.update(hooks),
    }),
    (Leaf, {"variable": property(_variable)}),
):  # fmt: skip
    for _member, _value in _members.items():
        setattr(_class, _member, _value)


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Hook, *, mode: str = "all") -> Any:
    """Calls ``fn`` once a pass, when the gradients of all (or ``mode="any"``: of one) are there.

    In mode "all" it receives a list with None for tensors without a gradient in this pass; since a
    pass does not know beforehand which gradients it will compute, it is called after the last one
    that the graph below the tensors can give.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    return _MultiHook(tensors, fn, mode == "any").handle


class _MultiHook:
    """The gradients of one pass, collected until the hook can be called."""

    def __init__(self, tensors: Sequence[Tensor], fn: Hook, first_only: bool) -> None:
        self.fn, self.count, self.first_only = fn, len(tensors), first_only
        self.grads: dict[int, Tensor] = {}
        self.current: Any = None
        self.nodes = [history(t) for t in tensors]
        handles = [t.register_hook(self._receiver(i)) for i, t in enumerate(tensors)]  # type: ignore
        self.handle = _Handles(tuple(handles))

    def _receiver(self, index: int) -> Hook:
        def receive(grad: Tensor) -> None:
            task = modes.backward_pass
            if task is not self.current:
                self.current, self.grads = task, {}
                if self.first_only:
                    self.fn(grad)
            self.grads[index] = grad
            if not self.first_only and len(self.grads) == self._expected(task):
                self.fn([self.grads.get(i) for i in range(self.count)])

        return receive

    def _expected(self, task: Any) -> int:
        """How many of the tensors this pass reaches."""
        return sum([node in task.users for node in self.nodes])


class _Handles:
    """Removes several hooks at once."""

    def __init__(self, handles: tuple[RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Takes the hooks out."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class GradientEdge(NamedTuple):
    """A place in the graph where gradients flow: a node and the number of its result."""

    node: Node
    output_nr: int
    ownership_token: Any = None

    @property
    def graph_node(self) -> Node:
        """The node at which the engine sees gradients of this edge."""
        return self.ownership_token if isinstance(self.ownership_token, Output) else self.node


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which gradients of ``tensor`` arrive; usable in place of the tensor."""
    node = history(tensor)
    if node is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    if type(node) is Output:
        return GradientEdge(node.owner, node.index, node)
    return GradientEdge(node, 0)


def increment_version(tensor: Any) -> None:
    """Counts a write to ``tensor`` that autograd could not see."""
    for one in (tensor,) if isinstance(tensor, Tensor) else tensor:
        bump(one)


# ---- asked for by programs that record CUDA graphs, or compile


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Whether to warn of gradients that come from another stream than they are accumulated in.

    There are none: a backward pass computes and accumulates in the stream that is current when it
    is called. So this changes nothing.
    """
    _needs_bool(enabled)


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Whether a backward pass that is recorded in a CUDA graph leaves the streams of its forward.

    It always does: nodes remember no streams, all of a pass goes into the current one. So this
    changes nothing.
    """
    _needs_bool(enabled)


def _needs_bool(enabled: Any) -> None:
    if not isinstance(enabled, bool):
        raise RuntimeError(f"enabled must be a bool, but got {type(enabled).__name__}")


def region_activation_memory_budget(budget: float) -> AbstractContextManager[None]:
    """How much of its intermediate values a compiled region may keep, from 0 (none) to 1.

    RuntimeError outside a region that is being compiled: it would have no effect there.
    """
    name = "torch.autograd.graph.region_activation_memory_budget"
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise TypeError(f"{name}: expects a float, got {type(budget).__name__}")
    if not 0.0 <= budget <= 1.0:
        raise ValueError(f"{name}: must be in [0, 1], got {budget}")
    raise RuntimeError(
        f"{name} can only be used inside a torch.compile region; it has no effect in eager mode."
    )
