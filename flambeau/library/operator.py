"""One operator that a program has defined: its kernels and rules, and what a call of it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flambeau
from flambeau.amp.state import get_autocast_dtype, is_autocast_enabled
from flambeau.autograd.function import Function
from flambeau.autograd.grad_mode import is_grad_enabled, no_grad
from flambeau.core.tensor import PLAIN, Tensor
from flambeau.library.schema import Schema
from flambeau.utils._pytree import tree_flatten, tree_unflatten

Kernel = Callable[..., Any]
ANY = "default"  # the kernel of all devices that have none of their own


class Operator:
    """An operator of ``torch.ops``: called with what its schema says.

    A call goes to the rule of a tensor subclass, to autocast, to the graph, and to the kernel of
    the tensors' device; on the meta device to the fake kernel, which tells shapes and dtypes.
    """

    def __init__(self, schema: Schema, strict: bool) -> None:
        self.schema, self.__doc__ = schema, f"{schema}"
        # Of `custom_op`: results are new tensors, and gradients are those that are registered.
        self.strict = strict
        self.kernels: dict[str, Kernel] = {}
        self.disabled: set[str] = set()
        self.fake: Kernel | None = None
        self.backward: Kernel | None = None
        self.setup_context: Kernel | None = None
        self.vmap: Kernel | None = None
        self.autocast: dict[str, Any] = {}
        self.subclasses: dict[type, Kernel] = {}
        self._function: Any = None
        self.n_positional = len([a for a in schema.arguments if not a.keyword_only])

    @property
    def called(self) -> str:
        """``mylib.op.default``."""
        return f"{self.schema.name.replace('::', '.')}.{self.schema.overload or 'default'}"

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        values = self.schema.bind(args, kwargs)
        for tensor in tensors_of(values):
            rule = self.subclasses.get(type(tensor))
            if rule is not None and type(tensor) not in PLAIN:
                return rule(type(tensor), self, (type(tensor),), *self._split(values))
        for place, to in self.autocast.items():
            if is_autocast_enabled(place):
                values = _cast(values, to, place)
        needs_graph = is_grad_enabled() and any([t.requires_grad for t in tensors_of(values)])
        writes = any([argument.mutated for argument in self.schema.arguments])
        if self.vmap is not None or (needs_graph and not writes and self._has_gradient()):
            leaves, spec = tree_flatten(values)
            return self._recorded().apply(spec, *leaves)
        if self.strict:
            with no_grad():
                return self.compute(values)
        return self.compute(values)

    def _has_gradient(self) -> bool:
        return self.strict or self.backward is not None

    def _split(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The values by position, and those by name."""
        names = [argument.name for argument in self.schema.arguments]
        n = self.n_positional
        return tuple(values[:n]), dict(zip(names[n:], values[n:]))

    # ---- kernels

    def compute(self, values: list[Any]) -> Any:
        """What the kernel of the tensors' device gives."""
        args, kwargs = self._split(values)
        given = list(tensors_of(values))
        place = next((t.device.type for t in given), "cpu")
        result = self.kernel(place)(*args, **kwargs)
        for value, argument in zip(values, self.schema.arguments):
            if argument.mutated and isinstance(value, Tensor):
                flambeau.autograd.graph.increment_version(value)
        if self.strict and any([r is t for r in tensors_of(result) for t in given]):
            raise RuntimeError(
                f"{self.schema.name}: The output of this custom operator (1) must not also be an "
                "input to this custom operator and (2) may not alias any inputs to this custom "
                "operator or other returns: clone it."
            )
        return result

    def kernel(self, place: str) -> Kernel:
        """The kernel of a kind of device; NotImplementedError without one."""
        if place == "meta":
            return self._fake_kernel()
        if place not in self.disabled and place in self.kernels:
            return self.kernels[place]
        if ANY in self.kernels:
            return self.kernels[ANY]
        raise NotImplementedError(
            f"Could not run '{self.schema.name}' with arguments from the '{place.upper()}' "
            f"backend: it has kernels of {sorted(self.kernels) or 'none'}."
        )

    def _fake_kernel(self) -> Kernel:
        if self.fake is not None:
            return self.fake
        if not self.strict and ANY in self.kernels:
            return self.kernels[ANY]
        name = self.schema.name
        raise RuntimeError(
            f"There was no fake impl registered for {name}. This is necessary for torch.compile/"
            "export/fx tracing to work, and for tensors on the meta device. Please use "
            "`register_fake` to add an fake impl."
        )

    # ---- gradients

    def _recorded(self) -> Any:
        """The ``autograd.Function`` of the operator, of a tree and its leaves."""
        if self._function is None:
            self._function = _make_function(self)
        return self._function

    def changed(self) -> None:
        """Forgets what was made of former rules."""
        self._function = None


def _make_function(op: Operator) -> Any:
    def forward(spec: Any, *leaves: Any) -> Any:
        return op.compute(tree_unflatten(list(leaves), spec))

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        spec, *leaves = inputs
        values = tree_unflatten(leaves, spec)
        ctx._operator_values = values
        args, kwargs = op._split(values)
        if op.setup_context is not None and kwargs:
            op.setup_context(ctx, args, kwargs, output)
        elif op.setup_context is not None:
            op.setup_context(ctx, args, output)

    def backward(ctx: Any, *grads: Any) -> Any:
        if op.backward is None:
            raise RuntimeError(
                f"Trying to backward through {op.called} but no autograd formula was registered. "
                "Please use register_autograd to add one."
            )
        found = op.backward(ctx, *grads)
        found = list(found) if isinstance(found, tuple) else [found]
        found += [None] * (len(ctx._operator_values) - len(found))
        flat = [g for v, grad in zip(ctx._operator_values, found) for g in _as_leaves(v, grad)]
        return (None, *flat)

    def vmap(info: Any, in_dims: Any, spec: Any, *leaves: Any) -> Any:
        values = tree_unflatten(list(leaves), spec)
        dims = tree_unflatten(list(in_dims[1:]), spec)
        args, kwargs = op._split(values)
        assert op.vmap is not None
        return op.vmap(info, tuple(dims[: len(args)]), *args, **kwargs)

    members = {"forward": forward, "setup_context": setup_context, "backward": backward}
    if op.vmap is not None:
        members["vmap"] = vmap
    else:
        members["generate_vmap_rule"] = True  # type: ignore[assignment]
    static = {k: staticmethod(v) if callable(v) else v for k, v in members.items()}
    name = f"GeneratedBackwardFor_{op.called.replace('.', '_')}"
    return type(name, (Function,), static)


def _as_leaves(value: Any, grad: Any) -> list[Any]:
    """A gradient for each leaf of an argument."""
    count = len(tree_flatten(value)[0])
    return list(grad) if isinstance(grad, list | tuple) else [grad] * count


def tensors_of(values: Any) -> Iterator[Any]:
    """The tensors in a value, and in lists of it."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from tensors_of(value)


def _cast(values: list[Any], to: Any, place: str) -> list[Any]:
    """Floats on a device in the dtype that autocast asks for."""
    to = get_autocast_dtype(place) if to is None else to

    def cast(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [cast(v) for v in value]
        if (
            isinstance(value, Tensor)
            and value.dtype.is_floating_point
            and value.device.type == place
        ):
            return value.to(to)  # type: ignore[attr-defined]
        return value

    return [cast(value) for value in values]
