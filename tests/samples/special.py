"""Samples of the special functions that the pointwise samples leave out."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def _values(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, low=0.3, high=2, requires_grad=False),), {}),
        ((make(low=0.3, high=2).detach(),), {}),
    ]


def _polynomial(make: Make) -> list[Sample]:
    x = make(4, low=-0.9, high=0.9, requires_grad=False)
    degrees = torch.tensor([0, 1, 2, 5])
    return [((x, degrees), {}), ((x, 3), {})]


def _zeta(make: Make) -> list[Sample]:
    return [
        ((make(3, low=2, high=4, requires_grad=False), make(3, low=0.5, requires_grad=False)), {})
    ]


_BESSEL = """bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0
    modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0
    airy_ai"""
POLYNOMIALS = """chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v
    chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l
    legendre_polynomial_p shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u
    shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w"""

SAMPLES: dict[str, Generator] = {
    **{f"special.{name}": _values for name in _BESSEL.split()},
    **{f"special.{name}": _polynomial for name in POLYNOMIALS.split()},
    "special.zeta": _zeta,
}
