"""Weight normalisation by a hook. `parametrizations.weight_norm` is the newer way."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.tensor import Parameter, Tensor

__all__ = ["WeightNorm", "norm_except_dim", "remove_weight_norm", "weight_norm"]


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, which are kept with size 1; -1: over all."""
    if dim == -1:
        return v.norm(pow)
    others = [place for place in range(v.dim()) if place != dim % v.dim()]
    return v.norm(pow, others, keepdim=True) if others else v.abs()


class WeightNorm:
    """The hook: computes the weight before every call."""

    name: str
    dim: int

    def __init__(self, name: str, dim: int) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Tensor:
        """``g * v / norm(v)``."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, 2, self.dim))

    @staticmethod
    def apply(module: Any, name: str, dim: int) -> WeightNorm:
        """Registers the hook, and splits the weight into its norm and its direction."""
        warnings.warn(
            "`torch.nn.utils.weight_norm` is deprecated in favor of "
            "`torch.nn.utils.parametrizations.weight_norm`.",
            FutureWarning,
            stacklevel=3,
        )
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm) and hook.name == name:
                raise RuntimeError(
                    f"Cannot register two weight_norm hooks on the same parameter {name}"
                )
        made = WeightNorm(name, dim)
        weight = getattr(module, name)
        del module._parameters[name]
        with no_grad():
            norm = norm_except_dim(weight, 2, made.dim)
        module.register_parameter(f"{name}_g", Parameter(norm.detach()))
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        setattr(module, name, made.compute_weight(module))
        module.register_forward_pre_hook(made)
        return made

    def remove(self, module: Any) -> None:
        """Makes the weight an ordinary parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[f"{self.name}_g"], module._parameters[f"{self.name}_v"]
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int = 0) -> Any:
    """Splits a weight into its norm (``weight_g``) and its direction (``weight_v``).

    Deprecated: `parametrizations.weight_norm` does the same. Source: Salimans & Kingma 2016.

    Args:
        module: the module.
        name: its parameter.
        dim: the dimension over which norms differ; None: one norm for everything.

    >>> list(nn.utils.weight_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Undoes `weight_norm`; ValueError where there is none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
