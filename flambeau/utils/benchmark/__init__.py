"""Timing statements, and comparing the times.

>>> t = Timer("x.exp()", globals={"x": torch.ones(4)})
>>> t.timeit(10).median < 1
True
"""

from flambeau.utils.benchmark.callgrind import CopyIfCallgrind
from flambeau.utils.benchmark.common import (
    Measurement,
    TaskSpec,
    ordered_unique,
    select_unit,
    set_torch_threads,
    trim_sigfig,
    unit_to_english,
)
from flambeau.utils.benchmark.compare import Colorize, Compare
from flambeau.utils.benchmark.counts import CallgrindStats, FunctionCount, FunctionCounts
from flambeau.utils.benchmark.fuzzer import (
    FuzzedParameter,
    FuzzedSparseTensor,
    FuzzedTensor,
    Fuzzer,
    ParameterAlias,
)
from flambeau.utils.benchmark.timer import Language, Timer, timer

__all__ = [
    "CallgrindStats", "Colorize", "Compare", "CopyIfCallgrind", "FunctionCount",
    "FunctionCounts", "FuzzedParameter", "FuzzedSparseTensor", "FuzzedTensor", "Fuzzer",
    "Language", "Measurement", "ParameterAlias", "TaskSpec", "Timer", "ordered_unique",
    "select_unit", "set_torch_threads", "timer", "trim_sigfig", "unit_to_english",
]  # fmt: skip
