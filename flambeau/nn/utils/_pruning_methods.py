"""Methods of pruning: hooks that multiply a parameter with a mask."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones_like, zeros_like


class BasePruningMethod(ABC):
    """A way to choose what is pruned, and the hook that applies the choice before every call.

    A subclass defines ``compute_mask`` and says by ``PRUNING_TYPE`` what a later pruning acts on:
    ``"unstructured"`` the elements left, ``"structured"`` the channels left, ``"global"`` all.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor (of importance scores), within the mask that it has already."""

    def apply_mask(self, module: Any) -> Tensor:
        """The original times the mask."""
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Any,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prunes a parameter, on top of earlier prunings.

        Args:
            module: the module.
            name: its parameter.
            args: for the constructor.
            importance_scores: decide instead of the parameter's values; of the same shape.
            kwargs: for the constructor.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        method = _with_earlier(module, name, method)
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}"
            )
        first = not isinstance(method, PruningContainer)
        if first:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            mask = ones_like(original)
        else:
            mask = getattr(module, name + "_mask").detach().clone()
        try:
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if first:
                module.register_parameter(name, module._parameters.pop(name + "_orig"))
            raise
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A pruned copy of a tensor, by the same choice."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Any) -> None:
        """Makes the pruned tensor an ordinary parameter again."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        pruned = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = pruned.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _with_earlier(module: Any, name: str, method: BasePruningMethod) -> BasePruningMethod:
    """The method together with those that already prune the tensor, whose hook is taken out."""
    earlier = [
        (key, hook)
        for key, hook in module._forward_pre_hooks.items()
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
    ]
    if not earlier:
        return method
    if len(earlier) > 1:
        raise AssertionError(f"{len(earlier)} pruning hooks found where at most 1 was expected")
    key, hook = earlier[0]
    del module._forward_pre_hooks[key]
    container = hook if isinstance(hook, PruningContainer) else PruningContainer(hook)
    container.add_pruning_method(method)
    return container


class PruningContainer(BasePruningMethod):
    """Several prunings of one tensor, one after the other.

    Args:
        args: the methods.
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args and isinstance(args[0], BasePruningMethod):
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Adds a method that prunes the same tensor."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found "
                f"'{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the latest method, computed on what the earlier ones left."""
        method = self._pruning_methods[-1]
        left = _left(method, default_mask)
        partial = method.compute_mask(t[left], default_mask=default_mask[left])
        mask = default_mask.to(dtype=t.dtype, copy=True)
        mask[left] = partial.to(dtype=mask.dtype)
        return mask


def _left(method: BasePruningMethod, mask: Tensor) -> Any:
    """The index of what earlier prunings left, in the units of a method."""
    rank = mask.dim()
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    everything = [slice(None)] * rank
    if method.PRUNING_TYPE == "global":
        return tuple(everything)
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    dim = method.dim  # type: ignore[attr-defined]
    dim = dim + rank if dim < 0 else dim
    if dim < 0:
        raise IndexError(f"Index is out of bounds for tensor with dimensions {rank}")
    others = [place for place in range(rank) if place != dim]
    everything[dim] = mask.sum(dim=others) != 0  # type: ignore[call-overload]
    return tuple(everything)


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask that is there."""
        return default_mask

    @classmethod
    def apply(cls, module: Any, name: str) -> BasePruningMethod:
        """Makes the mask of a parameter."""
        return super().apply(module, name)


class _Unstructured(BasePruningMethod):
    """Prunes some number of elements, those of the smallest scores.

    Args:
        amount: how many, or (a float) which share.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without as many elements."""
        count = _count(self.amount, t.nelement())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[self._first(t, count)] = 0
        return mask

    def _first(self, t: Tensor, count: int) -> Tensor:
        """The flat indices of what is pruned first."""
        raise NotImplementedError


class RandomUnstructured(_Unstructured):
    """Prunes elements at random.

    Args:
        amount: how many, or (a float) which share.
    """

    def _first(self, t: Tensor, count: int) -> Tensor:
        return t.new_empty(t.shape).uniform_().view(-1).topk(count).indices

    @classmethod
    def apply(cls, module: Any, name: str, amount: float) -> BasePruningMethod:
        """Prunes elements of a parameter at random."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest absolute value.

    Args:
        amount: how many, or (a float) which share.
    """

    def _first(self, t: Tensor, count: int) -> Tensor:
        return t.abs().reshape(-1).topk(count, largest=False).indices

    @classmethod
    def apply(
        cls, module: Any, name: str, amount: float, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        """Prunes the smallest elements of a parameter."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Prunes whole channels at random.

    Args:
        amount: how many, or (a float) which share.
        dim: the dimension of the channels.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without as many channels, at random."""
        channels = _channels(t, self.dim)
        count = _count(self.amount, channels)
        if count == 0:
            return default_mask
        chance = t.new_empty(channels).uniform_()
        kept = chance > chance.kthvalue(count).values
        return _only(t, self.dim, kept) * default_mask.to(dtype=t.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, amount: float, dim: int = -1) -> BasePruningMethod:
        """Prunes channels of a parameter at random."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(BasePruningMethod):
    """Prunes the channels of the smallest norm.

    Args:
        amount: how many, or (a float) which share.
        n: the norm.
        dim: the dimension of the channels.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without as many channels, those of the smallest norm."""
        channels = _channels(t, self.dim)
        count = _count(self.amount, channels)
        if count == 0:
            return default_mask
        others = [place for place in range(t.dim()) if place != self.dim % t.dim()]
        kept = t.norm(p=self.n, dim=others).topk(channels - count).indices
        return _only(t, self.dim, kept) * default_mask.to(dtype=t.dtype)

    @classmethod
    def apply(
        cls,
        module: Any,
        name: str,
        amount: float,
        n: Any,
        dim: int,
        importance_scores: Tensor | None = None,
    ) -> BasePruningMethod:
        """Prunes the channels of a parameter that have the smallest norm."""
        return super().apply(
            module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores
        )


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask that is given.

    Args:
        mask: 1 for what stays, 0 for what goes.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask that is there times the given one."""
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, mask: Tensor) -> BasePruningMethod:
        """Prunes a parameter by a mask."""
        return super().apply(module, name, mask=mask)


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, numbers.Integral)
    if (whole and amount < 0) or (not whole and not 0.0 <= float(amount) <= 1.0):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )


def _count(amount: Any, size: int) -> int:
    """How many of ``size`` things an amount means."""
    if not isinstance(amount, numbers.Integral):
        return round(amount * size)
    if amount > size:
        raise ValueError(
            f"amount={amount} should be smaller than the number of parameters to prune={size}"
        )
    return int(amount)


def _channels(t: Tensor, dim: int) -> int:
    """The number of channels; raises where there are none."""
    shape = t.shape
    if len(shape) <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of "
            f"shape {shape} with {len(shape)} dims"
        )
    if dim >= len(shape):
        raise IndexError(f"Invalid index {dim} for tensor of size {shape}")
    return shape[dim]


def _only(t: Tensor, dim: int, kept: Tensor) -> Tensor:
    """1 in the kept channels, 0 elsewhere."""
    mask = zeros_like(t)
    index: list[Any] = [slice(None)] * t.dim()
    index[dim] = kept
    mask[tuple(index)] = 1
    return mask
