"""What holds for every test module: it leaves no tensor behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import flambeau


def living_tensors() -> list[flambeau.Tensor]:
    """Every tensor that is alive, found by the garbage collector."""
    gc.collect()
    return [thing for thing in gc.get_objects() if issubclass(type(thing), flambeau.Tensor)]


@pytest.fixture(autouse=True, scope="module")
def no_tensor_survives(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the module's last test if tensors made by the module are still alive after it.

    Tensors that existed before (constants of the package and of test modules) do not count, nor
    do those that the tracebacks of failed tests keep.
    """
    before = {id(tensor) for tensor in living_tensors()}
    failures = request.session.testsfailed
    yield
    left = [tensor for tensor in living_tensors() if id(tensor) not in before]
    if left and request.session.testsfailed == failures:
        shapes = [tuple(tensor.shape) for tensor in left[:10]]
        holders = {type(holder).__name__ for holder in gc.get_referrers(left[0])}
        pytest.fail(f"{len(left)} tensors are still alive: {shapes}, the first held by {holders}")
