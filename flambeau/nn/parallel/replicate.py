"""Copies of a module on several devices, and a call of each on its own inputs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from flambeau.autograd.grad_mode import is_grad_enabled, set_grad_enabled
from flambeau.nn.parallel.comm import as_device

__all__ = ["parallel_apply", "replicate"]


def replicate(network: Any, devices: Sequence[Any], detach: bool = False) -> list[Any]:
    """Copies of a module, one a device; gradients of their parameters reach the original's.

    Args:
        network: the module.
        devices: the devices.
        detach: whether the copies' parameters are cut off from the original's.
    """
    modules = list(network.modules())
    places = {id(module): place for place, module in enumerate(modules)}
    copies = []
    for target in devices:
        parts = [module._replicate_for_data_parallel() for module in modules]
        for module, copy in zip(modules, parts, strict=True):
            _fill(module, copy, parts, places, as_device(target), detach)
        copies.append(parts[0])
    return copies


def _fill(
    module: Any, copy: Any, parts: list[Any], places: dict[int, int], device: Any, detach: bool
) -> None:
    """Gives a copy its submodules, parameters and buffers on a device."""
    for name, child in module._modules.items():
        copy._modules[name] = None if child is None else parts[places[id(child)]]
    for name, parameter in module._parameters.items():
        if parameter is None:
            copy._parameters[name] = None
            continue
        moved = (parameter.detach() if detach else parameter).to(device)
        # no parameter of the copy: a tensor that was computed from the original's
        copy.__dict__[name] = moved if moved is not parameter else parameter.view_as(parameter)
    for name, buffer in module._buffers.items():
        copy._buffers[name] = None if buffer is None else buffer.to(device)


def parallel_apply(
    modules: Sequence[Any],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:
    """Calls each module with its own arguments, all at the same time in threads.

    Raises:
        the error of the first module that raised one.
    """
    if len(modules) != len(inputs):
        raise AssertionError(
            f"The number of modules {len(modules)} is not equal to the number of inputs "
            f"{len(inputs)}"
        )
    named = kwargs_tup if kwargs_tup is not None else ({},) * len(modules)
    results: list[Any] = [None] * len(modules)
    errors: list[BaseException | None] = [None] * len(modules)
    grad = is_grad_enabled()

    def work(place: int) -> None:
        args = inputs[place]
        args = args if isinstance(args, (list, tuple)) else (args,)
        try:
            with set_grad_enabled(grad):
                results[place] = modules[place](*args, **named[place])
        except BaseException as error:  # raised again by the caller's thread
            errors[place] = error

    if len(modules) == 1:
        work(0)
    else:
        threads = [threading.Thread(target=work, args=(place,)) for place in range(len(modules))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for error in errors:
        if error is not None:
            raise error
    return results
