"""What PyTorch has removed and left a message for, and methods that it has deprecated."""

from __future__ import annotations

import enum
import warnings
from typing import Any, NoReturn

from flambeau.core.publish import method
from flambeau.core.tensor import Tensor

_REMOVED = "This function was deprecated since version 1.9 and is now removed."


class AggregationType(enum.Enum):
    """How PyTorch's parameter servers of old combined gradients."""

    SUM = 0
    AVG = 1


SUM, AVG = AggregationType.SUM, AggregationType.AVG


# ---- linear algebra


@method("lstsq")
def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> NoReturn:
    """Removed: ``torch.linalg.lstsq(A, input)``. Raises RuntimeError."""
    raise RuntimeError(
        f"{_REMOVED} `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.\n"
        "torch.lstsq(B, A).solution is torch.linalg.lstsq(A, B).solution, whose residuals are a "
        "field of their own; torch.linalg.qr gives the decomposition."
    )


@method("solve")
def solve(input: Tensor, A: Tensor, *, out: Any = None) -> NoReturn:
    """Removed: ``torch.linalg.solve(A, input)``. Raises RuntimeError."""
    raise RuntimeError(
        f"{_REMOVED} `torch.solve` is deprecated in favor of `torch.linalg.solve`. "
        "`torch.linalg.solve` has its arguments reversed and does not return the LU "
        "factorization.\n"
        "torch.solve(B, A).solution is torch.linalg.solve(A, B)."
    )


@method("symeig")
def symeig(
    input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None
) -> NoReturn:
    """Removed: ``torch.linalg.eigh`` or ``eigvalsh``. Raises RuntimeError."""
    raise RuntimeError(
        f"{_REMOVED} The default behavior has changed from using the upper triangular portion of "
        "the matrix by default to using the lower triangular portion.\n"
        "torch.symeig(A, eigenvectors=True, upper=upper) is torch.linalg.eigh(A, UPLO='U' if upper "
        "else 'L'); torch.linalg.eigvalsh gives the eigenvalues alone."
    )


@method("eig")
def eig(self: Tensor, eigenvectors: bool = False, *, e: Any = None, v: Any = None) -> NoReturn:
    """Removed: ``torch.linalg.eig`` or ``eigvals``. Raises RuntimeError."""
    raise RuntimeError(
        f"{_REMOVED} `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` "
        "rather than real tensors mimicking complex tensors.\n"
        "torch.eig(A, eigenvectors=True) is torch.linalg.eig(A); torch.linalg.eigvals gives the "
        "eigenvalues alone."
    )


def matrix_rank(
    input: Tensor, tol: float | None = None, symmetric: bool = False, *, out: Any = None
) -> NoReturn:
    """Removed: ``torch.linalg.matrix_rank``. Raises RuntimeError."""
    raise RuntimeError(
        f"{_REMOVED}\nPlease use torch.linalg.matrix_rank, where 'symmetric' is called 'hermitian'."
    )


# ---- methods


@method("resize")
def _resize(self: Tensor, *sizes: Any) -> Tensor:
    """Deprecated: ``reshape``. Raises RuntimeError for another number of elements."""
    warnings.warn("non-inplace resize is deprecated", stacklevel=2)
    return _reshaped(self, sizes)


@method("resize_as")
def _resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """Deprecated: ``reshape_as``. Raises RuntimeError for another number of elements."""
    warnings.warn("non-inplace resize_as is deprecated", stacklevel=2)
    return _reshaped(self, tuple(tensor.shape))


def _reshaped(self: Any, sizes: tuple[Any, ...]) -> Tensor:
    flat = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else sizes
    count = 1
    for size in flat:
        count *= size
    if count != self.numel():
        raise RuntimeError(
            f"requested resize to {_joined(flat)} ({count} elements in total), but the given "
            f"tensor has a size of {_joined(self.shape)} ({self.numel()} elements). autograd's "
            "resize can only change the shape of a given tensor, while preserving the number of "
            "elements. "
        )
    return self.contiguous().view(*flat)


def _joined(sizes: Any) -> str:
    return "x".join(map(str, sizes))


@method("reinforce")
def _reinforce(self: Tensor, reward: Any) -> NoReturn:
    """Removed: ``torch.distributions``. Raises RuntimeError."""
    raise RuntimeError(
        "reinforce() was removed.\nUse torch.distributions instead: draw an action from a "
        "distribution m with m.sample(), and differentiate -m.log_prob(action) * reward."
    )


def _volatile(self: Tensor) -> bool:
    """Removed: always False; warns."""
    warnings.warn("volatile was removed (Variable.volatile is always False)", stacklevel=2)
    return False


def _set_volatile(self: Tensor, value: Any) -> None:
    warnings.warn(
        "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
        stacklevel=2,
    )


Tensor.volatile = property(_volatile, _set_volatile)  # type: ignore[attr-defined]


@method("__long__")
def _long(self: Tensor) -> int:
    """Python 2's name of ``__int__``."""
    return int(self)  # type: ignore[call-overload]


@method("__nonzero__")
def _nonzero(self: Tensor) -> bool:
    """Python 2's name of ``__bool__``."""
    return bool(self)


# ---- of other kinds of tensors


@method("to_padded_tensor")
def _to_padded_tensor(self: Tensor, padding: float, output_size: Any = None) -> Tensor:
    """A nested tensor with padding; raises NotImplementedError for others."""
    raise _of_another_kind("to_padded_tensor", self)


def native_norm(
    input: Tensor, p: float | None = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The norm of a sparse tensor; raises NotImplementedError for others."""
    raise _of_another_kind("native_norm", input)


def _of_another_kind(name: str, given: Tensor) -> NotImplementedError:
    return NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the '{given.device.type.upper()}' "
        "backend."
    )


__all__ = [
    "AVG",
    "SUM",
    "AggregationType",
    "eig",
    "lstsq",
    "matrix_rank",
    "native_norm",
    "solve",
    "symeig",
]
