"""Moving and casting a module: every parameter, gradient and buffer goes through a function."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, overload

from flambeau import __future__ as conversions
from flambeau.autograd.grad_mode import no_grad
from flambeau.core.tensor import Parameter, Tensor
from flambeau.ops.creation import empty_like

Change = Callable[[Tensor], Tensor]


class Moves:
    """The part of a module that changes where its tensors are and of which dtype."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]

    def _apply(self, fn: Change, recurse: bool = True) -> Any:
        """Replaces every parameter, gradient and buffer by what ``fn`` makes of it.

        Parameters stay the same objects as long as their new data is on the same kind of device.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                self._parameters[name] = _changed(parameter, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    @overload
    def to(
        self,
        device: Any = ...,
        dtype: Any = ...,
        non_blocking: bool = ...,
        *,
        memory_format: Any = ...,
    ) -> Any: ...

    @overload
    def to(self, dtype: Any, non_blocking: bool = ..., *, memory_format: Any = ...) -> Any: ...

    @overload
    def to(self, tensor: Tensor, non_blocking: bool = ..., *, memory_format: Any = ...) -> Any: ...

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Moves and casts parameters and buffers, in place; returns the module.

        ``to(device=None, dtype=None, non_blocking=False)``, ``to(dtype)``, ``to(tensor)`` and
        ``to(memory_format=...)``. Only floating point values are cast; a memory format concerns
        those with four or five dimensions.

        Raises:
            TypeError: the dtype is neither floating point nor complex.

        Example::

            model.to("cuda", torch.float16)
        """
        device, dtype, non_blocking, memory_format = _parsed(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may "
                    "change, and some modules might not work as expected when using complex "
                    "tensors as parameters or buffers.",
                    stacklevel=2,
                )

        def convert(tensor: Tensor) -> Tensor:
            of = dtype if tensor.is_floating_point() or tensor.is_complex() else None
            if memory_format is not None and tensor.dim() in (4, 5):
                return tensor.to(device, of, non_blocking, memory_format=memory_format)
            return tensor.to(device, of, non_blocking)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Moves to a device without copying the values: memory with no particular content."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse=recurse)

    def type(self, dst_type: Any) -> Any:
        """Casts all parameters and buffers, integers too."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def cpu(self) -> Any:
        """Moves all parameters and buffers to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device: Any = None) -> Any:
        """Moves all parameters and buffers to the (current) GPU."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def xpu(self, device: Any = None) -> Any:
        """Moves all parameters and buffers to an XPU."""
        return self._apply(lambda tensor: tensor.xpu(device))

    def ipu(self, device: Any = None) -> Any:
        """Moves all parameters and buffers to an IPU."""
        return self._apply(lambda tensor: tensor.ipu(device))

    def mtia(self, device: Any = None) -> Any:
        """Moves all parameters and buffers to an MTIA device."""
        return self._apply(lambda tensor: tensor.mtia(device))

    def float(self) -> Any:
        """Casts floating point parameters and buffers to float32."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self) -> Any:
        """Casts floating point parameters and buffers to float64."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self) -> Any:
        """Casts floating point parameters and buffers to float16."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self) -> Any:
        """Casts floating point parameters and buffers to bfloat16."""
        return self._apply(
            lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor
        )

    def share_memory(self) -> Any:
        """Moves parameters and buffers to memory that other processes can map."""
        return self._apply(lambda tensor: tensor.share_memory_())


def _parsed(
    device: Any = None,
    dtype: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    *,
    memory_format: Any = None,
    tensor: Tensor | None = None,
) -> tuple[Any, Any, bool, Any]:
    """The device, dtype, non_blocking and memory format of the overloads of ``to``."""
    from_tensor = tensor if tensor is not None else device
    if isinstance(from_tensor, Tensor):
        return from_tensor.device, from_tensor.dtype, non_blocking, memory_format
    if hasattr(device, "is_floating_point"):  # a dtype comes first: (dtype, non_blocking, copy)
        return None, device, bool(dtype), memory_format
    if dtype is not None and not hasattr(dtype, "is_floating_point"):
        given = ", ".join(type(one).__name__ for one in (device, dtype))
        raise TypeError(f"to() received an invalid combination of arguments - got ({given})")
    return device, dtype, non_blocking, memory_format


def _changed(parameter: Parameter, fn: Change) -> Parameter:
    """The parameter with new data, its gradient likewise."""
    with no_grad():
        data = fn(parameter)
    grad = parameter.grad
    same = (data.is_meta, data.layout) == (parameter.is_meta, parameter.layout)
    if conversions.get_swap_module_params_on_conversion() or (
        same and not conversions.get_overwrite_module_params_on_conversion()
    ):
        parameter.data = data
        kept = parameter
    else:
        kept = Parameter(data, requires_grad=parameter.requires_grad)
    if grad is not None:
        with no_grad():
            moved = fn(grad)
        kept.grad = moved.requires_grad_(grad.requires_grad)
    return kept
