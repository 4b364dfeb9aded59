"""Quantiles."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.ops.from_data import as_tensor
from flambeau.ops.sorting import sort


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, out: Any
) -> Tensor:
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    given, q = q, as_tensor(q, dtype=input.dtype, device=input.device)
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    # Elsewhere nobody looks, as that would wait for the device.
    if not isinstance(given, Tensor) and not 0 <= given <= 1:
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {given:g}")
    if q.device.type == "cpu" and not q.mapped and bool(((q < 0) | (q > 1)).any()):  # type: ignore[attr-defined]
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or "
            f"nearest, but got {interpolation}"
        )
    rows = input.reshape(-1) if dim is None or not input.ndim else input.movedim(dim, -1)  # type: ignore
    values = sort(rows).values
    return deliver(
        name,
        _placed_quantile(values, q, input, dim, keepdim, interpolation, name == "nanquantile"),
        out,
    )


def _placed_quantile(values: Tensor, q: Tensor, input: Tensor, dim: int | None, keepdim: bool,
                     interpolation: str, ignore_nan: bool) -> Tensor:  # fmt: skip
    nan = values.isnan().sum(-1, True)  # type: ignore[attr-defined]
    count = values.shape[-1] - nan if ignore_nan else nan * 0 + values.shape[-1]
    rank = q.reshape(-1) * (count - 1).clamp(min=0).to(values.dtype)  # type: ignore
    if not ignore_nan:
        rank = rank.masked_fill((nan > 0).expand(rank.shape), values.shape[-1] - 1.0)
    if interpolation == "nearest":
        rank = rank.round()
    elif interpolation in ("lower", "higher"):
        rank = rank.floor() if interpolation == "lower" else rank.ceil()
    low = rank.floor()
    found = values.gather(-1, low.long())  # type: ignore[attr-defined]
    if interpolation in ("linear", "midpoint"):
        above = values.gather(-1, rank.ceil().long())  # type: ignore[attr-defined]
        found = found.lerp(
            above, rank - low if interpolation == "linear" else (rank - low) * 0 + 0.5
        )
    result = found.movedim(-1, 0)
    if keepdim and input.ndim:
        result = (
            result.reshape(-1, *[1] * input.ndim)
            if dim is None
            else result.unsqueeze(wrap_dim(dim, input.ndim) + 1)
        )
    return result if q.ndim else result.squeeze(0)


@method("quantile")
@autocasting("quantile")
@numpy_names
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
             interpolation: str = "linear", out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The ``q``-quantiles of all elements, or along ``dim``; NaN where there is one."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


@method("nanquantile")
@autocasting("nanquantile")
@numpy_names
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
                interpolation: str = "linear", out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The ``q``-quantiles of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


__all__ = exported(globals())
silence(globals())
