"""``GradScaler``: multiplies losses so that float16 gradients do not vanish, and backs off when
they overflow."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import Any

from flambeau import cuda
from flambeau.autograd.grad_mode import no_grad
from flambeau.core.dtype import float16, float32, int32
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import full

_NEEDS_SCALE = (
    "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the "
    "iteration."
)


class OptState(Enum):
    """What was done with an optimizer since the last ``update``."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _refresh_per_optimizer_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """Scales losses, undoes it before the optimizer's step, and skips steps that overflowed.

    The scale starts at ``init_scale``, is multiplied with ``backoff_factor`` after a step with
    infinite or NaN gradients, and with ``growth_factor`` after ``growth_interval`` steps in a row
    without. ``enabled=False`` makes every method a plain call. Raises AssertionError for a
    ``growth_factor`` of at most 1 or a ``backoff_factor`` of at least 1.

    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = torch.optim.SGD([weight], lr=0.5)
    >>> scaler = torch.amp.GradScaler("cpu")
    >>> scaler.scale(weight.sum()).backward()
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> weight.tolist(), scaler.get_scale()
    ([0.5, 0.5], 65536.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda" and not cuda.is_available():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        if not enabled:
            return
        assert growth_factor > 1.0, "The growth factor must be > 1.0."
        assert backoff_factor < 1.0, "The backoff factor must be < 1.0."
        self._init_scale = init_scale
        self._scale: Tensor | None = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker: Tensor | None = None
        self._per_optimizer_states = self._fresh_states()

    # ---- scaling

    def scale(self, outputs: Any) -> Any:
        """A tensor, or a tuple, list or other iterable of them, times the scale.

        Raises ValueError for anything else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            self._begin(outputs)
            return outputs * self._scale_on(outputs)  # type: ignore[operator]
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self._scale_inner, outputs)
        return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled  # type: ignore

    def _scale_inner(self, value: Any) -> Any:
        if not isinstance(value, Tensor | Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        return self.scale(value)

    def _begin(self, beside: Tensor) -> None:
        if self._scale is None:
            self._scale = full((), self._init_scale, dtype=float32, device=beside.device)
            self._growth_tracker = full(
                (), self._init_growth_tracker, dtype=int32, device=beside.device
            )

    def _scale_on(self, tensor: Tensor) -> Tensor:
        assert self._scale is not None
        return self._scale.to(tensor.device)  # type: ignore[attr-defined, no-any-return]

    def _checked(self, caller: str) -> tuple[Tensor, Tensor]:
        """The scale and the tracker, which must have been made by ``scale``."""
        for name in ("_scale", "_growth_tracker"):
            found = getattr(self, name)
            assert found is not None, f"Attempted {caller} but {name} is None.  {_NEEDS_SCALE}"
        return self._scale, self._growth_tracker  # type: ignore[return-value]

    # ---- unscaling and stepping

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of an optimizer by the scale, once between two updates.

        Raises RuntimeError if that was done already, and ValueError for float16 gradients.
        """
        if not self._enabled:
            return
        scale, _ = self._checked("unscale_")
        own = self._per_optimizer_states[id(optimizer)]
        if own["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if own["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = scale.double().reciprocal().float()  # type: ignore[attr-defined]
        own["found_inf_per_device"] = self._unscale_grads_(optimizer, inverse, False)
        own["stage"] = OptState.UNSCALED

    def _unscale_grads_(
        self, optimizer: Any, inv_scale: Tensor, allow_fp16: bool
    ) -> dict[Any, Tensor]:
        """Multiplies the gradients in place; for each device, 1.0 if one was not finite."""
        found: dict[Any, Tensor] = {}
        with no_grad():
            for parameter in [p for group in optimizer.param_groups for p in group["params"]]:
                grad = parameter.grad
                if grad is None:
                    continue
                if not allow_fp16 and grad.dtype is float16:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                bad = 1.0 - grad.isfinite().all().to(float32)
                found[grad.device] = (
                    bad.maximum(found[grad.device]) if grad.device in found else bad
                )
                grad.mul_(inv_scale.to(grad.device))  # type: ignore[attr-defined]
        return found

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args, **kwargs)`` on unscaled gradients, unless they overflowed.

        Raises RuntimeError for closures, and for a second step without ``update`` between.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._checked("step")
        own = self._per_optimizer_states[id(optimizer)]
        if own["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if own["stage"] is OptState.READY:
            self.unscale_(optimizer)
        assert own["found_inf_per_device"], "No inf checks were recorded for this optimizer."
        result = None
        if not any(bad.item() for bad in own["found_inf_per_device"].values()):
            result = optimizer.step(*args, **kwargs)
        own["stage"] = OptState.STEPPED
        return result

    # ---- the scale between steps

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapts the scale to what the steps since the last update found, or sets it."""
        if not self._enabled:
            return
        scale, tracker = self._checked("update")
        if new_scale is not None:
            self._set_scale(scale, new_scale)
        else:
            self._adapt(scale, tracker)
        self._per_optimizer_states = self._fresh_states()

    def _set_scale(self, scale: Tensor, new: float | Tensor) -> None:
        if isinstance(new, float):
            scale.fill_(new)  # type: ignore[attr-defined]
            return
        reason = (
            "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
            "torch.FloatTensor with requires_grad=False."
        )
        assert isinstance(new, Tensor) and new.dtype is float32, reason
        assert new.numel() == 1 and new.requires_grad is False, reason  # type: ignore[attr-defined]
        scale.copy_(new)  # type: ignore[attr-defined]

    def _adapt(self, scale: Tensor, tracker: Tensor) -> None:
        found = [
            bad
            for own in self._per_optimizer_states.values()
            for bad in own["found_inf_per_device"].values()
        ]
        assert found, "No inf checks were recorded prior to update."
        if any(bad.item() for bad in found):
            scale.mul_(self._backoff_factor)  # type: ignore[attr-defined]
            tracker.zero_()  # type: ignore[attr-defined]
            return
        tracker.add_(1)  # type: ignore[attr-defined]
        if tracker.item() == self._growth_interval:  # type: ignore[attr-defined]
            grown = scale * self._growth_factor  # type: ignore[operator]
            if grown.isfinite():
                scale.copy_(grown)  # type: ignore[attr-defined]
            tracker.zero_()  # type: ignore[attr-defined]

    @staticmethod
    def _fresh_states() -> defaultdict[int, dict[str, Any]]:
        return defaultdict(_refresh_per_optimizer_state)

    # ---- settings

    def get_scale(self) -> float:
        """The scale; 1.0 when disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()  # type: ignore

    def get_growth_factor(self) -> float:
        """What the scale is multiplied with after ``growth_interval`` good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Sets what :meth:`get_growth_factor` returns."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied with after an overflow."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Sets what :meth:`get_backoff_factor` returns."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Sets what :meth:`get_growth_interval` returns."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether this instance does anything."""
        return self._enabled

    # ---- state

    def _tracked(self) -> int:
        if self._growth_tracker is None:
            return self._init_growth_tracker
        return self._growth_tracker.item()  # type: ignore[attr-defined, no-any-return]

    def state_dict(self) -> dict[str, Any]:
        """The scale, the settings and the good steps so far, as numbers; empty when disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._tracked(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what :meth:`state_dict` returned; RuntimeError for an empty one."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)  # type: ignore[attr-defined]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(self._init_growth_tracker)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        own = self.__dict__.copy()
        if self._enabled:
            assert len(self._per_optimizer_states) == 0, (
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at "
                "the end after scaler.update()."
            )
            own |= {"_init_scale": self.get_scale(), "_init_growth_tracker": self._tracked()}
            own |= {"_scale": None, "_growth_tracker": None}
        return own

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        """For each device of an optimizer's gradients, 1.0 if one is not finite, else 0.0."""
        scale, _ = self._checked("_check_inf_per_device")
        found = self._unscale_grads_(optimizer, scale / scale, True)  # type: ignore[operator]
        self._per_optimizer_states[id(optimizer)]["found_inf_per_device"] = found
        return found

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]  # type: ignore
