"""Large results reuse freed memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from flambeau.kernels.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(1 << 23, np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(keep_freed_memory(), faults())
"""


def run(setting: str) -> tuple[str, int]:
    environment = dict(os.environ, FLAMBEAU_MALLOC=setting, PYTHONPATH=os.getcwd())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    )
    agreed, faults = done.stdout.split()
    return agreed, int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_is_reused():
    agreed, faults = run("")
    if agreed == "False":
        pytest.skip("not glibc")
    assert faults < 16


def test_malloc_is_left_alone_when_asked():
    assert run("system")[0] == "False"
