"""Which PyTorch is spoken here (``__version__``) and which Flambeau speaks it (``release``)."""

from __future__ import annotations

release = "0.1.0"
__version__ = f"2.13.0+flambeau.{release}"
debug = False
git_version = "unknown"

# Flambeau is not built against an accelerator's toolkit: CuPy finds one at run time.
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
