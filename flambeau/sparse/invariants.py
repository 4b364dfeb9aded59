"""What has to hold for the parts of a sparse tensor, and the switch that has it checked.

Cheap conditions on shapes are checked always in coordinates; what needs a look at all indices, and
everything in compressed layouts, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flambeau.core.dtype import from_numpy_type, scalar_name
from flambeau.core.tensor import Tensor
from flambeau.kernels.select import places
from flambeau.kernels.shared.sparse import checks
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo


class _Switch:
    """Whether constructors check; one for the process."""

    on: bool = False


class check_sparse_tensor_invariants:  # noqa: N801 - the public name
    """Has the constructors of sparse tensors check all invariants: in a ``with`` block, in calls
    of a decorated function, or until ``disable()`` after ``enable()``.

    >>> with torch.sparse.check_sparse_tensor_invariants():
    ...     torch.sparse_coo_tensor([[5]], [1.0], (2,))
    Traceback (most recent call last):
    RuntimeError: size is inconsistent with indices: for dim 0, size is 2 but found index 5
    """

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self.saved: bool | None = None

    @staticmethod
    def is_enabled() -> bool:
        """Whether constructors check unless told otherwise."""
        return _Switch.on

    @staticmethod
    def enable() -> None:
        """Has constructors check from now on."""
        _Switch.on = True

    @staticmethod
    def disable() -> None:
        """Has constructors check no longer."""
        _Switch.on = False

    def __enter__(self) -> None:
        if self.saved is not None:
            raise RuntimeError(
                "This context manager instance is already activated. Use a different context "
                "manager instance for context nesting."
            )
        self.saved, _Switch.on = _Switch.on, self.state

    def __exit__(self, *exc: object) -> None:
        assert self.saved is not None
        _Switch.on, self.saved = self.saved, None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the switch set while it runs."""

        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return function(*args, **kwargs)

        return checked


def wanted(check_invariants: bool | None) -> bool:
    """Whether a constructor checks, given its argument."""
    return _Switch.on if check_invariants is None else check_invariants


# ---- coordinates


def check_coo_shapes(indices: Tensor, values: Tensor, size: tuple[int, ...]) -> None:
    """RuntimeError unless the shapes of indices, values and the whole fit together."""
    sparse, dense = indices.shape[0], values.ndim - 1
    if len(size) != sparse + dense:
        raise RuntimeError(
            "'len(size) == sparse_dim + dense_dim' is not satisfied: "
            f"len(size) = {len(size)}, sparse_dim = {sparse}, dense_dim = {dense}"
        )
    if indices.shape[1] != values.shape[0]:
        raise RuntimeError(
            "indices and values must have same nnz, but got nnz from indices: "
            f"{indices.shape[1]}, nnz from values: {values.shape[0]}"
        )
    expected = [values.shape[0], *size[sparse:]]
    if list(values.shape) != expected:
        raise RuntimeError(
            f"values has incorrect size, expected {expected}, got {list(values.shape)}"
        )


_out_of_bounds = places(checks.out_of_bounds)
_increases = places(checks.increases)
_faults = places(checks.compressed_fault)


def check_coo(array: Coo, place: int) -> None:
    """RuntimeError for an index that is negative or too large, and for places that are called
    coalesced and are not."""
    fault = _out_of_bounds[place](array.indices, array.shape)  # type: ignore[misc]
    if fault is not None:
        dim, index = fault
        if index < 0:
            raise RuntimeError(f"found negative index {index} for dim {dim}")
        raise RuntimeError(
            f"size is inconsistent with indices: for dim {dim}, size is {array.shape[dim]} but "
            f"found index {index}"
        )
    if array.coalesced and not _increases[place](array.indices, array.shape):  # type: ignore[misc]
        raise RuntimeError(
            "cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor"
        )


# ---- compressed


def check_compressed(array: Compressed, place: int) -> None:
    """RuntimeError for the first invariant that the parts of a compressed tensor break."""
    names = _Names(array)
    _check_dtypes(array, names)
    _check_ranks(array, names)
    _check_sizes(array, names)
    fault = _faults[place](array)  # type: ignore[misc]
    if fault is not None:
        raise RuntimeError(f"`{fault.format(**vars(names))}` is not satisfied.")


class _Names:
    """How messages call the parts: by rows or by columns."""

    def __init__(self, array: Compressed) -> None:
        along, across = ("row", "col") if array.by_rows else ("col", "row")
        self.pointers = "crow_indices" if array.by_rows else "ccol_indices"
        self.plain = f"{across}_indices"
        self.count = f"n{along}s" if not array.blocked else f"n{along}blocks"
        self.others = f"n{across}s" if not array.blocked else f"n{across}blocks"
        blocks = " blocks" if array.blocked else "s"
        self.lines = f"{'row' if array.by_rows else 'column'}{blocks}"


def _check_dtypes(array: Compressed, names: _Names) -> None:
    found: Any = [from_numpy_type(a.dtype) for a in (array.pointers, array.plain)]
    of, other = map(scalar_name, found)
    if of != other:
        raise RuntimeError(
            f"{names.pointers} and {names.plain} must have the same dtype, bot got {of} and "
            f"{other}, respectively"
        )
    if of not in ("Int", "Long"):
        raise RuntimeError(
            f"{names.pointers} and {names.plain} dtype must be Int or Long, but got {of}"
        )


def _check_ranks(array: Compressed, names: _Names) -> None:
    for name, part in ((names.pointers, array.pointers), (names.plain, array.plain)):
        if part.ndim < 1:
            raise RuntimeError(f"{name} must have dimensionality >= 1 but got {part.ndim}")
    batch, block = array.pointers.ndim - 1, 2 if array.blocked else 0
    if array.plain.ndim - 1 != batch:
        raise RuntimeError(
            f"{names.pointers} and {names.plain} dimensionalities must be equal but got "
            f"{array.pointers.ndim} and {array.plain.ndim}, respectively"
        )
    if array.values.ndim <= batch + block:
        raise RuntimeError(
            "values must have dimensionality > sum of batch and block dimensionalities "
            f"(={batch} + {block}) but got {array.values.ndim}"
        )
    dense = array.values.ndim - batch - block - 1
    if array.ndim != batch + 2 + dense:
        raise RuntimeError(
            "tensor dimensionality must be sum of batch, base, and dense dimensionalities "
            f"(={batch} + 2 + {dense}) but got {array.ndim}"
        )


def _check_sizes(array: Compressed, names: _Names) -> None:
    at, nnz = len(array.batch), array.values.shape[len(array.batch)]
    for dim in (0, 1):
        if array.shape[at + dim] % array.block[dim]:
            raise RuntimeError(
                f"tensor shape[{at + dim}] (={array.shape[at + dim]}) must be divisible with "
                f"blocksize[{dim}] (={array.block[dim]}) as defined by values shape"
            )
    dim = 0 if array.by_rows else 1
    lines = array.shape[at + dim] // array.block[dim]
    if array.pointers.shape[-1] != lines + 1:
        raise RuntimeError(
            f"{names.pointers}.shape[-1] must be equal to the number of {names.lines} + 1 "
            f"(={lines + 1}), but got {array.pointers.shape[-1]}"
        )
    if array.plain.shape[-1] != nnz:
        raise RuntimeError(
            f"{names.plain}.shape[-1] must be equal to nnz (={nnz}) as defined by "
            f"values.shape[{at}], but got {array.plain.shape[-1]}"
        )
