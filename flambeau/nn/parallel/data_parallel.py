"""``DataParallel``: each GPU of a machine computes a piece of every batch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from typing import Any

from flambeau.core.device import device
from flambeau.core.kind import array_library
from flambeau.kernels.select import CUDA
from flambeau.nn.modules.module import Module
from flambeau.nn.parallel.replicate import parallel_apply, replicate
from flambeau.nn.parallel.scatter_gather import gather, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]


def _gpus() -> list[int]:
    """The numbers of the GPUs of this machine; none without CuPy."""
    if find_spec("cupy") is None:
        return []
    runtime = array_library(CUDA).cuda.runtime
    try:
        return list(range(runtime.getDeviceCount()))
    except runtime.CUDARuntimeError:  # no driver, no device
        return []


def _number(target: Any) -> int:
    if isinstance(target, int):
        return target
    index = device(target).index
    return 0 if index is None else index


class DataParallel(Module):
    """A module whose batches are split over the GPUs of this machine.

    On a machine without a GPU it calls the module as it is.

    Args:
        module: the module.
        device_ids: the GPUs; all of them without it. The module lives on the first.
        output_device: where results are joined; the first GPU without it.
        dim: the dimension of the batch.

    Example::

        model = nn.DataParallel(model)
        output = model(batch)
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        found = _gpus()
        if not found:
            self.module = module
            self.device_ids: list[int] = []
            return
        self.device_ids = [_number(one) for one in (found if device_ids is None else device_ids)]
        if not self.device_ids:
            raise RuntimeError("no available devices were found")
        self.dim = dim
        self.module = module
        first = self.device_ids[0]
        self.output_device = first if output_device is None else _number(output_device)
        self.src_device_obj = device("cuda", first)
        if len(self.device_ids) == 1:
            self.module.to(self.src_device_obj)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        for value in chain(self.module.parameters(), self.module.buffers()):
            if value.device != self.src_device_obj:
                raise RuntimeError(
                    "module must have its parameters and buffers on device "
                    f"{self.src_device_obj} (device_ids[0]) but found one of them on device: "
                    f"{value.device}"
                )
        args, named = self.scatter(inputs, kwargs, self.device_ids)
        if not args and not named:
            args, named = ((),), ({},)
        if len(self.device_ids) == 1:
            return self.module(*args[0], **named[0])
        replicas = self.replicate(self.module, self.device_ids[: len(args)])
        outputs = self.parallel_apply(replicas, args, named)
        return self.gather(outputs, self.output_device)

    def replicate(self, module: Module, device_ids: Sequence[Any]) -> list[Module]:
        """Copies of the module on the GPUs."""
        return replicate(module, device_ids)

    def scatter(
        self, inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, device_ids: Sequence[Any]
    ) -> Any:
        """The arguments of each copy."""
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def parallel_apply(
        self, replicas: Sequence[Module], inputs: Sequence[Any], kwargs: Any
    ) -> list[Any]:
        """The results of all copies."""
        return parallel_apply(replicas, inputs, kwargs, self.device_ids[: len(replicas)])

    def gather(self, outputs: Any, output_device: Any) -> Any:
        """The results joined."""
        return gather(outputs, output_device, dim=self.dim)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Calls a module as `DataParallel` does, once.

    Args:
        module: the module.
        inputs: its argument, or a tuple of arguments.
        device_ids: the GPUs; all of them without it.
        output_device: where results are joined.
        dim: the dimension of the batch.
        module_kwargs: keyword arguments.

    Raises:
        RuntimeError: there is no GPU.
    """
    args = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    gpus = [_number(one) for one in (_gpus() if device_ids is None else device_ids)]
    if not gpus:
        raise RuntimeError("device type could not be determined")
    target = gpus[0] if output_device is None else _number(output_device)
    pieces, named = scatter_kwargs(args, module_kwargs, gpus, dim)
    if not pieces and not named:
        pieces, named = ((),), ({},)
    if len(gpus) == 1:
        return module(*pieces[0], **named[0])
    used = gpus[: len(pieces)]
    outputs = parallel_apply(replicate(module, used), pieces, named, used)
    return gather(outputs, target, dim)
