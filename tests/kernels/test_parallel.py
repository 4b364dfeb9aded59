"""The thread pool: shared work, forked children, threads of Python, and who is told of a count."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("numba")

from flambeau.kernels import threads
from flambeau.kernels.cpu import convolution, normalization, parallel
from flambeau.kernels.cpu.scratch import Scratch
from flambeau.kernels.shared import convolution as plain
from tests.kernels.twins import random

OPTIONS = (1, 1), (1, 1), (1, 1), 1


@pytest.fixture(autouse=True)
def three_threads():
    before = threads.get_threads()
    threads.set_threads(3)
    yield
    threads.set_threads(before)


def works() -> bool:
    """Whether kernels that share work give the right results."""
    x, weight = random(8, 16, 12, 12, dtype=np.float32), random(16, 16, 3, 3, dtype=np.float32)
    y = convolution.conv_forward(x, weight, None, *OPTIONS)
    exact = plain.conv_forward(x, weight, None, *OPTIONS)
    rows = normalization.softmax(random(300, 100), 1).sum(1)
    return bool(np.abs(y - exact).max() < 1e-3 and np.allclose(rows, 1))


def test_the_count_is_followed():
    assert parallel.get_threads() == (3 if parallel.SHARED else 1)
    assert works()
    threads.set_threads(1)
    assert parallel.get_threads() == threads.get_threads() == 1
    assert works()
    with pytest.raises(ValueError, match="must be positive, not 0"):
        threads.set_threads(0)


def test_results_do_not_depend_on_threads_or_timing():
    x = random(64, 500, dtype=np.float32)
    saved = normalization.layer_norm_forward(x, None, None, 1, 1e-5)[1:]
    grad, needs = random(64, 500, dtype=np.float32, seed=1), (True, True, True)

    def gradients() -> list[bytes]:
        found = normalization.layer_norm_backward(grad, x, *saved, None, 1, needs)
        return [array.tobytes() for array in found]

    many = [gradients() for _ in range(20)]
    threads.set_threads(1)
    assert all(found == gradients() for found in many)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [4, 8, 13])
def test_convolutions_give_the_same_bits_each_time(stride, size):
    options = (stride, stride), (1, 1), (1, 1), 1
    x, weight = random(40, 16, size, size, dtype=np.float32), random(24, 16, 3, 3, dtype=np.float32)
    y = plain.conv_forward(x, weight, None, *options)
    grad = random(*y.shape, dtype=np.float32)
    found = set()
    for _ in range(15):
        results = (
            convolution.conv_forward(x, weight, None, *options),
            convolution.conv_input_grad(grad, weight, x.shape, *options),
            convolution.conv_weight_grad(grad, x, weight.shape, *options),
        )
        found.add(tuple(array.tobytes() for array in results))
    assert len(found) == 1
    assert np.abs(results[0] - y).max() < 1e-4 * np.abs(y).max()


def test_threads_of_python_run_kernels_at_once():
    results: list[bool] = []

    def run() -> None:
        results.extend(works() for _ in range(20))

    callers = [threading.Thread(target=run) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 60 and all(results)


CHILD = """
import os, sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = [{root!r}, {tests!r}]
from tests.kernels import test_parallel as t
assert t.works()
if os.fork() == 0:
    alone = t.parallel.get_threads() == 1 and t.works()
    t.threads.set_threads(2)
    os._exit(0 if alone and t.parallel.get_threads() == 2 and t.works() else 1)
sys.exit(os.wait()[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_run_kernels():
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = CHILD.format(root=os.path.dirname(tests), tests=tests)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_scratch_does_not_overlap():
    scratch = Scratch()
    arrays = [scratch.take(*shape) for shape in ((3, 5), (70000,), (40, 100), (1 << 17,))]
    for number, array in enumerate(arrays):
        array[...] = number
    assert all((array == number).all() for number, array in enumerate(arrays))
    assert all(array.ctypes.data % 64 == 0 for array in arrays)
    again = Scratch().take(4)
    assert again.shape == (4,)
