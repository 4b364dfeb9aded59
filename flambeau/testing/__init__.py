"""Help for tests: comparisons that say what differs, and random tensors."""

from __future__ import annotations

from flambeau.testing.comparison import assert_allclose, assert_close
from flambeau.testing.creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
