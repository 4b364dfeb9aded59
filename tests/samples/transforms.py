"""Samples of Fourier transforms, window functions and spectra of signals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C, D = torch.complex128, torch.float64


def _one(make: Make, dtype: Any = C) -> list[Sample]:
    """Along one dimension: as it is, cut and padded, another dimension, each normalisation."""
    return [
        ((make(2, 4, dtype=dtype),), {}),
        ((make(2, 5, dtype=dtype),), {"n": 3, "norm": "ortho"}),
        ((make(3, 2, dtype=dtype),), {"n": 4, "dim": 0, "norm": "forward"}),
    ]


def _two(make: Make, dtype: Any = C) -> list[Sample]:
    return [
        ((make(2, 3, dtype=dtype),), {}),
        ((make(2, 3, 2, dtype=dtype),), {"dim": (0, 1), "norm": "ortho"}),
    ]


def _many(make: Make, dtype: Any = C) -> list[Sample]:
    return [
        ((make(2, 3, dtype=dtype),), {}),
        ((make(2, 2, 3, dtype=dtype),), {"s": (3, 2), "dim": (0, 2)}),
    ]


def _real(generator: Callable[..., list[Sample]]) -> Generator:
    return lambda make: generator(make, D)


def _both(generator: Callable[..., list[Sample]]) -> Generator:
    return lambda make: [*generator(make), *generator(make, D)]


def _shift(make: Make) -> list[Sample]:
    return [((make(5),), {}), ((make(2, 3),), {"dim": 1}), ((make(2, 4, dtype=C),), {})]


def _stft(make: Make) -> list[Sample]:
    window = make(4, low=0.5, requires_grad=False)
    return [
        ((make(12), 4), {"return_complex": True, "window": window}),
        (
            (make(2, 12), 4),
            {"return_complex": True, "hop_length": 2, "center": False, "window": window},
        ),
        (
            (make(12), 4),
            {"return_complex": True, "onesided": False, "normalized": True, "window": window},
        ),
    ]


def _istft(make: Make) -> list[Sample]:
    window = torch.ones(4, dtype=D)
    return [
        ((make(3, 5, dtype=C), 4), {"window": window}),
        ((make(2, 3, 5, dtype=C), 4), {"window": window, "length": 3}),
    ]


def _window(make: Make, *extra: Any, **kwargs: Any) -> list[Sample]:
    return [((5, *extra), {"dtype": D, **kwargs}), ((1, *extra), {"dtype": D, **kwargs})]


def _old_window(make: Make) -> list[Sample]:
    return [((5,), {"dtype": D}), ((4,), {"periodic": False, "dtype": D})]


SAMPLES: dict[str, Generator] = {
    **{f"fft.{name}": _both(_one) for name in ("fft", "ifft")},
    **{f"fft.{name}": _real(_one) for name in ("rfft", "ihfft")},
    **{f"fft.{name}": _one for name in ("irfft", "hfft")},
    **{f"fft.{name}": _both(_two) for name in ("fft2", "ifft2")},
    **{f"fft.{name}": _real(_two) for name in ("rfft2", "ihfft2")},
    **{f"fft.{name}": _two for name in ("irfft2", "hfft2")},
    **{f"fft.{name}": _both(_many) for name in ("fftn", "ifftn")},
    **{f"fft.{name}": _real(_many) for name in ("rfftn", "ihfftn")},
    **{f"fft.{name}": _many for name in ("irfftn", "hfftn")},
    **{f"fft.{name}": _shift for name in ("fftshift", "ifftshift")},
    **{
        f"fft.{name}": lambda make: [((5,), {"d": 0.5}), ((4,), {})]
        for name in ("fftfreq", "rfftfreq")
    },
    "stft": _stft,
    "istft": _istft,
    **{
        f"signal.windows.{n}": _window
        for n in ("bartlett", "blackman", "cosine", "hamming", "hann")
    },
    **{
        f"signal.windows.{n}": _window
        for n in ("nuttall", "general_hamming", "exponential", "kaiser")
    },
    "signal.windows.gaussian": lambda make: _window(make, std=1.5),
    "signal.windows.general_cosine": lambda make: _window(make, a=[0.4, 0.5, 0.1]),
    **{f"{n}_window": _old_window for n in ("bartlett", "blackman", "hamming", "hann", "kaiser")},
}
