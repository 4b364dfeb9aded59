"""Gradients of special tensors: of values that transforms have wrapped.

The history of a special tensor is that of the tensor inside of it (``Special.inside``), so a pass
of the engine runs on what lies innermost. Weights go in with the hidden dimensions that the output
has, and gradients come out wrapped as the input is. A weight of a level that the output does not
have, as in ``vmap(pull)``, runs through the pass as it is: formulas are written with tensors.
"""

from __future__ import annotations

from typing import Any

from flambeau.autograd.backward import grad as gradients
from flambeau.core.tensor import Tensor
from flambeau.core.views import history
from flambeau.func.levels import Special, level_of
from flambeau.ops.creation import zeros_like


def leaf(value: Any) -> Any:
    """A tensor to differentiate with respect to: fresh, but connected to what it was made from."""
    if not isinstance(value, Tensor) or not value.kind.floating:
        return value
    if isinstance(value, Special):
        return value.leaf()
    if history(value) is not None:
        return value.view_as(value)  # type: ignore[attr-defined]
    return value.detach().requires_grad_()  # type: ignore[attr-defined]


def pull(outputs: list[Any], weights: list[Any], inputs: list[Any]) -> list[Any]:
    """The gradients of weighted outputs, recorded; None where an input does not matter."""
    values = [_inside(o) for o in outputs]
    linked = [i for i, v in enumerate(values) if history(v) is not None]
    if not linked:
        return [None] * len(inputs)
    found = gradients(
        [values[i] for i in linked],
        [_inside(i) for i in inputs],
        [_weight_inside(weights[i], outputs[i]) for i in linked],
        create_graph=True,
        allow_unused=True,
    )
    return [g if g is None else _outside(g, i) for g, i in zip(found, inputs)]


def pull_or_zeros(outputs: list[Any], weights: list[Any], inputs: list[Any]) -> list[Any]:
    """The gradients of weighted outputs, recorded; zeros where an input does not matter."""
    found = pull(outputs, weights, inputs)
    return [zeros_like(i) if g is None else g for g, i in zip(found, inputs)]


def _inside(value: Any) -> Any:
    """The tensor that has the history of a special one."""
    while isinstance(value, Special) and value.inside is not None:
        value = value.inside
    return value


def _weight_inside(weight: Any, output: Any) -> Any:
    """A weight of an output as one of the tensor inside of the output."""
    while isinstance(output, Special) and output.inside is not None:
        weight, output = _taken_in(output, weight), output.inside
    return weight


def _taken_in(output: Special, weight: Any) -> Any:
    if level_of(weight) > output.level:
        return weight.each(lambda part: _taken_in(output, part), made=output.hidden)
    return output.take_in(weight)


def _outside(value: Tensor, like: Any) -> Any:
    """A gradient of the tensor inside of ``like``, wrapped as ``like`` is."""
    if not isinstance(like, Special) or like.inside is None:
        return value
    return _let_out(like, _outside(value, like.inside))


def _let_out(like: Special, value: Any) -> Any:
    if level_of(value) > like.level:
        return value.each(lambda part: _let_out(like, part), given=like.hidden)
    return like.let_out(value)
