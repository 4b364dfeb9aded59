"""Drawing random numbers into arrays, and the checks that several distributions share.

Numbers come from PyTorch's CPU stream in the order in which the elements lie in memory; see
``core.generator``. On ``device="meta"`` nothing is drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dtype import (
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    scalar_name,
)
from flambeau.core.dtype import dtype as DType
from flambeau.core.generator import Generator, default_generator, generator_of, lock
from flambeau.core.kind import Kind
from flambeau.core.tensor import Tensor
from flambeau.kernels.select import CPU, META
from flambeau.ops.conversion import moved

Fill = Callable[..., None]

# ---- drawing


def source(generator: Any, kind: Kind) -> Generator:
    """The generator to draw from: the given one, or the device's own."""
    if generator is None:
        return default_generator if kind.place == CPU else generator_of(kind.device)
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be torch.Generator, not {type(generator).__name__}"
        )
    if generator.device.type != kind.device.type:
        raise RuntimeError(
            f"Expected a '{kind.device.type}' device type for generator but found "
            f"'{generator.device.type}'"
        )
    return generator


def draw(array: Any, kind: Kind, generator: Any, fill: Fill, *params: Any) -> None:
    """Overwrites an array with ``fill(out, stream, *params)``, in the order of its memory."""
    if kind.place == META:
        return
    stream = source(generator, kind).stream
    if kind.place == CPU and array.flags.c_contiguous:
        flat = array.reshape(-1)
        with lock.held:
            fill(flat if kind.category & 5 else _reals(flat), stream, *params)
        return
    ordered = array if array.flags.c_contiguous else array.transpose(memory_order(array))
    if kind.place == CPU and ordered.flags.c_contiguous:
        with lock.held:
            fill(_reals(ordered.reshape(-1)), stream, *params)
        return
    host = numpy.empty(ordered.shape, kind.array_type)
    with lock.held:
        fill(_reals(host.reshape(-1)), stream, *params)
    ordered[...] = moved(host, kind)


def _reals(flat: Any) -> Any:
    """The real numbers of a one-dimensional array: two for a complex one, the real part first."""
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def memory_order(array: Any) -> tuple[int, ...]:
    """The dimensions from the largest stride to the smallest."""
    strides = array.strides
    return tuple(sorted(range(array.ndim), key=lambda dim: -strides[dim]))


def on_host(array: Any) -> numpy.ndarray:
    return array if type(array) is numpy.ndarray else array.get()


# ---- checks


def unsupported(kernel: str, of: DType) -> NotImplementedError:
    """The error of a dtype that a distribution is not made for."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(of)}'")


#: The dtypes of numbers from a continuous distribution: not float8.
REAL = frozenset((float16, bfloat16, float32, float64))
DRAWABLE = REAL | {complex64, complex128}


def number(function: str, argument: str, position: int, value: Any) -> float:
    """A real argument as a Python float."""
    if type(value) is float:
        return value
    if isinstance(value, bool | int | numpy.number | numpy.bool_) or (
        isinstance(value, Tensor) and value.numel() == 1
    ):
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, float):
        return float(value)
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be float, not "
        f"{type(value).__name__}"
    )


def shown(value: float) -> str:
    """A number as PyTorch's messages show it."""
    return f"{value:g}"


CPP_NAMES = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "uint16": "short unsigned int", "uint32": "unsigned int",
    "uint64": "long unsigned int", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "float32": "float", "float64": "double", "bool": "bool",
}  # fmt: skip


def limits(of: DType) -> tuple[float, float]:
    """The least and the greatest number of a real dtype."""
    assert of.numpy is not None
    if of.numpy.kind == "b":
        return 0, 1
    if of.numpy.kind in "iu":
        info = numpy.iinfo(of.numpy)
        return int(info.min), int(info.max)
    top = {"float16": 65504.0, "bfloat16": float.fromhex("0x1.fep127")}.get(of.name)
    top = float(numpy.finfo(of.numpy).max) if top is None else top
    return -top, top


def check_chance(p: float) -> None:
    """Raises unless a number is a probability."""
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={shown(p)}")


def check_chances(chances: Any) -> None:
    wide = chances.astype(numpy.float32) if chances.dtype.itemsize < 4 else chances
    if not ((wide >= 0) & (wide <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message "
            "be improved?  If so, please report an enhancement request to PyTorch.)"
        )


# ---- ranges of integers

#: Bits of the integers that a floating dtype holds exactly.
DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def integer_range(of: DType, low: Any, high: Any) -> tuple[int, int]:
    """The first and the number of the integers ``[low, high)``, adjusted to a floating dtype."""
    low = int(low)
    if high is None:
        return low, _last(of, low) - low + 1
    high = int(high)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if of.name not in CPP_NAMES:
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types"
        )
    _check_range(of, low, high - 1)
    if of.is_floating_point:
        low, high = _rounded_up(of, low), _rounded_down(of, high)
        if low >= high:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but "
                f"got from={low} >= to={high}"
            )
    return low, high - low


def _last(of: DType, low: int) -> int:
    """The largest integer drawn where no upper bound is given."""
    if of.name not in CPP_NAMES:
        raise RuntimeError(
            "random_from_to_impl handles only integral, floating-point and boolean types"
        )
    last = 2 ** DIGITS[of.name] if of.is_floating_point else int(limits(of)[1])
    if of.is_floating_point and _rounded_up(of, low) > last:
        raise RuntimeError(
            "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to "
            f"dtype, but got from={low} > to_inc={last}"
        )
    _check_range(of, low, last)
    return last


def _check_range(of: DType, low: int, last: int) -> None:
    least, most = limits(of)
    for name, bound in (("from", low), ("to - 1", last)):
        if not least <= bound <= most:
            raise RuntimeError(f"{name} is out of bounds for {CPP_NAMES[of.name]}")
    if of.is_floating_point:
        digits = DIGITS[of.name]
        for name, bound in (("from", low), ("to - 1", last)):
            if abs(bound) > 1 << digits:
                _warn_inexact(of, name, digits)


def _warn_inexact(of: DType, name: str, digits: int) -> None:
    warnings.warn(
        f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
        f"{CPP_NAMES[of.name]} can support discrete uniform distribution only within this range. "
        "This warning will become an error in version 1.7 release, please fix the code in advance",
        stacklevel=6,
    )


def _held(of: DType, value: int) -> int:
    """An integer as a floating dtype holds it."""
    return int(numpy.float32(value).astype(of.numpy) if of.itemsize < 4 else of.numpy.type(value))  # type: ignore


def _rounded_up(of: DType, low: int) -> int:
    """The bound, or the next integer above that the dtype holds if rounding went below it."""
    held = _held(of, low + 1)
    return held + _gap(of, low + 1) if held < low else low


def _rounded_down(of: DType, high: int) -> int:
    held = _held(of, high - 1)
    return held - _gap(of, high - 1) if held >= high else high


def _gap(of: DType, value: int) -> int:
    """The distance of neighbouring numbers of a floating dtype around a large integer."""
    return 1 << (abs(value).bit_length() - DIGITS[of.name])
