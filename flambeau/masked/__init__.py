"""``torch.masked``: reductions, scans and normalisations of the elements that a mask names.

A mask is True where an element counts; it broadcasts to the input. Where none counts, the result is
what the reduction of nothing gives (0 for a sum, NaN for a mean).
"""

from __future__ import annotations

from flambeau.masked import rules as _rules  # what operators do with masked tensors
from flambeau.masked.maskedtensor import (
    MaskedTensor,
    as_masked_tensor,
    is_masked_tensor,
    masked_tensor,
)
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
    "MaskedTensor", "amax", "amin", "argmax", "argmin", "as_masked_tensor", "cumprod", "cumsum",
    "is_masked_tensor", "log_softmax", "logaddexp", "logsumexp", "masked_tensor", "mean", "median",
    "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip

__getattr__ = module_getattr(__name__)
