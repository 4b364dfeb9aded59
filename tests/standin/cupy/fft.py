"""Fourier transforms."""

from __future__ import annotations

import numpy

from cupy._functions import table

_ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
_MANY = ("fftn", "ifftn", "rfftn", "irfftn")
_LINES = [f"{name}(a, n=None, axis=-1, norm=None)" for name in _ONE]
_LINES += [f"{name}(a, s=None, axes=None, norm=None)" for name in _MANY]
_LINES += ["fftshift(x, axes=None)", "ifftshift(x, axes=None)"]
globals().update(table("\n".join(_LINES), numpy.fft))
globals().update(table("fftfreq(n, d=1.0)\nrfftfreq(n, d=1.0)", numpy.fft, None, "C"))
