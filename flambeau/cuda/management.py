"""How a device is doing, by NVIDIA's management library, the package ``nvidia-ml-py``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flambeau.cuda.library import cupy, index_of


def _library() -> Any:
    try:
        library = import_module("pynvml")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "nvidia-ml-py does not seem to be installed or it can't be imported."
        ) from None
    library.nvmlInit()
    return library


def _device(library: Any, device: Any) -> Any:
    """The library's handle of a device, found by its place on the bus."""
    place = cupy().cuda.Device(index_of(device)).pci_bus_id
    return library.nvmlDeviceGetHandleByPciBusId(place.encode())


def utilization(device: Any = None) -> int:
    """The percentage of the last second in which kernels ran."""
    library = _library()
    return library.nvmlDeviceGetUtilizationRates(_device(library, device)).gpu


def memory_usage(device: Any = None) -> int:
    """The percentage of the last second in which memory was read or written."""
    library = _library()
    return library.nvmlDeviceGetUtilizationRates(_device(library, device)).memory


def temperature(device: Any = None) -> int:
    """Degrees Celsius."""
    library = _library()
    return library.nvmlDeviceGetTemperature(
        _device(library, device), library.NVML_TEMPERATURE_GPU
    )  # fmt: skip


def power_draw(device: Any = None) -> int:
    """Milliwatts."""
    library = _library()
    return library.nvmlDeviceGetPowerUsage(_device(library, device))


def clock_rate(device: Any = None) -> int:
    """The clock of the multiprocessors in MHz."""
    library = _library()
    return library.nvmlDeviceGetClockInfo(_device(library, device), library.NVML_CLOCK_SM)


def list_gpu_processes(device: Any = None) -> str:
    """The processes that use a device and their memory, a line each."""
    try:
        library = _library()
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    lines = [f"GPU:{index_of(device)}"]
    processes = library.nvmlDeviceGetComputeRunningProcesses(_device(library, device))
    if not processes:
        lines.append("no processes are running")
    for process in processes:
        megabytes = process.usedGpuMemory / (1024 * 1024)
        lines.append(f"process {process.pid:>10d} uses {megabytes:>12.3f} MB GPU memory")
    return "\n".join(lines)


__all__ = [
    "clock_rate", "list_gpu_processes", "memory_usage", "power_draw", "temperature", "utilization",
]  # fmt: skip
