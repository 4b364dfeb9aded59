"""Random parameters and tensors to time an operator with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import float32
from flambeau.ops.from_data import tensor
from flambeau.ops.joining import cat
from flambeau.ops.random import rand, randint
from flambeau.sparse.construction import sparse_coo_tensor

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
    """A random sparse tensor of coordinates.

    Args:
        size: numbers, or names of parameters.
        min_elements, max_elements: what sizes are acceptable, zeros counted.
        dim_parameter: the parameter that says how many of the sizes count.
        sparse_dim: the parameter that says how many dimensions are sparse; all by default.
        nnz: accepted for compatibility.
        density, coalesced: the parameters of these names say how many elements there are, as a
            part of the sum of the sizes, and whether each place occurs once.
    """

    def __init__(
        self,
        name: str,
        size: tuple[str | int, ...],
        min_elements: int | None = None,
        max_elements: int | None = None,
        dim_parameter: str | None = None,
        sparse_dim: str | None = None,
        nnz: str | None = None,
        density: str | None = None,
        coalesced: str | None = None,
        dtype: DType = float32,
        cuda: bool = False,
    ) -> None:
        super().__init__(
            name, size, min_elements=min_elements, max_elements=max_elements,
            dim_parameter=dim_parameter, dtype=dtype, cuda=cuda,
        )  # fmt: skip
        self._sparse_dim = sparse_dim

    @staticmethod
    def sparse_tensor_constructor(
        size: Any, dtype: DType, sparse_dim: int, nnz: int, is_coalesced: bool
    ) -> Any:
        """Elements at ``nnz`` random places; each place twice unless ``is_coalesced``."""
        shape = [size] * sparse_dim if isinstance(size, int) else list(size)
        if nnz and all([n <= 0 for n in shape[:sparse_dim]]):
            raise AssertionError("invalid arguments")
        values: Any = FuzzedTensor.default_tensor_constructor([nnz, *shape[sparse_dim:]], dtype)
        spans = tensor(shape[:sparse_dim]).unsqueeze(1)  # type: ignore[attr-defined]
        places: Any = (rand(sparse_dim, nnz) * spans).long()  # type: ignore[attr-defined,operator]
        if not is_coalesced:
            values, places = cat([values, values]), cat([places, places], 1)
        made = sparse_coo_tensor(places, values, tuple(shape))
        return made.coalesce() if is_coalesced else made  # type: ignore[attr-defined]

    def make(self, params: Parameters, state: numpy.random.RandomState) -> tuple[Any, Any]:
        size, _ = self._shape(params)
        density, coalesced = params["density"], params["coalesced"]
        count = math.ceil(sum(size) * density)
        if count > sum(size):
            raise AssertionError("nnz cannot exceed total number of elements")
        dims = min(params["sparse_dim"] if self._sparse_dim else len(size), len(size))
        made = self.sparse_tensor_constructor(size, self._dtype, dims, count, coalesced)
        made = made.cuda() if self._cuda else made
        about = {
            "numel": made.numel(), "shape": made.shape, "is_coalesced": made.is_coalesced(),
            "density": density, "sparsity": 1.0 - density, "sparse_dim": made.sparse_dim(),
            "dense_dim": made.dense_dim(), "is_hybrid": dims < len(size),
            "dtype": str(self._dtype),
        }  # fmt: skip
        return made, about


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
