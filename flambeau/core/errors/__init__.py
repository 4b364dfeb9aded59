"""Errors: PyTorch's type and first line, then what was called with what, and the likely fix.

Nothing here costs a call that succeeds: ``dispatch`` calls ``explain`` from its ``except`` clause.
"""

from flambeau.core.errors.explain import append, explain
from flambeau.core.errors.messages import (
    LinAlgError,
    broadcast_error,
    dim_out_of_range,
    expand_error,
    matmul_error,
    not_implemented,
    output_shape_error,
    same_device,
)
from flambeau.core.errors.sites import describe_site, outside, site
from flambeau.core.errors.translation import translate

__all__ = [
    "LinAlgError",
    "append",
    "broadcast_error",
    "describe_site",
    "dim_out_of_range",
    "expand_error",
    "explain",
    "matmul_error",
    "not_implemented",
    "output_shape_error",
    "same_device",
    "site",
    "translate",
]
