"""DLPack: memory shared with other libraries, under the names of ``torch.utils``."""

from __future__ import annotations

import enum

from flambeau.ops.interchange import from_dlpack, to_dlpack

__all__ = ["DLDeviceType", "from_dlpack"]


class DLDeviceType(enum.IntEnum):
    """The kinds of devices by DLPack's numbers. Tensors here are on ``kDLCPU`` and ``kDLCUDA``."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17
