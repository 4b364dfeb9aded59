"""Random parameters and tensors to time an operator with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import float32
from flambeau.ops.random import rand, randint

Parameters = dict[str, Any]


class ParameterAlias:
    """In a distribution: takes the value of another parameter."""

    def __init__(self, alias_to: str) -> None:
        self.alias_to = alias_to

    def __repr__(self) -> str:
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A random number, or a choice.

    Args:
        name: how tensors refer to it.
        minval, maxval: the range, for ``"uniform"`` and ``"loguniform"``.
        distribution: one of these two, or a dictionary from values to their weights.
        strict: whether the weights must add up to 1.
    """

    def __init__(
        self,
        name: str,
        minval: float | None = None,
        maxval: float | None = None,
        distribution: str | dict[Any, float] | None = None,
        strict: bool = False,
    ) -> None:
        self._name, self._minval, self._maxval, self.strict = name, minval, maxval, strict
        self._distribution = distribution
        if isinstance(distribution, dict):
            total = sum(distribution.values())
            if (strict and abs(total - 1) > 1e-6) or not total > 0:
                raise ValueError(f"the weights of {name} add up to {total}, not to 1")
        elif distribution not in ("uniform", "loguniform"):
            raise ValueError(f"Unknown distribution: {distribution}")

    @property
    def name(self) -> str:
        """How tensors refer to it."""
        return self._name

    def sample(self, state: numpy.random.RandomState) -> Any:
        """A value."""
        if isinstance(self._distribution, dict):
            values = list(self._distribution)
            weights = numpy.asarray(list(self._distribution.values()))
            return values[state.choice(len(values), p=weights / weights.sum())]
        low, high = self._minval, self._maxval
        assert low is not None and high is not None
        if self._distribution == "loguniform":
            value = 2 ** state.uniform(math.log2(low), math.log2(high))
            return int(numpy.clip(value, low, high)) if isinstance(low, int) else value
        whole = isinstance(low, int)
        return int(state.randint(low, int(high) + 1)) if whole else state.uniform(low, high)


class FuzzedTensor:
    """A random tensor whose sizes and steps may be parameters.

    Args:
        size: numbers, or names of parameters.
        steps: of the memory in each dimension.
        probability_contiguous: how often the dimensions are in order in memory.
        min_elements, max_elements, max_allocation_bytes: what sizes are acceptable.
        dim_parameter: the parameter that says how many of the sizes count.
        tensor_constructor: makes the tensor from ``size``, ``dtype`` and the parameters.
    """

    def __init__(
        self,
        name: str,
        size: tuple[str | int, ...],
        steps: tuple[str | int, ...] | None = None,
        probability_contiguous: float = 0.5,
        min_elements: int | None = None,
        max_elements: int | None = None,
        max_allocation_bytes: int | None = None,
        dim_parameter: str | None = None,
        roll_parameter: str | None = None,
        dtype: DType = float32,
        cuda: bool = False,
        tensor_constructor: Callable[..., Any] | None = None,
    ) -> None:
        self._name, self._size, self._steps = name, size, steps
        self._contiguous, self._dim = probability_contiguous, dim_parameter
        self._least, self._most, self._bytes = min_elements, max_elements, max_allocation_bytes
        self._roll, self._dtype, self._cuda = roll_parameter, dtype, cuda
        self._constructor = tensor_constructor

    @property
    def name(self) -> str:
        """The name of the tensor."""
        return self._name

    @staticmethod
    def default_tensor_constructor(size: Any, dtype: DType, **kwargs: Any) -> Any:
        """Uniform floats, or integers below 128."""
        if dtype.is_floating_point or dtype.is_complex:
            return rand(size=size, dtype=dtype, device="cpu")
        return randint(0, 127, size=size, dtype=dtype, device="cpu")

    def _shape(self, params: Parameters) -> tuple[tuple[int, ...], tuple[int, ...]]:
        dims = params[self._dim] if self._dim else len(self._size)
        size = [params.get(s, s) if isinstance(s, str) else s for s in self._size]
        given = self._steps or (1,) * len(size)
        steps = [params.get(s, s) if isinstance(s, str) else s for s in given]
        if self._roll is not None:
            turn = params[self._roll]
            size, steps = size[turn:] + size[:turn], steps[turn:] + steps[:turn]
        return tuple(size[:dims]), tuple(steps[:dims])

    def satisfies_constraints(self, params: Parameters) -> bool:
        """Whether the sizes are acceptable."""
        size, steps = self._shape(params)
        count = math.prod(size)
        memory = math.prod([n * s for n, s in zip(size, steps)]) * self._dtype.itemsize
        return (
            (self._bytes is None or memory <= self._bytes)
            and (self._least is None or count >= self._least)
            and (self._most is None or count <= self._most)
        )

    def make(self, params: Parameters, state: numpy.random.RandomState) -> tuple[Any, Any]:
        """The tensor, and what is to be known about it."""
        size, steps = self._shape(params)
        order = numpy.arange(len(size))
        if state.rand() > self._contiguous:
            order = state.permutation(len(size))
        whole = [size[i] * steps[i] for i in order]
        make = self._constructor or self.default_tensor_constructor
        raw = make(size=tuple(whole), dtype=self._dtype, **params)
        tensor = raw.permute(tuple(numpy.argsort(order).tolist()))
        tensor = tensor[tuple([slice(0, n * s, s) for n, s in zip(size, steps)])]
        if self._cuda:
            tensor = tensor.cuda()
        about = {
            "numel": tensor.numel(), "order": order, "steps": steps, "dtype": self._dtype,
            "is_contiguous": tensor.is_contiguous(), "size": tuple(tensor.shape),
        }  # fmt: skip
        return tensor, about


class FuzzedSparseTensor(FuzzedTensor):
    """A random sparse tensor: not supported, NotImplementedError."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("random sparse tensors are not supported")

    @staticmethod
    def sparse_tensor_constructor(*args: Any, **kwargs: Any) -> Any:
        """Not supported: NotImplementedError."""
        raise NotImplementedError("random sparse tensors are not supported")


class Fuzzer:
    """Draws parameters and tensors until the constraints hold.

    >>> sizes = FuzzedParameter("n", minval=2, maxval=8, distribution="loguniform")
    >>> fuzzer = Fuzzer([sizes], [FuzzedTensor("x", size=("n", 2))], seed=0)
    >>> [tuple(tensors["x"].shape)[1] for tensors, about, params in fuzzer.take(2)]
    [2, 2]
    """

    def __init__(
        self,
        parameters: list[Any],
        tensors: list[Any],
        constraints: list[Callable[..., Any]] | None = None,
        seed: int | None = None,
    ) -> None:
        self._parameters = _flat(parameters)
        self._tensors, self._constraints = _flat(tensors), constraints or []
        if seed is None:
            seed = int(numpy.random.RandomState().randint(0, 2**32 - 1, dtype=numpy.int64))
        self._seed, self._accepted, self._rejected = seed, 0, 0

    def take(self, n: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], Parameters]]:
        """Yields ``n`` times the tensors, what is known about them, and the parameters."""
        state = numpy.random.RandomState(self._seed)
        for _ in range(n):
            params = self._draw(state)
            made = {t.name: t.make(params, state) for t in self._tensors}
            yield (
                {name: tensor for name, (tensor, _) in made.items()},
                {name: about for name, (_, about) in made.items()},
                params,
            )

    @property
    def rejection_rate(self) -> float:
        """The share of draws that the constraints refused."""
        total = self._accepted + self._rejected
        return self._rejected / total if total else 0.0

    def _draw(self, state: numpy.random.RandomState) -> Parameters:
        for _ in range(1000):
            params = {p.name: p.sample(state) for p in self._parameters}
            for name, value in params.items():
                if isinstance(value, ParameterAlias):
                    params[name] = params[value.alias_to]
            fits = all([t.satisfies_constraints(params) for t in self._tensors])
            if fits and all([c(params) for c in self._constraints]):
                self._accepted += 1
                return params
            self._rejected += 1
        raise ValueError("no draw in a thousand satisfied the constraints")


def _flat(items: list[Any]) -> list[Any]:
    return [x for item in items for x in (item if isinstance(item, list | tuple) else [item])]
