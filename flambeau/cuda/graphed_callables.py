"""``make_graphed_callables``: modules and functions whose two passes are graphs of CUDA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.autograd.backward import grad as gradients
from flambeau.autograd.custom import Function
from flambeau.core.tensor import Tensor
from flambeau.cuda.pools import graph_pool_handle
from flambeau.cuda.recorded_graphs import CUDAGraph, graph
from flambeau.cuda.streams import Stream, current_stream
from flambeau.cuda.streams import stream as use_stream
from flambeau.func.trees import flatten, unflatten
from flambeau.ops.creation import empty_like, ones_like


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: Any = None,
) -> Any:
    """Records the forward and the backward pass of callables; what is returned replays them.

    Args:
        callables: a module or function, or a tuple of them, in the order in which they run.
        sample_args: a tuple of tensors like the later arguments (of such tuples for several).
        num_warmup_iters: how often each runs before it is recorded.
        allow_unused_input: whether inputs without an influence on the outputs are no error.
        pool: the name of a pool that other graphs share.

    Second derivatives do not flow through the result.
    """
    several = isinstance(callables, tuple)
    chosen, samples = (callables, sample_args) if several else ((callables,), (sample_args,))
    handle = graph_pool_handle() if pool is None else pool
    side = Stream()
    side.wait_stream(current_stream())
    with use_stream(side):
        for function, args in zip(chosen, samples, strict=True):
            _warm(function, args, num_warmup_iters, allow_unused_input)
    current_stream().wait_stream(side)
    made = [_Recorded(f, a, handle, allow_unused_input) for f, a in zip(chosen, samples)]
    finished = tuple([_installed(f, recorded) for f, recorded in zip(chosen, made)])
    return finished if several else finished[0]


def _parameters(function: Any) -> list[Any]:
    return list(function.parameters()) if hasattr(function, "parameters") else []


def _warm(function: Any, args: Any, times: int, unused: bool) -> None:
    wanted = [t for t in (*args, *_parameters(function)) if t.requires_grad]
    for _ in range(times):
        outputs = [o for o in flatten(function(*args))[0] if o.requires_grad]
        if outputs and wanted:
            gradients(outputs, wanted, [ones_like(o) for o in outputs], allow_unused=unused)


class _Recorded:
    """The two graphs of one callable, and the tensors that they read and write."""

    def __init__(self, function: Any, args: tuple[Any, ...], pool: Any, unused: bool) -> None:
        self.inputs = [*args, *_parameters(function)]
        self.arguments = len(args)
        self.forward, self.backward = CUDAGraph(), CUDAGraph()
        with graph(self.forward, pool):
            self.outputs, self.spec = flatten(function(*args))
        self.active = [o for o in self.outputs if o.requires_grad]
        self.seeds = [empty_like(o) for o in self.active]
        wanted = [t for t in self.inputs if t.requires_grad]
        with graph(self.backward, pool):
            found = (
                gradients(self.active, wanted, self.seeds, allow_unused=unused)
                if self.active and wanted
                else ()
            )
        rest = iter(found)
        self.grads = [next(rest, None) if t.requires_grad else None for t in self.inputs]

    def __call__(self, *args: Any) -> Any:
        parameters = self.inputs[self.arguments :]
        return unflatten(self.spec, list(_Replay.apply(self, *args, *parameters)))


class _Replay(Function):
    @staticmethod
    def forward(ctx: Any, recorded: _Recorded, *values: Tensor) -> Any:
        for own, given in zip(recorded.inputs[: recorded.arguments], values):
            if own.data_ptr() != given.data_ptr():  # type: ignore[attr-defined]
                own.detach().copy_(given)
        recorded.forward.replay()
        ctx.recorded = recorded
        outputs = [o.detach() for o in recorded.outputs]
        ctx.mark_non_differentiable(
            *[made for made, o in zip(outputs, recorded.outputs) if not o.requires_grad]
        )
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        recorded = ctx.recorded
        active = [g for g, o in zip(grads, recorded.outputs) if o.requires_grad]
        for seed, given in zip(recorded.seeds, active):
            if seed.data_ptr() != given.data_ptr():
                seed.copy_(given)
        recorded.backward.replay()
        return None, *[g if g is None else g.detach() for g in recorded.grads]


def _installed(function: Any, recorded: _Recorded) -> Callable[..., Any]:
    """A module with another forward, used in the mode it was recorded in; or a new function."""
    if not hasattr(function, "parameters"):
        return recorded
    plain, training = function.forward, function.training

    def forward(*args: Any) -> Any:
        return recorded(*args) if function.training == training else plain(*args)

    function.forward = forward
    return function
