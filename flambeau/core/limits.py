"""``finfo`` and ``iinfo``: the limits of the numeric types."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from flambeau.core.dtype import (
    bool_,
    complex128,
    default,
    dtype,
    float8_e5m2fnuz,
    float64,
    int64,
    scalar_name,
)

_PYTHON_TYPES = {bool: bool_, int: int64, float: float64, complex: complex128}


class _Info:
    """What both have: made from a dtype, equal where all limits are equal, not hashable."""

    __slots__ = ("_of",)
    __hash__: ClassVar[None]  # type: ignore[assignment]
    _of: dtype

    @property
    def dtype(self) -> str:
        """The name of the type."""
        if self._of.name[0] == "q":
            raise NotImplementedError(f"\"dtype\" not implemented for '{scalar_name(self._of)}'")
        return self._of.name

    @property
    def bits(self) -> int:
        """How many bits a number takes."""
        return self._of.itemsize * 8

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Info) and type(other) is type(self) and other._of is self._of

    def __reduce__(self) -> Any:
        raise TypeError(f"cannot pickle 'torch.{type(self).__name__}' object")


def _as_dtype(given: Any, function: str) -> dtype:
    found = given if isinstance(given, dtype) else None
    if found is None and isinstance(given, type):
        found = _PYTHON_TYPES.get(given)
    if found is None:
        raise TypeError(
            f"{function}(): argument 'type' (position 1) must be torch.dtype, not "
            f"{type(given).__name__}"
        )
    return found


class finfo(_Info):
    """The limits of a floating type; of a complex type, those of its parts.

    ``max``, ``min``, ``eps`` (the step above 1), ``smallest_normal`` (also ``tiny``),
    ``resolution`` (of decimal numbers), ``bits``, ``dtype``. Without an argument: those of the
    default dtype. Raises TypeError for a type that is not floating.

    >>> finfo(torch.float16).max
    65504.0
    """

    __slots__ = ("_limits",)
    __module__ = "torch"

    def __init__(self, type: Any = None) -> None:
        of = default.dtype if type is None else _as_dtype(type, "finfo")
        if of.rank < 2:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )
        self._of = of.to_real()
        if self._of.numpy is None:
            raise NotImplementedError(f"\"dtype\" not implemented for '{scalar_name(self._of)}'")
        from ml_dtypes import finfo as limits_of  # when first asked for: see core/dtype.py

        self._limits = limits_of(self._of.numpy)

    @property
    def max(self) -> float:
        """The largest number."""
        return float(self._limits.max)

    @property
    def min(self) -> float:
        """The smallest number, the most negative one."""
        return float(self._limits.min)

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number."""
        if self._of is float8_e5m2fnuz:
            return 0.125  # PyTorch's figure, which programs compare with; the true step is 0.25
        return float(self._limits.eps)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number with full precision."""
        return float(self._limits.smallest_normal)

    tiny = smallest_normal

    @property
    def resolution(self) -> float:
        """The power of ten of the last decimal digit that is always kept."""
        return 10.0 ** -math.floor(-math.log10(self.eps)) if self.eps < 0.1 else 1.0

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, "
            f"tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo(_Info):
    """The limits of an integer type: ``max``, ``min``, ``bits``, ``dtype``.

    Raises TypeError for a type that is not an integer.

    >>> iinfo(torch.int8).max
    127
    """

    __slots__ = ()
    __module__ = "torch"

    def __init__(self, type: Any) -> None:
        of = _as_dtype(type, "iinfo")
        if of is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if of.rank != 1 or (of.numpy is None and of.name[0] != "q"):
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                "'torch.iinfo'"
            )
        self._of = of

    @property
    def max(self) -> int:
        """The largest number."""
        return 2 ** (self.bits - self._of.is_signed) - 1

    @property
    def min(self) -> int:
        """The smallest number, the most negative one."""
        return -(2 ** (self.bits - 1)) if self._of.is_signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
