"""Operators that work element by element, on sparse tensors."""

from __future__ import annotations

from flambeau.kernels.shared.sparse import arithmetic as kernels
from flambeau.kernels.shared.sparse.conversion import add_rows, subtract_rows
from flambeau.sparse.forms import accumulates, on_values, sparse_form

# Zeros stay zeros. What is linear leaves repeated places alone; the others add them up first.
on_values("neg conj_physical real imag", united=False)
sparse_form("conj", kernels.conjugate)  # at once: only dense tensors remember to do it later
on_values(
    """
    abs angle asin asinh atan atanh ceil deg2rad erf erfinv expm1 floor frac isinf isnan isneginf
    isposinf log1p nan_to_num rad2deg relu round sgn sign signbit sin sinh sqrt tan tanh trunc
    """,
    united=True,
)

sparse_form("add", kernels.add)
sparse_form("sub", kernels.subtract)
accumulates("add", add_rows)
accumulates("sub", subtract_rows)
sparse_form("mul", kernels.multiply)
sparse_form("div", kernels.divide)
sparse_form("div_floor", kernels.divide_floor)
sparse_form("floor_divide", kernels.divide_floor)
sparse_form("div_trunc", kernels.divide_trunc)
sparse_form("pow", kernels.power)
sparse_form("threshold_backward", kernels.threshold_gradient)
