"""``autocast``, and the decorators that tell a custom Function which precision it was called in."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from flambeau import cuda
from flambeau.amp import state
from flambeau.core.autocast import PREFERRED
from flambeau.core.dtype import bfloat16, float16, float64
from flambeau.core.dtype import dtype as DType
from flambeau.core.tensor import Tensor

_NARROW = (bfloat16, float16)


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast`` knows a type of device, present or not.

    >>> torch.amp.is_autocast_available("cpu"), torch.amp.is_autocast_available("meta")
    (True, False)
    """
    return state.device_type(device_type) in state.TYPES


class autocast:  # noqa: N801
    """A region, or a function by decoration, whose matrix products run in a narrow type.

    ``device_type`` says whose operators are cast, ``dtype`` to what (bfloat16 on the CPU, float16
    on CUDA by default), ``enabled=False`` opens an island of full precision, and ``cache_enabled``
    keeps the casts of parameters until the outermost region ends. Other dtypes, and CUDA where
    there is none, only warn and change nothing. Raises ValueError for a type of device that is
    not a string and RuntimeError for an unknown one.

    >>> a = torch.ones(2, 2)
    >>> with torch.autocast("cpu"):
    ...     print((a @ a).dtype, (a + a).dtype)
    torch.bfloat16 torch.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: DType | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = state.get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        kept = state.is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._cache_enabled = kept
        self._enabled = enabled and _usable(device_type, self.fast_dtype)

    def __enter__(self) -> autocast:
        self.prev_cache_enabled = state.is_autocast_cache_enabled()
        self.prev = state.is_autocast_enabled(self.device)
        self.prev_fastdtype = state.get_autocast_dtype(self.device)
        state.set_autocast_dtype(self.device, self.fast_dtype)
        state.set_autocast_enabled(self.device, self._enabled)
        state.autocast_increment_nesting()
        state.set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exc: object) -> bool:
        if state.autocast_decrement_nesting() == 0:
            state.clear_autocast_cache()
        state.set_autocast_enabled(self.device, self.prev)
        state.set_autocast_dtype(self.device, self.prev_fastdtype)
        state.set_autocast_cache_enabled(self.prev_cache_enabled)
        return False

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return inside


def _usable(device_type: str, to: DType) -> bool:
    """Whether the region casts; warns where it was asked to and cannot."""
    kind = state.device_type(device_type)
    if kind == "cuda" and not cuda.is_available():
        problem = "CUDA is not available or torch_xla is imported. Disabling autocast."
    elif kind in PREFERRED and to not in _NARROW:
        name = "CPU" if kind == "cpu" else "CUDA"
        problem = (
            f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
            f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
        )
    else:
        return True
    warnings.warn(problem, stacklevel=3)
    return False


# ---- custom Functions


def _checked(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: DType | None = None
) -> Callable[..., Any]:
    """Decorator of ``forward`` of a custom Function: ``backward`` will run as it did.

    With ``cast_inputs``, inside autocast the floating arguments on that device are cast to it and
    ``forward`` runs with autocast off.
    """
    _checked(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = state.get_autocast_dtype(device_type)
        enabled = state.is_autocast_enabled(device_type)
        args[0]._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(
                *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs)
            )

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorator of ``backward`` of a custom Function: autocast as ``custom_fwd`` found it."""
    _checked(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        used, to = args[0]._fwd_used_autocast, args[0]._dtype
        with autocast(device_type, enabled=used, dtype=to):
            return bwd(*args, **kwargs)

    return decorated


def _cast(value: Any, device_type: str, to: DType) -> Any:
    """The value with the floating tensors on that device, float64 apart, in another dtype."""
    if isinstance(value, Tensor):
        of = value.dtype
        casts = value.device.type == device_type and of.is_floating_point and of is not float64
        return value.to(to) if casts else value  # type: ignore[attr-defined]
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, to): _cast(v, device_type, to) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_cast(v, device_type, to) for v in value])
    return value
