"""``torch.backends``: which libraries compute, and their settings.

Flambeau computes with NumPy, SciPy and Numba, on CUDA with CuPy. Settings of libraries that it does
not use can be set and read, as programs do so, and change nothing; each module says which they are.
"""

from __future__ import annotations

from flambeau.backends import (
    cpu,
    cuda,
    cudnn,
    mha,
    mkl,
    mkldnn,
    mps,
    nnpack,
    openmp,
    opt_einsum,
)

__all__ = [
    "cpu", "cuda", "cudnn", "fp32_precision", "mha", "mkl", "mkldnn", "mps", "nnpack", "openmp",
    "opt_einsum",
]  # fmt: skip

fp32_precision = "none"  # float32 is computed in float32
