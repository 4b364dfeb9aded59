"""Warming up compiles every family and says so."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from flambeau.kernels.cpu.warmup import FAMILIES, warmup


def test_every_family_is_reported():
    lines: list[str] = []
    warmup(lines.append)
    assert [line.split(":")[0] for line in lines[:-1]] == list(FAMILIES)
    assert "cache" in lines[-1] or lines[-1].startswith("kept in ")
