"""``ctx``: what the two halves of a custom function share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flambeau.core.graph import TWICE, unsaved
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor

if TYPE_CHECKING:
    from flambeau.autograd.custom import Function, FunctionNode

_ONCE = (
    "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the "
    "autograd.Function. Either access saved_tensors only once, or set "
    "clear_saved_tensors_on_access=False."
)


class FunctionCtx:
    """What ``forward`` and ``backward`` share: the ``ctx`` argument of a :class:`Function`.

    It stands for the node of the call, and has attributes of its own, so that a user may give them
    any name.
    """

    to_save: Any = ()
    dirty_tensors: Any = ()
    non_differentiable: Any = ()
    saved_for_forward: Any = ()
    needs_input_grad: Any = ()  # which arguments ask for gradients
    materialize_grads = True
    requires_grad = True
    _owner: Any = None  # a weak reference to the node
    _cleared = False  # whether the saved tensors were given away

    @property
    def _node(self) -> FunctionNode:
        node = self._owner() if self._owner is not None else None
        if node is None:
            raise RuntimeError(TWICE)
        return node

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to ``save_for_backward``."""
        node = self._node
        if self._cleared:
            raise RuntimeError(_ONCE)
        if node.saved is None:
            raise RuntimeError(TWICE)
        tensors = tuple([unsaved(node, value) for value in node.saved])
        if node.function.clear_saved_tensors_on_access:
            self._cleared, node.saved = True, ()
        return tensors

    saved_variables = saved_tensors

    def name(self) -> str:
        """The name of the node: that of the Function, and ``Backward``."""
        return self._node.name()  # type: ignore[attr-defined]

    @property
    def next_functions(self) -> Any:
        """Where gradients go next."""
        return self._node.next_functions  # type: ignore[attr-defined]

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes."""
        return self._node.metadata  # type: ignore[attr-defined]

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Calls ``hook(grad_inputs, grad_outputs)`` after ``backward``."""
        return self._node.register_hook(hook)  # type: ignore[attr-defined]

    def register_prehook(self, hook: Callable[..., Any]) -> Any:
        """Calls ``hook(grad_outputs)`` before ``backward``."""
        return self._node.register_prehook(hook)  # type: ignore[attr-defined]

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors for ``backward``; writes to them in between are noticed."""
        for index, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {index} is of type "
                    f"{type(tensor).__name__}"
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keeps tensors for ``jvp``."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Says that these inputs were modified in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Says that these outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether absent gradients reach ``backward`` as zeros (the default) or as None."""
        self.materialize_grads = value

    def mark_shared_storage(self, *pairs: tuple[Tensor, Tensor]) -> None:
        """Does nothing, and warns: shared memory is noticed without being told."""
        warnings.warn(
            "mark_shared_storage is deprecated. Tensors with shared storages are automatically "
            "tracked. Note that calls to `set_()` are not tracked",
            FutureWarning,
            stacklevel=2,
        )

    def maybe_clear_saved_tensors(self) -> None:
        """Drops the saved tensors if the backward pass that is running does not keep the graph."""
        running = modes.backward_pass
        if running is not None and not running.keeps_graph:
            self._node.release()


class BackwardCFunction(FunctionCtx):
    """The ``ctx`` of one call, and what its node does with gradients."""

    _forward_cls: type[Function]  # set on the class of each Function

    def apply(self, *args: Any) -> Any:
        """Calls the user's ``backward`` (or ``vjp``) with these gradients of the outputs."""
        return self.apply_boxed(list(args))

    def apply_boxed(self, grads: list[Any]) -> Any:
        """As :meth:`apply`; with ``boxed_grads_call`` the list itself is what ``backward`` gets."""
        rule = self._forward_cls._gradient_rule()
        return rule(self, grads) if self._forward_cls.boxed_grads_call else rule(self, *grads)

    def apply_jvp(self, *args: Any) -> Any:
        """Calls the user's ``jvp`` with these tangents of the arguments."""
        return self._forward_cls.jvp(self, *args)
