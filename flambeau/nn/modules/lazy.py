"""Modules that learn the shape of their parameters from the first input."""

from __future__ import annotations

import itertools
from typing import Any

from flambeau.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Makes a module lazy: the first call gives its parameters their shape.

    A lazy class puts this before its base in the list of bases, creates
    `UninitializedParameter`s, and defines ``initialize_parameters``, which receives the arguments
    of the first call. ``cls_to_become`` names the class the module has from then on.

    Example::

        >>> layer = nn.LazyLinear(3)
        >>> layer(torch.ones(2, 5)).shape, type(layer).__name__
        (torch.Size([2, 3]), 'Linear')
    """

    cls_to_become: type[Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Saves values without a shape as they are: they cannot be detached."""
        buffers = (
            (name, value)
            for name, value in self._buffers.items()
            if name not in self._non_persistent_buffers_set
        )
        for name, value in itertools.chain(self._parameters.items(), buffers):
            if value is not None:
                keep = is_lazy(value) or keep_vars
                destination[prefix + name] = value if keep else value.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """Takes the shapes from a state_dict that has them."""
        for name, value in itertools.chain(self._parameters.items(), self._buffers.items()):
            given = state_dict.get(prefix + name)
            if value is not None and given is not None and is_lazy(value) and not is_lazy(given):
                value.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Gives the parameters their shape, from the arguments of the first call."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still waits for its shape."""
        return any(
            is_lazy(value)
            for value in itertools.chain(self._parameters.values(), self._buffers.values())
        )

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        """The hook before the first call: initialises, then makes the module an ordinary one."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
