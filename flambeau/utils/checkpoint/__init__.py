"""Checkpointing: a part of a computation keeps its inputs only, and is run again in the backward
pass when its intermediate values are needed. Memory is traded for time.

``recomputation.py`` is the way that saved tensors take (``use_reentrant=False``), ``reentrant.py``
the older one, a backward pass inside the backward pass.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from flambeau.utils.checkpoint.recomputation import (
    CheckpointError,
    GraphExecGroup,
    noop_context_fn,
    run_and_recompute,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)
from flambeau.utils.checkpoint.reentrant import (
    CheckpointFunction,
    check_backward_validity,
    detach_variable,
)
from flambeau.utils.checkpoint.selective import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)
from flambeau.utils.checkpoint.states import (
    DefaultDeviceType,
    get_device_states,
    set_device_states,
)

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SAC_IGNORED_OPS",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)`` without keeping its intermediate values.

    Args:
        function: what to run; it runs a second time during the backward pass and must then compute
            the same.
        use_reentrant: True runs a backward pass of its own inside the outer one: it knows only the
            tensors among ``args``, and ``torch.autograd.grad`` cannot pass through it. False is
            recommended and has no such limits. One of the two should be given.
        preserve_rng_state: whether the second run draws the same random numbers (True).
        context_fn: makes two context managers, for the first run and for the second.
        determinism_check: ``"default"`` compares shapes, dtypes and devices of both runs;
            ``"none"`` does not.
        debug: errors list the operators of both runs with the lines that called them.
        early_stop: whether the second run ends as soon as it has computed what is needed.

    Raises CheckpointError in the backward pass if the second run saves other tensors.

    >>> x = torch.ones(3, requires_grad=True)
    >>> y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([1.2534, 1.2534, 1.2534])
    """
    if use_reentrant is None:
        _warn_of_default("torch.utils.checkpoint")
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        return run_and_recompute(
            function, args, kwargs, preserve, context_fn, determinism_check, debug, early_stop
        )
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    check_backward_validity(args)
    return CheckpointFunction.apply(function, preserve, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Runs ``functions``, a ``Sequential`` or a list, in ``segments`` parts of equal length.

    All parts but the last are checkpointed.

    >>> x = torch.ones(3, requires_grad=True)
    >>> checkpoint_sequential([torch.sin, torch.exp, torch.cos], 2, x, use_reentrant=False).shape
    torch.Size([3])
    """
    if use_reentrant is None:
        _warn_of_default("torch.utils.checkpoint.checkpoint_sequential")
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    layers = _children(functions)
    size = len(layers) // segments
    for start in range(0, size * (segments - 1), size or 1):
        input = checkpoint(
            _chain(layers[start : start + size]), input,
            use_reentrant=use_reentrant, preserve_rng_state=preserve,
        )  # fmt: skip
    return _chain(layers[size * (segments - 1) :])(input)


def _children(functions: Any) -> list[Callable[..., Any]]:
    modules = getattr(functions, "_modules", None)
    return list(modules.values()) if isinstance(modules, dict | OrderedDict) else list(functions)


def _chain(layers: list[Callable[..., Any]]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for layer in layers:
            value = layer(value)
        return value

    return run


def _warn_of_default(name: str) -> None:
    warnings.warn(
        f"{name}: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
        "recommended; use_reentrant=True, the default, is what programs without it were written "
        "for.",
        stacklevel=3,
    )
