"""Selective checkpointing: a policy says of each operator whether its result is kept."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flambeau.core.graph import record, record_outputs
from flambeau.core.interception import Interceptor
from flambeau.core.modes import modes
from flambeau.core.op import REGISTRY, Op
from flambeau.core.tensor import Tensor, share_version
from flambeau.utils.checkpoint.states import detached


class CheckpointPolicy(enum.Enum):
    """What becomes of an operator's result.

    ``PREFER_`` policies may be overridden by a compiler; without one they are as ``MUST_``.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_SAVING = (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)
_OFFLOADING = (CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD)
SAC_IGNORED_OPS = frozenset([op for name, op in REGISTRY.items() if name == "detach"])


class SelectiveCheckpointContext:
    """What a policy is told: whether this is the second run, and in the first run the result."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute, self.op_output = is_recompute, op_output


Policy = Callable[..., CheckpointPolicy]


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Policy | list[Any], allow_cache_entry_mutation: bool = False
) -> tuple[Interceptor, Interceptor]:
    """The ``context_fn`` of a checkpoint that keeps the results of some operators.

    Args:
        policy_fn_or_list: a function ``(ctx, op, *tensors_and_params)`` that returns a
            :class:`CheckpointPolicy`, or a list of the operators whose results are kept. Operators
            are ``Op`` objects, or the public functions that they are known by (``torch.mm``).
        allow_cache_entry_mutation: whether kept results may be written to in between.

    >>> from functools import partial
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> keep_products = partial(create_selective_checkpoint_contexts, [torch.mm])
    >>> y = checkpoint(lambda t: torch.mm(t, t).sin(), x, use_reentrant=False,
    ...                context_fn=keep_products)
    """
    kept: dict[Op, list[Any]] = defaultdict(list)
    policy = _policy_of(policy_fn_or_list)
    return _Keeping(policy, kept), _Reusing(policy, kept, allow_cache_entry_mutation)


def _policy_of(given: Policy | list[Any]) -> Policy:
    if isinstance(given, list):
        chosen = {_op_of(entry) for entry in given}
        return lambda ctx, op, *args, **kwargs: (
            CheckpointPolicy.MUST_SAVE if op in chosen else CheckpointPolicy.PREFER_RECOMPUTE
        )
    if callable(given):
        return given
    raise TypeError("policy_fn_or_list must be either a function or a list of ops.")


def _op_of(entry: Any) -> Op:
    if isinstance(entry, Op):
        return entry
    op = getattr(entry, "op", None) or REGISTRY.get(getattr(entry, "__name__", ""))
    if not isinstance(op, Op):
        raise ValueError(
            f"Expected op in `op_list` to be an OpOverload but got: {entry} of type {type(entry)}. "
        )
    return op


def _saves(policy: CheckpointPolicy | bool, op: Op) -> bool:
    if policy in _OFFLOADING:
        raise NotImplementedError(
            "checkpoint policies that offload to the CPU are not supported: use save_on_cpu of "
            "autograd.graph around the operators instead"
        )
    return (policy is True or policy in _SAVING) and op not in SAC_IGNORED_OPS


class _Keeping(Interceptor):
    """The first run: keeps results."""

    def __init__(self, policy: Policy, kept: dict[Op, list[Any]]) -> None:
        self.policy, self.kept = policy, kept

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        told = SelectiveCheckpointContext(is_recompute=False, op_output=result)
        if _saves(self.policy(told, op, *tensors, *params), op):
            self.kept[op].append(_detached(result))
        return result


class _Reusing(Interceptor):
    """The second run: takes kept results, and gives them the history that computing them would."""

    def __init__(self, policy: Policy, kept: dict[Op, list[Any]], mutable: bool) -> None:
        self.policy, self.kept, self.mutable = policy, kept, mutable
        self.used: dict[Op, int] = defaultdict(int)

    def __enter__(self) -> Any:
        self.used.clear()
        return super().__enter__()

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        told = SelectiveCheckpointContext(is_recompute=True)
        if not _saves(self.policy(told, op, *tensors, *params), op):
            return self.proceed(op, tensors, params)
        index = self.used[op]
        if index >= len(self.kept[op]):
            raise RuntimeError(f"{op.name} encountered during backward, but not found in storage")
        self.used[op] = index + 1
        result, counts = self.kept[op][index]
        if not self.mutable and counts != _counts(result):
            raise RuntimeError(
                f"the result of {op.name} that selective checkpointing kept was modified in place; "
                "pass allow_cache_entry_mutation=True if that is meant"
            )
        return _recorded(op, _each(result, detached), tensors, params)


def _each(result: Any, function: Callable[[Tensor], Any]) -> Any:
    if isinstance(result, tuple | list):
        return tuple([_each(r, function) for r in result])
    return function(result) if isinstance(result, Tensor) else result


def _counts(result: Any) -> Any:
    return _each(result, lambda t: t._version)  # type: ignore[attr-defined]


def _detached(result: Any) -> tuple[Any, Any]:
    return _each(result, _sharing), _counts(result)


def _sharing(tensor: Tensor) -> Tensor:
    share_version(tensor)  # so that later writes are noticed
    return detached(tensor)


def _recorded(op: Op, results: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    has_history = any([isinstance(t, Tensor) and t._node is not None for t in tensors])
    if modes.grad and has_history:
        if op.outputs != 1:
            record_outputs(op, results, tensors, params)
        elif results.kind.floating:
            record(op, results, tensors, params)
    return results
