"""Fourier transforms, by the array library's FFT.

Three operators do all: complex to complex, real to complex and complex to real; each one's
gradient is another of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.core import dtype as dtypes
from flambeau.core.autocast import autocast
from flambeau.core.dtype import dtype as DType
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import Op, wrap_dim
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import fft as kernels
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.sequences import arange

Sizes = Sequence[int] | None

_c2c = Op("fft_c2c", kernels.c2c, params=("dims", "forward", "scale"), accepts="c", shape="same",
    vjp={"input": lambda grad, dims, forward, scale: _c2c(grad, dims, not forward, scale)},
    jvp="linear")  # fmt: skip
_r2c = Op(
    "fft_r2c",
    kernels.r2c,
    params=("dims", "scale"),
    accepts="f",
    jvp="linear",
    vjp={"input": lambda grad, input_shape, dims, scale: _r2c_grad(grad, input_shape, dims, scale)},
)
_c2r = Op("fft_c2r", kernels.c2r, params=("dims", "scale", "size"), accepts="c", jvp="linear",
    vjp={"input": lambda grad, dims, scale, size: _c2r_grad(grad, dims, scale, size)})  # fmt: skip


def _r2c_grad(grad: Tensor, shape: Any, dims: Any, scale: float) -> Tensor:
    """The absent negative frequencies have no gradient: a transform of the padded one."""
    last = dims[-1]
    missing = shape[last] - grad.shape[last]
    full = _resized(grad, last, grad.shape[last] + missing)
    return _c2c(full, dims, False, scale).real


def _c2r_grad(grad: Tensor, dims: Any, scale: float, size: int) -> Tensor:
    """Frequencies that stand for themselves and their conjugates count twice."""
    found = _r2c(grad, dims, scale)
    last, n = dims[-1], found.shape[dims[-1]]
    double = (size + 1) // 2 - 1
    if double <= 0:
        return found
    weights = arange(n, device=grad.device)
    weights = ((weights >= 1) & (weights <= double)).to(grad.dtype) + 1  # type: ignore
    shape = [1] * found.ndim
    shape[last] = n
    return found * weights.reshape(shape)


# ---- arguments


def _real(name: str, input: Tensor) -> Tensor:
    if input.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {_c_name(input.dtype)}")
    (input,) = autocast("fft", (input,))
    _check_half(input)
    if input.dtype.is_floating_point:
        return input
    return input.to(dtypes.default.dtype)  # type: ignore[attr-defined]


def _c_name(of: DType) -> str:
    return {"complex64": "ComplexFloat", "complex128": "ComplexDouble"}.get(of.name, of.name)


def _complex(input: Tensor) -> Tensor:
    (input,) = autocast("fft", (input,))
    _check_half(input)
    if input.dtype.is_complex:
        return input
    of = input.dtype if input.dtype.is_floating_point else dtypes.default.dtype
    return input.to(of.to_complex())  # type: ignore[attr-defined]


def _check_half(input: Tensor) -> None:
    if input.dtype.name in ("float16", "bfloat16"):
        raise RuntimeError(f"Unsupported dtype {dtypes.scalar_name(input.dtype)}")


def _scale(norm: str | None, count: int, forward: bool) -> float:
    if norm not in (None, "forward", "backward", "ortho"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    if norm == "ortho":
        return 1 / math.sqrt(count)
    return 1 / count if forward == (norm == "forward") else 1.0


def _resized(input: Tensor, dim: int, n: int) -> Tensor:
    """A dimension cut, or padded with zeros at its end."""
    have = input.shape[dim]
    if n < have:
        return input.narrow(dim, 0, n)  # type: ignore[attr-defined]
    if n == have:
        return input
    return input.constant_pad_nd([0, 0] * (input.ndim - 1 - dim) + [0, n - have])  # type: ignore


def _planned(
    name: str, input: Tensor, s: Sizes, dim: Sizes, half: bool
) -> tuple[list[int], list[int]]:
    """The dimensions, and the sizes that they are to have; -1 keeps one."""
    dim = (dim,) if isinstance(dim, int) else dim
    s = (s,) if isinstance(s, int) else s
    if dim is not None:
        dims = [wrap_dim(d, input.ndim) for d in dim]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    else:
        dims = list(range(input.ndim))
        dims = dims[len(dims) - len(s) :] if s is not None else dims
        if s is not None and len(s) > input.ndim:
            raise RuntimeError(
                f"Got shape with {len(s)} values but input tensor only has {input.ndim} dimensions."
            )
    if s is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    sizes = [input.shape[d] if s is None or s[i] == -1 else s[i] for i, d in enumerate(dims)]
    if half and dims and (s is None or s[-1] == -1):
        sizes[-1] = 2 * (input.shape[dims[-1]] - 1)
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return dims, sizes


def _cut(input: Tensor, dims: list[int], sizes: list[int], half: bool = False) -> Tensor:
    for i, (d, n) in enumerate(zip(dims, sizes)):
        input = _resized(input, d, n // 2 + 1 if half and i == len(dims) - 1 else n)
    return input


# ---- the transforms of several dimensions


def _full(
    name: str, input: Tensor, s: Sizes, dim: Sizes, norm: str | None, forward: bool, out: Any
) -> Tensor:
    dims, sizes = _planned(name, input, s, dim, False)
    if not dims:
        return deliver(name, _complex(input).clone(), out)  # type: ignore[attr-defined]
    x = _cut(_complex(input), dims, sizes)
    return deliver(
        name, _c2c(x, tuple(dims), forward, _scale(norm, math.prod(sizes), forward)), out
    )


def _half(
    name: str, input: Tensor, s: Sizes, dim: Sizes, norm: str | None, forward: bool, out: Any
) -> Tensor:
    """Real input: rfft, and ihfft, which is its conjugate with the opposite scaling."""
    x = _real(name, input)
    dims, sizes = _planned(name, x, s, dim, False)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = _cut(x, dims, sizes)
    found = _r2c(x, tuple(dims), _scale(norm, math.prod(sizes), forward))
    return deliver(name, found if forward else conj(found), out)


def _real_result(
    name: str, input: Tensor, s: Sizes, dim: Sizes, norm: str | None, forward: bool, out: Any
) -> Tensor:
    """Real output: irfft, and hfft, which is that of the conjugate with the opposite scaling."""
    x = _complex(input)
    dims, sizes = _planned(name, x, s, dim, True)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = _cut(x, dims, sizes, True)
    x = conj(x) if forward else x
    found = _c2r(x, tuple(dims), _scale(norm, math.prod(sizes), forward), sizes[-1])
    return deliver(name, found, out)


_NORM = """``norm`` says which direction is scaled: "backward" the inverse one, "ortho" both by the
    root, "forward" the forward one."""
_COMPLEX = "``input`` is real or complex, the result complex of the same sizes."
_FROM_REAL = """``input`` is real; of the ``n`` results of the last dimension ``n // 2 + 1`` are
    kept. RuntimeError for complex numbers."""
_TO_REAL = """The ``n // 2 + 1`` numbers of the last dimension give ``n`` real ones; by default
    ``n`` is even."""

# The function, its direction, what it computes, of what, and the last size that it makes of 4.
_KINDS: dict[str, tuple[Any, bool, str, str, int]] = {
    "fft": (_full, True, "The transform", _COMPLEX, 4),
    "ifft": (_full, False, "The inverse transform", _COMPLEX, 4),
    "rfft": (_half, True, "The transform of real numbers, without the negative frequencies,",
             _FROM_REAL, 3),
    "irfft": (_real_result, False, "The inverse of ``rfft``, real,", _TO_REAL, 6),
    "hfft": (_real_result, True, "The transform of half of a Hermitian signal, real,", _TO_REAL, 6),
    "ihfft": (_half, False, "The inverse of ``hfft``", _FROM_REAL, 3),
}  # fmt: skip


def _one(name: str) -> Callable[..., Tensor]:
    run, forward, *_ = _KINDS[name]

    def transform(
        input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *,
        out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        return run(f"fft_{name}", input, None if n is None else (n,), (dim,), norm, forward, out)

    return _named(transform, name, "", "along one dimension, cut or padded to ``n``", "4")


def _two(name: str) -> Callable[..., Tensor]:
    run, forward, *_ = _KINDS[name]

    def transform(
        input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None, *,
        out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        return run(f"fft_{name}2", input, s, dim, norm, forward, out)

    return _named(transform, name, "2", "over two dimensions, cut or padded to ``s``", "2, 4")


def _many(name: str) -> Callable[..., Tensor]:
    run, forward, *_ = _KINDS[name]

    def transform(
        input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None, *,
        out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        return run(f"fft_{name}n", input, s, dim, norm, forward, out)

    place = "over the given dimensions, or all of them, cut or padded to ``s``"
    return _named(transform, name, "n", place, "1, 2, 4")


def _named(
    function: Callable[..., Tensor], kind: str, suffix: str, place: str, sizes: str
) -> Callable[..., Tensor]:
    *_, text, operands, last = _KINDS[kind]
    name = function.__name__ = function.__qualname__ = kind + suffix
    function.__doc__ = f"""{text} {place}.

    {operands}
    {_NORM}
    RuntimeError for sizes below 1, and for other values of ``norm``.

    >>> torch.fft.{name}(torch.ones({sizes})).shape
    torch.Size([{sizes[:-1]}{last}])
    """
    return numpy_names(function)


fft, ifft, rfft, irfft, hfft, ihfft = (_one(n) for n in _KINDS)
fft2, ifft2, rfft2, irfft2, hfft2, ihfft2 = (_two(n) for n in _KINDS)
fftn, ifftn, rfftn, irfftn, hfftn, ihfftn = (_many(n) for n in _KINDS)


# ---- frequencies


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of ``fft`` of ``n`` samples at distance ``d``: positive, then negative.

    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    steps = arange(n, dtype=dtype or dtypes.default.dtype, device=device)
    steps = steps.masked_fill(arange(n, device=device) >= (n + 1) // 2, 0) + (
        steps - n
    ).masked_fill(  # type: ignore
        arange(n, device=device) < (n + 1) // 2, 0
    )
    result = steps * (1 / (n * d))
    return deliver("fft_fftfreq", result.requires_grad_() if requires_grad else result, out)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of ``rfft`` of ``n`` samples at distance ``d``.

    >>> torch.fft.rfftfreq(4, 0.5)
    tensor([0.0000, 0.5000, 1.0000])
    """
    result = arange(n // 2 + 1, dtype=dtype or dtypes.default.dtype, device=device) * (1 / (n * d))
    return deliver("fft_rfftfreq", result.requires_grad_() if requires_grad else result, out)  # type: ignore


@numpy_names
def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequencies reordered so that zero is in the middle.

    Of any shape and dtype, along ``dim`` or all dimensions.

    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    dims = range(input.ndim) if dim is None else ([dim] if isinstance(dim, int) else dim)
    dims = list(dims)
    return input.roll([input.shape[d] // 2 for d in dims], dims)  # type: ignore[attr-defined]


@numpy_names
def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of ``fftshift``.

    Of any shape and dtype, along ``dim`` or all dimensions.

    >>> torch.fft.ifftshift(torch.tensor([-2, -1, 0, 1]))
    tensor([ 0,  1, -2, -1])
    """
    dims = range(input.ndim) if dim is None else ([dim] if isinstance(dim, int) else dim)
    dims = list(dims)
    return input.roll([(input.shape[d] + 1) // 2 for d in dims], dims)  # type: ignore[attr-defined]


__all__ = exported(globals())
