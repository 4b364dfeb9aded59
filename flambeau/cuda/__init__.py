"""``torch.cuda``: devices, streams, memory and generators, by CuPy.

Without CuPy, or without a device, ``is_available()`` is False and the rest raises the errors of a
PyTorch without CUDA.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.errors.messages import AcceleratorError, OutOfMemoryError
from flambeau.cuda import comm, graphs, memory, nccl, nvtx, profiler, random, sparse, streams
from flambeau.cuda.devices import (
    can_device_access_peer,
    check_error,
    cudart,
    current_blas_handle,
    current_device,
    current_solver_handle,
    device,
    device_count,
    device_of,
    get_arch_list,
    get_device_capability,
    get_device_name,
    get_device_properties,
    get_gencode_flags,
    get_sync_debug_mode,
    init,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_tf32_supported,
    set_device,
    set_sync_debug_mode,
    synchronize,
)  # fmt: skip
from flambeau.cuda.graphs import (
    CUDAGraph,
    graph,
    graph_pool_handle,
    is_current_stream_capturing,
    make_graphed_callables,
)
from flambeau.cuda.library import CudaError
from flambeau.cuda.management import (
    clock_rate,
    list_gpu_processes,
    memory_usage,
    power_draw,
    temperature,
    utilization,
)
from flambeau.cuda.memory import (
    MemPool,
    device_memory_used,
    empty_cache,
    get_allocator_backend,
    get_per_process_memory_fraction,
    host_memory_stats,
    host_memory_stats_as_nested_dict,
    ipc_collect,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_snapshot,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_host_memory_stats,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_host_memory_stats,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
    use_mem_pool,
)  # fmt: skip
from flambeau.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)  # fmt: skip
from flambeau.cuda.streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    get_stream_from_external,
    set_stream,
    stream,
)  # fmt: skip
from flambeau.namespace import module_getattr as _module_getattr
from flambeau.ops.legacy import legacy_types as _legacy_types

globals().update(_legacy_types("cuda"))  # FloatTensor, LongTensor, ...
has_half, has_magma = True, False

_missing = _module_getattr(__name__, lazy=("amp",))


def __getattr__(name: str) -> Any:
    if name == "default_generators":
        return random.default_generators()
    return _missing(name)
