"""The CPU's instructions."""

from __future__ import annotations

from flambeau.cpu import get_capabilities

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The widest vector instructions that kernels may use: ``"AVX512"``, ``"AVX2"``, ``"NEON"``,
    else ``"DEFAULT"``."""
    known = get_capabilities()
    if known.get("avx512_f") and known.get("avx512_vl") and known.get("avx512_bw"):
        return "AVX512"
    return next((name.upper() for name in ("avx2", "sve", "neon") if known.get(name)), "DEFAULT")
