"""Elements as values of Python and NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from flambeau.core.dtype import scalar_name
from flambeau.core.flips import CONJ, elements
from flambeau.core.modes import modes
from flambeau.core.publish import method
from flambeau.core.sparse import is_sparse
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.ops.from_data import from_numpy


@method("item")
def _item(self: Tensor) -> Any:
    """The one element as a Python number; RuntimeError if there are more or fewer."""
    kind, array = self._kind, self._array
    if kind is None:
        kind, array = self.kind, elements(self)
    if kind.place == META:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    try:
        value = array.item()
    except ValueError:
        raise RuntimeError(
            f"a Tensor with {array.size} elements cannot be converted to Scalar"
        ) from None
    return value if type(value) in _PLAIN else float(value)


_PLAIN = frozenset((float, int, bool, complex))


@method("tolist")
def _tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    if self.ndim == 0:
        return self.item()  # type: ignore[attr-defined]
    array = _host(self)
    if self.kind.narrow:
        array = array.astype(numpy.float32)
    return array.tolist()


def _host(tensor: Tensor) -> numpy.ndarray:
    kind = tensor.kind
    if kind.place == META:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    array = elements(tensor)
    if is_sparse(tensor):
        return numpy.asarray(array)  # which refuses
    return array if kind.place == 0 else array.get()


@method("numpy")
def _numpy(self: Tensor, *, force: bool = False) -> numpy.ndarray:
    """The elements as a NumPy array over the same memory.

    Raises unless the tensor is on the CPU and needs no gradient, or none are recorded;
    ``force=True`` detaches and moves.
    """
    if self.requires_grad and modes.grad and not force:  # type: ignore[attr-defined]
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    kind = self.kind
    if kind.place != 0 and not force:
        raise TypeError(
            f"can't convert {kind.device} device type tensor to numpy. Use Tensor.cpu() to "
            "copy the "
            "tensor to host memory first."
        )
    if self._flips and not force:
        raise _numpy_of_lazy(*_LAZY[self._flips & CONJ])
    if kind.dtype.numpy is not None and kind.dtype.numpy.kind == "V":
        raise TypeError(f"Got unsupported ScalarType {scalar_name(kind.dtype)}")
    array = _host(self)
    return array[...] if array.size else numpy.empty(array.shape, array.dtype)


_LAZY = {CONJ: ("conjugate", "conj"), 0: ("negative", "neg")}


def _numpy_of_lazy(what: str, short: str) -> RuntimeError:
    return RuntimeError(
        f"Can't call numpy() on Tensor that has {what} bit set. Use tensor.resolve_{short}()."
        "numpy() instead."
    )


@method("__array__")
def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
    """What ``numpy.asarray(tensor)`` gives: the elements over the same memory."""
    array = self.numpy()  # type: ignore[attr-defined]
    if dtype is not None and array.dtype != dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


@method("__array_wrap__")
def _array_wrap(
    self: Tensor, array: numpy.ndarray, context: Any = None, return_scalar: bool = False
) -> Any:
    """Results of NumPy functions applied to a tensor become tensors."""
    return from_numpy(numpy.asarray(array))


Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]


@method("__bool__")
def _bool(self: Tensor) -> bool:
    array = self._array
    if array.size != 1:
        what = "no values" if array.size == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
    if self.kind.place == META:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    return bool(array.item())


def _one(self: Tensor) -> Any:
    if self._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return self.item()  # type: ignore[attr-defined]


@method("__float__")
def _float(self: Tensor) -> float:
    return float(_one(self))


@method("__int__ __trunc__")
def _int(self: Tensor) -> int:
    return int(_one(self))


@method("__complex__")
def _complex(self: Tensor) -> complex:
    return complex(_one(self))


@method("__index__")
def _index(self: Tensor) -> int:
    if self._array.size != 1 or self.dtype.rank > 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self.item())  # type: ignore[attr-defined]


@method("__iter__")
def _iter(self: Tensor) -> Iterator[Tensor]:
    if self.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))  # type: ignore[attr-defined]


@method("__reversed__")
def _reversed(self: Tensor) -> Tensor:
    return self if self.ndim == 0 else self.flip(0)  # type: ignore[attr-defined]


@method("__contains__")
def _contains(self: Tensor, element: Any) -> bool:
    if isinstance(element, Tensor | bool | int | float | complex):
        return bool((self == element).any().item())  # type: ignore[attr-defined]
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


@method("__format__")
def _format(self: Tensor, spec: str) -> str:
    if self.ndim == 0 and self.kind.place != META and type(self) is Tensor:
        return self.item().__format__(spec)  # type: ignore[attr-defined]
    return object.__format__(self, spec)


silence(globals())
