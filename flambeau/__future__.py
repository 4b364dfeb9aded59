"""``torch.__future__``: how moving and casting a module changes its parameters."""

from __future__ import annotations

_state = {"overwrite": False, "swap": False}


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Whether ``module.to(...)`` and its kin make new parameters instead of new data for them."""
    _state["overwrite"] = value


def get_overwrite_module_params_on_conversion() -> bool:
    """What ``set_overwrite_module_params_on_conversion`` was last told; False at first."""
    return _state["overwrite"]


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Whether ``module.to(...)`` and ``load_state_dict`` keep the parameters themselves, also on
    another kind of device; ``load_state_dict`` then asks ``Tensor.module_load`` for the values."""
    _state["swap"] = value


def get_swap_module_params_on_conversion() -> bool:
    """What ``set_swap_module_params_on_conversion`` was last told; False at first."""
    return _state["swap"]
