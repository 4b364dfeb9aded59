"""What the choice of a form relies on: every compiled kernel exists, under the same signature."""

from __future__ import annotations

import inspect
import os
import pkgutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from flambeau.kernels import shared


def compiled_kernels() -> Iterator[Callable[..., Any]]:
    for module in pkgutil.iter_modules(shared.__path__, f"{shared.__name__}."):
        for function in vars(import_module(module.name)).values():
            if getattr(function, "__module__", None) == module.name and hasattr(
                function, "compiled"
            ):
                yield function


@pytest.mark.parametrize(
    "function", list(compiled_kernels()), ids=lambda function: function.__name__
)
def test_both_forms_have_one_signature(function):
    pytest.importorskip("numba")
    twin = getattr(
        import_module(function.__module__.replace(".shared.", ".cpu.")), function.__name__
    )
    assert list(inspect.signature(twin).parameters) == list(inspect.signature(function).parameters)


PROGRAM = """
import sys
import numpy as np
from flambeau.kernels.select import places
from flambeau.kernels.shared.normalization import softmax
assert np.allclose(places(softmax)[0](np.ones((400, 100)), 1), 0.01)
print("numba" in sys.modules)
"""


@pytest.mark.parametrize(("form", "loaded"), [("numpy", "False"), ("numba", "True")])
def test_the_form_is_a_choice_of_the_environment(form, loaded):
    pytest.importorskip("numba")
    environment = dict(os.environ, FLAMBEAU_KERNELS=form, PYTHONPATH=os.getcwd())
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == loaded


def test_no_warning_of_numpy_escapes():
    pytest.importorskip("numba")
    extreme = np.array([[np.inf, -np.inf, np.nan, 3e38], [3e38] * 4], np.float32)
    with np.errstate(over="ignore"):
        half = extreme[None].astype(np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for place in ("shared", "cpu"):
            norm = import_module(f"flambeau.kernels.{place}.normalization")
            norm.softmax(extreme, 1), norm.log_softmax(extreme, 1)
            norm.layer_norm_forward(extreme, None, None, 1, 0.0)
            norm.batch_norm_forward(extreme[:1], None, None, None, None, True, 0.0)
            pool = import_module(f"flambeau.kernels.{place}.pooling")
            pool.avg_pool_forward(extreme[None], (2,), (1,), (0,), False, True, 0)
            conv = import_module(f"flambeau.kernels.{place}.convolution")
            conv.conv_forward(extreme[None], extreme[None], None, (1,), (1,), (1,), 1)
            conv.conv_forward(half, half, None, (1,), (1,), (1,), 1)
