"""``Function``: operations whose gradient the user writes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from flambeau.autograd.context import BackwardCFunction, FunctionCtx
from flambeau.core.anomaly import keep_lines
from flambeau.core.graph import (
    TWICE,
    Leaf,
    Node,
    Saved,
    SavedResult,
    hooks_active,
    make_output,
    packed,
)  # fmt: skip
from flambeau.core.modes import flags, modes
from flambeau.core.op import Op
from flambeau.core.tensor import PLAIN, Tensor, share_version
from flambeau.core.views import bump, history
from flambeau.ops.creation import zeros

_new = object.__new__
_STATE = frozenset(("ctx", "site", *Node.__slots__))  # of nodes, never looked for on the ctx
_OP = Op("custom_function", lambda *arrays: arrays, inputs="*tensors", outputs=None)
_OP.linked = False


class FunctionNode(Node):
    """One call of a Function in the graph; the attributes of its ``ctx`` are seen through it."""

    function: type[Function]  # set on the class of each Function
    ctx: BackwardCFunction
    runs_without_grad = True
    likes: Any = ()  # shape and kind of each of several outputs
    batched: Any = None  # a batched argument, when the call is one of a vmap

    def __getattr__(self, name: str) -> Any:
        if name in _STATE or name not in dir(self.ctx):
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=self)
        return getattr(self.ctx, name)

    def pull(self, grad: Any) -> Any:
        """Calls the user's ``backward`` and checks what it returns."""
        if self.saved is None:
            raise RuntimeError(TWICE)
        grads = [grad] if self.outputs == 1 else self._arrived(grad)
        if self.ctx.materialize_grads:
            grads = [self._zeros(i) if g is None else g for i, g in enumerate(grads)]
        if self.batched is not None:
            grads = [g if g is None else self.batched.rewrap(g) for g in grads]
        pulled = self.ctx.apply_boxed(grads)
        if not isinstance(pulled, tuple):
            pulled = (pulled,)
        pulled = self._fitted(pulled)
        if self.batched is None:
            return pulled
        return [self._unmapped(g, own) for g, own in zip(pulled, self.batched_args)]

    def _arrived(self, grad: Any) -> list[Any]:
        """The gradients of several outputs; a list that may be emptied is all that holds them."""
        if grad is None:
            return [None] * self.outputs
        grads = list(grad)
        if self.function.boxed_grads_call and self.hooks is None:
            grad.clear()
        return grads

    def _unmapped(self, g: Any, own: bool) -> Any:
        """The values of a batched gradient, summed for an argument that was not batched."""
        if getattr(g, "rewrap", None) is None:
            return g
        return g.value if own else g.value.sum(0)

    def _zeros(self, index: int) -> Any:
        like = self.likes[index] if self.likes else (self.shape, self.kind)
        return None if like is None else zeros(like[0], dtype=like[1].dtype, device=like[1].device)

    def _fitted(self, pulled: tuple[Any, ...]) -> Any:
        expected = len(self.edges)
        if len(pulled) > expected and all([g is None for g in pulled[expected:]]):
            pulled = pulled[:expected]
        if len(pulled) != expected:
            raise RuntimeError(
                f"function {type(self).__name__} returned an incorrect number of gradients "
                f"(expected {expected}, got {len(pulled)})"
            )
        for index, (g, edge) in enumerate(zip(pulled, self.edges)):
            if g is not None and not isinstance(g, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
            if g is not None and edge is None and not self.tensor_args[index]:
                raise RuntimeError(
                    f"function {type(self).__name__} returned a gradient different than None at "
                    f"position {index + 1}, but the corresponding forward input was not a Variable"
                )
            whole = g.value if getattr(g, "rewrap", None) is not None else g
            if g is not None and edge is not None and not _fits(whole.shape, edge.shape):
                raise RuntimeError(
                    f"Function {type(self).__name__} returned an invalid gradient at index {index} "
                    f"- got {list(g.shape)} but expected shape compatible with {list(edge.shape)}"
                )
        return pulled

    def release(self) -> None:
        self.saved = None


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a gradient can be summed to the shape of what it is the gradient of."""
    missing = len(given) - len(wanted)
    return missing >= 0 and all([w in (g, 1) for g, w in zip(given[missing:], wanted)])


class Function(FunctionCtx):
    """Base class of operations with a gradient of the user's own.

    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad
    >>> Square.apply(torch.tensor(3.0))
    tensor(9.)
    """

    _node_type: type[FunctionNode]
    _ctx_type: type[BackwardCFunction]
    generate_vmap_rule = False
    boxed_grads_call = False  # whether `backward` receives one list, from which it may take
    clear_saved_tensors_on_access = False  # whether reading ``ctx.saved_tensors`` drops them

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__name__ + "Backward"
        cls._node_type = type(name, (FunctionNode,), {"function": cls, "op": _OP})
        cls._ctx_type = type(name, (BackwardCFunction,), {"_forward_cls": cls})
        cls._backward_cls = cls._node_type  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the outputs; with ``setup_context`` it takes no ``ctx``."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves on ``ctx`` what ``backward`` needs, when ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradient of each argument of ``forward``; None where there is none."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function "
            "to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Computes the tangents of the outputs."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward "
            "mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """Computes a batch of calls at once."""
        raise NotImplementedError("You must implement vmap for your custom autograd.Function")

    @classmethod
    def _gradient_rule(cls) -> Callable[..., Any]:
        """The ``backward`` or ``vjp`` that this Function has of its own."""
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is Function.backward:
            return cls.vjp
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You "
            "should only implement one of them."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Calls ``forward`` and records it."""
        are_tensors = [isinstance(a, Tensor) for a in args]
        tensors = [a for a, given in zip(args, are_tensors) if given]
        batched = None
        if None in [t._kind for t in tensors]:
            batched = next((t for t in tensors if t.rewrap is not None), None)
            if batched is not None and cls.vmap is not Function.vmap:
                return _mapped(cls, batched, args)
        node = _new(cls._node_type)
        edges = tuple([
            None if not given else a._node if a._base is None else history(a)
            for a, given in zip(args, are_tensors)
        ])  # fmt: skip
        node.edges, node.saved, node.hooks, node.tensor_args = edges, (), None, are_tensors
        if batched is not None:
            node.batched = batched
            node.batched_args = [getattr(a, "rewrap", None) is not None for a in args]
        ctx = node.ctx = _new(cls._ctx_type)
        ctx._owner = weakref.ref(node)
        ctx.needs_input_grad = needs = tuple([e is not None for e in edges])
        recording = modes.grad and True in needs
        separate = cls.setup_context is not Function.setup_context
        modes.grad, was = False, modes.grad
        try:
            if separate:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        finally:
            modes.grad = was
        return _recorded(node, args, output) if recording else _unrecorded(node, output)


def _unrecorded(node: FunctionNode, output: Any) -> Any:
    for tensor in node.ctx.dirty_tensors:
        bump(tensor)
    return output


def _recorded(node: FunctionNode, args: tuple[Any, ...], output: Any) -> Any:
    """The outputs with their history, and what was saved sealed against writes."""
    single = isinstance(output, Tensor)
    outputs = [output] if single else list(output)
    for tensor in node.ctx.dirty_tensors:
        if type(tensor._node) is Leaf:
            raise RuntimeError(
                "a leaf Variable that requires grad has been used in an in-place operation."
            )
        bump(tensor)
    if flags.anomaly[0]:
        keep_lines(node)
    if not single:
        node.outputs = len(outputs)
        node.likes = [(t.shape, t.kind) if isinstance(t, Tensor) else None for t in outputs]
    for i, tensor in enumerate(outputs):
        if isinstance(tensor, Tensor):
            outputs[i] = _attached(node, i, tensor, args)
    if node.ctx.to_save:
        _seal(node, outputs)
    if single:
        return outputs[0]
    return type(output)(outputs) if type(output) in (tuple, list) else tuple(outputs)


def _attached(node: FunctionNode, index: int, tensor: Tensor, args: tuple[Any, ...]) -> Tensor:
    """An output with its place in the graph; an input returned as it is becomes an alias."""
    differentiable = tensor.kind.floating and _place(tensor, node.ctx.non_differentiable) is None
    if _place(tensor, args) is not None and _place(tensor, node.ctx.dirty_tensors) is None:
        tensor = tensor.detach()  # type: ignore[attr-defined]
    if not differentiable:
        return tensor
    if tensor.rewrap is not None:
        tensor.value._node = _history(node, index, tensor.value)  # type: ignore[attr-defined]
        return tensor.rewrap(tensor.value)  # type: ignore[attr-defined]
    tensor._node = _history(node, index, tensor)
    return tensor


def _place(tensor: Any, among: Sequence[Any]) -> int | None:
    """Where a tensor itself stands in a sequence, or None."""
    for index, other in enumerate(among):
        if other is tensor:
            return index
    return None


def _history(node: FunctionNode, index: int, tensor: Tensor) -> Node:
    node.shape, node.kind = tensor.shape, tensor.kind
    return node if node.outputs == 1 else make_output(node, index, tensor)


class VmapInfo(NamedTuple):
    """What ``Function.vmap`` is told of the vmap it is called in."""

    batch_size: int
    randomness: str


def _mapped(cls: type[Function], batched: Any, args: tuple[Any, ...]) -> Any:
    """The user's own batching rule, called with values and the dimension of each that is mapped."""
    level = batched.level
    mine = [isinstance(a, Tensor) and a.rewrap is not None and a.level == level for a in args]
    values = [a.value if m else a for a, m in zip(args, mine)]
    info = VmapInfo(batched.value.shape[0], modes.batches[-1].randomness)
    output, dims = cls.vmap(info, tuple([0 if m else None for m in mine]), *values)
    single = not isinstance(output, tuple)
    outputs, places = ((output,), (dims,)) if single else (output, dims)
    if not isinstance(places, tuple):
        places = (places,) * len(outputs)
    wrapped = tuple(
        [
            o if d is None else batched.rewrap(o if d == 0 else o.movedim(d, 0))
            for o, d in zip(outputs, places)
        ]
    )
    return wrapped[0] if single else wrapped


def _seal(node: FunctionNode, outputs: list[Any]) -> None:
    sealed: list[Any] = []
    for tensor in node.ctx.to_save:
        at = _place(tensor, outputs)
        if tensor is None:
            sealed.append(None)
        elif at is not None:
            sealed.append(SavedResult(tensor, at))
        elif tensor._writes is None and type(tensor) in PLAIN:
            sealed.append(tensor)
        else:
            sealed.append(Saved(tensor, share_version(tensor)))
    if hooks_active():
        sealed = [packed(value) for value in sealed]
    node.saved, node.ctx.to_save = tuple(sealed), ()
