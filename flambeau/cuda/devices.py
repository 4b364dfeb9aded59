"""CUDA devices: which there are, what they can do, and which is the current one."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.cuda.library import CudaError, cupy, device_of_index, found, index_of


def is_available() -> bool:
    """Whether tensors can be placed on a CUDA device; never raises.

    >>> cuda.is_available() in (True, False)
    True
    """
    return found() is not None


def device_count() -> int:
    """How many CUDA devices there are."""
    library = found()
    return 0 if library is None else library.cuda.runtime.getDeviceCount()


def init() -> None:
    """Checks that CUDA can be used; nothing else needs to be prepared."""
    cupy()


def is_initialized() -> bool:
    """Whether CUDA is in use."""
    return is_available()


def current_device() -> int:
    """The number of the device on which new CUDA tensors are made."""
    return cupy().cuda.Device().id


def set_device(device: Any) -> None:
    """Makes a device the one on which new CUDA tensors are made; negative numbers do nothing."""
    index = index_of(device, optional=False)
    if index >= 0:
        device_of_index(index).use()


class device:  # noqa: N801 - the public name
    """``with device(1): ...``: another current device inside; None and negatives change nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else index_of(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx >= 0:
            self.prev_idx = current_device()
            device_of_index(self.idx).use()

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        if self.idx >= 0:
            device_of_index(self.prev_idx).use()


class device_of(device):  # noqa: N801 - the public name
    """``with device_of(tensor): ...``: the device of a CUDA tensor; others change nothing."""

    def __init__(self, obj: Any) -> None:
        on_cuda = isinstance(obj, Tensor) and obj.device.type == "cuda"
        super().__init__(obj.device.index if on_cuda else -1)


def synchronize(device: Any = None) -> None:
    """Waits until a device has done all that was asked of it."""
    index = index_of(device)
    with device_of_index(index) as current:
        current.synchronize()


# ---- properties


class _CudaDeviceProperties:
    """What a device is: its name, compute capability, memory and processors."""

    def __init__(self, given: dict[str, Any]) -> None:
        name = given["name"]
        self.name = name.decode() if isinstance(name, bytes) else name
        self.major, self.minor = given["major"], given["minor"]
        self.total_memory = given["totalGlobalMem"]
        self.multi_processor_count = given["multiProcessorCount"]
        self.warp_size = given["warpSize"]
        self.is_integrated = given.get("integrated", 0)
        self.is_multi_gpu_board = given.get("isMultiGpuBoard", 0)
        self.max_threads_per_multi_processor = given["maxThreadsPerMultiProcessor"]
        self.max_threads_per_block = given["maxThreadsPerBlock"]
        self.regs_per_multiprocessor = given.get("regsPerMultiprocessor", 0)
        self.shared_memory_per_block = given["sharedMemPerBlock"]
        self.shared_memory_per_block_optin = given.get("sharedMemPerBlockOptin", 0)
        self.shared_memory_per_multiprocessor = given.get("sharedMemPerMultiprocessor", 0)
        self.L2_cache_size = given.get("l2CacheSize", 0)
        self.clock_rate = given.get("clockRate", 0)
        self.memory_clock_rate = given.get("memoryClockRate", 0)
        self.memory_bus_width = given.get("memoryBusWidth", 0)
        self.pci_bus_id = given.get("pciBusID", 0)
        self.pci_device_id = given.get("pciDeviceID", 0)
        self.pci_domain_id = given.get("pciDomainID", 0)

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory >> 20}MB, "
            f"multi_processor_count={self.multi_processor_count}, "
            f"L2_cache_size={self.L2_cache_size >> 20}MB)"
        )


def get_device_properties(device: Any = None) -> _CudaDeviceProperties:
    """The properties of a device."""
    library, index = cupy(), index_of(device)
    if not 0 <= index < library.cuda.runtime.getDeviceCount():
        raise AssertionError("Invalid device id")
    return _CudaDeviceProperties(library.cuda.runtime.getDeviceProperties(index))


def get_device_name(device: Any = None) -> str:
    """The name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a device, ``(9, 0)`` say."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether bfloat16 can be used; in hardware from compute capability 8 on."""
    return is_available() and (including_emulation or get_device_capability() >= (8, 0))


def is_tf32_supported() -> bool:
    """Whether the current device has TensorFloat-32."""
    return is_available() and get_device_capability() >= (8, 0)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether a device can read the memory of another."""
    first, second = index_of(device, optional=False), index_of(peer_device, optional=False)
    count = device_count()
    cupy()
    for index in (first, second):
        if not 0 <= index < count:
            raise AssertionError(
                "Invalid device id" if index == first else "Invalid peer device id"
            )
    return bool(cupy().cuda.runtime.deviceCanAccessPeer(first, second))


def get_arch_list() -> list[str]:
    """Empty: kernels are compiled for the device that is there."""
    return []


def get_gencode_flags() -> str:
    """Empty: kernels are compiled for the device that is there."""
    return ""


def current_blas_handle() -> int:
    """The address of the handle of cuBLAS."""
    return cupy().cuda.Device().cublas_handle


def current_solver_handle() -> int:
    """The address of the handle of cuSOLVER."""
    return cupy().cuda.Device().cusolver_handle


def cudart() -> Any:
    """CUDA's runtime library, as CuPy shows it."""
    return cupy().cuda.runtime


def check_error(res: int) -> None:
    """CudaError unless a call of the runtime library has returned success."""
    if res:
        raise CudaError(res)


# ---- waiting for the device

_SYNC = {"mode": 0}
_SYNC_NAMES = {"default": 0, "warn": 1, "error": 2}


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Asks to be told of operators that wait for the device; remembered, and not acted upon."""
    cupy()
    mode = _SYNC_NAMES.get(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(
            "invalid value of debug_mode, expected one of `default`, `warn`, `error`"
            if isinstance(debug_mode, str)
            else "invalid value of debug_mode, expected 0, 1 or 2"
        )
    if mode:
        warnings.warn("Synchronizing operators are not reported", stacklevel=2)
    _SYNC["mode"] = mode


def get_sync_debug_mode() -> int:
    """What ``set_sync_debug_mode`` was last told: 0, 1 (warn) or 2 (error)."""
    cupy()
    return _SYNC["mode"]
