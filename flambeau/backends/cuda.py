"""CUDA's libraries, which CuPy calls: what can be asked of them, and settings that programs make.

Products on CUDA are CuPy's, of full float32 precision; attention is computed in one way. What is
set here for them is kept and changes nothing.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import flambeau
from flambeau.core.tensor import Tensor
from flambeau.cuda.library import cupy, found
from flambeau.nn import attention
from flambeau.nn.attention import SDPBackend
from flambeau.settings import get_float32_matmul_precision, set_float32_matmul_precision

__all__ = [
    "SDPAParams", "allow_fp16_bf16_reduction_math_sdp", "blas_workspace_size",
    "can_use_cudnn_attention", "can_use_efficient_attention", "can_use_flash_attention",
    "cuBLASModule", "cuFFTPlanCache", "cuFFTPlanCacheAttrContextProp", "cuFFTPlanCacheManager",
    "cublas_workspace_size", "cublaslt_workspace_size", "cudnn_sdp_enabled", "cufft_plan_cache",
    "enable_cudnn_sdp", "enable_flash_sdp", "enable_math_sdp", "enable_mem_efficient_sdp",
    "flash_sdp_enabled", "fp16_bf16_reduction_math_sdp_allowed", "is_built",
    "is_ck_sdpa_available", "is_flash_attention_available", "math_sdp_enabled", "matmul",
    "mem_efficient_sdp_enabled", "preferred_blas_library", "preferred_linalg_library",
    "preferred_rocm_fa_library", "sdp_kernel",
]  # fmt: skip


def is_built() -> bool:
    """Whether there is support for CUDA: whether CuPy is installed."""
    return found() is not None


# ---- matrix products


class cuBLASModule:
    """Settings of matrix products. ``allow_tf32`` is that of ``set_float32_matmul_precision``."""

    _KEPT = {
        "allow_fp16_reduced_precision_reduction": True,
        "allow_bf16_reduced_precision_reduction": True,
        "allow_fp16_accumulation": False,
        "allow_fp16_reduced_precision_reduction_split_k": True,
        "fp32_precision": "none",
    }

    def __getattr__(self, name: str) -> Any:
        if name == "allow_tf32":
            return get_float32_matmul_precision() != "highest"
        if name not in self._KEPT:
            raise AttributeError("Unknown attribute " + name)
        return self._KEPT[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "allow_tf32":
            set_float32_matmul_precision("high" if value else "highest")
        elif name == "fp32_precision" and value not in ("none", "ieee", "tf32"):
            raise RuntimeError(f"Unknown precision: {value}")
        elif name not in self._KEPT:
            raise AttributeError("Unknown attribute " + name)
        else:
            self._KEPT[name] = value


matmul = cuBLASModule()


# ---- plans of Fourier transforms


class cuFFTPlanCacheAttrContextProp:
    """An attribute of a device's plans: ``getter(index)`` and ``setter(index, value)``."""

    def __init__(self, getter: Callable[..., Any], setter: Callable[..., Any] | str) -> None:
        self.getter, self.setter = getter, setter

    def __get__(self, cache: Any, owner: Any) -> Any:
        return self if cache is None else self.getter(cache.device_index)

    def __set__(self, cache: Any, value: Any) -> None:
        if isinstance(self.setter, str):
            raise RuntimeError(self.setter)
        self.setter(cache.device_index, value)


def _plans(index: int) -> Any:
    library = cupy()
    with library.cuda.Device(index):
        return library.fft.config.get_plan_cache()


class cuFFTPlanCache:
    """The plans that CuPy keeps for a device: how many (``size``), and at most (``max_size``)."""

    size = cuFFTPlanCacheAttrContextProp(
        lambda index: _plans(index).get_curr_size(),
        ".size is a read-only property showing the number of plans currently in the cache. To "
        "change the cache capacity, set cufft_plan_cache.max_size.",
    )
    max_size = cuFFTPlanCacheAttrContextProp(
        lambda index: _plans(index).get_size(), lambda index, n: _plans(index).set_size(n)
    )

    def __init__(self, device_index: int) -> None:
        self.device_index = device_index

    def clear(self) -> None:
        """Forgets the plans."""
        _plans(self.device_index).clear()


class cuFFTPlanCacheManager:
    """The plans of each device, by its number; attributes are those of the current device."""

    def __getitem__(self, device: Any) -> cuFFTPlanCache:
        index = flambeau.device(device).index if not isinstance(device, int) else device
        count = flambeau.cuda.device_count()
        if index is None or not 0 <= index < count:
            raise RuntimeError(
                f"cufft_plan_cache: expected 0 <= device index < {count}, but got device with "
                f"index {index}"
            )
        return cuFFTPlanCache(index)

    def _current(self) -> cuFFTPlanCache:
        cupy()
        return self[flambeau.cuda.current_device()]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._current(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._current(), name, value)


cufft_plan_cache = cuFFTPlanCacheManager()


# ---- libraries to prefer: a wish


class _LinalgBackend(enum.Enum):
    Default, Cusolver, Magma = range(3)


class _BlasBackend(enum.Enum):
    Default, Cublas, Cublaslt, Ck = range(4)


class _ROCmFABackend(enum.Enum):
    Default, AOTriton, Ck = range(3)


_preferred: dict[type[enum.Enum], enum.Enum] = {
    _LinalgBackend: _LinalgBackend.Default,
    _BlasBackend: _BlasBackend.Cublas,
    _ROCmFABackend: _ROCmFABackend.Default,
}


def _prefer(kind: type[enum.Enum], wish: Any) -> enum.Enum:
    if isinstance(wish, str):
        names = {member.name.lower(): member for member in kind}
        if wish.lower() not in names:
            raise RuntimeError(f"Unknown input value. Choose from: {', '.join(names)}.")
        wish = names[wish.lower()]
    if wish is not None:
        if not isinstance(wish, kind):
            raise RuntimeError("Unknown input value type.")
        _preferred[kind] = wish
    return _preferred[kind]


def preferred_linalg_library(backend: Any = None) -> enum.Enum:
    """The library wished for: ``"default"``, ``"cusolver"`` or ``"magma"``; CuPy uses cuSOLVER."""
    return _prefer(_LinalgBackend, backend)


def preferred_blas_library(backend: Any = None) -> enum.Enum:
    """The library wished for: ``"default"``, ``"cublas"``, ``"cublaslt"`` or ``"ck"``."""
    return _prefer(_BlasBackend, backend)


def preferred_rocm_fa_library(backend: Any = None) -> enum.Enum:
    """The library wished for: ``"default"``, ``"aotriton"`` or ``"ck"``."""
    return _prefer(_ROCmFABackend, backend)


_workspaces = {"cublas": 0, "cublaslt": 0}


def blas_workspace_size(size: int | None = None, backend: str | None = None) -> int:
    """The bytes wished for as room for matrix products; CuPy decides itself."""
    name = backend or "cublas"
    if name not in _workspaces:
        raise RuntimeError(f"Unknown input value. Choose from: {', '.join(_workspaces)}.")
    if size is not None:
        _workspaces[name] = size
    return _workspaces[name]


def cublas_workspace_size(size: int | None = None) -> int:
    """``blas_workspace_size`` of cuBLAS."""
    return blas_workspace_size(size, "cublas")


def cublaslt_workspace_size(size: int | None = None) -> int:
    """``blas_workspace_size`` of cuBLASLt."""
    return blas_workspace_size(size, "cublaslt")


# ---- attention


class SDPAParams(NamedTuple):
    """The arguments of a call of ``scaled_dot_product_attention``."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None
    dropout: float
    is_causal: bool
    enable_gqa: bool


def _allow(backend: SDPBackend, enabled: bool) -> None:
    others = [b for b in attention._allowed if b is not backend]
    attention._allowed = [*others, backend] if enabled else others


def enable_flash_sdp(enabled: bool) -> None:
    """Whether flash attention is allowed, as by ``nn.attention.sdpa_kernel``."""
    _allow(SDPBackend.FLASH_ATTENTION, enabled)


def flash_sdp_enabled() -> bool:
    """Whether flash attention is allowed."""
    return SDPBackend.FLASH_ATTENTION in attention._allowed


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Whether attention that saves memory is allowed."""
    _allow(SDPBackend.EFFICIENT_ATTENTION, enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention that saves memory is allowed."""
    return SDPBackend.EFFICIENT_ATTENTION in attention._allowed


def enable_math_sdp(enabled: bool) -> None:
    """Whether attention made of matrix products is allowed."""
    _allow(SDPBackend.MATH, enabled)


def math_sdp_enabled() -> bool:
    """Whether attention made of matrix products is allowed."""
    return SDPBackend.MATH in attention._allowed


def enable_cudnn_sdp(enabled: bool) -> None:
    """Whether cuDNN's attention is allowed."""
    _allow(SDPBackend.CUDNN_ATTENTION, enabled)


def cudnn_sdp_enabled() -> bool:
    """Whether cuDNN's attention is allowed."""
    return SDPBackend.CUDNN_ATTENTION in attention._allowed


_reduced_sums = False


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Whether attention in half precision may also sum in it: remembered; it sums in float32."""
    global _reduced_sums
    _reduced_sums = enabled


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """What ``allow_fp16_bf16_reduction_math_sdp`` was last told."""
    return _reduced_sums


def is_flash_attention_available() -> bool:
    """Whether there is flash attention: no."""
    return False


def is_ck_sdpa_available() -> bool:
    """Whether there is attention of AMD's library: no."""
    return False


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether a call would use flash attention: no; with ``debug`` it warns why."""
    return _unavailable("Flash attention", debug)


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether a call would use attention that saves memory: no; with ``debug`` it warns why."""
    return _unavailable("Memory efficient attention", debug)


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether a call would use cuDNN's attention: no; with ``debug`` it warns why."""
    return _unavailable("cuDNN attention", debug)


def _unavailable(what: str, debug: bool) -> bool:
    if debug:
        warnings.warn(f"{what} is not part of Flambeau.", stacklevel=3)
    return False


@contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:  # fmt: skip
    """Deprecated: ``nn.attention.sdpa_kernel``, with the allowed implementations as flags."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager "
        "will be removed. Please see `torch.nn.attention.sdpa_kernel()` for the new context "
        "manager, with updated signature.",
        FutureWarning,
        stacklevel=3,
    )
    flags = (
        (SDPBackend.FLASH_ATTENTION, enable_flash), (SDPBackend.MATH, enable_math),
        (SDPBackend.EFFICIENT_ATTENTION, enable_mem_efficient),
        (SDPBackend.CUDNN_ATTENTION, enable_cudnn),
    )  # fmt: skip
    with attention.sdpa_kernel([backend for backend, enabled in flags if enabled]):
        yield
