"""Checkpointing by saved tensors: what a function saves is replaced by empty places, and the first
place that is needed in a backward pass has the function run again, which fills them all.

Checkpoints nest: the arguments of an inner one are saved through the hooks of the outer one, so
they too are places that the outer function fills when it runs again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from typing import Any

from flambeau.autograd.function import Function
from flambeau.autograd.grad_mode import enable_grad
from flambeau.autograd.graph import saved_tensors_hooks
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import empty
from flambeau.utils.checkpoint.log import OperatorLog
from flambeau.utils.checkpoint.states import Surroundings, detached

_HELP = (
    "\n\nThe function must compute the same both times: it may not depend on state that changes in "
    "between.\nTo see the operators of both runs and the lines that called them, pass `debug=True` "
    "to checkpoint(...)\nor wrap the code in `set_checkpoint_debug_enabled(True)`."
)


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function differed from the first."""

    __module__ = "torch.utils.checkpoint"


class _Enough(Exception):
    """Not an error: ends a run that has computed what is needed."""


class _Switch:
    """A context manager that overrides a setting of the checkpoints made inside."""

    value: Any = None

    def __init__(self, value: Any) -> None:
        self.given = value

    def __enter__(self) -> None:
        cls = type(self)
        self.before, cls.value = cls.value, self.given

    def __exit__(self, *exc: object) -> None:
        type(self).value = self.before


class set_checkpoint_early_stop(_Switch):  # noqa: N801 - the public name
    """Whether the second run of the checkpoints made inside ends early; overrides their own
    ``early_stop``."""

    def __init__(self, enable: bool) -> None:
        super().__init__(enable)


class set_checkpoint_debug_enabled(_Switch):  # noqa: N801
    """Whether the checkpoints made inside explain errors with the operators of both runs;
    overrides their own ``debug``, None leaves the choice to them."""

    def __init__(self, enabled: bool | None) -> None:
        super().__init__(enabled)


def noop_context_fn() -> tuple[Any, Any]:
    """Two context managers that do nothing."""
    return nullcontext(), nullcontext()


class GraphExecGroup:
    """Backward passes inside belong together: not supported beyond being a context manager, since
    a pass frees what it recomputed when it ends."""

    def __enter__(self) -> GraphExecGroup:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


def run_and_recompute(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve_rng: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    determinism_check: str,
    debug: bool,
    early_stop: bool,
) -> Any:
    """The first run of a checkpointed function."""
    if determinism_check not in ("default", "none"):
        raise ValueError(
            "determinism_check should be one of ['default', 'none'], but got " + determinism_check
        )
    contexts, log = context_fn(), None
    if debug if set_checkpoint_debug_enabled.value is None else set_checkpoint_debug_enabled.value:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")
        log = OperatorLog()
        contexts = log.first, log.second
    if not modes.grad:
        with contexts[0]:
            return function(*args, **kwargs)
    early = set_checkpoint_early_stop.value
    frame = _Frame(function, args, kwargs, contexts[1], Surroundings(preserve_rng))
    frame.early_stop = early_stop if early is None else early
    frame.compares, frame.log = determinism_check == "default", log
    with saved_tensors_hooks(frame.pack, frame.unpack), contexts[0]:
        return function(*args, **kwargs)


class _Place:
    """Where a saved tensor would be."""

    __slots__ = ("__weakref__", "value")

    value: Tensor | None


class _Frame:
    """One call of a checkpointed function: how to run it again, and the places to fill."""

    early_stop: bool
    compares: bool
    log: OperatorLog | None

    def __init__(
        self, function: Any, args: Any, kwargs: Any, context: Any, surroundings: Surroundings
    ) -> None:
        self.function, self.context, self.surroundings = function, context, surroundings
        self.names, self.inputs = tuple(kwargs), _kept((*args, *kwargs.values()))
        self.places: list[weakref.ref[_Place]] = []
        self.metadata: list[Any] = []

    # ---- the first run

    def pack(self, tensor: Tensor) -> _Place:
        """Keeps a place instead of the tensor."""
        place = _Place()
        place.value = None
        self.places.append(weakref.ref(place))
        self.metadata.append((tensor.shape, tensor.dtype, tensor.device))
        return place

    # ---- the second

    def unpack(self, place: _Place) -> Tensor:
        """The tensor that belongs in a place."""
        if place.value is None:
            self._recompute()
            if modes.backward_pass is None:
                value = place.value
                self.forget()
                return value  # type: ignore[return-value]
            modes.backward_pass.callbacks = (*modes.backward_pass.callbacks, self.forget)
        assert place.value is not None
        return place.value

    def forget(self) -> None:
        """Empties the places at the end of a pass."""
        for ref in self.places:
            place = ref()
            if place is not None:
                place.value = None

    def _recompute(self) -> None:
        args, kwargs = self._arguments()
        count = 0

        def pack(tensor: Tensor) -> Tensor:
            nonlocal count
            count += 1
            self._fill(count - 1, tensor)
            if self.early_stop and count == len(self.places):
                raise _Enough
            return detached(tensor)

        with ExitStack() as stack:
            for context in (self.surroundings.restored(), enable_grad(), self.context):
                stack.enter_context(context)
            stack.enter_context(saved_tensors_hooks(pack, lambda tensor: tensor))
            stack.enter_context(suppress(_Enough))
            self.function(*args, **kwargs)
        if count != len(self.places):
            raise self._error(
                "A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.places)}\n"
                f"Number of tensors saved during recomputation: {count}."
            )

    def _arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        values = self.inputs()
        n = len(values) - len(self.names)
        return tuple(values[:n]), dict(zip(self.names, values[n:]))

    def _fill(self, index: int, tensor: Tensor) -> None:
        if index >= len(self.places):
            raise self._error(
                "trying to save more tensors during recomputation than during the original forward "
                "pass."
            )
        now = (tensor.shape, tensor.dtype, tensor.device)
        if self.compares and now != self.metadata[index]:
            raise self._error(
                "Recomputed values for the following tensors have different metadata than during "
                f"the forward pass.\ntensor at position {index}:\n"
                f"saved metadata: {_described(self.metadata[index])}\n"
                f"recomputed metadata: {_described(now)}"
            )
        place = self.places[index]()
        if place is not None:
            place.value = detached(tensor)

    def _error(self, message: str) -> CheckpointError:
        if self.log is None:
            return CheckpointError(f"torch.utils.checkpoint: {message}{_HELP}")
        return CheckpointError(
            "An error happened while unpacking tensors; dumping logs of latest computation\n"
            f"torch.utils.checkpoint: {message}{self.log.told()}"
        )


def _described(metadata: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("shape", "dtype", "device"), metadata))


# ---- the arguments


class _KeepInputs(Function):
    """Saves tensors as any operation does, so that an outer checkpoint keeps places for them."""

    @staticmethod
    def forward(ctx: Any, asks: Tensor, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return empty(0)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise AssertionError("nothing is computed from this result")


def _kept(values: tuple[Any, ...]) -> Callable[[], list[Any]]:
    """A function that returns `values`, its tensors saved as autograd saves them."""
    at = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
    rest = [None if isinstance(v, Tensor) else v for v in values]
    node: Any = _KeepInputs.apply(empty(0, requires_grad=True), *[values[i] for i in at])._node

    def inputs() -> list[Any]:
        found = list(rest)
        for i, tensor in zip(at, node.saved_tensors):
            found[i] = tensor
        return found

    return inputs
