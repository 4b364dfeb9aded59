"""Tools around tensors and modules."""

import os as _os
from pathlib import Path as _Path

from flambeau.namespace import module_getattr

cmake_prefix_path = _os.fspath(_Path(__file__).parent.parent / "share" / "cmake")  # as PyTorch's

__getattr__ = module_getattr(
    __name__,
    lazy=(
        "_pytree", "backend_registration", "benchmark", "bottleneck", "checkpoint", "data",
        "collect_env", "deterministic", "dlpack", "flop_counter", "hooks", "model_zoo",
        "module_tracker", "weak",
    ),
    lazy_names={
        "ThroughputBenchmark": "throughput_benchmark",
        "generate_methods_for_privateuse1_backend": "backend_registration",
        "get_cpp_backtrace": "native_stack",
        "rename_privateuse1_backend": "backend_registration",
        "swap_tensors": "swapping",
    },
)  # fmt: skip
