"""Calls of CUDA's runtime library."""

from __future__ import annotations

from typing import Any

from cupy._memory import DEVICES, current, pool

MEMORY = 1 << 34


class CUDARuntimeError(RuntimeError):
    """An error of the runtime library, with its number."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check(device: int) -> None:
    """CUDARuntimeError unless there is such a device."""
    if not 0 <= device < DEVICES:
        raise CUDARuntimeError(101, "cudaErrorInvalidDevice: invalid device ordinal")


def getDeviceCount() -> int:
    return DEVICES


def getDevice() -> int:
    return current.device


def setDevice(device: int) -> None:
    check(device)
    current.device = device


def deviceSynchronize() -> None:
    pass


def getDeviceProperties(device: int) -> dict[str, Any]:
    check(device)
    return {
        "name": b"NumPy in disguise", "totalGlobalMem": MEMORY, "major": 9, "minor": 0,
        "multiProcessorCount": 4, "warpSize": 32, "maxThreadsPerMultiProcessor": 2048,
        "maxThreadsPerBlock": 1024, "l2CacheSize": 1 << 20, "regsPerMultiprocessor": 65536,
        "sharedMemPerBlock": 49152, "sharedMemPerBlockOptin": 232448,
        "sharedMemPerMultiprocessor": 233472, "integrated": 0, "isMultiGpuBoard": 0,
        "pciBusID": device, "pciDeviceID": 0, "pciDomainID": 0, "uuid": bytes(range(16)),
        "clockRate": 1980000, "memoryClockRate": 2619000, "memoryBusWidth": 5120,
    }  # fmt: skip


def memGetInfo() -> tuple[int, int]:
    return MEMORY - pool.total_bytes(), MEMORY


def driverGetVersion() -> int:
    return 12080


def runtimeGetVersion() -> int:
    return 12080


def deviceCanAccessPeer(device: int, peer: int) -> int:
    check(device)
    check(peer)
    return int(device != peer)


def ipcGetEventHandle(event: int) -> bytes:
    return event.to_bytes(8, "little").ljust(64, bytes(1))


def ipcOpenEventHandle(handle: bytes) -> int:
    return int.from_bytes(handle[:8], "little")


def eventRecord(event: int, stream: int) -> None:
    pass


def eventSynchronize(event: int) -> None:
    pass


def eventQuery(event: int) -> int:
    return 0


is_hip = False
