"""Hooks of saved tensors: what the graph keeps, packed and unpacked by functions of the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.modes import flags, modes
from flambeau.core.tensor import Tensor

Hook = Callable[..., Any]


class saved_tensors_hooks:  # noqa: N801 - the public name
    """Packs each tensor that is saved for backward inside, and unpacks it when it is needed."""

    def __init__(self, pack_hook: Hook, unpack_hook: Hook) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if modes.saved_hooks and modes.saved_hooks[-1] is None:
            raise RuntimeError(_disabled[-1])
        modes.saved_hooks = (*modes.saved_hooks, (self.pack_hook, self.unpack_hook))
        flags.active += 1

    def __exit__(self, *exc: object) -> None:
        modes.saved_hooks = modes.saved_hooks[:-1]
        flags.active -= 1


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Keeps the tensors saved inside in host memory until they are needed."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


_disabled: list[str] = []


class disable_saved_tensors_hooks:  # noqa: N801
    """Makes ``saved_tensors_hooks`` raise RuntimeError with this message inside."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        if modes.saved_hooks and modes.saved_hooks[-1] is not None:
            raise RuntimeError(self.error_message)
        _disabled.append(self.error_message)
        modes.saved_hooks = (*modes.saved_hooks, None)

    def __exit__(self, *exc: object) -> None:
        _disabled.pop()
        modes.saved_hooks = modes.saved_hooks[:-1]

    def __call__(self, function: Hook) -> Hook:
        def disabled(*args: Any, **kwargs: Any) -> Any:
            with disable_saved_tensors_hooks(self.error_message):
                return function(*args, **kwargs)

        return disabled


class allow_mutation_on_saved_tensors:  # noqa: N801 - the public name
    """Tensors saved inside may be written to: backward uses the values that they had.

    Every tensor that is saved is copied when it is saved. The backward pass must run inside too.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     out = (y ** 2).sum()
    ...     _ = y.detach().zero_()
    ...     out.backward()
    >>> x.grad
    tensor([2., 2.])
    """

    _open = False

    def __enter__(self) -> allow_mutation_on_saved_tensors:
        if allow_mutation_on_saved_tensors._open:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        allow_mutation_on_saved_tensors._open = True
        self.active = True
        self.hooks = saved_tensors_hooks(self._pack, self._unpack)
        self.hooks.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.hooks.__exit__(*exc)
        allow_mutation_on_saved_tensors._open = self.active = False

    def clear(self) -> None:
        """Ends what was saved inside: backward through it raises from now on."""
        self.active = False

    def _pack(self, tensor: Tensor) -> Tensor:
        return tensor.clone()  # type: ignore[attr-defined]

    def _unpack(self, tensor: Tensor) -> Tensor:
        if not self.active:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin "
                "which the graph was originally recorded."
            )
        return tensor
