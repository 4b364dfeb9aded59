"""Discrete Fourier transforms without scaling, over several dimensions."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def c2c(array: Any, dims: tuple[int, ...], forward: bool, scale: float) -> Any:
    """Complex to complex: ``scale * sum x exp(-+ 2 pi i jk / n)``, minus for ``forward``."""
    if not dims:
        return array * array.real.dtype.type(scale)
    if forward:
        found = xp.fft.fftn(array, axes=dims, norm="backward")
    else:
        found = xp.fft.ifftn(array, axes=dims, norm="forward")
    return _scaled(found, array.dtype, scale)


def r2c(array: Any, dims: tuple[int, ...], scale: float) -> Any:
    """Real to complex, forward; the last of ``dims`` keeps its non-negative frequencies."""
    to = xp.complex64 if array.dtype == xp.float32 else xp.complex128
    return _scaled(xp.fft.rfftn(array, axes=dims, norm="backward"), xp.dtype(to), scale)


def c2r(array: Any, dims: tuple[int, ...], scale: float, size: int) -> Any:
    """Complex to real, backward; the last of ``dims`` holds non-negative frequencies of
    ``size``."""
    sizes = [*[array.shape[d] for d in dims[:-1]], size]
    found = xp.fft.irfftn(array, s=sizes, axes=dims, norm="forward")
    return _scaled(found, array.real.dtype, scale)


def _scaled(array: Any, to: Any, scale: float) -> Any:
    array = array.astype(to, copy=False)
    return array if scale == 1 else array * array.real.dtype.type(scale)


silence(globals())
