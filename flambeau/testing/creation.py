"""``make_tensor``: random tensors for tests."""

from __future__ import annotations

import math
import warnings
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.dtype import bool_, complex128, float32, float64
from flambeau.core.dtype import dtype as DType
from flambeau.core.layout import memory_format as MemoryFormat
from flambeau.core.limits import finfo, iinfo
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import empty

_EXACT_RANGES = {"bool": (0, 2), "uint8": (0, 10)}


def make_tensor(
    *shape: Any,
    dtype: DType,
    device: str | Device,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """A tensor of numbers drawn uniformly from ``[low, high)``.

    By default from -9 up to 9 (uint8 from 0); bools are true and false. Limits beyond the dtype's
    are brought back to them; those of integers are rounded up. Both parts of complex numbers are
    drawn.

    Args:
        noncontiguous: with elements between which there is a gap in memory.
        exclude_zero: with 1, or the smallest normal number of the dtype, instead of 0.
        memory_format: how it lies in memory; not together with ``noncontiguous``.

    Raises:
        ValueError: limits that are NaN, in the wrong order or outside of the dtype's range;
            ``requires_grad`` of integers.

    >>> x = torch.testing.make_tensor((2, 3), dtype=torch.float64, device="cpu", low=1, high=2)
    >>> x.shape, bool((x >= 1).all() and (x < 2).all())
    (torch.Size([2, 3]), True)
    """
    of_numbers = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not of_numbers:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], list | tuple) else shape
    first, last = _limits(low, high, dtype)
    gaps = noncontiguous and math.prod(sizes) > 1
    drawn = (*sizes[:-1], 2 * sizes[-1]) if gaps else tuple(sizes)
    made: Any = empty(drawn, dtype=dtype, device=device)
    if of_numbers:
        made = _draw_uniform(made, first, last)
    else:
        made.random_(math.ceil(first), math.ceil(last))
    if gaps:
        made = made[..., 1::2]
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        made[made == 0] = finfo(dtype).tiny if of_numbers else 1
    return made.requires_grad_() if requires_grad else made


def _limits(low: float | None, high: float | None, of: DType) -> tuple[float, float]:
    """The limits to draw between, within the range of the dtype."""
    least, most = _range(of)
    default_low, default_high = _EXACT_RANGES.get(
        of.name, (-9, 9 if of.is_floating_point or of.is_complex else 10)
    )
    first, last = default_low if low is None else low, default_high if high is None else high
    if math.isnan(first) or math.isnan(last):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={first} and high={last}")
    fractional = of.is_floating_point or of.is_complex
    if first == last and fractional:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is "
            "deprecated since 2.1: use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif first >= last:
        raise ValueError(f"`low` must be less than `high`, but got {first} >= {last}")
    elif last < least or first >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{first}, {last}), but {of} only "
            f"supports [{least}, {most})"
        )
    return max(first, least), min(last, most)


def _range(of: DType) -> tuple[float, float]:
    if of is bool_:
        return 0, 2
    if of.is_floating_point or of.is_complex:
        return finfo(of).min, finfo(of).max
    return iinfo(of).min, iinfo(of).max + 1


def _draw_uniform(made: Any, low: float, high: float) -> Any:
    if made.dtype.itemsize == 1:  # eight bits: drawn in float32
        return _draw_uniform(made.to(float32), low, high).to(made.dtype)
    parts = _parts(made) if made.dtype.is_complex else made
    if high - low > finfo(made.dtype).max:
        parts.uniform_(low / 2, high / 2).mul_(2)
    else:
        parts.uniform_(low, high)
    return made


def _parts(made: Any) -> Any:
    """The real and imaginary parts of complex numbers, as a view."""
    return made.view(float64 if made.dtype is complex128 else float32)
