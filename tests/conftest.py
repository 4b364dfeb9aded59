"""What holds for every test module: it leaves no tensor behind. And the fixture ``cuda``."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import flambeau

STAND_IN = str(Path(__file__).parent / "standin")
_loaded: dict[str, ModuleType] = {}


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take the fixture ``cuda`` are what ``-m cuda`` selects."""
    for item in items:
        if "cuda" in getattr(item, "fixturenames", ()):
            item.add_marker("cuda")


@pytest.fixture(scope="module")
def cuda() -> Iterator[ModuleType]:
    """CuPy: the real one where there is a GPU, else the stand-in, while the module runs."""
    real = _real_cupy()
    if real is not None:
        yield real
        return
    sys.path.insert(0, STAND_IN)
    sys.modules.update(_loaded)
    yield importlib.import_module("cupy")
    sys.path.remove(STAND_IN)
    names = [n for n in sys.modules if n.partition(".")[0] in ("cupy", "cupyx")]
    _loaded.update({name: sys.modules.pop(name) for name in names})


def _real_cupy() -> ModuleType | None:
    if importlib.util.find_spec("cupy") is None:
        return None
    cupy = importlib.import_module("cupy")
    return cupy if cupy.is_available() else None
