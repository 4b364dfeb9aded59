"""``torch.masked``: reductions, scans and normalisations of the elements that a mask names.

A mask is True where an element counts; it broadcasts to the input. Where none counts, the result is
what the reduction of nothing gives (0 for a sum, NaN for a mean).
"""

from __future__ import annotations

from flambeau.masked.normalizations import (
    cumprod,
    cumsum,
    log_softmax,
    logaddexp,
    normalize,
    softmax,
    softmin,
)
from flambeau.masked.reductions import (
    amax,
    amin,
    argmax,
    argmin,
    logsumexp,
    mean,
    median,
    norm,
    prod,
    std,
    sum,
    var,
)
from flambeau.namespace import module_getattr

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]  # fmt: skip

__getattr__ = module_getattr(__name__)
