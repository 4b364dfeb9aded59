"""``Coo`` and ``Compressed``: what sparse tensors have in the place of an array.

They offer what every array has (shape, dtype, number of elements), and refuse what only elements
in memory could answer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

Array = Any


class SparseArray:
    """Values with their places in an array of the given shape; all other elements are zero."""

    __slots__ = ("shape", "values")

    layout: str  # the name of the tensor's layout
    title: str  # what messages call it
    shape: tuple[int, ...]
    values: Array

    @property
    def dtype(self) -> Any:
        """The NumPy type of the values."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements, zeros included."""
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.values.dtype.itemsize

    @property
    def nnz(self) -> int:
        """The number of places that are kept."""
        raise NotImplementedError

    def with_values(self, values: Array) -> Any:
        """Other values at the same places."""
        raise NotImplementedError

    def moved(self, move: Callable[[Array], Array]) -> Any:
        """The sparse array whose parts are what ``move`` makes of the parts of this one."""
        raise NotImplementedError

    def copy(self) -> Any:
        """The same in memory of its own."""
        return self.moved(lambda part: part.copy())

    def astype(self, of: Any) -> Any:
        """The values in another type, at the same places."""
        return self.with_values(self.values.astype(of))

    @property
    def real(self) -> Any:
        """The real parts of the values."""
        return self.with_values(self.values.real)

    def item(self) -> Any:
        """The one element; ValueError if there are more, or none."""
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.values.sum().item()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"can't convert {self.title} layout tensor to numpy. Use Tensor.to_dense() first."
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(
            f"unsupported tensor layout: {self.title}. The operation asks for {name!r} of elements "
            "in memory, of which a sparse tensor keeps only some: call to_dense() first"
        )


class Coo(SparseArray):
    """Coordinates: a column of ``indices`` [sparse dims, nnz] for each of ``values`` [nnz, *dense].

    ``coalesced`` says that the columns are sorted and none of them occurs twice.
    """

    __slots__ = ("coalesced", "indices")

    layout, title = "sparse_coo", "Sparse"
    indices: Array
    coalesced: bool

    def __init__(
        self, indices: Array, values: Array, shape: tuple[int, ...], coalesced: bool = False
    ) -> None:
        self.indices, self.values, self.shape = indices, values, shape
        self.coalesced = coalesced or values.shape[0] < 2

    def __reduce__(self) -> tuple[Any, ...]:
        return Coo, (self.indices, self.values, self.shape, self.coalesced)

    @property
    def nnz(self) -> int:
        return self.values.shape[0]

    @property
    def sparse_dim(self) -> int:
        """The number of dimensions that have indices."""
        return self.indices.shape[0]

    @property
    def strides(self) -> tuple[int, ...]:
        """Zeros: there are no steps in memory."""
        return (0,) * len(self.shape)

    def with_values(self, values: Array) -> Coo:
        return Coo(self.indices, values, self.shape, self.coalesced)

    def moved(self, move: Callable[[Array], Array]) -> Coo:
        return Coo(move(self.indices), move(self.values), self.shape, self.coalesced)

    def same_places(self, other: SparseArray) -> bool:
        """Whether the other array keeps its values at the very same indices."""
        return isinstance(other, Coo) and other.indices is self.indices


class Compressed(SparseArray):
    """Rows (or columns) one after the other: ``pointers`` say where each begins, and ``plain``
    holds the index in the other dimension of each value, or of each block of values.

    Shapes: pointers [*batch, rows + 1], plain [*batch, nnz], values [*batch, nnz, *block, *dense].
    """

    __slots__ = ("layout", "plain", "pointers")

    layout: str  # type: ignore[misc]
    pointers: Array
    plain: Array

    def __init__(
        self, layout: str, pointers: Array, plain: Array, values: Array, shape: tuple[int, ...]
    ) -> None:
        self.layout = layout
        self.pointers, self.plain, self.values, self.shape = pointers, plain, values, shape

    def __reduce__(self) -> tuple[Any, ...]:
        return Compressed, (self.layout, self.pointers, self.plain, self.values, self.shape)

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Sparse{self.layout[-3:].capitalize()}"

    @property
    def nnz(self) -> int:
        return self.plain.shape[-1]

    @property
    def by_rows(self) -> bool:
        """Whether rows are compressed (CSR, BSR), not columns."""
        return self.layout in ("sparse_csr", "sparse_bsr")

    @property
    def blocked(self) -> bool:
        """Whether the values are blocks (BSR, BSC)."""
        return self.layout in ("sparse_bsr", "sparse_bsc")

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the leading dimensions: each matrix of them has pointers of its own."""
        return self.plain.shape[:-1]

    @property
    def block(self) -> tuple[int, int]:
        """The size of the blocks; 1 by 1 without blocks."""
        at = self.plain.ndim
        return self.values.shape[at : at + 2] if self.blocked else (1, 1)

    @property
    def dense(self) -> tuple[int, ...]:
        """The shape of the trailing dimensions, which are stored whole."""
        return self.shape[len(self.batch) + 2 :]

    @property
    def strides(self) -> tuple[int, ...]:
        """RuntimeError: there are none."""
        raise RuntimeError(f"Sparse {self.layout[-3:].upper()} tensors do not have strides")

    def with_values(self, values: Array) -> Compressed:
        return Compressed(self.layout, self.pointers, self.plain, values, self.shape)

    def moved(self, move: Callable[[Array], Array]) -> Compressed:
        parts = move(self.pointers), move(self.plain), move(self.values)
        return Compressed(self.layout, *parts, self.shape)

    def same_places(self, other: SparseArray) -> bool:
        """Whether the other array keeps its values at the very same indices."""
        return (
            isinstance(other, Compressed)
            and other.pointers is self.pointers
            and other.plain is self.plain
            and other.layout == self.layout
        )
