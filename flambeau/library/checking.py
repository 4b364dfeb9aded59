"""``opcheck``: whether what a program has registered for an operator fits together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.library.operator import Operator, tensors_of
from flambeau.library.registry import find
from flambeau.testing import assert_close

_TESTS = (
    "test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic",
)  # fmt: skip


class OpCheckError(Exception):
    """What an operator does is not what was registered for it."""


def opcheck(
    op: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    test_utils: str | Sequence[str] = _TESTS,
    raise_exception: bool = True,
    atol: float | None = None,
    rtol: float | None = None,
) -> dict[str, Any]:
    """Calls an operator in several ways and compares what it does.

    * ``"test_schema"``: it writes to the arguments that its schema says, and to no others, and its
      results are not its arguments.
    * ``"test_autograd_registration"``: there is a gradient, if tensors require one.
    * ``"test_faketensor"``: the fake kernel tells the shapes and dtypes of the results.
    * ``"test_aot_dispatch_dynamic"``: a second call gives the same results and gradients, of the
      shapes and dtypes of the arguments. (PyTorch compares with a compiled call.)

    The result tells ``"SUCCESS"``, or the error, for each of them.

    Raises OpCheckError for the first that fails, unless ``raise_exception=False``.
    """
    operator = find(op)
    chosen = [test_utils] if isinstance(test_utils, str) else list(test_utils)
    unknown = set(chosen) - set(_TESTS)
    if unknown:
        raise ValueError(f"opcheck(..., test_utils={unknown}): expected some of {_TESTS}")
    outcomes: dict[str, Any] = {}
    for name in chosen:
        try:
            _CHECKS[name](operator, args, kwargs or {}, {"atol": atol, "rtol": rtol})
            outcomes[name] = "SUCCESS"
        except Exception as error:
            if raise_exception:
                raise OpCheckError(f"opcheck(op, ...): {name} failed with {error}") from error
            outcomes[name] = error
    return outcomes


def _copies(values: Any) -> Any:
    """Values whose tensors are copies, leaves as they were."""
    if isinstance(values, Tensor):
        return values.detach().clone().requires_grad_(values.requires_grad)  # type: ignore
    if isinstance(values, list | tuple):
        return type(values)([_copies(v) for v in values])
    if isinstance(values, dict):
        return {name: _copies(v) for name, v in values.items()}
    return values


def _check_schema(op: Operator, args: Any, kwargs: Any, limits: Any) -> None:
    args, kwargs = _copies((args, kwargs))
    values = op.schema.bind(args, kwargs)
    before = [_copies(value) for value in values]
    results = list(tensors_of(op(*args, **kwargs)))
    for argument, value, old in zip(op.schema.arguments, values, before):
        if not isinstance(value, Tensor):
            continue
        if not argument.mutated:
            assert_close(
                value,
                old,
                rtol=0,
                atol=0,
                equal_nan=True,
                msg=f"Argument {argument.name} is not defined as mutable but was mutated",
            )
        if any([result is value for result in results]):
            raise AssertionError(f"Argument {argument.name} is also a result")


def _check_autograd(op: Operator, args: Any, kwargs: Any, limits: Any) -> None:
    values = op.schema.bind(args, kwargs)
    if any([t.requires_grad for t in tensors_of(values)]) and op.strict and op.backward is None:
        raise AssertionError(f"{op.schema.name} has no gradient: use register_autograd")


def _check_fake(op: Operator, args: Any, kwargs: Any, limits: Any) -> None:
    def on_meta(values: Any) -> Any:
        if isinstance(values, Tensor):
            return values.detach().to("meta")  # type: ignore[attr-defined]
        if isinstance(values, list | tuple):
            return type(values)([on_meta(v) for v in values])
        return values

    real = op(*_copies(args), **_copies(kwargs))
    fake = op(*on_meta(args), **{name: on_meta(v) for name, v in kwargs.items()})
    for pair in zip(tensors_of(real), tensors_of(fake), strict=True):
        described = [(tuple(t.shape), t.dtype) for t in pair]
        if described[0] != described[1]:
            raise AssertionError(f"the fake kernel gives {described[1]} instead of {described[0]}")


def _check_twice(op: Operator, args: Any, kwargs: Any, limits: Any) -> None:
    first, second = (_run(op, *_copies((args, kwargs))) for _ in range(2))
    assert_close(first, second, equal_nan=True, **limits)


def _run(op: Operator, args: Any, kwargs: Any) -> list[Any]:
    """The results and gradients of one call."""
    leaves = [t for t in tensors_of(op.schema.bind(args, kwargs)) if t.requires_grad]
    results = list(tensors_of(op(*args, **kwargs)))
    for result in results:
        if result.requires_grad:
            result.sum().backward(retain_graph=True)
    for leaf in leaves:
        if leaf.grad is not None and leaf.grad.shape != leaf.shape:
            raise AssertionError(f"a gradient has the shape {leaf.grad.shape}, not {leaf.shape}")
    return [t.detach() for t in [*results, *[x.grad for x in leaves if x.grad is not None]]]


_CHECKS: dict[str, Callable[..., None]] = dict(
    zip(_TESTS, (_check_schema, _check_autograd, _check_fake, _check_twice))
)
