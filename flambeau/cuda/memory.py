"""Device memory: how much is in use, and giving back what is not.

CuPy's pool keeps released blocks for later: "allocated" is what tensors hold, "reserved" what the
pool holds. Blocks are multiples of 512 bytes. Statistics are 0 where there is no CUDA.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from flambeau.cuda.library import cupy, device_of_index, found, index_of
from flambeau.cuda.management import list_gpu_processes
from flambeau.cuda.peaks import USAGE
from flambeau.cuda.pools import MemPool, memory_snapshot, use_mem_pool


def _on(device: Any, ask: str) -> int:
    library = found()
    if library is None:
        return 0
    with device_of_index(index_of(device)):
        return getattr(library.get_default_memory_pool(), ask)()


def _usage(device: Any) -> Any:
    cupy()
    return USAGE[index_of(device)]


def memory_allocated(device: Any = None) -> int:
    """The bytes that tensors hold."""
    return _on(device, "used_bytes")


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors have held since CUDA was first asked for, or the last reset."""
    return _usage(device).peak if found() is not None else 0


def memory_reserved(device: Any = None) -> int:
    """The bytes that the pool holds."""
    return _on(device, "total_bytes")


def max_memory_reserved(device: Any = None) -> int:
    """The bytes that the pool holds: it only grows until ``empty_cache``."""
    return memory_reserved(device)


def empty_cache() -> None:
    """Gives back the blocks that no tensor holds."""
    library = found()
    if library is not None:
        library.get_default_memory_pool().free_all_blocks()


def ipc_collect() -> None:
    """Does nothing: no memory is shared with other processes. AssertionError without CUDA."""
    cupy()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """The free and the total bytes of a device."""
    cupy()
    return device_of_index(index_of(device)).mem_info


def device_memory_used(device: Any = None) -> int:
    """The bytes of a device that are in use, by whomever."""
    free, total = mem_get_info(device)
    return total - free


# ---- statistics


def memory_stats(device: Any = None) -> OrderedDict[str, int]:
    """The statistics by name, ``"allocated_bytes.all.peak"`` and the like; empty without CUDA."""
    if found() is None:
        return OrderedDict()
    used, held = _usage(device), memory_reserved(device)
    rows = {
        "allocated_bytes": (used.now, used.peak, used.total, used.total - used.now),
        "active_bytes": (used.now, used.peak, used.total, used.total - used.now),
        "reserved_bytes": (held, held, held, 0),
        "allocation": (
            used.allocations - used.frees, used.allocations, used.allocations, used.frees,
        ),
    }  # fmt: skip
    names = ("current", "peak", "allocated", "freed")
    stats = {
        f"{row}.all.{name}": value
        for row, values in rows.items()
        for name, value in zip(names, values)
    }
    return OrderedDict(sorted((stats | {"num_alloc_retries": 0, "num_ooms": 0}).items()))


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """The statistics as dictionaries in dictionaries."""
    nested: dict[str, Any] = {}
    for path, value in memory_stats(device).items():
        *parts, last = path.split(".")
        inner = nested
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The statistics as a table."""
    cupy()
    stats = memory_stats(device)
    rows = [
        f"| {title:<20} | {stats[f'{name}.all.current']:>14} | {stats[f'{name}.all.peak']:>14} |"
        for title, name in (("Allocated bytes", "allocated_bytes"),
                            ("Reserved bytes", "reserved_bytes"),
                            ("Allocations", "allocation"))
    ]  # fmt: skip
    head = f"| CUDA memory, device {index_of(device):<3} | {'Current':>14} | {'Peak':>14} |"
    line = "|" + "-" * (len(head) - 2) + "|"
    return "\n".join([line, head, line, *rows, line])


def reset_peak_memory_stats(device: Any = None) -> None:
    """Peaks are counted from now on."""
    used = _usage(device)
    used.peak = used.now


def reset_max_memory_allocated(device: Any = None) -> None:
    """The same as ``reset_peak_memory_stats``."""
    reset_peak_memory_stats(device)


reset_max_memory_cached = reset_max_memory_allocated


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Totals are counted from now on."""
    used = _usage(device)
    used.total, used.allocations, used.frees = used.now, used.allocations - used.frees, 0


# ---- limits


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Lets the pool hold at most a part of the device's memory."""
    library = cupy()
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    with device_of_index(index_of(device)):
        library.get_default_memory_pool().set_limit(fraction=fraction)


def get_per_process_memory_fraction(device: Any = None) -> float:
    """The part of the device's memory that the pool may hold."""
    cupy()
    total = mem_get_info(device)[1]
    limit = _on(device, "get_limit")
    return limit / total if limit else 1.0


def get_allocator_backend() -> str:
    """``"native"``: a pool that keeps released blocks."""
    cupy()
    return "native"


# ---- pinned memory of the host


def host_memory_stats() -> OrderedDict[str, int]:
    """Statistics of pinned host memory: none are kept, since none is pooled."""
    return OrderedDict()


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """As ``host_memory_stats``, as dictionaries in dictionaries."""
    return {}


def reset_peak_host_memory_stats() -> None:
    """Does nothing: no peaks of pinned memory are kept. AssertionError without CUDA."""
    cupy()


def reset_accumulated_host_memory_stats() -> None:
    """Does nothing: no totals of pinned memory are kept. AssertionError without CUDA."""
    cupy()


memory_cached, max_memory_cached = memory_reserved, max_memory_reserved

__all__ = [
    "MemPool", "device_memory_used", "empty_cache", "get_allocator_backend",
    "get_per_process_memory_fraction", "host_memory_stats", "host_memory_stats_as_nested_dict",
    "ipc_collect", "list_gpu_processes", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved",
    "memory_snapshot", "memory_stats", "memory_stats_as_nested_dict", "memory_summary",
    "reset_accumulated_host_memory_stats", "reset_accumulated_memory_stats",
    "reset_max_memory_allocated", "reset_max_memory_cached", "reset_peak_host_memory_stats",
    "reset_peak_memory_stats", "set_per_process_memory_fraction", "use_mem_pool",
]  # fmt: skip
