"""Tensors filled in place with random numbers.

Whatever a tensor held before has no influence, so its gradient is zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import scalar_name
from flambeau.core.errors.messages import broadcast_shape, expand_error
from flambeau.core.flips import elements
from flambeau.core.generator import Generator
from flambeau.core.kind import Kind
from flambeau.core.modes import flags, modes
from flambeau.core.op import SAME, Op
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump, needs_history
from flambeau.core.writing import mutate
from flambeau.kernels.select import CPU, META, places
from flambeau.kernels.shared import random as kernels
from flambeau.ops import examples
from flambeau.ops.drawing import (
    CPP_NAMES,
    DIGITS,
    DRAWABLE,
    REAL,
    Fill,
    check_chance,
    check_chances,
    draw,
    integer_range,
    limits,
    memory_order,
    number,
    on_host,
    shown,
    unsupported,
)  # fmt: skip


def _redrawn(array: Any, kind: Kind, generator: Any, fill: Fill, params: tuple[Any, ...]) -> Any:
    """A new array of random numbers in the memory order of another."""
    result = kind.xp.empty_like(array)
    draw(result, kind, generator, fill, *params)
    return result


def no_gradient(grad: Tensor) -> Tensor:
    return grad.new_zeros(grad.shape)  # type: ignore[attr-defined]


def _batch_fill(op: Op, input: Tensor, *params: Any) -> Tensor:
    """The same numbers for all examples are drawn for the first one."""
    same = modes.batches[-1].randomness == "same"
    return op(input[0], *params).expand(input.shape) if same else op(input, *params)  # type: ignore


def _filler(name: str) -> Op:
    """The operator behind an in-place fill; what the tensor held has no influence: gradient 0."""
    return Op(f"{name}_", _redrawn, params=("kind", "generator", "fill", "params"), shape=SAME,
              vjp={"input": no_gradient}, jvp=lambda input_t: no_gradient(input_t),
              batch=_batch_fill)  # fmt: skip


_NAMES = "uniform normal random exponential cauchy geometric log_normal bernoulli"
_FILLERS = {name: _filler(name) for name in _NAMES.split()}


def _fill(name: str, self: Tensor, generator: Any, fill: Fill, *params: Any) -> Tensor:
    """The in-place fill of a tensor."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(
            f"{name}_(): argument 'generator' must be torch.Generator, not "
            f"{type(generator).__name__}"
        )
    if modes.batches:
        examples.check_in_place(self)
    kind = self._kind
    if kind is None or flags.active or needs_history(self, ()):
        return mutate(_FILLERS[name], (self,), (self.kind, generator, fill, params))
    array = self._array
    if 0 in array.strides and any([s == 0 and n > 1 for s, n in zip(array.strides, array.shape)]):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    draw(array, kind, generator, fill, *params)
    bump(self)
    return self


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Hangs an in-place fill on ``Tensor`` under its own name."""
    function.__name__ = function.__qualname__ = function.__name__.lstrip("_")
    setattr(Tensor, function.__name__, function)
    return function


def _keyword(function: str, keywords: dict[str, Any], default: Any) -> Any:
    """The value of the argument ``from``, which is no name in Python."""
    given = keywords.pop("from", default)
    if keywords:
        raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(keywords))}'")
    return given


# ---- continuous distributions

uniform_fill = places(kernels.uniform)[CPU]
_blocks, _serial = places(kernels.normal)[CPU], places(kernels.serial_normal)[CPU]
_exponential = places(kernels.exponential)[CPU]


@_in_place
def _uniform_(
    self: Tensor, from_: Any = 0.0, to: Any = 1.0, *, generator: Any = None, **keywords: Any
) -> Tensor:
    """Fills the tensor with numbers drawn evenly from ``[from, to)``.

    >>> torch.empty(2).uniform_(-1, 1)          # doctest: +SKIP
    tensor([-0.2813,  0.5409])
    """
    if keywords:
        from_ = _keyword("uniform_", keywords, from_)
    low, high = number("uniform_", "from", 1, from_), number("uniform_", "to", 2, to)
    check_uniform(self.kind.dtype, low, high)
    return _fill("uniform", self, generator, uniform_fill, low, high)


def check_uniform(of: DType, low: float, high: float) -> None:
    """Raises for bounds, or a dtype, that no uniform numbers have."""
    if of not in DRAWABLE:
        raise unsupported("check_uniform_bounds", of)
    if low == 0.0 and high == 1.0:
        return
    real = of.to_real()
    top = limits(real)[1]
    for name, bound in (("from", low), ("to", high)):
        if not -top <= bound <= top:
            raise RuntimeError(f"{name} is out of bounds for {CPP_NAMES[real.name]}")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={shown(low)} > "
            f"to={shown(high)}"
        )
    if high - low > top:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{scalar_name(of)}>::max(), but found "
            f"to={shown(high)} and from={shown(low)} which result in to-from to exceed the limit"
        )


@_in_place
def _normal_(self: Tensor, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with normal numbers; the parts of complex ones share the variance."""
    mean, std = number("normal_", "mean", 1, mean), number("normal_", "std", 2, std)
    fill = normal_fill(self._array, self.dtype, std)
    return _fill("normal", self, generator, fill, mean, spread(self.dtype, std))


def spread(of: DType, std: float) -> float:
    """The standard deviation of each number: complex ones have two, with half the variance."""
    return std / math.sqrt(2.0) if of.is_complex else std


def normal_fill(array: Any, of: DType, std: float) -> Fill:
    """How an array is filled with normal numbers: in blocks of 16, or in pairs."""
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {shown(std)}")
    if of not in DRAWABLE:
        raise unsupported("normal_kernel_cpu", of)
    blocked = array.flags.c_contiguous and array.size << of.is_complex >= 16
    return _blocks if blocked else _serial  # type: ignore[return-value]


def _check_continuous(name: str, of: DType, shown_type: str) -> None:
    if of not in REAL:
        raise RuntimeError(
            f"{name} distribution is a continuous probability distribution. dtype must be a "
            f"floating point but you specified {shown_type}"
        )


@_in_place
def _exponential_(self: Tensor, lambd: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with exponential numbers of rate ``lambd``."""
    rate = number("exponential_", "lambd", 1, lambd)
    _check_continuous("Exponential", self.dtype, scalar_name(self.dtype))
    if not rate > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={shown(rate)}")
    return _fill("exponential", self, generator, _exponential, rate)


@_in_place
def _cauchy_(self: Tensor, median: Any = 0.0, sigma: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with Cauchy numbers."""
    median, sigma = number("cauchy_", "median", 1, median), number("cauchy_", "sigma", 2, sigma)
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={shown(sigma)}")
    _check_continuous("Cauchy", self.dtype, CPP_NAMES.get(self.dtype.name, scalar_name(self.dtype)))
    return _fill("cauchy", self, generator, kernels.cauchy, median, sigma)


@_in_place
def _log_normal_(self: Tensor, mean: Any = 1.0, std: Any = 2.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with exponentials of normal numbers."""
    mean, std = number("log_normal_", "mean", 1, mean), number("log_normal_", "std", 2, std)
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={shown(std)}")
    if self.dtype not in REAL:
        raise unsupported("log_normal_cpu", self.dtype)
    return _fill("log_normal", self, generator, kernels.log_normal, mean, std)


# ---- integers


@_in_place
def _geometric_(self: Tensor, p: Any, *, generator: Any = None) -> Tensor:
    """Fills the tensor with the numbers of trials up to a first success of chance ``p``."""
    chance = number("geometric_", "p", 1, p)
    if not 0.0 < chance < 1.0:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={shown(chance)}")
    if self.dtype.name == "bool" or not (self.dtype in REAL or self.dtype.rank == 1):
        raise unsupported("geometric_cpu", self.dtype)
    return _fill("geometric", self, generator, kernels.geometric, chance)


#: What ``random_()`` without bounds draws: how many integers, and whether from two words.
_WHOLE = {
    **{name: (2**digits + 1, name == "float64") for name, digits in DIGITS.items()},
    "bool": (2, False), "uint8": (2**8, False), "int8": (2**7, False), "int16": (2**15, False),
    "int32": (2**31, False), "int64": (2**63, True),
}  # fmt: skip


@_in_place
def _random_(self: Tensor, *bounds: Any, generator: Any = None, **keywords: Any) -> Tensor:
    """Fills the tensor with integers: ``random_()``, ``random_(to)``, ``random_(from, to)``.

    Integers lie in ``[from, to)``; without ``to``, up to the largest that the dtype holds exactly.
    """
    if "to" in keywords:
        bounds = (*bounds, keywords.pop("to"))
    if keywords:
        bounds = (_keyword("random_", keywords, None), *bounds)
    for bound in bounds:
        if not hasattr(bound, "__index__") and bound is not None:
            names = ", ".join([type(b).__name__ for b in bounds])
            raise TypeError(
                f"random_() received an invalid combination of arguments - got ({names}), but "
                "expected one of:"
            )
    of = self.kind.dtype
    if not bounds:
        if of.name not in _WHOLE:
            raise unsupported("random_kernel_cpu", of)
        return _fill("random", self, generator, kernels.dtype_integers, *_WHOLE[of.name])
    low, high = (0, bounds[0]) if len(bounds) == 1 else bounds
    return _fill("random", self, generator, kernels.integers, *integer_range(of, low, high))


# ---- Bernoulli

_bernoulli = places(kernels.bernoulli)[CPU]
_bernoulli_each = places(kernels.bernoulli_each)[CPU]


@_in_place
def _bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fills the tensor with ones of chance ``p``, a number or a tensor of chances, and zeros."""
    of = self.kind.dtype
    tensor = isinstance(p, Tensor)
    if of.is_complex or (of.is_floating_point and of not in DRAWABLE):
        raise unsupported("bernoulli_tensor_cpu_self_" if tensor else "bernoulli_scalar_cpu_", of)
    if tensor:
        chances = _chances_for(self, p)
        return _fill("bernoulli", self, generator, _bernoulli_each, chances)
    chance = number("bernoulli_", "p", 1, p)
    check_chance(chance)
    return _fill("bernoulli", self, generator, _bernoulli, chance)


def _chances_for(self: Tensor, p: Tensor) -> Any:
    """The chances of all elements, in the order in which they are drawn."""
    if p.dtype not in REAL:
        raise unsupported("bernoulli_tensor_cpu_p_", p.dtype)
    shape = tuple(self.shape)
    if broadcast_shape([p.shape, shape]) != list(shape):
        raise expand_error(p.shape, shape)
    if self.kind.place == META:
        return elements(p)
    chances = (
        numpy.broadcast_to(on_host(elements(p)), shape)
        .transpose(memory_order(self._array))
        .reshape(-1)
    )
    check_chances(chances)
    return chances
