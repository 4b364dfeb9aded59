"""Special functions: those that CuPy has, computed by SciPy."""

from __future__ import annotations

from typing import Any

import scipy.special
from cupy._wrapping import host, register

_NAMES = """beta betainc betaincinv betaln binom cbrt digamma ellipk entr erf erfc erfcinv erfcx
    erfinv exp1 exp10 exp2 expi expit expm1 expn exprel gamma gammainc gammaincc gammainccinv
    gammaincinv gammaln gammasgn i0 i0e i1 i1e j0 j1 k0 k0e k1 k1e kl_div lambertw
    log1p log_expit log_ndtr loggamma logit ndtr ndtri poch polygamma psi rel_entr rgamma round
    sici xlog1py xlogy y0 y1 yn zeta zetac"""


def _special(name: str) -> Any:
    of = getattr(scipy.special, name)

    def function(*args: Any) -> Any:
        return register(of(*[host(a) for a in args]))

    function.__name__ = name
    return function


globals().update({name: _special(name) for name in _NAMES.split()})
